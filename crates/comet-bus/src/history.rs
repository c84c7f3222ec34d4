//! The newest messages of one channel, for those who come back.
//!
//! A ring, and where the part before it was lost. It numbers nothing and does not know its retention: the home pushes
//! what it has numbered, trims by the options of the channel, and asks. A message that leaves by a bound is lost, and
//! whoever misses it is told; one that has expired was meant to go.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::{Paged, Position, Publication, Recovered, RecoveryLimits, Retention, Since};

/// The longest a journal is expected to take to keep a message, in milliseconds: so much later than it was numbered, its
/// listeners may have been without it, and ask for it by a time.
const KEEPING_MS: u64 = 10_000;

/// The newest messages of one channel.
#[derive(Debug, Default)]
pub struct History {
    /// Oldest first, offsets ascending.
    ring: VecDeque<Arc<Publication>>,
    bytes: usize,
    /// How many of the ring expire some day.
    expiring: usize,
    /// The last offset that is lost.
    lost_offset: u64,
    /// Nothing that was numbered later is lost.
    lost_at_ms: u64,
    /// The last offset of the life before, as a journal brought it back, and when this life began.
    restored: Option<Box<(u64, u64)>>,
}

impl History {
    /// The history of a channel of which nothing is known that was numbered up to `lost_at_ms`.
    pub fn after(lost_at_ms: u64) -> History {
        History { lost_at_ms, ..History::default() }
    }

    /// What comes up to this offset was kept by a journal in a life before this one, which began at `started_ms`.
    pub fn on_restored(&mut self, offset: u64, started_ms: u64) {
        self.restored = Some(Box::new((offset, started_ms)));
    }

    /// Up to when listeners may have been without a message that was numbered at `at_ms`.
    pub(crate) fn reached_ms(&self, offset: u64, at_ms: u64) -> u64 {
        match self.restored.as_deref() {
            Some((restored, started_ms)) if offset <= *restored => {
                at_ms.saturating_add(KEEPING_MS).min(*started_ms).max(at_ms)
            }
            _ => at_ms,
        }
    }

    fn came_after(&self, publication: &Publication, time_ms: u64) -> bool {
        self.reached_ms(publication.position.offset, publication.at_ms) > time_ms
    }

    /// Adds the newest message and lets the oldest go as far as the retention demands.
    pub fn push(&mut self, publication: Arc<Publication>, retention: &Retention, now_ms: u64) {
        if retention.is_none() {
            self.pass_over(publication.position.offset, publication.at_ms, publication.is_expired(now_ms));
            return;
        }
        self.bytes += publication.size_bytes();
        self.expiring += usize::from(publication.expires_at_ms.is_some());
        self.ring.push_back(publication);
        self.trim_oldest(retention, now_ms);
    }

    /// Notes that a message was numbered and not kept. Like all that was kept before it, it is lost; one that has
    /// `expired` is not.
    pub fn pass_over(&mut self, offset: u64, at_ms: u64, expired: bool) {
        if !expired {
            self.lost_offset = self.lost_offset.max(offset);
            self.lost_at_ms = self.lost_at_ms.max(self.reached_ms(offset, at_ms));
        }
    }

    /// Drops what has expired and what is beyond the retention.
    pub fn trim(&mut self, retention: &Retention, now_ms: u64) {
        if self.expiring > 0 {
            self.ring.retain(|publication| {
                let expired = publication.is_expired(now_ms);
                if expired {
                    self.bytes -= publication.size_bytes();
                    self.expiring -= 1;
                }
                !expired
            });
        }
        self.trim_oldest(retention, now_ms);
    }

    fn trim_oldest(&mut self, retention: &Retention, now_ms: u64) {
        while let Some(oldest) = self.ring.front() {
            if retention.newest && self.ring.len() == 1 {
                break;
            }
            let aged = oldest.at_ms.saturating_add(retention.age_ms) <= now_ms;
            if !aged && self.ring.len() <= retention.messages && self.bytes <= retention.bytes {
                break;
            }
            self.lose_oldest(now_ms);
        }
        self.shrink();
    }

    /// Loses the oldest quarter, at least one message.
    pub fn give_up(&mut self, now_ms: u64) {
        for _ in 0..self.ring.len().div_ceil(4) {
            self.lose_oldest(now_ms);
        }
        self.shrink();
    }

