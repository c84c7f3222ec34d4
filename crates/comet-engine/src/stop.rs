//! A graceful stop, in phases that all shards reach together.
//!
//! A shard that stopped on its own could miss a publication that another one still acknowledges. So shards
//! first send everyone away and say when they are quiet; then publishing ends on all of them, what was
//! accepted before reaches the shards that listen, and only then each may stop. What a shard does in its
//! phase is in `shard/drain`; this runs on the thread that asked for the stop.

use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use crate::inbox::{Letter, Peer};

/// How often shards are asked whether they are quiet.
const LOOK: Duration = Duration::from_millis(10);

/// What a shard is told to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Send clients away; everything still works.
    SendAway,
    /// Accept no publication of your own clients any more.
    EndPublishing,
    /// Nothing: when all have answered, every publication accepted before has been numbered and handed on.
    Settle,
    /// Stop when nothing is left to send.
    Finish,
}

/// One phase for one shard; dropping it answers too.
pub(crate) struct Order {
    pub(crate) phase: Phase,
    _done: Sender<()>,
}

/// Leads the shards to their stop. Half of the time is for sending away and half for fetching what is left;
/// ends before either is over when all shards are quiet. The shards' threads end afterwards by themselves.
pub(crate) fn wind_down(peers: &[Peer], limit: Duration) {
    reach(peers, Phase::SendAway);
    let end = Instant::now() + limit / 2;
    while Instant::now() < end && !peers.iter().all(Peer::is_quiet) {
        std::thread::sleep(LOOK);
    }
    for phase in [Phase::EndPublishing, Phase::Settle, Phase::Finish] {
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
