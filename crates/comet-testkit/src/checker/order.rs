//! The order of a channel, and whether everyone saw it.
//!
//! Where the server told the places of messages, each subscriber is held to them; where it did not, everyone
//! is compared with whoever saw most. Messages that are late or repeated are convicted elsewhere.

use std::collections::{BTreeMap, HashMap};

use super::log::{Heard, Judged};
use super::{Fault, Note};

/// The places of a channel's messages.
#[derive(Default)]
pub(super) struct Places {
    epochs: HashMap<String, u32>,
    places: HashMap<Note, Place>,
}

/// Which epoch, and the offset in it. Later is greater.
pub(super) type Place = (u32, u64);

/// The number of an epoch; one that was not heard of is the next.
pub(super) fn epoch_number(epochs: &mut HashMap<String, u32>, epoch: &str) -> u32 {
    if let Some(number) = epochs.get(epoch) {
        return *number;
    }
    let number = u32::try_from(epochs.len()).unwrap_or(u32::MAX);
    epochs.insert(epoch.to_owned(), number);
    number
}

impl Places {
    pub(super) fn tell(&mut self, note: &Note, epoch: &str, offset: u64) {
        let epoch = epoch_number(&mut self.epochs, epoch);
        self.places.insert(note.clone(), (epoch, offset));
    }

    /// Each note that was seen after one that stands behind it.
    fn judge(&self, subscriber: &str, channel: &str, heard: &Heard<'_>, faults: &mut Vec<Fault>) {
        let mut highest = None;
        for note in &heard.order {
            let Some(place) = self.places.get(*note) else { continue };
            if highest.is_some_and(|highest| *place < highest) {
                let (subscriber, channel) = (subscriber.to_owned(), channel.to_owned());
                faults.push(Fault::OutOfPlace { subscriber, channel, note: (*note).clone() });
            } else {
                highest = Some(*place);
            }
        }
    }
}

/// Everyone saw every channel in its order.
pub(super) fn agreement(
    seen: &BTreeMap<&str, Judged<'_>>,
    places: &HashMap<String, Places>,
    faults: &mut Vec<Fault>,
) {
    let mut unplaced: BTreeMap<&str, Vec<(&str, &Heard<'_>)>> = BTreeMap::new();
    for (subscriber, judged) in seen {
        for (channel, heard) in judged.channels() {
            match places.get(channel) {
                Some(places) => places.judge(subscriber, channel, heard, faults),
                None => unplaced.entry(channel).or_default().push((subscriber, heard)),
            }
        }
    }
    for (channel, everyone) in unplaced {
        compare(channel, &everyone, faults);
    }
}

/// Compares everyone with whoever saw most.
fn compare(channel: &str, everyone: &[(&str, &Heard<'_>)], faults: &mut Vec<Fault>) {
    let Some((witness, longest)) = everyone.iter().max_by_key(|(_, heard)| heard.order.len()) else { return };
    let rank: HashMap<&Note, usize> =
        longest.order.iter().enumerate().map(|(rank, note)| (*note, rank)).collect();
    for (subscriber, heard) in everyone.iter().filter(|(subscriber, _)| subscriber != witness) {
        let mut before = 0;
        for (note, rank) in heard.order.iter().filter_map(|note| Some((*note, *rank.get(note)?))) {
            if rank < before {
                let mut subscribers = [(*witness).to_owned(), (*subscriber).to_owned()];
                subscribers.sort();
                faults.push(Fault::Disagreement {
                    subscribers,
                    channel: channel.to_owned(),
                    note: note.clone(),
                });
                break;
            }
            before = rank;
        }
    }
}
