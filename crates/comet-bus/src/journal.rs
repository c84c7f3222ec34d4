//! What a durable history promises, in types.
//!
//! A [`Journal`] keeps the publications of a channel beyond the life of the process: groups of
//! [`Entry`] go in, [`Loaded`] channels come out at the next start. Files, threads and system calls
//! are absent; a crate that has a store implements the trait, and the homes of channels fill it.

use std::fmt;
use std::sync::Arc;

use crate::{Durability, Position, Publication};

/// One publication as a journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The channel it was published on.
    pub channel: Box<str>,
    /// Its place in the channel.
    pub position: Position,
    /// When it was published, in unix milliseconds.
    pub at_ms: u64,
    /// When it loses its worth, in unix milliseconds.
    pub expires_at_ms: Option<u64>,
    /// Its idempotency key on the channel.
    pub key: Option<Box<str>>,
    /// Which older message of its channel it stands for, where those give way to newer ones.
    pub conflate: Option<Box<str>>,
    /// The frozen Bayeux event.
    pub event: Box<[u8]>,
}

impl Record {
    /// The record of a publication and its idempotency key.
    pub fn of(publication: &Publication, key: Option<&str>) -> Record {
        Record {
            channel: publication.channel.as_str().into(),
            position: publication.position,
            at_ms: publication.at_ms,
            expires_at_ms: publication.expires_at_ms,
            key: key.map(Into::into),
            conflate: publication.conflate.clone(),
            event: publication.event.clone(),
        }
    }
}

/// One thing a journal is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Keep a record. Its offset is one above the channel's head, or its epoch is a new one: then
    /// what the channel kept of its old epoch goes, and any offset from 1 may be the first.
    Append {
        /// What to keep.
        record: Record,
        /// What its acknowledgement promises; [`Durability::Memory`] asks for no more than
        /// [`Durability::Stored`].
        durability: Durability,
    },
    /// Forget the records of a channel below an offset. The head stays known, also when no record
    /// is left. Another epoch than the channel's is no error and does nothing.
    Trim {
        /// The channel.
        channel: Box<str>,
        /// The epoch the offset belongs to.
        epoch: u64,
        /// The first offset that stays.
        below: u64,
    },
    /// Forget a channel whole, head and all. Whoever says so must not use this epoch for the channel
    /// again. Another epoch than the channel's is no error and does nothing.
    Forget {
        /// The channel.
        channel: Box<str>,
        /// The epoch that ends.
        epoch: u64,
    },
}

/// A channel as a journal found it at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The channel.
    pub channel: Box<str>,
    /// The epoch to go on with.
    pub epoch: u64,
    /// The highest offset of the epoch: the next publication has the next one.
    pub head: u64,
    /// Everything above this offset was kept; equal to `head` when no record is left.
    pub floor: u64,
    /// The epoch before, when the journal had to replace it because acknowledged records of it may
    /// be lost. The kept records count on under `epoch`, but their events still name the old one.
    pub replaced: Option<u64>,
    /// What is kept, from `floor + 1` to `head` without a hole.
    pub records: Vec<Kept>,
}

/// A kept record of a [`Loaded`] channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number in the channel's epoch.
    pub offset: u64,
    /// When it was published, in unix milliseconds.
    pub at_ms: u64,
    /// When it loses its worth, in unix milliseconds.
    pub expires_at_ms: Option<u64>,
    /// Its idempotency key on the channel.
    pub key: Option<Box<str>>,
    /// Which older message of its channel it stands for, where those give way to newer ones.
    pub conflate: Option<Box<str>>,
    /// The frozen Bayeux event.
    pub event: Box<[u8]>,
}

