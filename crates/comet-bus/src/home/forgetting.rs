//! What a home forgets: messages that are too old, and channels that nobody uses.
//!
//! Bounds in count and bytes hold at every publication; what has to go because time passes goes here, a bounded part at
//! each call or when it is asked for, and so does a channel that makes room for another. Who calls, and how often, is the
//! engine's business.

use super::{Full, Home};
use crate::ledger::Entry;
use crate::recency::Walk;

/// Channels that are looked at to make room for one.
const LOOKED_AT: usize = 256;

impl Home {
    /// Drops what has expired or is too old in the next `budget` channels that remember anything; call by call it goes
    /// round all of them.
    pub fn sweep(&mut self, now_ms: u64, budget: usize) {
        let table = &self.table;
        self.ledger.sweep(budget, |ledger, slot| {
            let retention = table.at(ledger.entry(slot).options).history;
            ledger.change(slot, |history| history.trim(&retention, now_ms));
        });
    }

    /// Drops what has expired or is too old in one channel.
    pub(super) fn trim(&mut self, slot: u32, now_ms: u64) {
        let retention = self.options(slot).history;
        self.ledger.change(slot, |history| history.trim(&retention, now_ms));
    }

    /// Forgets channels while more than half of the channels are counted that may be: of those that nothing was
    /// published on since `before_ms` and that remember nothing, the least recently used. At most `budget` are looked at;
    /// whether more may wait for another call. A forgotten channel that comes back counts from 1 again, under another epoch.
    pub fn forget(&mut self, before_ms: u64, now_ms: u64, budget: usize) -> bool {
        self.epochs.go_on();
        for _ in 0..budget {
            let next = self.ledger.recency.at(Walk::Forgetting);
            let is_due = |slot: &u32| self.ledger.entry(*slot).used_ms < before_ms;
            let Some(slot) = next.filter(is_due).filter(|_| self.ledger.len() > self.capacity / 2) else {
                self.ledger.recency.restart(Walk::Forgetting);
                return false;
            };
            self.trim(slot, now_ms);
            let more = self.ledger.recency.pass(Walk::Forgetting, slot);
            let Entry { history, written, .. } = self.ledger.entry(slot);
            let waits = written.as_ref().is_some_and(|written| written.is_waiting());
            if history.is_empty() && !waits {
                self.forget_channel(slot);
            }
            if !more {
                return false;
            }
        }
        true
    }

    /// Room for one channel more. Where all are counted that may be, the least recently used is forgotten of those that
    /// nobody listens to by their own names and no journal keeps, with all that it remembers.
    ///
    /// # Errors
    /// [`Full`] when none was found among those that were looked at. The next call looks at others.
    pub(super) fn make_room(&mut self, now_ms: u64) -> Result<(), Full> {
        if self.room().is_ok() {
            return Ok(());
        }
        for _ in 0..LOOKED_AT.min(self.ledger.len()) {
            let slot = self.ledger.recency.at(Walk::MakingRoom).ok_or(Full)?;
            self.ledger.recency.pass(Walk::MakingRoom, slot);
            let Entry { name, written, .. } = self.ledger.entry(slot);
            // Whoever listens to a pattern chooses no channel, and must not be able to keep all that others invent.
            if written.is_none() && !self.interest.has(name) {
                // What has expired was meant to go.
                self.trim(slot, now_ms);
                self.forget_channel(slot);
                return Ok(());
            }
        }
        Err(Full)
    }

    /// Stops counting a channel. From what is lost with it on, those who ask by a time are told; an epoch under which it
    /// was counted does not come again.
    fn forget_channel(&mut self, slot: u32) {
        let Entry { name, head, history, written, used_ms, .. } = self.ledger.entry(slot);
        let (name, epoch) = (name.clone(), head.epoch);
        let remembered_ms = if history.is_empty() { 0 } else { *used_ms };
        let lost_at_ms = history.lost_at_ms().max(remembered_ms);
        if written.is_some() {
            self.on_durable_lost(lost_at_ms);
            self.leave_journal(&name, epoch);
        } else {
            self.known_since_ms = self.known_since_ms.max(lost_at_ms);
        }
        self.ledger.remove(slot);
        self.epochs.on_forgotten(epoch);
    }
}
