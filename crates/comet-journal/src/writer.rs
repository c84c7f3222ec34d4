//! The thread that owns a journal.
//!
//! A [`Writer`] is a handle that any thread may have: it puts entries in the queue, and the thread
//! takes all that waits, writes it as one group with one sync, and calls back in order. Reads are not
//! for the writer: what was kept comes out once, at the start.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use comet_bus::Durability;
use comet_bus::journal::{Done, Entry, Figures, Journal, JournalError, Keeper, Loaded, Record};

use crate::queue::{Job, Queue, weight};
use crate::{Config, QueueLimits, Store};

/// A handle to the thread that writes. Clones speak to the same thread; when the last one goes, the
/// thread writes what waits and closes the journal by itself.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue>,
    counts: Arc<Counts>,
    thread: Mutex<Option<JoinHandle<Result<(), JournalError>>>>,
}

#[derive(Default)]
struct Counts {
    entries: AtomicU64,
    groups: AtomicU64,
    syncs: AtomicU64,
}

impl Writer {
    /// Opens the journal in the directory `path`, reads what it has kept, and starts the thread.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub fn start(path: &Path, config: &Config) -> Result<(Writer, Vec<Loaded>), JournalError> {
        Writer::over(Store::open(path, config)?, config.queue)
    }

    /// Starts the thread over any journal.
    ///
    /// # Errors
    /// Those of [`Journal::load`], and [`JournalError::Failed`] when there is no thread to be had.
    pub fn over(
        mut journal: impl Journal,
        limits: QueueLimits,
    ) -> Result<(Writer, Vec<Loaded>), JournalError> {
        let mut loaded = Vec::new();
        journal.load(&mut |channel| loaded.push(channel))?;
        let queue = Arc::new(Queue::new(limits));
        let counts = Arc::new(Counts::default());
        let thread = std::thread::Builder::new()
            .name("comet-journal".into())
            .spawn({
                let (queue, counts) = (Arc::clone(&queue), Arc::clone(&counts));
                move || run(journal, &queue, &counts)
            })
            .map_err(|error| JournalError::Failed(error.to_string().into()))?;
        let shared = Shared { queue, counts, thread: Mutex::new(Some(thread)) };
        Ok((Writer { shared: Arc::new(shared) }, loaded))
    }

    /// Keeps one record and calls `done`, on the writing thread, when it has the durability asked for.
    ///
    /// # Errors
    /// [`JournalError::Busy`] when too much waits and [`JournalError::Closed`]; `done` is then dropped.
    pub fn submit(
        &self,
        record: Record,
        durability: Durability,
        done: impl FnOnce(Result<(), JournalError>) + Send + 'static,
    ) -> Result<(), JournalError> {
        self.submit_all(
            vec![Entry::Append { record, durability }],
            Some(Box::new(|verdicts| done(verdicts.first().cloned().unwrap_or(Ok(()))))),
        )
    }

    /// Puts entries in together: they are carried out in their order, all in one group. `done` gets a
    /// result for each.
    ///
    /// # Errors
    /// [`JournalError::Busy`] when they do not fit beside what waits and [`JournalError::Closed`];
    /// then none of them is carried out and `done` is dropped.
    pub fn submit_all(&self, entries: Vec<Entry>, done: Option<Done>) -> Result<(), JournalError> {
        self.shared.queue.push(Job { entries, done })
    }

    /// What has been done so far.
    pub fn figures(&self) -> Figures {
        let counts = &self.shared.counts;
        Figures {
            entries: counts.entries.load(Ordering::Relaxed),
            groups: counts.groups.load(Ordering::Relaxed),
            syncs: counts.syncs.load(Ordering::Relaxed),
            waiting: self.shared.queue.waiting() as u64,
        }
    }

    /// Writes what waits, closes the journal and waits for the thread. Every handle is closed by it; a
    /// second call finds nothing to do.
    ///
    /// # Errors
    /// [`JournalError::Failed`] when the orderly end could not be noted.
    pub fn close(&self) -> Result<(), JournalError> {
        self.shared.queue.close();
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread.map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(JournalError::Failed("the writing thread has died".into())),
        }
    }
}

impl Keeper for Writer {
    fn submit_all(&self, entries: Vec<Entry>, done: Option<Done>) -> Result<(), JournalError> {
        Writer::submit_all(self, entries, done)
    }

    fn figures(&self) -> Figures {
        Writer::figures(self)
    }

    fn close(&self) -> Result<(), JournalError> {
        Writer::close(self)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Refuses everything from the moment the thread ends, however it ends: what nobody will write is dropped, and whoever
/// waits for it learns of that.
struct Farewell<'a>(&'a Queue);

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        self.0.close();
        while let Some(jobs) = self.0.take() {
            drop(jobs);
        }
    }
}

fn run(mut journal: impl Journal, queue: &Queue, counts: &Counts) -> Result<(), JournalError> {
    let farewell = Farewell(queue);
    while let Some(jobs) = queue.take() {
        write(&mut journal, jobs, queue, counts);
    }
    drop(farewell);
    journal.close()
}

/// Writes all jobs as one group and answers them.
fn write(journal: &mut impl Journal, jobs: Vec<Job>, queue: &Queue, counts: &Counts) {
    let mut group = Vec::with_capacity(jobs.len());
    let mut waiting = Vec::with_capacity(jobs.len());
    for mut job in jobs {
        waiting.push((job.entries.len(), job.done));
        group.append(&mut job.entries);
    }
    let mut verdicts = Vec::with_capacity(group.len());
    let reached = journal.write(&group, &mut |_, verdict| verdicts.push(verdict));
    counts.entries.fetch_add(group.len() as u64, Ordering::Relaxed);
    counts.groups.fetch_add(u64::from(reached.is_some()), Ordering::Relaxed);
    counts.syncs.fetch_add(u64::from(reached == Some(Durability::Fsync)), Ordering::Relaxed);
    let (entries, bytes) = (group.len(), group.iter().map(weight).sum());
    drop(group);
    queue.release(entries, bytes);
    let mut rest = &verdicts[..];
    for (entries, done) in waiting {
        let (own, others) = rest.split_at(entries.min(rest.len()));
        rest = others;
        if let Some(done) = done {
            done(own);
        }
    }
}
