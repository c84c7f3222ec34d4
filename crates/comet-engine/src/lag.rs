//! What a session that has fallen behind has missed.
//!
//! While its queue is full a session gets nothing more; here is where each of its channels stopped, so that the rest
//! can be asked for when the queue has emptied. Publications come in from the shard, what to ask goes out to the homes;
//! what is remembered, and who is told of a gap, is not known here.

use std::collections::HashMap;

use bayeux::{Channel, Millis};
use comet_bus::{Paged, Position, Publication, RecoveryLimits, home_of};

use crate::key::{ConnectionKey, SessionKey};

/// What becomes of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reception {
    /// It goes into the queue.
    Live,
    /// It comes later, from the history.
    Withheld,
    /// More channels have stopped than are remembered.
    TooMany,
}

/// How far a wire has come.
pub(crate) type Look = (ConnectionKey, usize, Millis);

/// What is asked of one home: from where each of its channels goes on.
pub(crate) type Question = (usize, Vec<(Channel, Position)>);

/// Where the channels of one session stopped.
#[derive(Debug, Default)]
pub(crate) struct Lag {
    channels: HashMap<Channel, Missed>,
    /// How many of them are not asked for.
    due: usize,
    /// The queue has emptied since: channels that have not stopped go on.
    emptied: bool,
    /// The number of the last question.
    round: u32,
    /// What its wire had taken at the last look.
    pub(crate) look: Option<Look>,
    /// When the wheel looks next.
    pub(crate) armed: Millis,
}

#[derive(Debug)]
struct Missed {
    /// The last one that is queued.
    since: Position,
    /// How many came after that.
    count: u64,
    /// The question that is on its way.
    asked: Option<u32>,
}

impl Lag {
    /// The queue is full: from here on nothing is queued.
    pub(crate) fn on_full(&mut self) {
        self.emptied = false;
    }

    /// A publication came; at most `most` channels are remembered.
    pub(crate) fn on_publication(&mut self, publication: &Publication, most: usize) -> Reception {
        if let Some(missed) = self.channels.get_mut(&publication.channel) {
            missed.count += 1;
            return Reception::Withheld;
        }
        if self.emptied {
            return Reception::Live;
        }
        if self.channels.len() >= most {
            return Reception::TooMany;
        }
        let Position { epoch, offset } = publication.position;
        let since = Position { epoch, offset: offset.saturating_sub(1) };
        self.channels.insert(publication.channel.clone(), Missed { since, count: 1, asked: None });
        self.due += 1;
        Reception::Withheld
    }

    /// Whether a channel has stopped.
    pub(crate) fn has_stopped(&self, channel: &Channel) -> bool {
        self.channels.contains_key(channel)
    }

    /// Whether something can be asked for when the queue has emptied.
    pub(crate) fn is_due(&self) -> bool {
        self.due > 0
    }

    /// Whether every channel goes on.
    pub(crate) fn is_over(&self) -> bool {
        self.channels.is_empty()
    }

    /// The queue has emptied: what is to be asked now, home by home, under this number.
    pub(crate) fn ask(&mut self, shards: usize) -> (u32, Vec<Question>) {
        self.emptied = true;
        self.round = self.round.wrapping_add(1);
        self.due = 0;
        let mut homes: Vec<Question> = Vec::new();
        for (channel, missed) in self.channels.iter_mut().filter(|(_, missed)| missed.asked.is_none()) {
            missed.asked = Some(self.round);
            let home = home_of(channel.as_str(), shards);
            let question = (channel.clone(), missed.since);
            match homes.iter_mut().find(|(known, _)| *known == home) {
                Some((_, channels)) => channels.push(question),
                None => homes.push((home, vec![question])),
            }
        }
        (self.round, homes)
    }

    /// Whether an answer is awaited.
    pub(crate) fn awaits(&self, channel: &Channel, round: u32) -> bool {
        self.channels.get(channel).is_some_and(|missed| missed.asked == Some(round))
    }

