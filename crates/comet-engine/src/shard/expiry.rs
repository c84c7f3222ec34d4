//! Messages that expire while they wait for their receiver.
//!
//! A seat is marked when something that expires enters its queue; only the queues of marked seats are looked
//! through before they leave. When a message expires is said by its publication, what the history does with it is
//! `comet-bus`'s.

use crate::delivery::Shared;
use crate::key::SessionKey;

use super::Shard;

impl Shard {
    /// Takes what has expired out of a session's queue.
    pub(super) fn shed_expired(&mut self, key: SessionKey) {
        if self.seat(key).is_none_or(|seat| !seat.expiring) {
            return;
        }
        let now_ms = self.unix_ms();
        let Some(seat) = self.seat(key) else { return };
        let gone = seat.session.discard(|delivery: &Shared| delivery.0.is_expired(now_ms));
        // What was sent and is not confirmed may come back into the queue.
        seat.expiring = seat.session.pending() > 0 || seat.session.unconfirmed() > 0;
        self.counters.messages_expired.add(gone as u64);
    }
}
