//! The judge of long runs: it judges while it is told, and keeps no message.
//!
//! For each subscriber, channel and publisher it keeps the last number, the ranges that are missing, and the
//! reasons that may excuse them; for each publisher on a channel the numbers that were never confirmed and
//! the places of the latest. What is bounded and what happens beyond is said at each bound. The rules are
//! those of [`Checker`](super::Checker).

mod listening;
mod publisher;

use std::collections::HashMap;
use std::fmt;

use super::{Fault, Note};
use listening::{Listening, Seen};
use publisher::Channel;

/// Faults that are kept with their names and numbers; the rest are counted.
const FAULTS: usize = 1_000;

/// Writes down a run of any length and judges it.
///
/// Everything is told in the order in which it happens: a note is published before it is acknowledged or
/// seen. The numbers of a publisher on a channel go up by one, and are acknowledged in that order.
#[derive(Default)]
pub struct StreamChecker {
    channels: HashMap<String, Channel>,
    subscribers: HashMap<String, Subscriber>,
    counts: Counts,
    faults: Faults,
}

/// One subscriber.
#[derive(Default)]
struct Subscriber {
    /// Reasons to miss something on any channel.
    excuses: u64,
    long_outages: u64,
    channels: HashMap<String, Listening>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    published: u64,
    acknowledged: u64,
    deliveries: u64,
    gaps: u64,
}

/// Faults, the first of them with their names.
#[derive(Clone, Debug, Default)]
struct Faults {
    named: Vec<Fault>,
    more: u64,
}

impl Faults {
    fn push(&mut self, fault: impl FnOnce() -> Fault) {
        if self.named.len() < FAULTS {
            self.named.push(fault());
        } else {
            self.more += 1;
        }
    }

    fn count(&mut self, more: u64) {
        self.more += more;
    }
}

