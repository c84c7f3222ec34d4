//! What a home forgets: messages that are too old, and channels that nobody uses.
//!
//! Bounds in count and bytes hold at every publication; what has to go because time passes goes here, a bounded part at
//! each call or when it is asked for. Who calls, and how often, is the engine's business.

use super::Home;
use crate::ledger::Entry;

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
    /// published on since `before_ms` and that remember nothing, the least recently used. A forgotten channel that comes
    /// back counts from 1 again, so the epoch of channels yet to come moves on.
    pub fn forget(&mut self, before_ms: u64, now_ms: u64) {
        let held = self.ledger.len();
        let mut next = self.ledger.oldest();
        while let Some(slot) = next
            && self.ledger.len() > self.capacity / 2
            && self.ledger.entry(slot).used_ms < before_ms
        {
            next = self.ledger.newer(slot);
            self.trim(slot, now_ms);
            let Entry { name, head, history, written, .. } = self.ledger.entry(slot);
            let waits = written.as_ref().is_some_and(|written| written.is_waiting());
            if history.is_empty() && !waits {
                let (lost_at_ms, name, epoch) = (history.lost_at_ms(), name.clone(), head.epoch);
                if written.is_some() {
                    self.on_durable_lost(lost_at_ms);
                    self.leave_journal(&name, epoch);
                } else {
                    self.known_since_ms = self.known_since_ms.max(lost_at_ms);
                }
                self.ledger.remove(slot);
            }
        }
        if self.ledger.len() < held {
            self.epoch = self.epoch.wrapping_add(1);
        }
    }
}
