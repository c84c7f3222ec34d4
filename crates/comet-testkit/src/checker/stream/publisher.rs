//! What publishers did on one channel, in a few numbers.
//!
//! Which numbers were sent, which of them nobody has confirmed yet, and where the latest stand in the channel.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Range;

use crate::checker::Note;
use crate::checker::order::{Place, epoch_number};

/// Places that are kept of each publisher, the latest. A subscriber that is further behind is not held to
/// them.
const PLACES: usize = 16_384;

/// One channel.
#[derive(Default)]
pub(super) struct Channel {
    epochs: HashMap<String, u32>,
    publishers: HashMap<String, Publisher>,
}

/// One publisher on one channel.
#[derive(Default)]
pub(super) struct Publisher {
    /// The numbers that were sent.
    pub(super) sent: Range<u64>,
    /// Those that were neither acknowledged nor seen by anybody: the ones on their way, and those that failed.
    unconfirmed: BTreeSet<u64>,
    /// The places of the latest, by number.
    places: VecDeque<(u64, Place)>,
    /// Below this every acknowledgement that will come has come.
    settled: u64,
}

/// What is known of the place of a note.
pub(super) enum Placed {
    At(Place),
    /// Its acknowledgement may still come.
    NotYet,
    Never,
}

impl Channel {
    pub(super) fn publish(&mut self, note: &Note) {
        let publisher = super::existing(&mut self.publishers, &note.publisher);
        if publisher.sent.is_empty() {
            publisher.sent = note.number..note.number;
        }
        assert_eq!(note.number, publisher.sent.end, "the numbers of {} go up by one", note.publisher);
        publisher.sent.end += 1;
        publisher.unconfirmed.insert(note.number);
    }

    pub(super) fn acknowledge(&mut self, note: &Note, place: Option<(&str, u64)>) {
        let epoch = place.map(|(epoch, offset)| (epoch_number(&mut self.epochs, epoch), offset));
        let publisher = super::existing(&mut self.publishers, &note.publisher);
        assert!(publisher.sent.contains(&note.number), "{note} was published before it is acknowledged");
        publisher.unconfirmed.remove(&note.number);
        publisher.settled = publisher.settled.max(note.number + 1);
        if let Some(place) = epoch {
            if publisher.places.len() == PLACES {
                publisher.places.pop_front();
            }
            publisher.places.push_back((note.number, place));
        }
    }

    /// Somebody saw a note; whether it was published.
    pub(super) fn on_seen(&mut self, note: &Note) -> bool {
        let Some(publisher) = self.publishers.get_mut(&note.publisher) else { return false };
        publisher.unconfirmed.remove(&note.number);
        publisher.sent.contains(&note.number)
    }

    pub(super) fn publisher(&self, name: &str) -> Option<&Publisher> {
        self.publishers.get(name)
    }

    pub(super) fn publishers(&self) -> impl Iterator<Item = (&str, &Publisher)> {
        self.publishers.iter().map(|(name, publisher)| (name.as_str(), publisher))
    }

    pub(super) fn place(&self, note: &Note) -> Placed {
        let Some(publisher) = self.publishers.get(&note.publisher) else { return Placed::Never };
        match publisher.places.binary_search_by_key(&note.number, |(number, _)| *number) {
            Ok(at) => Placed::At(publisher.places[at].1),
            Err(_) if note.number >= publisher.settled => Placed::NotYet,
            Err(_) => Placed::Never,
        }
    }
}

impl Publisher {
    /// How many numbers of a range had arrived.
    pub(super) fn arrived(&self, range: &Range<u64>) -> u64 {
        let all = range.end.saturating_sub(range.start);
        if all == 0 { 0 } else { all - self.unconfirmed.range(range.clone()).count() as u64 }
    }

    /// Whether a number had arrived.
    pub(super) fn has_arrived(&self, number: u64) -> bool {
        !self.unconfirmed.contains(&number)
    }
}
