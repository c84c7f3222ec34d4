//! Caps on calls of services that have not been answered: of one session, and in all.
//!
//! A call runs outside the shards, for as long as the host lets it; here it is counted from its start to the
//! drop of its responder. Nothing of the call itself is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::host::Who;

/// Counts the open calls of a node.
#[derive(Clone, Default)]
pub(crate) struct CallGate(Arc<AtomicUsize>);

/// One call's place under the caps; dropping it counts down.
pub(crate) struct CallPermit {
    gate: CallGate,
    who: Arc<Who>,
}

/// Which cap is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    Session,
    Node,
}

impl CallGate {
    /// Room for one more call of this session.
    pub(crate) fn admit(&self, who: &Arc<Who>, per_session: u32, in_all: usize) -> Result<CallPermit, Busy> {
        // Only the shard of the session counts up, so between look and count its number can but fall; that of
        // the node may pass its cap by one call a shard.
        if who.open_calls.load(Ordering::Relaxed) >= per_session {
            return Err(Busy::Session);
        }
        if self.0.load(Ordering::Relaxed) >= in_all {
            return Err(Busy::Node);
        }
        who.open_calls.fetch_add(1, Ordering::Relaxed);
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(CallPermit { gate: self.clone(), who: who.clone() })
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        self.who.open_calls.fetch_sub(1, Ordering::Relaxed);
        self.gate.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Calls of one session that are open.
pub(crate) type OpenCalls = AtomicU32;
