//! What waits for the thread that writes.
//!
//! Many threads put jobs in, in their order; one takes all that waits at once. Count and bytes are
//! bounded, and a job is counted until it was answered. What a job means is not known here.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use comet_bus::journal::{Done, Entry, JournalError};

use crate::config::QueueLimits;

/// Entries that came together and what is called when they are done.
pub(crate) struct Job {
    pub(crate) entries: Vec<Entry>,
    pub(crate) done: Option<Done>,
}

/// The queue.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    wake: Condvar,
    limits: QueueLimits,
}

#[derive(Default)]
struct Inner {
    jobs: Vec<Job>,
    entries: usize,
    bytes: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits) -> Queue {
        Queue { inner: Mutex::default(), wake: Condvar::new(), limits }
    }

    /// Puts a job at the end, or refuses it with [`JournalError::Busy`] or [`JournalError::Closed`].
    pub(crate) fn push(&self, job: Job) -> Result<(), JournalError> {
        let bytes = job.entries.iter().map(weight).sum::<usize>();
        let mut inner = self.inner();
        if inner.closed {
            return Err(JournalError::Closed);
        }
        let entries = inner.entries + job.entries.len();
        let bytes = inner.bytes.saturating_add(bytes);
        if entries > self.limits.queue_entries || bytes > self.limits.queue_bytes {
            return Err(JournalError::Busy);
        }
        (inner.entries, inner.bytes) = (entries, bytes);
        inner.jobs.push(job);
        drop(inner);
        self.wake.notify_one();
        Ok(())
    }

    /// Waits for jobs and takes all there are; `None` when there are none and there will be none.
    pub(crate) fn take(&self) -> Option<Vec<Job>> {
        let inner = self.inner();
        let waits = |inner: &mut Inner| inner.jobs.is_empty() && !inner.closed;
        let mut inner = self.wake.wait_while(inner, waits).unwrap_or_else(PoisonError::into_inner);
        let jobs = std::mem::take(&mut inner.jobs);
        (!jobs.is_empty()).then_some(jobs)
    }

    /// These entries, of this weight, are answered: others may come in their place.
    pub(crate) fn release(&self, entries: usize, bytes: usize) {
        let mut inner = self.inner();
        inner.entries -= entries;
        inner.bytes -= bytes;
    }

    /// Entries that are not answered yet.
    pub(crate) fn waiting(&self) -> usize {
        self.inner().entries
    }

    /// Nothing more comes in; what waits is still taken.
    pub(crate) fn close(&self) {
        self.inner().closed = true;
        self.wake.notify_all();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics between two changes that belong together.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an entry takes of the bytes that may wait.
pub(crate) fn weight(entry: &Entry) -> usize {
    match entry {
        Entry::Append { record, .. } => {
            let keys = record.key.iter().chain(&record.conflate);
            record.channel.len() + record.event.len() + keys.map(|key| key.len()).sum::<usize>()
        }
        Entry::Trim { channel, .. } | Entry::Forget { channel, .. } => channel.len(),
    }
}
