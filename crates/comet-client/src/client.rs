//! A client: what a program holds and calls.
//!
//! Calls become commands to the session, which runs as a task of its own; here they are checked, sent and
//! waited for.

use bayeux::{Channel, Kind, Pattern};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

use crate::address::Address;
use crate::builder::Transport;
use crate::builder::{Builder, Options};
use crate::mailbox::Mailbox;
use crate::session::{Command, Publishing, Session};
use crate::{Error, Listening, Publication, Published, Since, Subscription, random};

/// Commands that wait for the session; further callers wait for room.
const COMMANDS: usize = 256;

/// How a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// On its way to a session, for the first time or again.
    Connecting,
    /// In a session, on this kind of wire.
    Connected {
        /// The kind of wire by its protocol name.
        connection_type: &'static str,
    },
    /// Ended for good; the reason unless it was asked to.
    Ended(Option<Error>),
}

/// One client: a session with a server, which finds its own way back. See [`Client::builder`]. Cheap to clone; the session ends when the last clone and the last subscription are gone.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<State>,
    stop: Arc<watch::Sender<bool>>,
    numbers: Arc<AtomicU64>,
    /// What the keys of this client begin with.
    keys: Arc<str>,
    patience: Duration,
    queue: usize,
}

impl Client {
    /// Begins to connect to a server: `http://host:port`, with the path of its transports when that is not
    /// `/cometd`. Nothing is checked or sent before [`Builder::connect`].
    pub fn builder(address: impl Into<String>) -> Builder {
        Builder::new(address)
    }

