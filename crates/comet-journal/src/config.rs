//! What a journal is started with.
//!
//! Bounds of the queue in front of the store and the one fact about the machine that a test has to be
//! able to make up. Where the journal lies is an argument of its own; how long history is kept is the
//! business of whoever fills it.

use crate::boot;

/// How a journal is run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name of this run of the machine; it changes with every boot. `None`, where the system has
    /// no such name, stands for a run nothing is known of.
    pub boot_id: Option<String>,
    /// How many bytes of records are kept in memory beside the log, before they go to a table.
    /// Settled when a journal is made; later opens go on with what it was made with.
    pub memory_bytes: u64,
    /// What may wait for the thread that writes.
    pub queue: QueueLimits,
}

impl Default for Config {
    fn default() -> Config {
        Config { boot_id: boot::current(), memory_bytes: 16 << 20, queue: QueueLimits::default() }
    }
}

/// What may wait to be written, what is being written included.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// How many entries.
    pub queue_entries: usize,
    /// How many bytes of events, channel names and keys.
    pub queue_bytes: usize,
}

impl Default for QueueLimits {
    fn default() -> QueueLimits {
        QueueLimits { queue_entries: 65_536, queue_bytes: 64 << 20 }
    }
}
