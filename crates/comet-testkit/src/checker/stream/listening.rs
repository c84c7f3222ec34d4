//! What one subscriber saw on one channel, in a few numbers.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::Faults;
use super::publisher::{Channel, Placed, Publisher};
use crate::checker::order::Place;
use crate::checker::{Fault, Note};

/// Missing ranges that are kept of each publisher. Beyond that the oldest that are excused are forgotten: if
/// something of them is seen after all, it is called repeated instead of late. When none is excused, the
/// oldest counts as lost at once.
const HOLES: usize = 4_096;
/// Notes that wait for their place to be told; the oldest beyond that are not held to theirs.
const UNPLACED: usize = 4_096;

/// What one subscriber saw on one channel.
#[derive(Default)]
pub(super) struct Listening {
    pub(super) throughout: bool,
    pub(super) gaps: u64,
    pub(super) allowed: u64,
    publishers: HashMap<String, Sightings>,
    /// The furthest place that was seen.
    highest: Option<Place>,
    /// Notes that were seen before their places were told, oldest first.
    unplaced: VecDeque<Note>,
}

/// What was seen of one publisher.
struct Sightings {
    last: u64,
    /// The reasons to miss something that were known at the last sighting.
    reasons: u64,
    /// What is missing below the last, lowest first.
    holes: VecDeque<Hole>,
}

/// Numbers that were not seen.
#[derive(Clone, Debug)]
struct Hole {
    numbers: Range<u64>,
    excused: bool,
    /// Before the first sighting: it counts only for who listens throughout.
    leading: bool,
}

/// How a note was seen.
pub(super) enum Seen {
    Well,
    Again,
    Late,
}

impl Listening {
    pub(super) fn see(
        &mut self,
        note: &Note,
        channel: &Channel,
        excuses: u64,
        faults: &mut Faults,
        lost: impl Fn(&Note) -> Fault,
    ) -> Seen {
        let reasons = excuses + self.gaps;
        let Some(publisher) = channel.publisher(&note.publisher) else { return Seen::Well };
        let Some(sightings) = self.publishers.get_mut(&note.publisher) else {
            let leading =
                Hole { numbers: publisher.sent.start..note.number, excused: reasons > 0, leading: true };
            let holes = VecDeque::from_iter((!leading.numbers.is_empty()).then_some(leading));
            let sightings = Sightings { last: note.number, reasons, holes };
            self.publishers.insert(note.publisher.clone(), sightings);
            self.await_place(note);
            return Seen::Well;
        };
        if note.number <= sightings.last {
            return if sightings.fill(note.number) { Seen::Late } else { Seen::Again };
        }
        if sightings.last + 1 < note.number {
            let excused = sightings.reasons != reasons;
            let numbers = sightings.last + 1..note.number;
            sightings.holes.push_back(Hole { numbers, excused, leading: false });
            let forgotten = sightings.forget();
            if let Some(hole) = forgotten.filter(|hole| !hole.leading || self.throughout) {
                convict(&note.publisher, publisher, &hole.numbers, faults, &lost);
            }
        }
        (sightings.last, sightings.reasons) = (note.number, reasons);
        self.await_place(note);
        Seen::Well
    }

    fn await_place(&mut self, note: &Note) {
        if self.unplaced.len() == UNPLACED {
            self.unplaced.pop_front();
        }
        self.unplaced.push_back(note.clone());
    }

    /// The notes that turn out to be seen after one that stands behind them.
    pub(super) fn misplaced(&mut self, channel: &Channel) -> Vec<Note> {
        let mut misplaced = Vec::new();
        while let Some(note) = self.unplaced.pop_front() {
            match channel.place(&note) {
                Placed::At(place) if self.highest.is_some_and(|highest| place < highest) => {
                    misplaced.push(note);
                }
                Placed::At(place) => self.highest = Some(place),
                Placed::Never => {}
                Placed::NotYet => {
                    self.unplaced.push_front(note);
                    break;
                }
            }
        }
        misplaced
    }

    /// The same of all that still wait, when no further place is told.
    pub(super) fn misplaced_at_last(&self, channel: &Channel) -> Vec<Note> {
        let mut highest = self.highest;
        let misplaced = |note: &&Note| {
            let Placed::At(place) = channel.place(note) else { return false };
            let before = highest.is_some_and(|highest| place < highest);
            if !before {
                highest = Some(place);
            }
            before
        };
        self.unplaced.iter().filter(misplaced).cloned().collect()
    }

    pub(super) fn last_seen(&self, publisher: &str) -> Option<u64> {
        self.publishers.get(publisher).map(|sightings| sightings.last)
    }

    /// Convicts what is missing; how much of it is excused. Until the run has ended, what comes after the last
    /// sighting may still come.
    pub(super) fn missing(
        &self,
        channel: &Channel,
        excuses: u64,
        ended: bool,
        faults: &mut Faults,
        lost: impl Fn(&Note) -> Fault,
    ) -> u64 {
        let reasons = excuses + self.gaps;
        let mut excused = 0;
        for (name, publisher) in channel.publishers() {
            let sightings = self.publishers.get(name);
            let trailing = match sightings {
                Some(Sightings { last, reasons: known, .. }) => {
                    Hole { numbers: last + 1..publisher.sent.end, excused: *known != reasons, leading: true }
                }
                None => Hole { numbers: publisher.sent.clone(), excused: reasons > 0, leading: true },
            };
            let holes = sightings.into_iter().flat_map(|sightings| &sightings.holes);
            let holes = holes.chain(ended.then_some(&trailing));
            for hole in holes.filter(|hole| self.throughout || !hole.leading) {
                if hole.excused {
                    excused += publisher.arrived(&hole.numbers);
                } else {
                    convict(name, publisher, &hole.numbers, faults, &lost);
                }
            }
        }
        excused
    }
}

impl Sightings {
    /// Takes a number out of the holes; whether it was missing.
    fn fill(&mut self, number: u64) -> bool {
        let at = self.holes.partition_point(|hole| hole.numbers.end <= number);
        let Some(hole) = self.holes.get_mut(at).filter(|hole| hole.numbers.contains(&number)) else {
            return false;
        };
        let rest = Hole { numbers: number + 1..hole.numbers.end, ..hole.clone() };
        hole.numbers.end = number;
        let before = hole.numbers.is_empty();
        if !rest.numbers.is_empty() {
            self.holes.insert(at + 1, rest);
        }
        if before {
            self.holes.remove(at);
        }
        true
    }

    /// Makes room when there are too many holes; returns one that nothing excuses and that is no longer kept.
    fn forget(&mut self) -> Option<Hole> {
        if self.holes.len() <= HOLES {
            return None;
        }
        let excused = self.holes.iter().position(|hole| hole.excused);
        let forgotten = self.holes.remove(excused.unwrap_or(0));
        forgotten.filter(|_| excused.is_none())
    }
}

/// Everything of a range that had arrived is lost.
fn convict(
    name: &str,
    publisher: &Publisher,
    numbers: &Range<u64>,
    faults: &mut Faults,
    lost: impl Fn(&Note) -> Fault,
) {
    let mut named = 0;
    for number in numbers.clone().filter(|number| publisher.has_arrived(*number)) {
        if faults.named.len() >= super::FAULTS {
            break;
        }
        faults.push(|| lost(&Note::new(name, number)));
        named += 1;
    }
    faults.count(publisher.arrived(numbers) - named);
}
