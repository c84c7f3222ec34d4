//! A graceful stop, in phases that all shards reach together.
//!
//! A shard that stopped on its own could miss a publication that another one still acknowledges. So publishing
//! ends on all shards first, then what was accepted reaches the shards that listen, and only then each sends
//! its clients away and stops. What a shard does in its phase is in `shard/drain`; this runs on the thread
//! that asked for the stop.

use std::sync::mpsc::{Sender, channel};

use crate::inbox::{Letter, Peer};

/// What a shard is told to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accept no session and no publication of your own clients any more.
    EndPublishing,
    /// Nothing: when all have answered, every publication accepted before has been numbered and handed on.
    Settle,
    /// Answer when the journal has everything that waits for it, and what it has is handed on.
    Keep,
    /// Send everyone away, and stop when nothing is left to send.
    SendAway,
}

/// One phase for one shard; dropping it answers too.
pub(crate) struct Order {
    pub(crate) phase: Phase,
    _done: Sender<()>,
}

/// Leads the shards to their stop; their threads end afterwards by themselves.
pub(crate) fn wind_down(peers: &[Peer]) {
    for phase in [Phase::EndPublishing, Phase::Settle, Phase::Keep, Phase::SendAway] {
        reach(peers, phase);
    }
}

/// Returns when every shard has answered, or is gone.
fn reach(peers: &[Peer], phase: Phase) {
    let (done, all_done) = channel();
    for peer in peers {
        peer.post(Letter::Drain(Order { phase, _done: done.clone() }));
    }
    drop(done);
    // Nobody ever sends: the last order that is dropped ends the wait.
    let _ = all_done.recv();
}
