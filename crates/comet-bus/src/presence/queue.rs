//! Which channel has something to tell, and when.
//!
//! Slots of channels wait here in the order of their due time, first come first among equals; what they have to tell
//! is not known. Presence puts them in, moves them and takes out those whose time has come.

use std::collections::BTreeMap;

/// Where a channel waits: its due time and a ticket that makes the place its own.
pub(super) type Place = (u64, u64);

/// Channels in the order in which they are due.
#[derive(Default)]
pub(super) struct Queue {
    places: BTreeMap<Place, u32>,
    tickets: u64,
}

impl Queue {
    /// Moves the channel in `slot` from its old place, if it has one, to the end of those due at `due`; a channel
    /// whose time stays keeps its place. Returns the place.
    pub(super) fn put(&mut self, slot: u32, old: Option<Place>, due: Option<u64>) -> Option<Place> {
        if old.map(|place| place.0) == due {
            return old;
        }
        old.map(|place| self.places.remove(&place));
        let place = (due?, self.tickets);
        self.tickets += 1;
        self.places.insert(place, slot);
        Some(place)
    }

    /// Takes the channel out that is due first.
    pub(super) fn pop(&mut self) -> Option<u32> {
        self.places.pop_first().map(|(_, slot)| slot)
    }

    /// The channel that is due first, and its time.
    pub(super) fn first(&self) -> Option<(u64, u32)> {
        self.places.first_key_value().map(|(place, slot)| (place.0, *slot))
    }
}