/// How a run went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Notes that were sent.
    pub published: u64,
    /// Notes that the server acknowledged.
    pub acknowledged: u64,
    /// Notes that were seen, by all subscribers together.
    pub deliveries: u64,
    /// Gaps that subscribers were told of.
    pub gaps: u64,
    /// Notes that were not seen where a gap or an excuse stands.
    pub excused: u64,
    /// The first faults, sorted.
    pub faults: Vec<Fault>,
    /// Faults beyond those.
    pub more_faults: u64,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty() && self.more_faults == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { published, acknowledged, deliveries, gaps, excused, .. } = self;
        write!(f, "{published} published, {acknowledged} acknowledged, {deliveries} seen, ")?;
        write!(f, "{gaps} gaps told, {excused} missing with an excuse, ")?;
        write!(f, "{} faults", self.faults.len() as u64 + self.more_faults)?;
        self.faults.iter().take(10).try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl StreamChecker {
    /// A checker that has seen nothing.
    pub fn new() -> StreamChecker {
        StreamChecker::default()
    }

    /// A publisher sends its next note; it may arrive or not.
    ///
    /// # Panics
    /// When the number is not the next of this publisher on this channel.
    pub fn published(&mut self, channel: &str, note: &Note) {
        self.counts.published += 1;
        existing(&mut self.channels, channel).publish(note);
    }

    /// The server acknowledged a note.
    ///
    /// # Panics
    /// When it was not published.
    pub fn acknowledged(&mut self, channel: &str, note: &Note) {
        self.counts.acknowledged += 1;
        existing(&mut self.channels, channel).acknowledge(note, None);
    }

    /// The server acknowledged a note and told its place in the channel. Epochs follow each other in the order
    /// in which they are first told of.
    ///
    /// # Panics
    /// When it was not published.
    pub fn acknowledged_at(&mut self, channel: &str, note: &Note, epoch: &str, offset: u64) {
        self.counts.acknowledged += 1;
        existing(&mut self.channels, channel).acknowledge(note, Some((epoch, offset)));
    }

    /// A subscriber listened from before the first publication to after the last: it has to see every
    /// acknowledged note.
    pub fn listens_throughout(&mut self, subscriber: &str, channel: &str) {
        existing(&mut existing(&mut self.subscribers, subscriber).channels, channel).throughout = true;
    }

    /// A subscriber saw a note.
    pub fn saw(&mut self, subscriber: &str, channel: &str, note: &Note) {
        self.counts.deliveries += 1;
        let place = || (subscriber.to_owned(), channel.to_owned(), note.clone());
        let published = existing(&mut self.channels, channel);
        if !published.on_seen(note) {
            self.faults.push(|| {
                let (subscriber, channel, note) = place();
                Fault::Invented { subscriber, channel, note }
            });
            return;
        }
        let listener = existing(&mut self.subscribers, subscriber);
        let listening = existing(&mut listener.channels, channel);
        let lost = |note: &Note| {
            let (subscriber, channel) = (subscriber.to_owned(), channel.to_owned());
            Fault::Lost { subscriber, channel, note: note.clone() }
        };
        match listening.see(note, published, listener.excuses, &mut self.faults, lost) {
            Seen::Well => {
                for note in listening.misplaced(published) {
                    let (subscriber, channel) = (subscriber.to_owned(), channel.to_owned());
                    self.faults.push(|| Fault::OutOfPlace { subscriber, channel, note });
                }
            }
            Seen::Again => self.faults.push(|| {
                let (subscriber, channel, note) = place();
                Fault::Repeated { subscriber, channel, note }
            }),
            Seen::Late => self.faults.push(|| {
                let (subscriber, channel, note) = place();
                Fault::Late { subscriber, channel, note }
            }),
        }
    }

    /// The server told a subscriber that messages are missing here. That needs a reason:
    /// [`StreamChecker::on_outage`] or [`StreamChecker::allow_gap`] before it, one for each gap of a channel.
    pub fn told_of_gap(&mut self, subscriber: &str, channel: &str) {
        self.counts.gaps += 1;
        let listener = existing(&mut self.subscribers, subscriber);
        let listening = existing(&mut listener.channels, channel);
        listening.gaps += 1;
        if listening.gaps > listening.allowed + listener.long_outages {
            let (subscriber, channel) = (subscriber.to_owned(), channel.to_owned());
            self.faults.push(|| Fault::NeedlessGap { subscriber, channel });
        }
    }

    /// An outage of this subscriber begins. One longer than the server remembers lets it be told of one gap on
    /// each channel; a shorter one of none.
    pub fn on_outage(&mut self, subscriber: &str, longer_than_window: bool) {
        existing(&mut self.subscribers, subscriber).long_outages += u64::from(longer_than_window);
    }

    /// From here on the subscriber may be told of one more gap on this channel.
    pub fn allow_gap(&mut self, subscriber: &str, channel: &str) {
        existing(&mut existing(&mut self.subscribers, subscriber).channels, channel).allowed += 1;
    }

    /// What this subscriber misses here, on any channel, is no fault: for clients that do not recover.
    pub fn excuse_loss(&mut self, subscriber: &str) {
        existing(&mut self.subscribers, subscriber).excuses += 1;
    }

    /// Notes that were seen so far.
    pub fn deliveries(&self) -> u64 {
        self.counts.deliveries
    }

    /// The highest number of a publisher that a subscriber saw on a channel.
    pub fn last_seen(&self, subscriber: &str, channel: &str, publisher: &str) -> Option<u64> {
        self.subscribers.get(subscriber)?.channels.get(channel)?.last_seen(publisher)
    }

    /// The verdict on the whole run.
    pub fn verdict(&self) -> Verdict {
        self.judge(true)
    }

    /// The verdict so far: messages that are still under way are not missed yet.
    pub fn so_far(&self) -> Verdict {
        self.judge(false)
    }

    fn judge(&self, ended: bool) -> Verdict {
        let mut faults = self.faults.clone();
        let mut excused = 0;
        for (subscriber, listener) in &self.subscribers {
            for (channel, listening) in &listener.channels {
                let lost = |note: &Note| {
                    let (subscriber, channel) = (subscriber.clone(), channel.clone());
                    Fault::Lost { subscriber, channel, note: note.clone() }
                };
                if let Some(published) = self.channels.get(channel) {
                    excused += listening.missing(published, listener.excuses, ended, &mut faults, lost);
                    for note in listening.misplaced_at_last(published) {
                        let (subscriber, channel) = (subscriber.clone(), channel.clone());
                        faults.push(|| Fault::OutOfPlace { subscriber, channel, note });
                    }
                }
            }
        }
        faults.named.sort();
        let Counts { published, acknowledged, deliveries, gaps } = self.counts;
        Verdict {
            published,
            acknowledged,
            deliveries,
            gaps,
            excused,
            faults: faults.named,
            more_faults: faults.more,
        }
    }
}

/// The entry of this name, made when it is missing; the name is copied only then.
fn existing<'a, T: Default>(map: &'a mut HashMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.get_mut(name).expect("it was there or was just put there")
}
