//! Which messages were published already, by the keys their publishers gave them.
//!
//! A window of keys, bounded in count and age; the oldest is forgotten first. The home asks before it numbers and notes
//! what it has numbered; a message without a key never comes here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::Position;

/// The keys of one home.
pub(crate) struct Idempotency {
    places: HashMap<Arc<str>, Position>,
    /// Oldest first, with the time of each.
    order: VecDeque<(u64, Arc<str>)>,
    capacity: usize,
    age_ms: u64,
    /// The latest time it was given: should the caller's clock be set back, ages still come in order.
    now_ms: u64,
}

impl Idempotency {
    pub(crate) fn new(capacity: usize, age_ms: u64) -> Idempotency {
        Idempotency { places: HashMap::new(), order: VecDeque::new(), capacity, age_ms, now_ms: 0 }
    }

    /// Where the message with this key of this channel was published, if that is remembered.
    pub(crate) fn place(&mut self, channel: &str, key: &str, now_ms: u64) -> Option<Position> {
        self.now_ms = self.now_ms.max(now_ms);
        while let Some((at_ms, _)) = self.order.front()
            && at_ms.saturating_add(self.age_ms) <= self.now_ms
        {
            self.forget_oldest();
        }
        self.places.get(name(channel, key).as_str()).copied()
    }

    /// Remembers where a message was published whose key has no place yet.
    pub(crate) fn remember(&mut self, channel: &str, key: &str, position: Position) {
        if self.capacity == 0 {
            return;
        }
        while self.order.len() >= self.capacity {
            self.forget_oldest();
        }
        let name: Arc<str> = name(channel, key).into();
        self.places.insert(name.clone(), position);
        self.order.push_back((self.now_ms, name));
    }

    /// Remembers a message of an earlier process, at the time it was published; older ones come first.
    pub(crate) fn restore(&mut self, channel: &str, key: &str, position: Position, at_ms: u64) {
        self.now_ms = self.now_ms.max(at_ms);
        // A key that had been forgotten may have been used again: the later place counts.
        if let Some(place) = self.places.get_mut(name(channel, key).as_str()) {
            *place = position;
        } else {
            self.remember(channel, key, position);
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, name)) = self.order.pop_front() else { return };
        self.places.remove(&name);
        if self.order.len() * 4 < self.order.capacity() {
            self.order.shrink_to(self.order.len() * 2);
            self.places.shrink_to(self.order.len() * 2);
        }
    }

    /// How many keys are remembered.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
}

/// One name for both; no channel holds a line break.
pub(crate) fn name(channel: &str, key: &str) -> String {
    format!("{channel}\n{key}")
}
