//! The words between those who come back and the history: from where, how much, and what there was.
//!
//! Only the questions and the answers live here. The engine makes the questions from what clients send; histories and
//! homes answer them.

use std::sync::Arc;

use bayeux::Channel;

use crate::{Position, Publication};

/// From where on someone wants the messages of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// All that come after this one.
    Position(Position),
    /// All that were numbered later than this, in unix milliseconds.
    Time(u64),
    /// The newest so many that are remembered.
    Last(usize),
}

/// How much one recovery may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryLimits {
    /// The most messages; a recovery of many channels names no more gaps, and never more than 256.
    pub messages: usize,
    /// The most memory of the messages, in bytes.
    pub bytes: usize,
}

impl Default for RecoveryLimits {
    fn default() -> RecoveryLimits {
        RecoveryLimits { messages: 1_000, bytes: 1 << 20 }
    }
}

/// What became of a channel since then: everything or nothing.
#[derive(Clone, Debug)]
pub enum Recovered {
    /// Nothing is missing but what has expired.
    Messages {
        /// The messages, oldest first.
        publications: Vec<Arc<Publication>>,
        /// Where the channel stands: live messages follow from here.
        head: Position,
    },
    /// Something is missing, or there is more than may be brought.
    Gap {
        /// Where the channel stands: live messages follow from here.
        head: Position,
    },
}

/// What became of the channels of a pattern since then.
#[derive(Clone, Debug)]
pub struct RecoveredMatching {
    /// The channels with messages or gaps.
    pub channels: Vec<(Channel, Recovered)>,
    /// Whether these are all. If not, messages of channels beside these are missing: of channels that have been
    /// forgotten since, or of more channels than may be named.
    pub complete: bool,
    /// How many channels were looked at to find them.
    pub visits: usize,
}

/// What there was on a channel since then, as much of it as was asked for.
#[derive(Clone, Debug)]
pub enum Paged {
    /// The next messages, oldest first. Without `more` there are no others.
    Messages {
        /// The messages, each shared.
        publications: Vec<Arc<Publication>>,
        /// Whether others follow.
        more: bool,
    },
    /// Some of what follows is lost.
    Gap {
        /// Where the channel stands now.
        head: Position,
    },
}
