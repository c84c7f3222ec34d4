//! Caps on calls of services that have not been answered: of one session, and in all by count and by bytes.
//!
//! A call runs outside the shards, for as long as the host lets it; here it is counted from its start to the
//! drop of its responder. Nothing of the call itself is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::Limits;
use crate::host::Who;

/// Calls of one session that are open.
pub(crate) type OpenCalls = AtomicU32;

/// Counts the open calls of a node.
#[derive(Clone, Default)]
pub(crate) struct CallGate(Arc<Open>);

#[derive(Default)]
struct Open {
    calls: AtomicUsize,
    bytes: AtomicUsize,
}

/// One call's place under the caps; dropping it counts down.
pub(crate) struct CallPermit {
    gate: CallGate,
    who: Arc<Who>,
    bytes: usize,
}

/// Which cap is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    Session,
    Node,
}

impl CallGate {
    /// Room for one more call of this session, with so many bytes of data.
    pub(crate) fn admit(&self, who: &Arc<Who>, bytes: usize, limits: &Limits) -> Result<CallPermit, Busy> {
        // Only the shard of the session counts up, so between look and count its number can but fall; those of
        // the node may pass their caps by one call a shard.
        if who.open_calls.load(Ordering::Relaxed) >= limits.calls_per_session {
            return Err(Busy::Session);
        }
        let open = &self.0;
        let (calls, waiting) = (open.calls.load(Ordering::Relaxed), open.bytes.load(Ordering::Relaxed));
        if calls >= limits.calls || waiting + bytes > limits.call_bytes {
            return Err(Busy::Node);
        }
        who.open_calls.fetch_add(1, Ordering::Relaxed);
        open.calls.fetch_add(1, Ordering::Relaxed);
        open.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(CallPermit { gate: self.clone(), who: who.clone(), bytes })
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        self.who.open_calls.fetch_sub(1, Ordering::Relaxed);
        self.gate.0.calls.fetch_sub(1, Ordering::Relaxed);
        self.gate.0.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
