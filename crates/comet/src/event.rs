//! What a session of the server's own code receives.
//!
//! The JSON of events becomes values here, as they come off the session's queue, in their order. What was missed stands
//! among them; which messages come at all is the engine's business.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bayeux::{Channel, Code, meta};
use comet_engine::{LocalEvent, LocalStream, Position};
use futures_util::Stream;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// One thing a session of the server's own code receives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A message.
    Message(Message),
    /// Messages are missing here.
    Gap(Gap),
}

/// A message, as every subscriber of its channel gets it.
#[derive(Clone, Debug)]
pub struct Message {
    /// The channel it was published on.
    pub channel: Channel,
    /// The data, raw JSON.
    pub data: Box<RawValue>,
    /// Its place in the channel; none when it was sent to this session alone.
    pub position: Option<Position>,
    /// Extension fields, raw JSON of an object.
    pub ext: Option<Box<RawValue>>,
}

impl Message {
    /// Reads a message from its event.
    pub(crate) fn read(event: &[u8], position: Option<Position>) -> Option<Message> {
        let Fields { channel, data, ext } = serde_json::from_slice(event).ok()?;
        Some(Message { channel: Channel::parse(&channel).ok()?, data: data?, position, ext })
    }

    /// Reads the data as a `T`.
    ///
    /// # Errors
    /// What does not fit.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data.get())
    }
}

/// Messages of a channel are missing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The channel, or a pattern where channels are missing that cannot be named.
    pub name: String,
    /// Where the channel stands: what comes follows from here. None where nothing is known but that something is missing.
    pub head: Option<Position>,
}

/// The events of one session, in order. Dropping it ends the session.
pub struct Events {
    stream: LocalStream,
    /// Gaps that were told together.
    gaps: VecDeque<Gap>,
}

impl Events {
    pub(crate) fn new(stream: LocalStream) -> Events {
        Events { stream, gaps: VecDeque::new() }
    }

    /// The next event; `None` when the session has ended and everything was taken. Nothing is lost when the future is
    /// dropped.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// Why the session has ended, if it has.
    pub fn ended(&self) -> Option<Code> {
        self.stream.ended()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(gap) = self.gaps.pop_front() {
                return Poll::Ready(Some(Event::Gap(gap)));
            }
            let Some(event) = ready!(self.stream.poll_next(context)) else { return Poll::Ready(None) };
            if let Some(event) = self.read(&event) {
                return Poll::Ready(Some(event));
            }
        }
    }

    /// What an event means; nothing for what no session of this kind has asked for.
    fn read(&mut self, event: &LocalEvent) -> Option<Event> {
        let (text, place) = match event {
            LocalEvent::Published(publication) => (&publication.event, Some(publication.position)),
            LocalEvent::Direct(text) => (text, None),
        };
        let Fields { channel, data, ext } = serde_json::from_slice(text).ok()?;
        if channel == meta::GAP {
            self.gaps.extend(gaps(&ext?));
            return None;
        }
        let channel = Channel::parse(&channel).ok()?;
        Some(Event::Message(Message { channel, data: data?, position: place, ext }))
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(context)
    }
}

#[derive(Deserialize)]
struct Fields {
    channel: String,
    data: Option<Box<RawValue>>,
    ext: Option<Box<RawValue>>,
}

/// A position as it stands in JSON.
#[derive(Deserialize)]
struct Place {
    epoch: String,
    offset: u64,
}

/// The gaps that the ext of an event or a reply tells, by name.
pub(crate) fn gaps(ext: &RawValue) -> Vec<Gap> {
    #[derive(Deserialize)]
    struct Ext {
        #[serde(default)]
        gaps: HashMap<String, Place>,
        #[serde(default)]
        dropped: HashMap<String, u64>,
    }
    let Ok(Ext { gaps, dropped }) = serde_json::from_str(ext.get()) else { return Vec::new() };
    let untold: Vec<_> = dropped.into_keys().filter(|name| !gaps.contains_key(name)).collect();
    let known = gaps
        .into_iter()
        .map(|(name, Place { epoch, offset })| Gap { head: Position::parse(&epoch, offset), name });
    let mut all: Vec<_> = known.chain(untold.into_iter().map(|name| Gap { name, head: None })).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}
