//! Why somebody cannot be present.
//!
//! Each bound of presence has its own name here, and nothing else does. Presence gives it, and the shard of the
//! session tells the client.

use std::fmt;

/// The bound a join ran into; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceFull {
    /// The info, or the name of the user, is longer than `info_bytes`.
    Info,
    /// The channel has `members_per_channel` sessions.
    Channel,
    /// All channels together have `members_in_all` sessions and departures to tell.
    Members,
    /// Nobody is on the channel yet, and `channels` others have somebody.
    Channels,
}

impl fmt::Display for PresenceFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PresenceFull::Info => "the presence info or the name of the user is too long",
            PresenceFull::Channel => "the channel has as many members as it may have",
            PresenceFull::Members => "there are as many members on all channels as there may be",
            PresenceFull::Channels => "there are as many channels with presence as there may be",
        })
    }
}

impl std::error::Error for PresenceFull {}
