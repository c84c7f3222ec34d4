//! The judge of deliveries: what was published, what each subscriber saw, and whether that fits.
//!
//! Publishers and subscribers write down what they did; nothing here talks to a server. The verdict names
//! every message that was lost, repeated, seen out of order or never published, so that a failed run can be
//! understood from its output alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use serde_json::{Value, json};

/// A numbered message of one publisher. The numbers of a publisher on a channel begin anywhere and go up by
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Note {
    /// Who published it.
    pub publisher: String,
    /// The publisher's number for it.
    pub number: u64,
}

impl Note {
    /// A note.
    pub fn new(publisher: &str, number: u64) -> Note {
        Note { publisher: publisher.into(), number }
    }

    /// The note as the data of a publication.
    pub fn data(&self) -> Value {
        json!({ "from": self.publisher, "n": self.number })
    }

    /// Reads the data of an event; `None` when it is no note.
    pub fn read(data: &Value) -> Option<Note> {
        Some(Note { publisher: data["from"].as_str()?.to_owned(), number: data["n"].as_u64()? })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.publisher, self.number)
    }
}

/// What is wrong with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A message between two that were seen, or one that was acknowledged, was not seen and no gap was told.
    Lost {
        /// Who did not see it.
        subscriber: String,
        /// Where.
        channel: String,
        /// What.
        note: Note,
    },
    /// A message was seen twice.
    Repeated {
        /// Who saw it.
        subscriber: String,
        /// Where.
        channel: String,
        /// What.
        note: Note,
    },
    /// A publisher's message was seen after a later one of the same publisher.
    Late {
        /// Who saw it.
        subscriber: String,
        /// Where.
        channel: String,
        /// What.
        note: Note,
    },
    /// Two subscribers saw the messages of a channel in different orders.
    Disagreement {
        /// The two.
        subscribers: [String; 2],
        /// Where.
        channel: String,
        /// A message that one saw before, the other after some other message.
        note: Note,
    },
    /// A message was seen that nobody published there.
    Invented {
        /// Who saw it.
        subscriber: String,
        /// Where.
        channel: String,
        /// What.
        note: Note,
    },
}

/// One line of a subscriber's log.
enum Line {
    Saw(Note),
    Gap,
}

/// Writes down a run and judges it.
#[derive(Default)]
pub struct Checker {
    published: HashMap<String, HashSet<Note>>,
    acknowledged: HashMap<String, Vec<Note>>,
    logs: BTreeMap<(String, String), Vec<Line>>,
    throughout: Vec<(String, String)>,
}

impl Checker {
    /// A checker that has seen nothing.
    pub fn new() -> Checker {
        Checker::default()
    }

    /// A publisher sends a note; it may arrive or not.
    pub fn published(&mut self, channel: &str, note: &Note) {
        self.published.entry(channel.into()).or_default().insert(note.clone());
    }

    /// The server acknowledged a note.
    pub fn acknowledged(&mut self, channel: &str, note: &Note) {
        self.published(channel, note);
        self.acknowledged.entry(channel.into()).or_default().push(note.clone());
    }

    /// A subscriber listened from before the first publication to after the last: it has to see every
    /// acknowledged note.
    pub fn listens_throughout(&mut self, subscriber: &str, channel: &str) {
        self.throughout.push((subscriber.into(), channel.into()));
    }

    /// A subscriber saw a note.
    pub fn saw(&mut self, subscriber: &str, channel: &str, note: &Note) {
        self.log(subscriber, channel).push(Line::Saw(note.clone()));
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

    /// The server told a subscriber that messages are missing here.
    pub fn told_of_gap(&mut self, subscriber: &str, channel: &str) {
        self.log(subscriber, channel).push(Line::Gap);
    }

    fn log(&mut self, subscriber: &str, channel: &str) -> &mut Vec<Line> {
        self.logs.entry((subscriber.into(), channel.into())).or_default()
    }

    /// Everything that is wrong.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for ((subscriber, channel), log) in &self.logs {
            self.judge_log(subscriber, channel, log, &mut faults);
        }
        self.judge_completeness(&mut faults);
        self.judge_agreement(&mut faults);
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

    fn judge_log(&self, subscriber: &str, channel: &str, log: &[Line], faults: &mut Vec<Fault>) {
        let place = |note: &Note| (subscriber.to_owned(), channel.to_owned(), note.clone());
        let mut seen = HashSet::new();
        // The last number seen of each publisher, and whether a gap was told of since.
        let mut last: HashMap<&str, (u64, bool)> = HashMap::new();
        for line in log {
            let Line::Saw(note) = line else {
                last.values_mut().for_each(|(_, gap)| *gap = true);
                continue;
            };
            let (subscriber, channel, seen_note) = place(note);
            if !self.published.get(&channel).is_some_and(|published| published.contains(note)) {
                faults.push(Fault::Invented { subscriber, channel, note: seen_note });
                continue;
            }
            if !seen.insert(note) {
                faults.push(Fault::Repeated { subscriber, channel, note: seen_note });
                continue;
            }
            match last.get(note.publisher.as_str()) {
                Some((before, _)) if note.number < *before => {
                    faults.push(Fault::Late { subscriber, channel, note: seen_note });
                    continue;
                }
                Some((before, false)) => {
                    for missing in before + 1..note.number {
                        let note = Note::new(&note.publisher, missing);
                        let (subscriber, channel, note) = place(&note);
                        faults.push(Fault::Lost { subscriber, channel, note });
                    }
                }
                _ => {}
            }
            last.insert(&note.publisher, (note.number, false));
        }
    }

    fn judge_completeness(&self, faults: &mut Vec<Fault>) {
        for (subscriber, channel) in &self.throughout {
            let log = self.logs.get(&(subscriber.clone(), channel.clone())).map_or(&[][..], Vec::as_slice);
            if log.iter().any(|line| matches!(line, Line::Gap)) {
                continue;
            }
            let seen: HashSet<_> = notes(log).collect();
            for note in
                self.acknowledged.get(channel).into_iter().flatten().filter(|note| !seen.contains(note))
            {
                let lost = Fault::Lost {
                    subscriber: subscriber.clone(),
                    channel: channel.clone(),
                    note: note.clone(),
                };
                if !faults.contains(&lost) {
                    faults.push(lost);
                }
            }
        }
    }

    fn judge_agreement(&self, faults: &mut Vec<Fault>) {
        let logs: Vec<_> = self.logs.iter().collect();
        for (at, ((subscriber, channel), log)) in logs.iter().enumerate() {
            let rank: HashMap<_, _> = notes(log).enumerate().map(|(rank, note)| (note, rank)).collect();
            for ((other, _), other_log) in logs[at + 1..].iter().filter(|((_, where_), _)| where_ == channel)
            {
                let mut before = 0;
                for (note, rank) in
                    notes(other_log).filter_map(|note| rank.get(note).map(|rank| (note, *rank)))
                {
                    if rank < before {
                        let (subscribers, channel) = ([subscriber.clone(), other.clone()], channel.clone());
                        faults.push(Fault::Disagreement { subscribers, channel, note: note.clone() });
                        break;
                    }
                    before = rank;
                }
            }
        }
    }
}

fn notes(log: &[Line]) -> impl Iterator<Item = &Note> {
    log.iter().filter_map(|line| match line {
        Line::Saw(note) => Some(note),
        Line::Gap => None,
    })
}
