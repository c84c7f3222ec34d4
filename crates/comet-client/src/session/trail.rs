//! What one listener has heard of its channels: what comes twice is dropped by it, what is missed is asked for
//! from it.
//!
//! A trail is a time and the last position of each channel. Everything older than the time was heard, or is older
//! than the listener; of a channel with a position everything up to it was. So a position may be forgotten once its
//! message is older than the time. A pattern may hear more channels than are remembered before the server tells a
//! new time: then the one silent longest is forgotten and the time moved behind its last message, for nothing may
//! be heard twice. What older messages of other channels were still on their way cannot be asked for any more. The
//! trail is unsure until the server tells a time as late, and who has to ask before that is told of a gap.

use std::collections::HashMap;

use bayeux::{Channel, Pattern};

use crate::Position;
use crate::position::SinceRequest;

/// Channels remembered for one pattern; servers take four times as many.
const MOST_CHANNELS: usize = 256;

/// The last that was heard of one channel.
#[derive(Clone)]
struct Last {
    position: Position,
    /// The latest time its message can have, in unix milliseconds.
    at: u64,
    turn: u64,
}

/// The trail of one listener.
#[derive(Clone, Default)]
pub(super) struct Trail {
    channels: HashMap<Channel, Last>,
    turns: u64,
    time: Option<u64>,
    /// The last time that the server told.
    told: Option<u64>,
}

impl Trail {
    /// Whether asking from here may leave something out.
    pub(super) fn is_unsure(&self) -> bool {
        self.time != self.told
    }

    /// From where the server should go on, if that is known.
    pub(super) fn since(&self, pattern: &Pattern) -> Option<SinceRequest> {
        if Channel::parse(pattern.as_str()).is_ok() {
            let position = self.channels.values().next().map(|last| last.position.clone());
            let time = || self.time.map(|time| SinceRequest::Time { time });
            return position.map(SinceRequest::Position).or_else(time);
        }
        let positions = self.channels.iter();
        let positions = positions.map(|(channel, last)| (channel.as_str().to_owned(), last.position.clone()));
        self.time.map(|time| SinceRequest::Pattern { time, positions: positions.collect() })
    }

    /// How many messages of the channel's present count lie between what was heard and `head`; nothing where
    /// another count was heard.
    pub(super) fn distance(&self, channel: &Channel, head: &Position) -> Option<u64> {
        let last = self.channels.get(channel).filter(|last| last.position.epoch == head.epoch)?;
        head.offset.checked_sub(last.position.offset)
    }

    /// Everything older was heard.
    pub(super) fn on_time(&mut self, time: Option<u64>) {
        if let Some(time) = time {
            self.told = self.told.max(Some(time));
            self.time = self.time.max(Some(time));
        }
    }

    /// A message stands here, or a gap ends; whether that is new. It is not younger than `at`.
    pub(super) fn on_position(&mut self, channel: &Channel, position: &Position, at: u64) -> bool {
        self.turns += 1;
        let turn = self.turns;
        if let Some(last) = self.channels.get_mut(channel) {
            if last.position.epoch == position.epoch && position.offset <= last.position.offset {
                return false;
            }
            last.position.offset = position.offset;
            if last.position.epoch != position.epoch {
                last.position.epoch.clone_from(&position.epoch);
            }
            (last.at, last.turn) = (at, turn);
            return true;
        }
        self.channels.insert(channel.clone(), Last { position: position.clone(), at, turn });
        if self.channels.len() > MOST_CHANNELS {
            self.forget_one();
        }
        true
    }

    fn forget_one(&mut self) {
        let silent =
            self.channels.iter().min_by_key(|(_, last)| last.turn).map(|(channel, _)| channel.clone());
        let Some(last) = silent.and_then(|channel| self.channels.remove(&channel)) else { return };
        if self.time.is_some_and(|time| last.at >= time) {
            self.time = Some(last.at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(epoch: &str, offset: u64) -> Position {
        Position { epoch: epoch.into(), offset }
    }

    fn channel(name: &str) -> Channel {
        Channel::parse(name).unwrap()
    }

    #[test]
    fn what_was_heard_is_not_new_but_in_another_epoch() {
        let mut trail = Trail::default();
        let a = channel("/a");
        assert!(trail.on_position(&a, &position("e", 5), 0));
        assert!(!trail.on_position(&a, &position("e", 5), 0) && !trail.on_position(&a, &position("e", 4), 0));
        assert_eq!(trail.distance(&a, &position("e", 9)), Some(4));
        assert_eq!(trail.distance(&a, &position("f", 9)), None);
        assert!(trail.on_position(&a, &position("f", 1), 0));
        let asked = trail.since(&Pattern::parse("/a").unwrap());
        assert_eq!(asked, Some(SinceRequest::Position(position("f", 1))));
    }

    #[test]
    fn who_heard_nothing_asks_from_the_time() {
        let (mut trail, pattern) = (Trail::default(), Pattern::parse("/a").unwrap());
        assert_eq!(trail.since(&pattern), None);
        trail.on_time(Some(9));
        trail.on_time(Some(7));
        assert_eq!(trail.since(&pattern), Some(SinceRequest::Time { time: 9 }));
    }

    #[test]
    fn too_many_channels_of_a_pattern_make_the_trail_unsure_until_the_server_tells_a_time() {
        let (mut trail, pattern) = (Trail::default(), Pattern::parse("/a/*").unwrap());
        trail.on_time(Some(100));
        for number in 0..=MOST_CHANNELS as u64 {
            trail.on_position(&channel(&format!("/a/{number}")), &position("e", 1), 200 + number);
        }
        assert!(trail.is_unsure());
        let Some(SinceRequest::Pattern { time, positions }) = trail.since(&pattern) else {
            panic!("a pattern")
        };
        assert_eq!((time, positions.len()), (201, MOST_CHANNELS));
        assert!(!positions.contains_key("/a/0"));
        trail.on_time(Some(201));
        assert!(!trail.is_unsure());
    }

    #[test]
    fn a_channel_that_is_older_than_the_time_is_forgotten_without_harm() {
        let mut trail = Trail::default();
        for number in 0..MOST_CHANNELS as u64 {
            trail.on_position(&channel(&format!("/a/{number}")), &position("e", 1), 10);
        }
        trail.on_time(Some(50));
        trail.on_position(&channel("/a/one/more"), &position("e", 1), 60);
        assert!(!trail.is_unsure());
    }
}
