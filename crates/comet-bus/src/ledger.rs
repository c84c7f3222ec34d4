//! The channels that a home counts, each with its number and its history.
//!
//! Entries stand in slots that are found by name; what they remember in all is counted here, and so are those that
//! remember anything. Which messages are published, and who gets them, is the home's business.

use std::collections::HashMap;
use std::sync::Arc;

use slab::Slab;

use crate::recency::Recency;
use crate::written::Written;
use crate::{History, Position};

/// The entry stands not among the holders.
const NONE: u32 = u32::MAX;
/// Channels of which one gives up messages.
const LOOKED_AT: usize = 8;
/// The most entries: a slot fits 32 bits, and one value is none.
pub(crate) const MAX_ENTRIES: usize = u32::MAX as usize - 1;

/// The channels that a home counts.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: Slab<Entry>,
    by_name: HashMap<Arc<str>, u32>,
    pub(crate) recency: Recency,
    /// The slots with a history that is not empty, in any order.
    holders: Vec<u32>,
    /// Where among the holders those stand that are looked at next when messages have to go.
    hand: usize,
    /// Where among the holders the next is swept.
    broom: usize,
    bytes: usize,
    /// Slots of channels whose journal keeps more than their histories; some of them may be out of date.
    pub(crate) untrimmed: Vec<u32>,
    /// How often histories of such channels have grown shorter since these were looked at.
    pub(crate) dropped: usize,
    /// The latest time of a use: should the caller's clock be set back, uses still come in order.
    now_ms: u64,
}

/// One channel.
pub(crate) struct Entry {
    pub(crate) name: Arc<str>,
    /// Where the channel stands.
    pub(crate) head: Position,
    /// When something was published last; no older than anything in the history.
    pub(crate) used_ms: u64,
    /// Where its options stand in the table.
    pub(crate) options: usize,
    pub(crate) history: History,
    /// What is known of it in a journal, if it has one.
    pub(crate) written: Option<Box<Written>>,
    /// Its place among the holders.
    holder: u32,
}

impl Entry {
    /// The first offset that a journal has to keep.
    pub(crate) fn kept_from(&self) -> u64 {
        kept_from(&self.history, self.head)
    }
}

/// The first that is remembered. The last message stays in any case: it says when the channel was used last.
fn kept_from(history: &History, head: Position) -> u64 {
    history.first_offset().unwrap_or(head.offset.max(1))
}

impl Ledger {
    /// The slot of a channel.
    pub(crate) fn slot(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// Begins to count a channel that is not counted yet; there is room for it.
    pub(crate) fn insert(&mut self, name: &str, head: Position, options: usize, history: History) -> u32 {
        let name: Arc<str> = name.into();
        let used_ms = self.now_ms;
        let entry =
            Entry { name: name.clone(), head, used_ms, options, history, written: None, holder: NONE };
        let slot = self.entries.insert(entry) as u32;
        self.by_name.insert(name, slot);
        self.recency.insert(slot);
        self.settle(slot, 0);
        slot
    }

    /// Stops counting a channel.
    pub(crate) fn remove(&mut self, slot: u32) {
        self.change(slot, |history| *history = History::default());
        self.recency.remove(slot);
        let entry = self.entries.remove(slot as usize);
        self.by_name.remove(&entry.name);
        if self.by_name.len() * 4 < self.by_name.capacity() {
            self.by_name.shrink_to(self.by_name.len() * 2);
        }
    }

    /// Begins to keep a channel in a journal, which has its records from an offset on.
    pub(crate) fn write(&mut self, slot: u32, kept_from: u64) {
        let entry = &mut self.entries[slot as usize];
        entry.written = Some(Box::new(Written::new(entry.head.offset, kept_from)));
        // Less may be remembered than was kept.
        self.change(slot, |_| ());
    }

    /// The entry in a slot, to change where it stands.
    pub(crate) fn entry_mut(&mut self, slot: u32) -> &mut Entry {
        &mut self.entries[slot as usize]
    }

    /// The entry in a slot, should it be in use.
    pub(crate) fn found(&mut self, slot: u32) -> Option<&mut Entry> {
        self.entries.get_mut(slot as usize)
    }

    /// The entry in a slot that is in use.
    pub(crate) fn entry(&self, slot: u32) -> &Entry {
        &self.entries[slot as usize]
    }

    /// Gives a channel its next number.
    pub(crate) fn number(&mut self, slot: u32, now_ms: u64) -> Position {
        self.on_use(slot, now_ms);
        let head = &mut self.entries[slot as usize].head;
        head.offset += 1;
        *head
    }

    /// Notes that a channel was used.
    pub(crate) fn on_use(&mut self, slot: u32, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        self.entries[slot as usize].used_ms = self.now_ms;
        self.recency.touch(slot);
    }

    /// Changes the history of a channel.
    pub(crate) fn change(&mut self, slot: u32, change: impl FnOnce(&mut History)) {
        let entry = &mut self.entries[slot as usize];
        let before = entry.history.bytes();
        change(&mut entry.history);
        if let Some(written) = &mut entry.written
            && kept_from(&entry.history, entry.head) > written.kept_from
        {
            self.dropped += 1;
            if !std::mem::replace(&mut written.is_listed, true) {
                self.untrimmed.push(slot);
            }
        }
        self.settle(slot, before);
    }

    /// Brings the sums in line with a history that had `before` bytes.
    fn settle(&mut self, slot: u32, before: usize) {
        let entry = &mut self.entries[slot as usize];
        self.bytes = self.bytes - before + entry.history.bytes();
        match (entry.holder, entry.history.is_empty()) {
            (NONE, false) => {
                entry.holder = self.holders.len() as u32;
                self.holders.push(slot);
            }
            (NONE, true) | (_, false) => {}
            (place, true) => {
                entry.holder = NONE;
                self.holders.swap_remove(place as usize);
                if let Some(moved) = self.holders.get(place as usize) {
                    self.entries[*moved as usize].holder = place;
                }
            }
        }
    }

    /// Lets channels give up their oldest messages until all together keep within `bound_bytes`: in turn the next few
    /// are looked at, and the one that remembers most gives. Every step frees messages, so that publications pay for it
    /// with what they brought.
    pub(crate) fn give_up(&mut self, bound_bytes: usize, now_ms: u64) {
        while self.bytes > bound_bytes {
            let count = self.holders.len();
            let looked_at =
                (self.hand..self.hand + LOOKED_AT.min(count)).map(|place| self.holders[place % count]);
            let greatest = looked_at.max_by_key(|slot| self.entries[*slot as usize].history.bytes());
            let slot = greatest.expect("who has bytes holds them");
            self.hand = (self.hand + LOOKED_AT) % count;
            self.change(slot, |history| history.give_up(now_ms));
        }
    }

    /// Calls `trim` with the slots of the next `budget` channels that remember anything, or with those of all.
    pub(crate) fn sweep(&mut self, budget: usize, mut trim: impl FnMut(&mut Ledger, u32)) {
        for _ in 0..budget.min(self.holders.len()) {
            if self.broom >= self.holders.len() {
                self.broom = 0;
            }
            let Some(slot) = self.holders.get(self.broom).copied() else { return };
            trim(self, slot);
            if self.holders.get(self.broom) == Some(&slot) {
                self.broom += 1;
            }
        }
    }

    /// The slot used last.
    pub(crate) fn newest(&self) -> Option<u32> {
        self.recency.newest()
    }

    /// The slot used before this one.
    pub(crate) fn older(&self, slot: u32) -> Option<u32> {
        self.recency.older(slot)
    }

    /// How many channels are counted.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The memory of all messages that are remembered.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}