/// Why a journal did not do what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// More waits already than may wait. Nothing was kept; the same may be said again later.
    Busy,
    /// The journal is closed or closing. Nothing was kept.
    Closed,
    /// The record does not follow the head of its channel, which is named. Nothing was kept of it.
    OutOfOrder {
        /// The highest offset of the channel's epoch.
        head: u64,
    },
    /// The channel's name, a key or the event is longer than a store can hold. Nothing was kept of it.
    TooBig,
    /// Another process, or another part of this one, has the same store open.
    Locked(Box<str>),
    /// The store does not hold what it must: acknowledged records are missing or garbled. The words
    /// say what was found.
    Corrupt(Box<str>),
    /// The system refused a read or a write. A journal that said so takes nothing more until it was
    /// opened again; what it had not acknowledged may or may not be kept.
    Failed(Box<str>),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Busy => f.write_str("the journal has too much waiting"),
            JournalError::Closed => f.write_str("the journal is closed"),
            JournalError::OutOfOrder { head } => write!(f, "the record does not follow offset {head}"),
            JournalError::TooBig => f.write_str("the record is too big for the journal"),
            JournalError::Locked(path) => write!(f, "the journal {path} is open elsewhere"),
            JournalError::Corrupt(what) => write!(f, "the journal is corrupt: {what}"),
            JournalError::Failed(what) => write!(f, "the journal failed: {what}"),
        }
    }
}

impl std::error::Error for JournalError {}

/// A durable history: owned by one thread, told things in groups.
pub trait Journal: Send + 'static {
    /// Gives every channel that is known, each once, with its records in order. Asked once, before
    /// the first group.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] and [`JournalError::Failed`].
    fn load(&mut self, each: &mut dyn FnMut(Loaded)) -> Result<(), JournalError>;

    /// Carries out a group in its order, all of it or nothing, apart from entries that are refused for
    /// themselves. When the whole group has the strongest durability asked for in it, `each` is
    /// called with the number of each entry, in order, and what became of it. Answers with what the
    /// group has reached; `None` when it changed nothing or failed.
    fn write(
        &mut self,
        group: &[Entry],
        each: &mut dyn FnMut(usize, Result<(), JournalError>),
    ) -> Option<Durability>;

    /// Makes everything survive a power cut and notes that the end was an orderly one. Nothing is
    /// written afterwards.
    ///
    /// # Errors
    /// [`JournalError::Failed`]: the next start then treats the end as a crash.
    fn close(&mut self) -> Result<(), JournalError>;
}

/// Called with what became of each entry, when all of them have the durability asked for. It must not block and must not
/// panic. It is dropped and not called when the entries were refused at once, or when the journal died with them.
pub type Done = Box<dyn FnOnce(&[Result<(), JournalError>]) + Send>;

/// What a journal has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Entries that were carried out or refused for themselves.
    pub entries: u64,
    /// Groups that changed something.
    pub groups: u64,
    /// Groups that waited for the device.
    pub syncs: u64,
    /// Entries that wait now, those that are being written included.
    pub waiting: u64,
}

/// A journal that runs by itself, told things from any thread.
pub trait Keeper: Send + Sync {
    /// Puts entries in together: they are carried out in their order and in the order of the calls, all in one group.
    /// `done` gets a result for each.
    ///
    /// # Errors
    /// [`JournalError::Busy`] when they do not fit beside what waits, and [`JournalError::Closed`]; then none of them is
    /// carried out.
    fn submit_all(&self, entries: Vec<Entry>, done: Option<Done>) -> Result<(), JournalError>;

    /// What has been done so far.
    fn figures(&self) -> Figures;

    /// Writes what waits and ends the journal in order. Blocks until that is done; nothing is taken afterwards.
    ///
    /// # Errors
    /// [`JournalError::Failed`] when the orderly end could not be noted.
    fn close(&self) -> Result<(), JournalError>;
}

/// A journal at its start: who keeps what comes, and what was kept before.
pub struct Opened {
    /// Takes what is to be kept.
    pub keeper: Arc<dyn Keeper>,
    /// The channels it found, each once.
    pub loaded: Vec<Loaded>,
}