    fn lose_oldest(&mut self, now_ms: u64) {
        let Some(lost) = self.ring.pop_front() else { return };
        self.bytes -= lost.size_bytes();
        self.expiring -= usize::from(lost.expires_at_ms.is_some());
        self.pass_over(lost.position.offset, lost.at_ms, lost.is_expired(now_ms));
    }

    fn shrink(&mut self) {
        if self.ring.len() * 4 < self.ring.capacity() {
            self.ring.shrink_to(self.ring.len() * 2);
        }
    }

    /// What there was since then in the channel that stands at `head`. All or nothing, save for
    /// [`Since::Last`], which brings what fits. What it finds is as old as the last
    /// [`History::trim`] has left it.
    pub fn since(&self, since: Since, head: Position, limits: RecoveryLimits) -> Recovered {
        let publications = match since {
            Since::Position(position) => {
                let known = position.epoch == head.epoch && position.offset <= head.offset;
                if !known || position.offset < self.lost_offset {
                    return Recovered::Gap { head };
                }
                let first =
                    self.ring.partition_point(|publication| publication.position.offset <= position.offset);
                all_within(limits, self.ring.range(first..))
            }
            Since::Time(time_ms) if time_ms < self.lost_at_ms => None,
            // A clock that was set back leaves younger messages before older ones: look at them all.
            Since::Time(time_ms) => all_within(
                limits,
                self.ring.iter().filter(|publication| self.came_after(publication, time_ms)),
            ),
            Since::Last(count) => Some(self.newest(count, limits)),
        };
        match publications {
            Some(publications) => Recovered::Messages { publications, head },
            None => Recovered::Gap { head },
        }
    }

    /// What there was since then in the channel that stands at `head`, from the oldest on, as many as fit into the limits,
    /// but one at least. What it finds is as old as the last [`History::trim`] has left it.
    pub fn page(&self, since: Since, head: Position, limits: RecoveryLimits) -> Paged {
        let first = match since {
            Since::Position(position) => {
                let known = position.epoch == head.epoch && position.offset <= head.offset;
                if !known || position.offset < self.lost_offset {
                    return Paged::Gap { head };
                }
                self.ring.partition_point(|publication| publication.position.offset <= position.offset)
            }
            Since::Time(time_ms) if time_ms < self.lost_at_ms => return Paged::Gap { head },
            // A clock that was set back leaves younger messages before older ones: the page begins with the first.
            Since::Time(time_ms) => {
                let first = self.ring.iter().position(|publication| self.came_after(publication, time_ms));
                first.unwrap_or(self.ring.len())
            }
            Since::Last(count) => self.ring.len().saturating_sub(count),
        };
        let (mut publications, mut bytes) = (Vec::new(), 0);
        for publication in self.ring.range(first..) {
            bytes += publication.size_bytes();
            let fits = publications.len() < limits.messages && bytes <= limits.bytes;
            if !fits && !publications.is_empty() {
                return Paged::Messages { publications, more: true };
            }
            publications.push(publication.clone());
        }
        Paged::Messages { publications, more: false }
    }

    fn newest(&self, count: usize, limits: RecoveryLimits) -> Vec<Arc<Publication>> {
        let mut bytes = 0_usize;
        let within = self.ring.iter().rev().take(count.min(limits.messages)).take_while(|publication| {
            bytes += publication.size_bytes();
            bytes <= limits.bytes
        });
        let first = self.ring.len() - within.count();
        self.ring.range(first..).cloned().collect()
    }

    /// The offset of the oldest message that is kept.
    pub fn first_offset(&self) -> Option<u64> {
        self.ring.front().map(|publication| publication.position.offset)
    }

    /// How many messages are kept.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether no message is kept.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// The memory of the messages that are kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Nothing that was numbered later than this has been lost, in unix milliseconds.
    pub fn lost_at_ms(&self) -> u64 {
        self.lost_at_ms
    }
}

/// All of them, or nothing when they are more than the limits allow.
fn all_within<'a>(
    limits: RecoveryLimits,
    publications: impl Iterator<Item = &'a Arc<Publication>>,
) -> Option<Vec<Arc<Publication>>> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    for publication in publications {
        bytes += publication.size_bytes();
        if all.len() >= limits.messages || bytes > limits.bytes {
            return None;
        }
        all.push(publication.clone());
    }
    Some(all)
}
