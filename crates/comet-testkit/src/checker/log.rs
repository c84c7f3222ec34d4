//! One subscriber's log, line by line, and what it shows by itself.
//!
//! Repetition, order of each publisher, invention and needless gaps are seen from one log; what is missing is
//! written down with the reason that may excuse it, and judged when it is known what had arrived. The whole
//! log is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::{Checker, Fault, Note, Published};

/// One line of a subscriber's log.
pub(super) enum Line {
    Saw(String, Note),
    Gap(String),
    Outage(bool),
    Allow(String),
    Excuse,
}

/// A subscriber's log.
#[derive(Default)]
pub(super) struct Log(Vec<Line>);

/// What a log shows.
#[derive(Default)]
pub(super) struct Judged<'a> {
    /// Reasons to miss something on any channel.
    excuses: u64,
    channels: BTreeMap<&'a str, Heard<'a>>,
}

/// What was heard on one channel.
#[derive(Default)]
pub(super) struct Heard<'a> {
    gaps: u64,
    allowed: u64,
    publishers: HashMap<&'a str, Sightings>,
    /// What was seen in order, without what is wrong already.
    pub(super) order: Vec<&'a Note>,
}

/// What was seen of one publisher.
struct Sightings {
    seen: BTreeSet<u64>,
    /// The number of the first sighting and the highest of all; nothing when nothing was seen.
    span: Option<(u64, u64)>,
    /// The reasons to miss something that were known at the last sighting.
    reasons: u64,
    /// Ranges between sightings that nothing excuses.
    holes: Vec<Range<u64>>,
    /// Something excuses what is missing before the first sighting.
    begins_excused: bool,
}

impl Log {
    pub(super) fn push(&mut self, line: Line) {
        self.0.push(line);
    }

    /// Judges line by line.
    pub(super) fn judge<'a>(
        &'a self,
        subscriber: &str,
        checker: &Checker,
        faults: &mut Vec<Fault>,
    ) -> Judged<'a> {
        let mut judged = Judged::default();
        let mut long_outages = 0;
        for line in &self.0 {
            match line {
                Line::Outage(longer_than_window) => long_outages += u64::from(*longer_than_window),
                Line::Excuse => judged.excuses += 1,
                Line::Allow(channel) => judged.channels.entry(channel).or_default().allowed += 1,
                Line::Gap(channel) => {
                    let heard = judged.channels.entry(channel).or_default();
                    heard.gaps += 1;
                    if heard.gaps > heard.allowed + long_outages {
                        let (subscriber, channel) = (subscriber.to_owned(), channel.clone());
                        faults.push(Fault::NeedlessGap { subscriber, channel });
                    }
                }
                Line::Saw(channel, note) => {
                    let place = || (subscriber.to_owned(), channel.clone(), note.clone());
                    if !checker.has_published(channel, note) {
                        let (subscriber, channel, note) = place();
                        faults.push(Fault::Invented { subscriber, channel, note });
                        continue;
                    }
                    let heard = judged.channels.entry(channel).or_default();
                    match heard.see(note, judged.excuses) {
                        Seen::Well => heard.order.push(note),
                        Seen::Again => {
                            let (subscriber, channel, note) = place();
                            faults.push(Fault::Repeated { subscriber, channel, note });
                        }
                        Seen::Late => {
                            let (subscriber, channel, note) = place();
                            faults.push(Fault::Late { subscriber, channel, note });
                        }
                    }
                }
            }
        }
        judged
    }
}

/// How a note was seen.
enum Seen {
    Well,
    Again,
    Late,
}

impl<'a> Heard<'a> {
    fn see(&mut self, note: &'a Note, excuses: u64) -> Seen {
        let reasons = excuses + self.gaps;
        let Some(sightings) = self.publishers.get_mut(note.publisher.as_str()) else {
            let sightings = Sightings {
                seen: BTreeSet::from([note.number]),
                span: Some((note.number, note.number)),
                reasons,
                holes: Vec::new(),
                begins_excused: reasons > 0,
            };
            self.publishers.insert(&note.publisher, sightings);
            return Seen::Well;
        };
        if !sightings.seen.insert(note.number) {
            return Seen::Again;
        }
        let (first, last) = sightings.span.unwrap_or((note.number, note.number));
        if note.number < last {
            return Seen::Late;
        }
        if sightings.reasons == reasons && last + 1 < note.number {
            sightings.holes.push(last + 1..note.number);
        }
        (sightings.span, sightings.reasons) = (Some((first, note.number)), reasons);
        Seen::Well
    }
}

impl<'a> Judged<'a> {
    /// Every message that was seen and published: channel, publisher and number.
    pub(super) fn seen(&self) -> impl Iterator<Item = (&'a str, &'a str, u64)> {
        self.channels.iter().flat_map(|(channel, heard)| {
            heard.publishers.iter().flat_map(|(publisher, sightings)| {
                sightings.seen.iter().map(|number| (*channel, *publisher, *number))
            })
        })
    }

    /// What was heard, by channel.
    pub(super) fn channels(&self) -> impl Iterator<Item = (&'a str, &Heard<'a>)> {
        self.channels.iter().map(|(channel, heard)| (*channel, heard))
    }

    /// What is missing at both ends of a channel counts too.
    pub(super) fn listens_throughout(&mut self, channel: &'a str, checker: &'a Checker) {
        let excuses = self.excuses;
        let heard = self.channels.entry(channel).or_default();
        let reasons = excuses + heard.gaps;
        for (publisher, numbers) in checker.published.get(channel).into_iter().flatten() {
            let ends = numbers.first_key_value().zip(numbers.last_key_value());
            let Some(((first, _), (last, _))) = ends else { continue };
            let sightings = heard.publishers.entry(publisher).or_insert_with(|| Sightings {
                seen: BTreeSet::new(),
                span: None,
                reasons,
                holes: Vec::new(),
                begins_excused: reasons > 0,
            });
            if !sightings.begins_excused {
                sightings.holes.push(*first..sightings.span.map_or(last + 1, |(seen, _)| seen));
            }
            if let Some((_, seen)) = sightings.span.filter(|_| sightings.reasons == reasons) {
                sightings.holes.push(seen + 1..last + 1);
            }
        }
    }

    /// What had arrived and was not seen.
    pub(super) fn missing(
        &self,
        subscriber: &str,
        accepted: &HashMap<String, Published>,
        faults: &mut Vec<Fault>,
    ) {
        for (channel, heard) in &self.channels {
            let Some(published) = accepted.get(*channel) else { continue };
            for (publisher, sightings) in &heard.publishers {
                let Some(numbers) = published.get(*publisher) else { continue };
                for hole in sightings.holes.iter().filter(|hole| !hole.is_empty()) {
                    for (number, _) in numbers.range(hole.clone()).filter(|(_, known)| known.accepted) {
                        if !sightings.seen.contains(number) {
                            faults.push(Fault::Lost {
                                subscriber: subscriber.to_owned(),
                                channel: (*channel).to_owned(),
                                note: Note::new(publisher, *number),
                            });
                        }
                    }
                }
            }
        }
    }
}
