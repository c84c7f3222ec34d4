//! What a scripted subscriber remembers of what it received.
//!
//! The count of its session, which is what it tells the server; the last position of each channel and the time up to
//! which it has everything, from which it goes on in a new session. Messages come in parsed; when to say what is the
//! session's business.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What was received.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Events of this session.
    received: u64,
    /// The count the server was told last.
    confirmed: u64,
    /// Everything older was sent before, in unix milliseconds of the server.
    time_ms: Option<u64>,
    positions: BTreeMap<String, Position>,
}

/// A place in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    epoch: String,
    offset: u64,
}

impl Position {
    fn read(value: &Value) -> Option<Position> {
        Some(Position { epoch: value["epoch"].as_str()?.to_owned(), offset: value["offset"].as_u64()? })
    }

    fn json(&self) -> Value {
        json!({"epoch": self.epoch, "offset": self.offset})
    }
}

impl Memory {
    /// A new session has begun.
    pub(super) fn on_session(&mut self) {
        self.received = 0;
        self.confirmed = 0;
    }

    /// An event of any kind came.
    pub(super) fn on_event(&mut self) {
        self.received += 1;
    }

    /// How many have come since the server was told.
    pub(super) fn unconfirmed(&self) -> u64 {
        self.received - self.confirmed
    }

    /// The count, to be told now.
    pub(super) fn confirm(&mut self) -> u64 {
        self.confirmed = self.received;
        self.received
    }

    /// A reply says up to when everything was sent.
    pub(super) fn on_reply(&mut self, reply: &Value) {
        self.time_ms = self.time_ms.max(reply["ext"]["time"].as_u64());
    }

    /// A channel stands here. False when it stood there or further before.
    pub(super) fn on_position(&mut self, channel: &str, position: &Value) -> bool {
        let Some(position) = Position::read(position) else { return true };
        if let Some(known) = self.positions.get_mut(channel) {
            let is_new = known.epoch != position.epoch || known.offset < position.offset;
            if is_new {
                *known = position;
            }
            return is_new;
        }
        self.positions.insert(channel.to_owned(), position);
        true
    }

    /// Whether a place in the channel is known.
    pub(super) fn knows(&self, channel: &str) -> bool {
        self.positions.contains_key(channel)
    }

    /// From where a channel goes on, as a subscribe asks for it.
    pub(super) fn since(&self, channel: &str) -> Option<Value> {
        let position = self.positions.get(channel).map(Position::json);
        position.or_else(|| self.time_ms.map(|time| json!({"time": time})))
    }

    /// From where all channels of a pattern go on.
    pub(super) fn since_all(&self) -> Option<Value> {
        let positions: serde_json::Map<String, Value> =
            self.positions.iter().map(|(channel, position)| (channel.clone(), position.json())).collect();
        self.time_ms.map(|time| json!({"time": time, "positions": positions}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: &str, offset: u64) -> Value {
        json!({"epoch": epoch, "offset": offset})
    }

    #[test]
    fn it_goes_on_where_it_was() {
        let mut memory = Memory::default();
        assert_eq!((memory.since("/a"), memory.since_all()), (None, None));
        memory.on_reply(&json!({"ext": {"time": 7}}));
        memory.on_reply(&json!({"ext": {"time": 5}}));
        memory.on_reply(&json!({}));
        assert_eq!(memory.since("/a"), Some(json!({"time": 7})));
        assert!(memory.on_position("/a", &at("x", 3)));
        assert_eq!(memory.since("/a"), Some(at("x", 3)));
        assert_eq!(memory.since_all(), Some(json!({"time": 7, "positions": {"/a": at("x", 3)}})));
    }

    #[test]
    fn what_came_before_is_known_again() {
        let mut memory = Memory::default();
        assert!(memory.on_position("/a", &at("x", 3)));
        assert!(!memory.on_position("/a", &at("x", 3)));
        assert!(!memory.on_position("/a", &at("x", 2)));
        assert!(memory.on_position("/a", &at("y", 1)));
        assert!(memory.on_position("/b", &at("x", 1)));
    }

    #[test]
    fn the_count_is_that_of_the_session() {
        let mut memory = Memory::default();
        (0..3).for_each(|_| memory.on_event());
        assert_eq!((memory.unconfirmed(), memory.confirm(), memory.unconfirmed()), (3, 3, 0));
        memory.on_session();
        assert_eq!(memory.confirm(), 0);
    }
}
