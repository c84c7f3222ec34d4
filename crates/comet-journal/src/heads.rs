//! Where every channel stands, and what an entry changes.
//!
//! The rules of order live here: which record may follow, what a trim and a new epoch take away. The
//! changes of a group are gathered as keys and values; the store writes them, and nothing here knows
//! how.

use comet_bus::Durability;
use comet_bus::journal::{Entry, JournalError, Record};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::encoding::{self, MAX_CHANNEL, MAX_EVENT, MAX_KEY, Summary};

/// Where a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) epoch: u64,
    /// The highest offset.
    pub(crate) head: u64,
    /// Everything above is kept.
    pub(crate) floor: u64,
    /// A record of this epoch was acknowledged, or is about to be, without a sync.
    pub(crate) stored: bool,
}

/// The heads of all channels.
#[derive(Default)]
pub(crate) struct Heads {
    heads: FxHashMap<Box<str>, Head>,
    summary: Summary,
}

/// What a group changes.
#[derive(Default)]
pub(crate) struct Changes {
    /// Keys and what they hold from now on; a later change of a key takes the place of an earlier one,
    /// as the store knows no order within a batch.
    pub(crate) values: FxHashMap<Vec<u8>, Option<Vec<u8>>>,
    /// The group has to be on the device before it is acknowledged.
    pub(crate) sync: bool,
    touched: FxHashSet<Box<str>>,
}

impl Heads {
    pub(crate) fn summary(&self) -> Summary {
        self.summary
    }

    /// Puts a head in, or takes it out with `None`, and answers with the one before.
    pub(crate) fn set(&mut self, channel: &str, head: Option<Head>) -> Option<Head> {
        let before = match head {
            Some(head) => {
                self.summary.sum = self.summary.sum.wrapping_add(encoding::digest(channel, &head));
                match self.heads.get_mut(channel) {
                    Some(place) => Some(std::mem::replace(place, head)),
                    None => self.heads.insert(channel.into(), head),
                }
            }
            None => self.heads.remove(channel),
        };
        if let Some(before) = before {
            self.summary.sum = self.summary.sum.wrapping_sub(encoding::digest(channel, &before));
        }
        before
    }

    /// Takes the count of groups over from the store.
    pub(crate) fn count_from(&mut self, group: u64) {
        self.summary.group = group;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Head)> {
        self.heads.iter().map(|(channel, head)| (&**channel, head))
    }

    /// Takes one entry of a group in.
    pub(crate) fn on_entry(&mut self, entry: &Entry, changes: &mut Changes) -> Result<(), JournalError> {
        match entry {
            Entry::Append { record, durability } => self.on_append(record, *durability, changes),
            Entry::Trim { channel, epoch, below } => {
                self.on_trim(channel, *epoch, *below, changes);
                Ok(())
            }
            Entry::Forget { channel, epoch } => {
                if let Some(head) = self.heads.get(channel).copied().filter(|head| head.epoch == *epoch) {
                    changes.remove(channel, &head, head.head);
                    self.set(channel, None);
                    changes.touch(channel);
                }
                Ok(())
            }
        }
    }

    fn on_append(
        &mut self,
        record: &Record,
        durability: Durability,
        changes: &mut Changes,
    ) -> Result<(), JournalError> {
        let (channel, position) = (&*record.channel, record.position);
        let keys = record.key.iter().chain(&record.conflate);
        let key_bytes = keys.map(|key| key.len()).max().unwrap_or(0);
        if channel.len() > MAX_CHANNEL || record.event.len() > MAX_EVENT || key_bytes > MAX_KEY {
            return Err(JournalError::TooBig);
        }
        let stored = durability < Durability::Fsync;
        let known = self.heads.get(channel).copied();
        let head = match known {
            Some(head) if head.epoch == position.epoch => {
                if head.head.checked_add(1) != Some(position.offset) {
                    return Err(JournalError::OutOfOrder { head: head.head });
                }
                // After a power cut the head on the device decides whether the epoch goes on. That this
                // one has records that may be lost has to be there before the first of them can be.
                changes.sync |= stored && !head.stored;
                Head { head: position.offset, stored: head.stored || stored, ..head }
            }
            _ => {
                // A new epoch that a power cut takes back leaves the old one, which has not counted on.
                let floor = position.offset.checked_sub(1).ok_or(JournalError::OutOfOrder { head: 0 })?;
                if let Some(head) = known {
                    changes.remove(channel, &head, head.head);
                }
                Head { epoch: position.epoch, head: position.offset, floor, stored }
            }
        };
        changes.sync |= !stored;
        self.set(channel, Some(head));
        let key = encoding::record_key(channel, position.offset);
        changes.values.insert(key, Some(encoding::record_value(record)));
        changes.touch(channel);
        Ok(())
    }

    fn on_trim(&mut self, channel: &str, epoch: u64, below: u64, changes: &mut Changes) {
        let Some(head) = self.heads.get(channel).copied().filter(|head| head.epoch == epoch) else {
            return;
        };
        let floor = below.saturating_sub(1).min(head.head);
        if floor > head.floor {
            changes.remove(channel, &head, floor);
            self.set(channel, Some(Head { floor, ..head }));
            changes.touch(channel);
        }
    }

    /// Ends a group: what it touched becomes values, the summary with it. `false` when nothing was
    /// changed.
    pub(crate) fn seal(&mut self, changes: &mut Changes) -> bool {
        if changes.touched.is_empty() {
            return false;
        }
        for channel in changes.touched.drain() {
            let value = self.heads.get(&channel).map(encoding::head_value);
            changes.values.insert(encoding::head_key(&channel), value);
        }
        self.summary.group += 1;
        changes.values.insert(encoding::SUMMARY.to_vec(), Some(self.summary.value()));
        true
    }
}

impl Changes {
    /// The head of this channel is written at the end of the group.
    pub(crate) fn touch(&mut self, channel: &str) {
        if !self.touched.contains(channel) {
            self.touched.insert(channel.into());
        }
    }

    fn remove(&mut self, channel: &str, head: &Head, to: u64) {
        for offset in head.floor.saturating_add(1)..=to {
            self.values.insert(encoding::record_key(channel, offset), None);
        }
    }
}
