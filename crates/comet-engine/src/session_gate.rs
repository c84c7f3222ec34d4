//! The cap on sessions in all, over every shard of the node.
//!
//! Counted at the opening and the end of a session, never on the way of a message.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the sessions of a node.
#[derive(Clone, Default)]
pub(crate) struct SessionGate(Arc<AtomicUsize>);

/// One session's place under the cap; dropping it counts down.
pub(crate) struct SessionPermit(SessionGate);

impl SessionGate {
    /// Room for one more session, or `None` when there are `most`.
    pub(crate) fn admit(&self, most: usize) -> Option<SessionPermit> {
        let more = |open: usize| (open < most).then_some(open + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(SessionPermit(self.clone()))
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
