//! The session: the one place that retries.
//!
//! It opens a wire, shakes hands, keeps the connect loop going and finds its way back when something breaks.
//! Commands come from clients, messages from the wire; answers go back to callers, events to mailboxes. What
//! wires are made of is not known here.

mod again;
mod arrival;
mod backoff;
mod interest;
mod listener;
mod live;
mod moment;
mod pace;
mod pending;
mod preference;
mod switching;
mod tally;
mod trail;

use std::time::Duration;

use bayeux::{Channel, Pattern};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::address::Address;
use crate::builder::{Options, Transport};
use crate::mailbox::Mailbox;
use crate::message::{Advice, Ext, Incoming, Outgoing, Received, Reconnect};
use crate::position::SinceRequest;
use crate::wire::{Arrival, Lane, Wire};
use crate::{Deliver, Error, State, random};

use again::Again;
use backoff::Backoff;
use interest::Interests;
use pending::{Pending, Waiting};
use preference::Preference;
use switching::Switching;
use tally::Tally;

pub(crate) use pending::Publishing;

/// Clients that a stopping server sends away together come back spread over this time.
const CROWD: Duration = Duration::from_secs(5);
/// Close code of a server that stops.
const RESTARTING: u16 = 1012;

/// What a client asks of its session.
pub(crate) enum Command {
    /// Publish, and tell when it is accepted.
    Publish(Box<Publishing>),
    /// Call a service, and give its answer.
    Call { channel: Channel, data: Box<RawValue>, answer: oneshot::Sender<Result<Box<RawValue>, Error>> },
    /// Put what comes on the pattern into the mailbox.
    Subscribe {
        number: u64,
        pattern: Pattern,
        since: Option<SinceRequest>,
        deliver: Option<Deliver>,
        mailbox: Mailbox,
        answer: oneshot::Sender<Result<(), Error>>,
    },
    /// No more of that.
    Unsubscribe { number: u64 },
    /// Go on by this kind of wire, and tell when the session lives on it.
    Switch { transport: Transport, answer: oneshot::Sender<Result<(), Error>> },
}

/// One client's session, from the first handshake to the end.
pub(crate) struct Session {
    address: Address,
    options: Options,
    commands: mpsc::Receiver<Command>,
    stop: watch::Receiver<bool>,
    state: watch::Sender<State>,
    first: Option<oneshot::Sender<Result<(), Error>>>,
    interests: Interests,
    again: Again,
    pending: Pending,
    client_id: Option<String>,
    /// The count of events, in a session that counts them.
    tally: Option<Tally>,
    /// Connects of this session; the server tells old ones from new ones by it.
    connects: u64,
    /// The last connect: its number among the requests, and how much the session had accepted before it left.
    last_connect: (u64, u64),
    /// How far the server's clock is ahead of ours at most, in milliseconds, as it has told last.
    ahead: Option<i64>,
    began: Instant,
    switching: Option<Switching>,
    advice: Advice,
    backoff: Backoff,
    preference: Preference,
}

/// How a stretch of the session ends.
enum Outcome {
    /// Something broke; the session may live on at the server.
    Broken(Error),
    /// The server does not know the session any more.
    Forgotten,
    /// The session goes on by another wire, because somebody wants that.
    Switch,
    /// For good; the reason unless it was asked to.
    Over(Option<Error>),
}

impl Session {
    pub(crate) fn new(
        address: Address,
        options: Options,
        commands: mpsc::Receiver<Command>,
        stop: watch::Receiver<bool>,
        state: watch::Sender<State>,
        first: oneshot::Sender<Result<(), Error>>,
    ) -> Session {
        Session {
            address,
            preference: Preference::new(options.transport),
            options,
            commands,
            stop,
            state,
            first: Some(first),
            interests: Interests::default(),
            again: Again::default(),
            pending: Pending::default(),
            client_id: None,
            tally: None,
            connects: 0,
            last_connect: (0, 0),
            ahead: None,
            began: Instant::now(),
            switching: None,
            advice: Advice::default(),
            backoff: Backoff::default(),
        }
    }

