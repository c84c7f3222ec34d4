//! Sessions of the server's own code: it listens, publishes and calls services as somebody.
//!
//! A [`LocalSession`] says what its session does, its [`Events`] are what comes. No policy and no authorizer is asked,
//! for it is the program itself that acts; the delivery and its bounds are those of any session.

use std::sync::Arc;

use bayeux::{Channel, Code, Kind, Pattern, SinceRequest};
use comet_engine::{Accepted, Handle, Identity, Position, PublishOptions, Who};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::{Events, Gap, gaps};
use crate::publisher::{PublishError, checked, named, raw};
use crate::service::Services;
use crate::{Call, Client, Refusal};

/// A session of the server's own code. Cheap to clone; it lives as long as its [`Events`]. See
/// [`Comet::session`](crate::Comet::session).
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use comet::{Comet, Event, Identity, Since};
///
/// let comet = Comet::builder().listen(([127, 0, 0, 1], 0)).build()?;
/// comet.publisher().publish("/chat/lobby", "hello").await?;
///
/// let robot = Identity { subject: "robot".into(), ..Identity::default() };
/// let (robot, mut events) = comet.session(robot).await?;
/// let gaps = robot.subscribe_since("/chat/lobby", Since::Last(10)).await?;
/// assert!(gaps.is_empty());
/// match events.next().await {
///     Some(Event::Message(message)) => {
///         assert_eq!(message.data::<String>()?, "hello");
///         robot.publish_to_others("/chat/lobby", "hello yourself").await?;
///     }
///     other => panic!("{other:?}"),
/// }
/// robot.close();
/// assert!(events.next().await.is_none());
/// comet.drain().await;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct LocalSession {
    who: Arc<Who>,
    handle: Handle,
    services: Services,
}

/// From where on a session wants what is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// What came after this message of the channel.
    Position(Position),
    /// What was published later than this, in unix milliseconds.
    Time(u64),
    /// The newest so many.
    Last(usize),
    /// Of the channels of a pattern: what came after these messages, and on every other channel later than the time.
    Positions {
        /// For channels that are not among the positions, in unix milliseconds.
        time_ms: u64,
        /// Where the session stands, each channel once.
        positions: Vec<(Channel, Position)>,
    },
}

impl LocalSession {
    pub(crate) async fn open(
        handle: Handle,
        services: Services,
        identity: Identity,
    ) -> Result<(LocalSession, Events), Refusal> {
        let opened = handle.open_local(identity).await;
        let (who, stream) = opened.map_err(|code| Refusal::new(code, code.description()))?;
        Ok((LocalSession { who, handle, services }, Events::new(stream)))
    }

    /// The session as policies and services see it.
    pub fn client(&self) -> Client {
        Client::new(self.who.clone(), self.handle.clone())
    }

    /// Listens to a channel or pattern: what is published after this comes.
    ///
    /// # Errors
    /// `subscription_invalid` when the name is none that is published on, `subscriptions_too_many`, `session_unknown`
    /// when the session has ended, `draining` when the server stops.
    pub async fn subscribe(&self, name: &str) -> Result<(), Refusal> {
        self.ask(name, None).await.map(|_| ())
    }

    /// Listens to a channel or pattern, and asks for what is remembered since then. That comes before everything newer,
    /// all of a channel or nothing; channels of which something is missing are returned, and stand as gaps among the
    /// events.
    ///
    /// # Errors
    /// As [`LocalSession::subscribe`]; `message_invalid` when a position or count is asked of a pattern.
    pub async fn subscribe_since(&self, name: &str, since: Since) -> Result<Vec<Gap>, Refusal> {
        self.ask(name, Some(since.request())).await
    }

    async fn ask(&self, name: &str, since: Option<SinceRequest>) -> Result<Vec<Gap>, Refusal> {
        let pattern = subscribable(name)?;
        let asked = self.handle.subscribe_local(&self.who, vec![pattern], since).await;
        let reply = asked.map_err(|code| Refusal::new(code, code.description()))?;
        if let Err(error) = &reply.outcome {
            return Err(Refusal::new(error.code, error.args()));
        }
        #[derive(serde::Deserialize)]
        struct Fields {
            ext: Option<Box<RawValue>>,
        }
        let mut text = Vec::new();
        reply.write(&mut text);
        let fields: Option<Fields> = serde_json::from_slice(&text).ok();
        Ok(fields.and_then(|fields| fields.ext).map(|ext| gaps(&ext)).unwrap_or_default())
    }

