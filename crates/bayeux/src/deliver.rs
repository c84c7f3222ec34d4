//! How the messages of a channel come to a subscriber that is slower than they are.
//!
//! The words of it live here: what gives way when there are too many, how often something comes at most, and what a
//! subscriber asks for in `ext.deliver`. Channels have such manners from the configuration, subscribers choose others
//! within them; queues and times are not known here.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::code::Code;
use crate::error::Error;
use crate::json::write::Object;

/// The longest time between two deliveries that can be asked for, in milliseconds.
pub const MAX_PAUSE_MS: u64 = 60_000;

/// What gives way when messages come faster than they are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Slow {
    /// Nothing: the connection ends when it takes nothing, and the session is kept.
    #[default]
    Disconnect,
    /// The oldest message that waits.
    DropOldest,
    /// An older message with the same key; without a key, of the same channel.
    Conflate,
}

impl Slow {
    /// All of them.
    pub const ALL: [Slow; 3] = [Slow::Disconnect, Slow::DropOldest, Slow::Conflate];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Slow::Disconnect => "disconnect",
            Slow::DropOldest => "drop_oldest",
            Slow::Conflate => "conflate",
        }
    }

    /// What a word means.
    pub fn from_name(name: &str) -> Option<Slow> {
        Slow::ALL.into_iter().find(|slow| slow.name() == name)
    }
}

/// The manner in which the messages of a channel come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deliver {
    /// What gives way.
    pub slow: Slow,
    /// The newest comes at most this often, in milliseconds; 0 for as often as there is one.
    pub every_ms: u64,
    /// After a first message the others are gathered for so long, in milliseconds; 0 for not at all.
    pub batch_ms: u64,
}

impl Deliver {
    /// Whether every message is simply queued.
    pub fn is_plain(&self) -> bool {
        *self == Deliver::default()
    }

    /// Whether a message takes the place of an older one with its key.
    pub fn conflates(&self) -> bool {
        self.slow == Slow::Conflate || self.every_ms > 0
    }

    /// The time between two deliveries, in milliseconds.
    pub fn pause_ms(&self) -> u64 {
        self.every_ms.max(self.batch_ms)
    }

    /// What is in force when a subscriber asks for something else: nothing comes more often than the channel allows.
    #[must_use]
    pub fn with(self, wish: &DeliverRequest) -> Deliver {
        let every_ms = wish.every_ms.unwrap_or(0).max(self.every_ms);
        let batch_ms = wish.batch_ms.unwrap_or(0).max(self.batch_ms);
        let slow = if every_ms > 0 { Slow::Conflate } else { wish.slow.unwrap_or(self.slow) };
        Deliver { slow, every_ms, batch_ms }
    }

    /// Writes `{"slow":..,"every_ms":..,"batch_ms":..}`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        object.text("slow", self.slow.name());
        object.number("every_ms", self.every_ms);
        object.number("batch_ms", self.batch_ms);
        object.close();
    }
}

/// What a subscriber asks for; what it leaves out is as the channel has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliverRequest {
    /// What gives way.
    pub slow: Option<Slow>,
    /// See [`Deliver::every_ms`].
    pub every_ms: Option<u64>,
    /// See [`Deliver::batch_ms`].
    pub batch_ms: Option<u64>,
}

impl DeliverRequest {
    /// Whether everything is as the channel has it.
    pub fn is_empty(&self) -> bool {
        *self == DeliverRequest::default()
    }
}

#[derive(Deserialize)]
struct Ext<'a> {
    #[serde(borrow)]
    deliver: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Fields {
    slow: Option<Box<str>>,
    every_ms: Option<u64>,
    batch_ms: Option<u64>,
}

/// Reads what the `ext` of a subscribe asks for; `None` when it says nothing of it.
///
/// # Errors
///
/// `message_invalid` with the reason.
pub(crate) fn read(ext: Option<&RawValue>) -> Result<Option<DeliverRequest>, Error> {
    let Some(ext) = ext else { return Ok(None) };
    let invalid = |reason| Error::new(Code::MessageInvalid, reason);
    let ext: Ext<'_> = serde_json::from_str(ext.get()).map_err(|_| invalid("ext gives a field twice"))?;
    let Some(deliver) = ext.deliver else { return Ok(None) };
    let fields = deliver.get().starts_with('{').then(|| serde_json::from_str(deliver.get()).ok()).flatten();
    let Fields { slow, every_ms, batch_ms } =
        fields.ok_or_else(|| invalid("ext.deliver is no object, or a field of it is of the wrong type"))?;
    let slow = match slow {
        Some(name) => Some(
            Slow::from_name(&name).ok_or_else(|| invalid("ext.deliver.slow is none of the known words"))?,
        ),
        None => None,
    };
    if every_ms.into_iter().chain(batch_ms).any(|pause_ms| pause_ms > MAX_PAUSE_MS) {
        return Err(invalid("a time in ext.deliver is longer than 60000 ms"));
    }
    Ok(Some(DeliverRequest { slow, every_ms, batch_ms }))
}