    /// Starts a session and waits for its first handshake.
    pub(crate) async fn start(address: Address, options: Options) -> Result<Client, Error> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (told, state) = watch::channel(State::Connecting);
        let (stop, stopped) = watch::channel(false);
        let (first, greeted) = oneshot::channel();
        let (patience, queue) = (options.patience, options.queue);
        let session = Session::new(address, options, inbox, stopped, told, first);
        tokio::spawn(session.run());
        greeted.await.unwrap_or(Err(Error::Ended))?;
        let keys = format!("{:032x}", u128::from_be_bytes(random::bytes())).into();
        Ok(Client { commands, state, stop: Arc::new(stop), numbers: Arc::default(), keys, patience, queue })
    }

    /// Listens to a channel or pattern. A pattern under `/service/` gets what the server sends to this client
    /// alone, without asking the server for it.
    ///
    /// What comes, comes in the order of its channel and once, whatever happens to the connection; what is lost for
    /// good is told as a [`Gap`](crate::Gap) in its place.
    ///
    /// # Errors
    /// [`Error::Name`] when the name is none, [`Error::Refused`] when the server refuses, [`Error::TooMany`] when there are
    /// 1,024 subscriptions, [`Error::TimedOut`] when no answer came in time.
    pub async fn subscribe(&self, pattern: &str) -> Result<Subscription, Error> {
        self.subscribe_with(pattern, Listening::new()).await
    }

    /// Listens as [`Client::subscribe`] does, and begins in the past. What the server no longer remembers is told as a
    /// gap. Another subscription of this client that has not heard a message of the channel yet may hear of its past
    /// too.
    ///
    /// # Errors
    /// As [`Client::subscribe`]; the server refuses a position or a number for a pattern with `message_invalid`.
    pub async fn subscribe_since(&self, pattern: &str, since: Since) -> Result<Subscription, Error> {
        self.subscribe_with(pattern, Listening::new().since(since)).await
    }

    /// Listens as [`Client::subscribe`] does, from where and in the manner that `listening` says. The server has one manner
    /// for each channel or pattern of a client: the subscription that says one last decides for all of the same name, and
    /// for as long as one of them lives. What gave way is told as [`Gap::Thinned`](crate::Gap::Thinned).
    ///
    /// ```no_run
    /// # async fn run(client: comet_client::Client) -> Result<(), comet_client::Error> {
    /// use std::time::Duration;
    ///
    /// use comet_client::{Deliver, Listening, Since};
    ///
    /// let manner = Deliver::new().every(Duration::from_millis(200));
    /// let mut ticks = client.subscribe_with("/ticker/*", Listening::new().deliver(manner)).await?;
    /// let news = Listening::new().since(Since::Ago(Duration::from_secs(600)));
    /// let mut news = client.subscribe_with("/news", news).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::subscribe_since`]; [`Error::Manner`] for a pause above a minute.
    pub async fn subscribe_with(&self, pattern: &str, listening: Listening) -> Result<Subscription, Error> {
        listening.check()?;
        let Listening { since, deliver } = listening;
        let wrong = |why: &dyn ToString| Error::Name { name: pattern.into(), why: why.to_string() };
        let parsed = Pattern::parse(pattern).map_err(|error| wrong(&error))?;
        if parsed.kind() == Kind::Meta {
            return Err(wrong(&"it belongs to the protocol"));
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mailbox = Mailbox::new(self.queue);
        // Made before it is confirmed: when the caller gives up waiting, its drop unsubscribes.
        let subscription = Subscription {
            number,
            pattern: parsed.clone(),
            mailbox: mailbox.clone(),
            commands: self.commands.clone(),
        };
        let since = since.map(|since| since.request());
        self.ask(|answer| Command::Subscribe { number, pattern: parsed, since, deliver, mailbox, answer })
            .await?;
        Ok(subscription)
    }

    /// Publishes on a channel and waits until the server has accepted it. What is lost on the way is sent again under
    /// a key of its own, so that it is published once.
    ///
    /// # Errors
    /// [`Error::Name`] and [`Error::Data`] when there is nothing to publish, [`Error::Refused`] when the server refuses. After
    /// [`Error::Lost`] and [`Error::TimedOut`] it may have been published or not: no answer came in time, or the machine has slept
    /// so long meanwhile that the server may have forgotten the key.
    pub async fn publish<T: Serialize + ?Sized>(&self, channel: &str, data: &T) -> Result<Published, Error> {
        self.publish_with(channel, data, Publication::new()).await
    }

    /// Publishes like [`Client::publish`], but once, however often it is called with the same `key` of 1 to 64 bytes:
    /// as long as the server remembers the key, further calls return the place of the first. For programs that may
    /// say the same thing again after they were started anew.
    ///
    /// # Errors
    /// As [`Client::publish`]; after [`Error::Lost`] and [`Error::TimedOut`] the same call is safe to repeat.
    pub async fn publish_once<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        key: &str,
    ) -> Result<Published, Error> {
        self.publish_with(channel, data, Publication::new().key(key)).await
    }

    /// Publishes like [`Client::publish`], with more to say about it.
    ///
    /// ```no_run
    /// # async fn run(client: comet_client::Client) -> Result<(), comet_client::Error> {
    /// use std::time::Duration;
    ///
    /// use comet_client::Publication;
    ///
    /// let publication = Publication::new().conflate("gold").expires(Duration::from_secs(5)).without_echo();
    /// let published = client.publish_with("/ticker/metals", &2391.4, publication).await?;
    /// println!("it stands at {:?} and is kept in {:?}", published.position, published.durability);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::publish`].
    pub async fn publish_with<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        publication: Publication,
    ) -> Result<Published, Error> {
        let channel = named(channel, Kind::Broadcast)?;
        let data = raw(data)?;
        let Publication { key, conflate, without_echo, expires_ms } = publication;
        let number = || self.numbers.fetch_add(1, Ordering::Relaxed);
        let key = key.unwrap_or_else(|| format!("{}-{}", self.keys, number()));
        let publishing = |answer| Publishing {
            channel,
            data,
            key,
            conflate,
            without_echo,
            expires_ms,
            answer,
            first_sent: None,
            refused: 0,
        };
        self.ask(|answer| Command::Publish(Box::new(publishing(answer)))).await
    }

    /// Moves the session to another kind of wire, and waits until it lives there. Nothing is lost, repeated or put out
    /// of order by it; requests on their way are waited for.
    ///
    /// # Errors
    /// Those of opening such a wire, when the session cannot live on it: then it goes on as before.
    pub async fn switch_to(&self, transport: Transport) -> Result<(), Error> {
        self.ask(|answer| Command::Switch { transport, answer }).await
    }

    /// Calls a service and waits for its answer. A service that answers nothing ends in [`Error::TimedOut`].
    ///
    /// ```no_run
    /// # async fn run(client: comet_client::Client) -> Result<(), comet_client::Error> {
    /// let answer = client.call("/service/orders", &["tea", "milk"]).await?;
    /// println!("{}", answer.get());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Name`] when it is no service channel, [`Error::Refused`] when the server or the service refuses,
    /// [`Error::Lost`] and [`Error::TimedOut`] when no answer came: then it may have been called or not.
    pub async fn call<T: Serialize + ?Sized>(&self, service: &str, data: &T) -> Result<Box<RawValue>, Error> {
        let channel = named(service, Kind::Service)?;
        let data = raw(data)?;
        self.ask(|answer| Command::Call { channel, data, answer }).await
    }

    /// How the client is, now and whenever that changes.
    ///
    /// ```no_run
    /// # async fn run(client: comet_client::Client) {
    /// use comet_client::State;
    ///
    /// let mut state = client.state();
    /// while state.changed().await.is_ok() {
    ///     match &*state.borrow() {
    ///         State::Connecting => println!("on its way"),
    ///         State::Connected { connection_type } => println!("connected by {connection_type}"),
    ///         State::Ended(reason) => println!("over: {reason:?}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Ends the session and waits until the server knows, or cannot be told within two seconds.
    pub async fn disconnect(&self) {
        self.stop.send_replace(true);
        let mut state = self.state.clone();
        // The session's task is gone when the other end is: that is an end too.
        let _ = state.wait_for(|state| matches!(state, State::Ended(_))).await;
    }

    async fn ask<R>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<R, Error>>) -> Command,
    ) -> Result<R, Error> {
        let (sender, receiver) = oneshot::channel();
        let asking = async {
            self.commands.send(command(sender)).await.map_err(|_| Error::Ended)?;
            receiver.await.unwrap_or(Err(Error::Ended))
        };
        tokio::time::timeout(self.patience, asking).await.unwrap_or(Err(Error::TimedOut))
    }
}

fn named(name: &str, kind: Kind) -> Result<Channel, Error> {
    let wrong = |why: String| Error::Name { name: name.into(), why };
    let channel = Channel::parse(name).map_err(|error| wrong(error.to_string()))?;
    if channel.kind() == kind {
        return Ok(channel);
    }
    Err(wrong(match kind {
        Kind::Service => "services are below /service/".into(),
        _ => "it is not a channel for everyone".into(),
    }))
}

fn raw<T: Serialize + ?Sized>(data: &T) -> Result<Box<RawValue>, Error> {
    serde_json::value::to_raw_value(data).map_err(|error| Error::Data(error.to_string()))
}
