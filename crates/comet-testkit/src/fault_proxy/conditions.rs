//! What a proxy is told at the moment.
//!
//! One value that every part of the proxy watches. Things that happen once carry a number that goes up, so
//! that a part that looks late still sees that they happened; nothing here does anything.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use crate::{Direction, Ending, Hole};

/// How a connection is to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) direction: Direction,
    pub(super) ending: Ending,
}

/// The rule for cuts after a number of bytes; a new number means that the bytes are drawn and counted anew.
#[derive(Clone, Debug, Default)]
pub(super) struct CutAfter {
    pub(super) number: u64,
    pub(super) rule: Option<(Range<u64>, Cut)>,
}

/// What holds now.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    pub(super) target: SocketAddr,
    /// How often all were cut; who knows an older number has it still to do.
    pub(super) cuts: u64,
    /// How the last cut was made.
    pub(super) last_cut: Cut,
    pub(super) cut_after: CutAfter,
    pub(super) hole: Option<Hole>,
    pub(super) delay: Option<Duration>,
    pub(super) dribble: Option<Duration>,
    pub(super) refuse: bool,
    pub(super) duplicate: bool,
    /// The proxy is gone.
    pub(super) over: bool,
}

impl Conditions {
    /// Everything goes through.
    pub(super) fn fair(target: SocketAddr) -> Conditions {
        Conditions {
            target,
            cuts: 0,
            last_cut: Cut { direction: Direction::ToClient, ending: Ending::Reset },
            cut_after: CutAfter::default(),
            hole: None,
            delay: None,
            dribble: None,
            refuse: false,
            duplicate: false,
            over: false,
        }
    }

    pub(super) fn cut(&mut self, direction: Direction, ending: Ending) {
        self.cuts += 1;
        self.last_cut = Cut { direction, ending };
    }

    pub(super) fn heal(&mut self) {
        let number = self.cut_after.number + 1;
        *self = Conditions {
            cuts: self.cuts,
            last_cut: self.last_cut,
            cut_after: CutAfter { number, rule: None },
            over: self.over,
            ..Conditions::fair(self.target)
        };
    }
}