    /// Runs until the session is over.
    pub(crate) async fn run(mut self) {
        let reason = loop {
            let outcome = self.stretch().await;
            let now = Instant::now();
            self.on_switching_ended(&outcome);
            let mut rest = match outcome {
                Outcome::Over(reason) => break reason,
                Outcome::Switch => continue,
                Outcome::Forgotten => {
                    self.forget();
                    self.backoff.next(now)
                }
                Outcome::Broken(error) if self.first.is_some() => break Some(error),
                Outcome::Broken(Error::Closed { code: RESTARTING, .. }) => random::up_to(CROWD),
                Outcome::Broken(_) => self.backoff.next(now),
            };
            // Nobody is left who could want anything.
            if self.commands.is_closed() && self.commands.is_empty() {
                break None;
            }
            self.state.send_replace(State::Connecting);
            rest = rest.max(self.advice.interval);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = stopped(self.stop.clone()) => break None,
            }
        };
        self.end(reason).await;
    }

    /// From a new wire to its loss.
    async fn stretch(&mut self) -> Outcome {
        let stop = self.stop.clone();
        let opened = tokio::select! {
            opened = self.begin() => opened,
            () = stopped(stop) => return Outcome::Over(None),
        };
        match opened {
            Ok(wire) => {
                self.state.send_replace(State::Connected { connection_type: wire.connection_type() });
                if let Some(first) = self.first.take() {
                    // A caller that has given up drops its client, and that ends the session.
                    let _ = first.send(Ok(()));
                }
                let outcome = self.live(wire).await;
                self.pending.lose(self.tally.is_some());
                // What a session that counts has lost comes again.
                if self.tally.is_none() && !matches!(outcome, Outcome::Over(_)) {
                    self.interests.interrupted();
                }
                outcome
            }
            Err(outcome) => outcome,
        }
    }

    /// Opens a wire, and a session if there is none.
    async fn begin(&mut self) -> Result<Wire, Outcome> {
        let mut wire = self.open().await.map_err(Outcome::Broken)?;
        if self.client_id.is_none() {
            let greeted = timeout(self.options.network_delay, self.greet(&mut wire)).await;
            let greeted = greeted.unwrap_or(Err(Outcome::Broken(Error::TimedOut)));
            if let Err(Outcome::Broken(error)) = &greeted
                && wire.is_websocket()
                && !matches!(error, Error::Refused { .. })
            {
                // A wire that opens and carries nothing is worse than one that does not open. One that carries
                // a refusal works.
                self.preference.on_failed(error, Instant::now());
            }
            greeted?;
        }
        if wire.is_websocket() {
            self.preference.on_worked();
        }
        Ok(wire)
    }

    /// The server does not know the session any more: the next thing is a handshake.
    fn forget(&mut self) {
        self.client_id = None;
        self.interests.on_forgotten();
    }

    async fn open(&mut self) -> Result<Wire, Error> {
        let new_session = self.client_id.is_none();
        if self.preference.is_websocket(new_session, Instant::now()) {
            let opening = Wire::websocket(&self.address, &self.options);
            match timeout(self.options.network_delay, opening).await.unwrap_or(Err(Error::TimedOut)) {
                Ok(wire) => return Ok(wire),
                // A server that is not there is there by no other wire either.
                Err(error @ Error::Unreachable(_)) => return Err(error),
                Err(error) if !self.preference.may_fall_back() => return Err(error),
                Err(error) => {
                    let now = Instant::now();
                    self.preference.on_failed(&error, now);
                    // Who waits for the first session gets one by whatever wire; later there is time to try again.
                    if self.first.is_none() && self.preference.is_websocket(new_session, now) {
                        return Err(error);
                    }
                }
            }
        }
        Ok(Wire::long_polling(&self.address, &self.options))
    }

    /// Shakes hands.
    async fn greet(&mut self, wire: &mut Wire) -> Result<(), Outcome> {
        let id = self.pending.number();
        let message = Outgoing {
            id: id.to_string(),
            channel: bayeux::meta::HANDSHAKE,
            version: Some("1.0"),
            supported_connection_types: Some(&["websocket", "long-polling"]),
            ext: Some(Ext {
                token: self.options.token.as_deref(),
                received: Some(Received::WillCount(true)),
                ..Ext::default()
            }),
            ..Outgoing::default()
        };
        wire.send(Lane::Command, id, message.json()).map_err(Outcome::Broken)?;
        loop {
            let batch = match wire.next().await {
                Arrival::Batch(batch) => batch,
                Arrival::Unanswered { error, .. } | Arrival::Lost(error) => {
                    return Err(Outcome::Broken(error));
                }
            };
            let answers = |message: &&Incoming| message.channel == bayeux::meta::HANDSHAKE;
            if let Some(reply) = batch.iter().find(answers) {
                return self.on_greeted(reply);
            }
        }
    }

    fn on_greeted(&mut self, reply: &Incoming) -> Result<(), Outcome> {
        self.advice = Advice::default();
        if let Some(fields) = &reply.advice {
            self.advice.follow(fields);
        }
        match &reply.client_id {
            Some(client_id) if reply.successful == Some(true) => {
                self.client_id = Some(client_id.clone());
                self.tally = (reply.ext().received == Some(true)).then(Tally::default);
                self.connects = 0;
                Ok(())
            }
            _ => {
                let error = Error::refused(reply.error.as_deref());
                let advised = reply.advice.is_some() && self.advice.reconnect != Reconnect::Never;
                Err(if advised { Outcome::Broken(error) } else { Outcome::Over(Some(error)) })
            }
        }
    }

    /// Tells everyone that it is over.
    async fn end(mut self, reason: Option<Error>) {
        let error = reason.clone().unwrap_or(Error::Ended);
        self.pending.end();
        self.interests.end(&reason);
        if let Some(switching) = self.switching.take() {
            switching.tell(Err(error.clone()));
        }
        if let Some(first) = self.first.take() {
            let _ = first.send(Err(error));
        }
        self.commands.close();
        // What waits in there is dropped, and with it everyone's way to an answer.
        while self.commands.recv().await.is_some() {}
        self.state.send_replace(State::Ended(reason));
    }
}

/// Waits until somebody asks to stop.
async fn stopped(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