    /// So many messages up to this position are queued; the rest is asked for when they have left.
    pub(crate) fn go_on(&mut self, channel: &Channel, since: Option<Position>, queued: u64) {
        let Some(missed) = self.channels.get_mut(channel) else { return };
        missed.since = since.unwrap_or(missed.since);
        missed.count = missed.count.saturating_sub(queued);
        if missed.asked.take().is_some() {
            self.due += 1;
        }
    }

    /// The channel has nothing more to wait for; how many messages it has missed for good if nothing was queued.
    pub(crate) fn remove(&mut self, channel: &Channel) -> u64 {
        let Some(missed) = self.channels.remove(channel) else { return 0 };
        self.due -= usize::from(missed.asked.is_none());
        missed.count
    }

    /// Forgets the channels that nobody listens to any more.
    pub(crate) fn retain(&mut self, mut listens: impl FnMut(&Channel) -> bool) {
        let gone: Vec<Channel> = self.channels.keys().filter(|channel| !listens(channel)).cloned().collect();
        for channel in gone {
            self.remove(&channel);
        }
    }
}

/// To a home: a session of `shard` reads on.
pub(crate) struct CatchUp {
    pub(crate) shard: usize,
    pub(crate) session: SessionKey,
    pub(crate) round: u32,
    pub(crate) channels: Vec<(Channel, Position)>,
    pub(crate) limits: RecoveryLimits,
}

/// From a home: what follows, as far as it fits. What it publishes afterwards comes afterwards.
pub(crate) struct CaughtUp {
    pub(crate) session: SessionKey,
    pub(crate) round: u32,
    /// Of a channel without an answer nothing fits.
    pub(crate) channels: Vec<(Channel, Option<Paged>)>,
}

#[cfg(test)]
mod tests {
    use comet_bus::Draft;

    use super::*;

    fn publication(channel: &str, offset: u64) -> Publication {
        let channel = Channel::parse(channel).unwrap();
        Publication::freeze(Draft::new(channel, "1"), Position { epoch: 1, offset }, 0)
    }

    #[test]
    fn a_channel_stops_until_its_answer_is_there_and_others_go_on_when_the_queue_has_emptied() {
        let mut lag = Lag::default();
        let a = publication("/a", 5);
        assert_eq!(lag.on_publication(&a, 9), Reception::Withheld);
        assert_eq!(lag.on_publication(&publication("/a", 6), 9), Reception::Withheld);
        let (round, homes) = lag.ask(1);
        assert_eq!(homes, [(0, vec![(a.channel.clone(), Position { epoch: 1, offset: 4 })])]);
        assert_eq!(lag.on_publication(&publication("/b", 1), 9), Reception::Live);
        assert_eq!(lag.on_publication(&publication("/a", 7), 9), Reception::Withheld);
        assert!(lag.awaits(&a.channel, round) && !lag.is_due());
        lag.go_on(&a.channel, Some(Position { epoch: 1, offset: 6 }), 2);
        assert!(lag.is_due());
        let (next, homes) = lag.ask(1);
        assert_eq!(homes[0].1[0].1.offset, 6);
        assert!(!lag.awaits(&a.channel, round) && lag.awaits(&a.channel, next));
        assert_eq!(lag.remove(&a.channel), 1);
        assert!(lag.is_over());
        assert_eq!(lag.on_publication(&publication("/a", 8), 9), Reception::Live);
    }

    #[test]
    fn only_so_many_channels_are_remembered() {
        let mut lag = Lag::default();
        assert_eq!(lag.on_publication(&publication("/a", 1), 1), Reception::Withheld);
        assert_eq!(lag.on_publication(&publication("/b", 1), 1), Reception::TooMany);
        lag.retain(|channel| channel.as_str() != "/a");
        assert!(lag.is_over() && !lag.is_due());
    }
}
