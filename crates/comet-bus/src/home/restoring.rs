//! What a home gets back at its start: channels that a journal has kept.
//!
//! A restored channel goes on where it stood, and whoever knows a position of it finds it again. What a journal brings that
//! the options do not want any more goes back to it as something to forget. All of it happens before anything is published.

use std::sync::Arc;

use bayeux::{Channel, Kind};

use super::{Full, Home};
use crate::journal::{Kept, Loaded};
use crate::{Durability, History, Position, Publication};

/// Epochs that a home may come to use in its life.
const EPOCHS_AHEAD: u64 = 1 << 32;

impl Home {
    /// Takes a channel back from a journal. One that is no channel for publications, or not durable any more, is none of
    /// this home's, and the journal is to forget it.
    ///
    /// # Errors
    /// [`Full`] when there is no room for the channel.
    pub fn load(&mut self, loaded: Loaded) -> Result<(), Full> {
        let Loaded { channel: name, epoch, head, replaced, records, .. } = loaded;
        let channel = Channel::parse(&name).ok().filter(|channel| {
            let durability = self.table.durability(channel);
            channel.kind() == Kind::Broadcast && durability > Durability::Memory
        });
        let Some(channel) = channel else {
            self.leave_journal(&name, epoch);
            return Ok(());
        };
        let publication = |kept: Kept| {
            let position = Position { epoch, offset: kept.offset };
            let event = match replaced {
                None => kept.event,
                Some(before) => refrozen(&kept.event, Position { epoch: before, ..position }, position)?,
            };
            let Kept { at_ms, expires_at_ms, key, conflate, .. } = kept;
            let channel = channel.clone();
            let (except, receipt) = (None, None);
            let publication =
                Publication { channel, position, at_ms, expires_at_ms, conflate, except, receipt, event };
            Some((Arc::new(publication), key))
        };
        let mut publications = Vec::with_capacity(records.len());
        for (publication, key) in records.into_iter().filter_map(publication) {
            if let Some(key) = key {
                self.restored_keys.push((publication.at_ms, name.clone(), key, publication.position));
            }
            publications.push(publication);
        }
        // Acknowledged messages of an epoch that was replaced may be lost, up to the end of the process before.
        self.restore_from(&channel, Position { epoch, offset: head }, publications, replaced.is_none())
    }

    /// Everything is restored: takes back the keys of the messages, oldest first.
    pub fn end_loading(&mut self, now_ms: u64) {
        let mut keys = std::mem::take(&mut self.restored_keys);
        keys.sort_unstable_by_key(|(at_ms, ..)| *at_ms);
        for (at_ms, channel, key, position) in keys {
            // What comes from the future was written under a clock that was set back since.
            self.idempotency.restore(&channel, &key, position, at_ms.min(now_ms));
        }
    }

    /// Sets where a channel stands and what it remembers, before anything is published on it; one that is counted
    /// already stays as it is. Under the epoch of `position` no offset beyond it may ever have been given out: if that
    /// is uncertain, the position needs another epoch. Publications come oldest first; those that do not fit the
    /// position are left out, and offsets missing among them are lost.
    ///
    /// # Errors
    /// [`Full`] when there is no room for the channel.
    pub fn restore(
        &mut self,
        channel: &Channel,
        position: Position,
        publications: Vec<Arc<Publication>>,
    ) -> Result<(), Full> {
        self.restore_from(channel, position, publications, true)
    }

    /// Restores a channel; of one that is not `whole`, messages may be missing that were numbered at any time before the
    /// start.
    fn restore_from(
        &mut self,
        channel: &Channel,
        position: Position,
        publications: Vec<Arc<Publication>>,
        whole: bool,
    ) -> Result<(), Full> {
        if self.ledger.slot(channel.as_str()).is_some() {
            return Ok(());
        }
        self.room()?;
        if position.epoch.wrapping_sub(self.epochs.present()) < EPOCHS_AHEAD {
            // Should this channel be forgotten, none of its epochs may come again.
            self.epochs.begin_behind(position.epoch);
        }
        let options = *self.table.options(channel);
        let fits = |publication: &Arc<Publication>| {
            publication.position.epoch == position.epoch && publication.position.offset <= position.offset
        };
        let mut publications = publications.into_iter().filter(fits).peekable();
        let (first_ms, kept_from) = publications
            .peek()
            .map_or((u64::MAX, position.offset + 1), |first| (first.at_ms, first.position.offset));
        let is_durable = self.table.durability(channel) > Durability::Memory;
        // Of what came before the first message of an epoch nothing is known, unless a journal knows it.
        let known_since_ms = match (whole, is_durable) {
            (false, _) => self.known_since_ms,
            (true, true) => self.durable_since_ms.min(first_ms.saturating_sub(1)),
            (true, false) => self.known_since_ms.min(first_ms.saturating_sub(1)),
        };
        let mut history = History::after(known_since_ms);
        let (mut last, mut last_ms) = (0, 0);
        if is_durable {
            history.on_restored(position.offset, self.known_since_ms);
        }
        for publication in publications {
            let offset = publication.position.offset;
            if offset <= last {
                continue;
            }
            last_ms = publication.at_ms.max(last_ms);
            if offset - last > 1 {
                history.pass_over(offset - 1, last_ms, false);
            }
            last = offset;
            // No time has passed: what is too old goes when it is asked for.
            history.push(publication, &options.history, 0);
        }
        if last < position.offset {
            history.pass_over(position.offset, last_ms.max(self.known_since_ms), false);
        }
        // Who asks by a time looks only at channels that were used since.
        let used_ms = history.reached_ms(last, last_ms).max(history.lost_at_ms());
        let slot = self.ledger.insert(channel.as_str(), position, self.table.index(channel), history);
        self.ledger.on_use(slot, used_ms);
        if is_durable {
            self.ledger.write(slot, kept_from);
        }
        self.ledger.give_up(self.history_bytes, 0);
        Ok(())
    }
}

/// An event that names its place in an epoch that was replaced, with its place in the new one. The place ends the event.
fn refrozen(event: &[u8], before: Position, now: Position) -> Option<Box<[u8]>> {
    const END: &[u8] = b"}}";
    let mut place = Vec::new();
    before.write_json(&mut place);
    let rest = event.strip_suffix(END)?.strip_suffix(&place[..])?;
    let mut refrozen = Vec::with_capacity(event.len() + 16);
    refrozen.extend_from_slice(rest);
    now.write_json(&mut refrozen);
    refrozen.extend_from_slice(END);
    Some(refrozen.into_boxed_slice())
}
