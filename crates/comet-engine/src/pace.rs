//! How the messages of its subscriptions come to one session, where that is not at once and all of them.
//!
//! What the client has wished for is kept here beside what waits; the rules of both are `bayeux`'s and `comet-bus`'s.
//! The shard puts messages in and takes them out when the wire can carry them.

use bayeux::{Channel, DeliverRequest, Millis};
use comet_bus::{ChannelTable, Pacing};

use crate::delivery::Shared;

/// Wishes by the names of subscriptions.
type Wishes = Vec<(Box<str>, DeliverRequest)>;

/// What waits for a session, and what it has wished for.
#[derive(Default)]
pub(crate) struct Pace {
    /// By the name of the subscription.
    pub(crate) wishes: Wishes,
    pub(crate) waiting: Pacing<Shared>,
    /// When the wheel looks next; 0 for never.
    pub(crate) armed: Millis,
}

impl Pace {
    /// Whether it can be forgotten.
    pub(crate) fn is_idle(&self) -> bool {
        self.wishes.is_empty() && self.waiting.is_idle()
    }

    /// The wish for a channel.
    pub(crate) fn wish(&self, channel: &Channel) -> Option<&DeliverRequest> {
        find(&self.wishes, channel)
    }

    /// The wishes are others now: so are the pauses of what waits.
    pub(crate) fn set_pauses(&mut self, table: &ChannelTable) {
        let wishes = &self.wishes;
        self.waiting
            .set_pauses(|channel| table.options(channel).deliver_to(find(wishes, channel)).pause_ms());
    }

    /// Sets or takes back the wish for a subscription.
    pub(crate) fn set_wish(&mut self, name: &str, wish: DeliverRequest) {
        self.wishes.retain(|(known, _)| **known != *name);
        if !wish.is_empty() {
            self.wishes.push((name.into(), wish));
        }
    }
}

/// The wish of the most specific subscription to a channel that has one.
fn find<'a>(wishes: &'a Wishes, channel: &Channel) -> Option<&'a DeliverRequest> {
    if wishes.is_empty() {
        return None;
    }
    let mut found = None;
    channel.matching_names(|name| {
        found = found.or_else(|| wishes.iter().find(|(known, _)| **known == *name));
    });
    found.map(|(_, wish)| wish)
}
