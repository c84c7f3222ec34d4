//! The judges of deliveries: what was published, what each subscriber saw, and whether that fits.
//!
//! Publishers and subscribers write down what they did; nothing here talks to a server. The verdict names
//! every message that was lost, repeated, seen out of order or never published, so that a failed run can be
//! understood from its output alone.
//!
//! Two judges come to the same verdicts. [`Checker`] keeps everything and judges at the end; it is for runs of
//! a few thousand messages, whose lines may be written in any order. [`StreamChecker`] judges as it goes and
//! keeps a few numbers for each subscriber, channel and publisher; it is for runs of millions.

mod fault;
mod log;
mod note;
mod order;
mod stream;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

pub use fault::Fault;
pub use note::Note;
pub use stream::{StreamChecker, Verdict};

use log::{Line, Log};
use order::Places;

/// What a publisher knows of one of its messages.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The server acknowledged it, or somebody saw it.
    accepted: bool,
}

/// The messages of one channel, by publisher and number.
type Published = HashMap<String, BTreeMap<u64, Known>>;

/// Writes down a run and judges it.
#[derive(Default)]
pub struct Checker {
    published: HashMap<String, Published>,
    places: HashMap<String, Places>,
    logs: BTreeMap<String, Log>,
    throughout: Vec<(String, String)>,
}

impl Checker {
    /// A checker that has seen nothing.
    pub fn new() -> Checker {
        Checker::default()
    }

    /// A publisher sends a note; it may arrive or not.
    pub fn published(&mut self, channel: &str, note: &Note) {
        let numbers = self.published.entry(channel.into()).or_default();
        numbers.entry(note.publisher.clone()).or_default().entry(note.number).or_default();
    }

    /// The server acknowledged a note.
    pub fn acknowledged(&mut self, channel: &str, note: &Note) {
        self.published(channel, note);
        accept(&mut self.published, channel, &note.publisher, note.number);
    }

    /// The server acknowledged a note and told its place in the channel. Epochs follow each other in the order
    /// in which they are first told of.
    pub fn acknowledged_at(&mut self, channel: &str, note: &Note, epoch: &str, offset: u64) {
        self.acknowledged(channel, note);
        self.places.entry(channel.into()).or_default().tell(note, epoch, offset);
    }

    /// A subscriber listened from before the first publication to after the last: it has to see every
    /// acknowledged note.
    pub fn listens_throughout(&mut self, subscriber: &str, channel: &str) {
        self.throughout.push((subscriber.into(), channel.into()));
    }

    /// A subscriber saw a note.
    pub fn saw(&mut self, subscriber: &str, channel: &str, note: &Note) {
        self.log(subscriber).push(Line::Saw(channel.into(), note.clone()));
    }

    /// A subscriber saw an event whose data is a note.
    ///
    /// # Panics
    /// When it is something else.
    pub fn saw_event(&mut self, subscriber: &str, event: &Value) {
        let note = Note::read(&event["data"]).unwrap_or_else(|| panic!("this carries no note: {event}"));
        let channel = event["channel"].as_str().expect("an event names its channel").to_owned();
        self.saw(subscriber, &channel, &note);
    }

    /// The server told a subscriber that messages are missing here. That needs a reason:
    /// [`Checker::on_outage`] or [`Checker::allow_gap`] before it, one for each gap of a channel.
    pub fn told_of_gap(&mut self, subscriber: &str, channel: &str) {
        self.log(subscriber).push(Line::Gap(channel.into()));
    }

    /// An outage of this subscriber begins. One longer than the server remembers lets it be told of one gap on
    /// each channel; a shorter one of none.
    pub fn on_outage(&mut self, subscriber: &str, longer_than_window: bool) {
        self.log(subscriber).push(Line::Outage(longer_than_window));
    }

    /// From here on the subscriber may be told of one more gap on this channel.
    pub fn allow_gap(&mut self, subscriber: &str, channel: &str) {
        self.log(subscriber).push(Line::Allow(channel.into()));
    }

    /// What this subscriber misses here, on any channel, is no fault: for clients that do not recover.
    pub fn excuse_loss(&mut self, subscriber: &str) {
        self.log(subscriber).push(Line::Excuse);
    }

    fn log(&mut self, subscriber: &str) -> &mut Log {
        self.logs.entry(subscriber.into()).or_default()
    }

    /// Everything that is wrong, sorted.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen = BTreeMap::new();
        for (subscriber, log) in &self.logs {
            seen.insert(subscriber.as_str(), log.judge(subscriber, self, &mut faults));
        }
        let mut accepted = self.published.clone();
        for (channel, publisher, number) in seen.values().flat_map(log::Judged::seen) {
            accept(&mut accepted, channel, publisher, number);
        }
        for (subscriber, channel) in &self.throughout {
            seen.entry(subscriber).or_default().listens_throughout(channel, self);
        }
        for (subscriber, judged) in &seen {
            judged.missing(subscriber, &accepted, &mut faults);
        }
        order::agreement(&seen, &self.places, &mut faults);
        faults.sort();
        faults
    }

    /// Nothing is wrong.
    ///
    /// # Panics
    /// With the first faults when something is.
    pub fn assert_clean(&self) {
        let faults = self.faults();
        assert!(
            faults.is_empty(),
            "{} faults, beginning with {:#?}",
            faults.len(),
            &faults[..faults.len().min(5)]
        );
    }

    fn has_published(&self, channel: &str, note: &Note) -> bool {
        let numbers = self.published.get(channel).and_then(|published| published.get(&note.publisher));
        numbers.is_some_and(|numbers| numbers.contains_key(&note.number))
    }
}

/// Remembers that a message that was published has arrived.
fn accept(published: &mut HashMap<String, Published>, channel: &str, publisher: &str, number: u64) {
    let numbers = published.get_mut(channel).and_then(|published| published.get_mut(publisher));
    if let Some(known) = numbers.and_then(|numbers| numbers.get_mut(&number)) {
        known.accepted = true;
    }
}
