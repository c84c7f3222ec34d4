//! What those who come back get.
//!
//! Questions about one channel or a pattern are answered from the histories; of channels that are not counted only this
//! is known: since when nothing of them was lost. The answers go to the shard of whoever asks.

use std::collections::HashMap;

use bayeux::{Channel, Pattern};

use super::Home;
use crate::{Paged, Position, Recovered, RecoveredMatching, RecoveryLimits, Since};

/// Channels that are looked at for one pattern; whoever was away for longer than so many were used is told of a gap.
const MOST_VISITS: usize = 10_000;
/// Gaps that are named in one answer; of more, the pattern is the gap.
const MOST_GAPS: usize = 256;

impl Home {
    /// Where a channel stands; one that is not counted stands before its first message.
    pub fn head(&self, channel: &Channel) -> Position {
        let slot = self.ledger.slot(channel.as_str());
        slot.map_or(self.unknown_head(), |slot| self.ledger.entry(slot).head)
    }

    /// Whether a channel is there: something was published on it and it is counted still, or somebody listens to it by
    /// its own name.
    pub fn knows(&self, channel: &Channel) -> bool {
        self.ledger.slot(channel.as_str()).is_some() || self.interest.has(channel.as_str())
    }

    /// What there was on a channel since then.
    pub fn recover(
        &mut self,
        channel: &Channel,
        since: Since,
        limits: RecoveryLimits,
        now_ms: u64,
    ) -> Recovered {
        let since = self.translated(channel, since);
        match self.ledger.slot(channel.as_str()) {
            Some(slot) => self.recover_counted(slot, since, limits, now_ms),
            None => self.recover_unknown(channel, since),
        }
    }

    /// What there was on a channel since then, from the oldest on, as much as fits into the limits, but one message at
    /// least.
    pub fn page(&mut self, channel: &Channel, since: Since, limits: RecoveryLimits, now_ms: u64) -> Paged {
        let since = self.translated(channel, since);
        let Some(slot) = self.ledger.slot(channel.as_str()) else {
            return match self.recover_unknown(channel, since) {
                Recovered::Messages { publications, .. } => Paged::Messages { publications, more: false },
                Recovered::Gap { head } => Paged::Gap { head },
            };
        };
        self.trim(slot, now_ms);
        let entry = self.ledger.entry(slot);
        entry.history.page(since, entry.head, limits)
    }

    /// A place before the first message may be known by another epoch by now.
    fn translated(&self, channel: &Channel, since: Since) -> Since {
        match since {
            Since::Position(told) => Since::Position(self.epochs.translate(told, self.head(channel))),
            since => since,
        }
    }

    fn recover_counted(&mut self, slot: u32, since: Since, limits: RecoveryLimits, now_ms: u64) -> Recovered {
        self.trim(slot, now_ms);
        let entry = self.ledger.entry(slot);
        entry.history.since(since, entry.head, limits)
    }

    fn recover_unknown(&self, channel: &Channel, since: Since) -> Recovered {
        let head = self.unknown_head();
        let complete = match since {
            Since::Position(position) => position == head,
            Since::Time(time_ms) => time_ms >= self.unknown_since_ms(channel),
            Since::Last(_) => true,
        };
        if complete {
            Recovered::Messages { publications: Vec::new(), head }
        } else {
            Recovered::Gap { head }
        }
    }

    /// What there was on the channels of a pattern: on those in `positions`, which all have their home here, since
    /// those; on all others since `time_ms`, or nothing where no time is given. The limits hold for the whole answer;
    /// channels that no longer fit are gaps.
    pub fn recover_matching(
        &mut self,
        pattern: &Pattern,
        positions: &[(Channel, Position)],
        time_ms: Option<u64>,
        limits: RecoveryLimits,
        now_ms: u64,
    ) -> RecoveredMatching {
        let positions: HashMap<&Channel, Position> = positions
            .iter()
            .filter(|(channel, _)| pattern.matches(channel))
            .map(|(channel, position)| (channel, *position))
            .collect();
        let mut answer = Answering::new(limits);
        for (channel, position) in &positions {
            let recovered = self.recover(channel, Since::Position(*position), answer.left, now_ms);
            answer.add((*channel).clone(), recovered);
        }
        let Some(time_ms) = time_ms else { return answer.matching };
        answer.matching.complete &= time_ms >= self.durable_since_ms
            && (time_ms >= self.known_since_ms || self.table.is_durable(pattern));
        let parent = pattern.as_str().trim_end_matches('*');
        let mut next = self.ledger.newest();
        while let Some(slot) = next
            && let entry = self.ledger.entry(slot)
            && entry.used_ms > time_ms
            && !answer.is_full()
        {
            next = self.ledger.older(slot);
            answer.matching.visits += 1;
            if answer.matching.visits > MOST_VISITS {
                answer.matching.complete = false;
                break;
            }
            // Most channels are of other patterns: look at them no longer than needed.
            if !entry.name.starts_with(parent) {
                continue;
            }
            let channel = Channel::parse(&entry.name).expect("what is counted is a channel");
            if pattern.matches(&channel) && !positions.contains_key(&channel) {
                let recovered = self.recover_counted(slot, Since::Time(time_ms), answer.left, now_ms);
                answer.add(channel, recovered);
            }
        }
        answer.matching
    }
}

/// An answer about several channels that is being put together.
struct Answering {
    matching: RecoveredMatching,
    left: RecoveryLimits,
    gaps_left: usize,
}

impl Answering {
    fn new(limits: RecoveryLimits) -> Answering {
        let matching = RecoveredMatching { channels: Vec::new(), complete: true, visits: 0 };
        Answering { matching, left: limits, gaps_left: limits.messages.min(MOST_GAPS) }
    }

    /// Whether a gap could not be named: what else there is does not have to be found.
    fn is_full(&self) -> bool {
        self.gaps_left == 0 && !self.matching.complete
    }

    /// Takes in what became of one channel, if there is something to say.
    fn add(&mut self, channel: Channel, recovered: Recovered) {
        match &recovered {
            Recovered::Messages { publications, .. } if publications.is_empty() => return,
            Recovered::Messages { publications, .. } => {
                self.left.messages -= publications.len();
                self.left.bytes -=
                    publications.iter().map(|publication| publication.size_bytes()).sum::<usize>();
            }
            Recovered::Gap { .. } if self.gaps_left == 0 => {
                self.matching.complete = false;
                return;
            }
            Recovered::Gap { .. } => self.gaps_left -= 1,
        }
        self.matching.channels.push((channel, recovered));
    }
}