    /// Ends a subscription. What is queued already still comes.
    ///
    /// # Errors
    /// `subscription_invalid` when the name is none.
    pub fn unsubscribe(&self, name: &str) -> Result<(), Refusal> {
        self.handle.unsubscribe_local(&self.who, subscribable(name)?);
        Ok(())
    }

    /// Publishes `data` on `channel` as this session, which hears itself if it listens there. On channels with the
    /// option `identity` its receivers are told who it is.
    ///
    /// # Errors
    /// [`PublishError`] says why nothing was published.
    pub async fn publish<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
    ) -> Result<Accepted, PublishError> {
        self.publish_with(channel, data, PublishOptions::default()).await
    }

    /// Publishes like [`LocalSession::publish`], as the options say.
    ///
    /// # Errors
    /// [`PublishError`] says why nothing was published.
    pub async fn publish_with<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        options: PublishOptions,
    ) -> Result<Accepted, PublishError> {
        self.send(channel, data, options, true).await
    }

    /// Publishes like [`LocalSession::publish`], for all others.
    ///
    /// # Errors
    /// [`PublishError`] says why nothing was published.
    pub async fn publish_to_others<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
    ) -> Result<Accepted, PublishError> {
        self.send(channel, data, PublishOptions::default(), false).await
    }

    async fn send<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        options: PublishOptions,
        echo: bool,
    ) -> Result<Accepted, PublishError> {
        let (channel, data) = (named(channel)?, raw(data)?);
        let options = checked(options)?;
        let published = self.handle.publish_as(&self.who, channel, data, options, echo).await;
        published.map_err(PublishError::Refused)
    }

    /// Calls a service of this server and waits for its answer; `None` when it answers nothing. The service has as much
    /// time as for every caller.
    ///
    /// # Errors
    /// The service's refusal; `service_unknown` when there is none on this channel, `service_timeout` when it took too
    /// long, `session_unknown` when the session has ended.
    pub async fn call<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
    ) -> Result<Option<Box<RawValue>>, Refusal> {
        let unknown = || Refusal::new(Code::ServiceUnknown, channel);
        let name = Channel::parse(channel).map_err(|_| unknown())?;
        if !self.services.serves(&name) {
            return Err(unknown());
        }
        if self.who.has_ended() {
            return Err(Refusal::new(Code::SessionUnknown, Code::SessionUnknown.description()));
        }
        let data = serde_json::value::to_raw_value(data)
            .map_err(|error| Refusal::new(Code::JsonInvalid, error.to_string()))?;
        let call = Call { client: self.client(), channel: name, data, ext: None };
        let answer = self.services.run(call).await.map(|(answer, _)| answer);
        answer.transpose().map_err(|error| Refusal::new(error.code, error.args()))
    }

    /// Ends the session; its events end when those that wait have been taken.
    pub fn close(&self) {
        self.handle.end_session(&self.who, Code::Disconnected);
    }
}

impl Since {
    /// What it means for one channel.
    pub(crate) fn of(self, channel: &Channel) -> comet_engine::Since {
        match self {
            Since::Position(position) => comet_engine::Since::Position(position),
            Since::Time(time_ms) => comet_engine::Since::Time(time_ms),
            Since::Last(count) => comet_engine::Since::Last(count),
            Since::Positions { time_ms, positions } => {
                let known = positions.into_iter().find(|(name, _)| name == channel);
                known.map_or(comet_engine::Since::Time(time_ms), |(_, at)| comet_engine::Since::Position(at))
            }
        }
    }

    fn request(self) -> SinceRequest {
        let written = |position: Position| bayeux::Position {
            epoch: format!("{:x}", position.epoch).into(),
            offset: position.offset,
        };
        match self {
            Since::Position(position) => SinceRequest::One(bayeux::Since::Position(written(position))),
            Since::Time(time_ms) => SinceRequest::One(bayeux::Since::Time(time_ms)),
            Since::Last(count) => SinceRequest::One(bayeux::Since::Last(count as u64)),
            Since::Positions { time_ms, positions } => SinceRequest::Pattern {
                time_ms,
                positions: positions.into_iter().map(|(channel, at)| (channel, written(at))).collect(),
            },
        }
    }
}

fn subscribable(name: &str) -> Result<Pattern, Refusal> {
    let invalid = |why: String| Refusal::new(Code::SubscriptionInvalid, why);
    match Pattern::parse(name) {
        Ok(pattern) if pattern.kind() == Kind::Broadcast => Ok(pattern),
        Ok(_) => Err(invalid(format!("nothing is published on {name}"))),
        Err(error) => Err(invalid(format!("{name:?}: {error}"))),
    }
}
