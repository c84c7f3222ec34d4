//! Where a publication stands in its channel.
//!
//! A position is the pair of epoch and offset and its form in JSON; it knows nothing of how channels are stored. The
//! home shard makes it; events, publish replies and the requests of those who come back carry it.

use std::fmt;
use std::io::Write;

/// A place in a channel: offsets count up by one within an epoch, and the epoch changes whenever an
/// offset could repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Names one unbroken run of offsets. Opaque: only equality means something.
    pub epoch: u64,
    /// Counts the publications of the epoch, from 1; 0 is the place before the first.
    pub offset: u64,
}

impl Position {
    /// Reads a position from what a peer sends: the epoch as it was given out, in lower hexadecimal digits without
    /// leading zeros, and the offset. `None` when the epoch has any other form.
    pub fn parse(epoch: &str, offset: u64) -> Option<Position> {
        let digits = epoch.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !digits || (epoch.starts_with('0') && epoch != "0") {
            return None;
        }
        // What is left to refuse here is the empty text and what does not fit.
        Some(Position { epoch: u64::from_str_radix(epoch, 16).ok()?, offset })
    }

    /// Writes `{"epoch":"<hex>","offset":<n>}`.
    pub fn write_json(self, out: &mut Vec<u8>) {
        write!(out, "{{\"epoch\":\"{:x}\",\"offset\":{}}}", self.epoch, self.offset)
            .expect("memory can always be written to");
    }
}

impl fmt::Display for Position {
    /// Writes `epoch-offset`, the epoch in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.offset)
    }
}
