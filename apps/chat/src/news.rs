//! What is published and answered.
//!
//! The shapes the page reads. News of one topic are numbered without a gap, and every snapshot carries the number
//! of the last news it includes: whoever has both knows what to skip and when something is missing.

use serde::Serialize;

use crate::name::{MemberName, RoomName};
use crate::request::Key;
use crate::text::Text;

/// Something to publish.
#[derive(Debug)]
pub(crate) struct News {
    /// The room it happened in; none for the list of rooms.
    pub(crate) room: Option<RoomName>,
    pub(crate) event: Event,
}

impl News {
    /// The channel it is published on.
    pub(crate) fn channel(&self) -> String {
        match &self.room {
            Some(room) => format!("/chat/{}", room.as_str()),
            None => "/chat".into(),
        }
    }
}

/// An event with its number in its topic.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Event {
    pub(crate) number: u64,
    #[serde(flatten)]
    pub(crate) change: Change,
}

/// What changed.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Change {
    /// Somebody came.
    Joined { member: Person },
    /// Somebody went.
    Left { member: Person },
    /// Somebody said something.
    Said { message: Message },
    /// Somebody writes, or has stopped.
    Typing { member: Person, typing: bool },
    /// A room has appeared, disappeared, or has another number of people.
    Room { room: RoomEntry },
}

/// A member as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Person {
    /// Tells the members of a room apart; not given twice.
    pub(crate) id: u32,
    pub(crate) name: MemberName,
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    /// The number of the event that carried it.
    pub(crate) number: u64,
    pub(crate) from: Person,
    pub(crate) text: Text,
    pub(crate) key: Key,
    /// When, in milliseconds since 1970.
    pub(crate) at_ms: u64,
}

/// A room in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RoomEntry {
    pub(crate) name: RoomName,
    pub(crate) people: usize,
    /// Listed also when nobody is there.
    pub(crate) fixed: bool,
}

/// A room as somebody finds it on joining.
#[derive(Debug, Serialize)]
pub(crate) struct Snapshot {
    /// Who the caller is.
    pub(crate) you: Person,
    /// Changes when a room is made anew: then nothing seen before counts.
    pub(crate) epoch: u64,
    pub(crate) number: u64,
    pub(crate) roster: Vec<Person>,
    /// What was said last, oldest first.
    pub(crate) recent: Vec<Message>,
    /// The number of the last message that is not kept any more; 0 for none.
    pub(crate) forgotten: u64,
}

/// The list of rooms.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RoomList {
    pub(crate) number: u64,
    pub(crate) list: Vec<RoomEntry>,
}

/// The answer to a message.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Said {
    pub(crate) number: u64,
}
