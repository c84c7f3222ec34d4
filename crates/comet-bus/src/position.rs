//! Where a publication stands in its channel.
//!
//! A position is the pair of epoch and offset; it knows nothing of how channels are stored. The home
//! shard makes it, the publish reply and later the history carry it.

use std::fmt;

/// A place in a channel: offsets count up by one within an epoch, and the epoch changes whenever an
/// offset could repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Names one unbroken run of offsets. Opaque: only equality means something.
    pub epoch: u64,
    /// Counts the publications of the epoch, from 1.
    pub offset: u64,
}

impl fmt::Display for Position {
    /// Writes `epoch-offset`, the epoch in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.offset)
    }
}
