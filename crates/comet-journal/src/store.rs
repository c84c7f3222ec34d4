//! The journal on an embedded store, in one directory.
//!
//! One keyspace holds everything, so that what a power cut leaves is always the state after some
//! group. The rules of order are in `heads`, the check of what is read in `scan`; here the parts are
//! opened, a group becomes one batch, and the ledger is told before anyone else.

use std::any::Any;
use std::fs::{File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use comet_bus::Durability;
use comet_bus::journal::{Entry, Journal, JournalError, Loaded};
use fjall::config::{BlockSizePolicy, CompressionPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::Config;
use crate::heads::{Changes, Head, Heads};
use crate::inspect;
use crate::ledger::{Ledger, Line};
use crate::scan::{Scan, scan};
use crate::tail;

const KEYSPACE: &str = "journal";
/// What the cache of blocks may hold: blocks are read at the start and by compactions.
const CACHE_BYTES: u64 = 8 << 20;
/// When the logs are this long, what only they hold goes to a table.
const LOG_BYTES: u64 = 256 << 20;
const WORKERS: usize = 1;

/// The journal in a directory of its own. Two of them cannot have one directory at a time.
pub struct Store {
    database: Database,
    keyspace: Keyspace,
    heads: Heads,
    ledger: Ledger,
    loaded: Vec<Loaded>,
    broken: Option<JournalError>,
    /// Held as long as the store is.
    _lock: File,
}

impl Store {
    /// Opens the journal in the directory `path`, or makes one there, and reads and checks it all.
    ///
    /// After a boot that no orderly end came before, every channel that has acknowledged records at
    /// [`Durability::Stored`] in its epoch gets a new epoch, for some of them may be lost.
    ///
    /// # Errors
    /// [`JournalError::Locked`], [`JournalError::Corrupt`] when acknowledged records are missing or
    /// something cannot be read, and [`JournalError::Failed`].
    pub fn open(path: &Path, config: &Config) -> Result<Store, JournalError> {
        std::fs::create_dir_all(path).map_err(failed)?;
        let lock = lock(path)?;
        let ledger_path = path.join("ledger");
        let ledger = Ledger::open(&ledger_path).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => JournalError::Corrupt(error.to_string().into()),
            _ => failed(error),
        })?;
        let last = ledger.as_ref().map(|(_, line)| line.clone());
        // The same boot has the same page cache: whatever was written is there.
        let cut = last
            .as_ref()
            .is_some_and(|line| !line.clean && (line.boot_id.is_none() || line.boot_id != config.boot_id));
        let (database, keyspace, Scan { mut heads, mut loaded }) = read(path, config, last.is_some())?;
        let group = heads.summary().group;
        check_group(group, last.as_ref(), cut)?;
        if cut {
            renew(&database, &keyspace, &mut heads, &mut loaded)?;
        }
        database.persist(PersistMode::SyncAll).map_err(fault)?;
        let group = heads.summary().group;
        let line = Line { group, synced: group, clean: false, boot_id: config.boot_id.clone() };
        let mut ledger = match ledger {
            Some((ledger, _)) => ledger,
            None => Ledger::create(&ledger_path, line.clone()).map_err(failed)?,
        };
        ledger.settle(line).map_err(failed)?;
        File::open(path).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(Store { database, keyspace, heads, ledger, loaded, broken: None, _lock: lock })
    }

    fn commit(&mut self, changes: Changes) -> Result<Durability, JournalError> {
        let reached = if changes.sync { Durability::Fsync } else { Durability::Stored };
        commit(&self.database, &self.keyspace, changes)?;
        let group = self.heads.summary().group;
        self.ledger.acknowledge(group, reached == Durability::Fsync).map_err(failed)?;
        Ok(reached)
    }
}

impl Journal for Store {
    fn load(&mut self, each: &mut dyn FnMut(Loaded)) -> Result<(), JournalError> {
        std::mem::take(&mut self.loaded).into_iter().for_each(each);
        Ok(())
    }

    fn write(
        &mut self,
        group: &[Entry],
        each: &mut dyn FnMut(usize, Result<(), JournalError>),
    ) -> Option<Durability> {
        let mut reached = None;
        let mut verdicts = Vec::with_capacity(group.len());
        if self.broken.is_none() {
            let mut changes = Changes::default();
            verdicts.extend(group.iter().map(|entry| self.heads.on_entry(entry, &mut changes)));
            if self.heads.seal(&mut changes) {
                match self.commit(changes) {
                    Ok(durability) => reached = Some(durability),
                    // The heads in memory are ahead of those that are kept: from here there is no way on.
                    Err(error) => self.broken = Some(error),
                }
            }
        }
        if let Some(error) = &self.broken {
            (0..group.len()).for_each(|index| each(index, Err(error.clone())));
        } else {
            verdicts.into_iter().enumerate().for_each(|(index, verdict)| each(index, verdict));
        }
        reached
    }

    fn close(&mut self) -> Result<(), JournalError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        // Whatever comes after an orderly end would make the word of it a lie.
        self.broken = Some(JournalError::Closed);
        self.database.persist(PersistMode::SyncAll).map_err(fault)?;
        let group = self.heads.summary().group;
        let line = Line { group, synced: group, clean: true, ..self.ledger.line().clone() };
        self.ledger.settle(line).map_err(failed)
    }
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let file =
        File::options().create(true).truncate(false).write(true).open(path.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked(path.display().to_string().into())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Makes sure of every file below, then opens the store and reads it all. `before` says that there was
/// one.
fn read(path: &Path, config: &Config, before: bool) -> Result<(Database, Keyspace, Scan), JournalError> {
    let folder = path.join("store");
    inspect::marker(&folder, before).map_err(failed)?;
    tail::cut(&folder).map_err(failed)?;
    inspect::tables(&folder).map_err(failed)?;
    let database = guarded(|| database(&folder).map_err(fault))?;
    let options = || {
        KeyspaceCreateOptions::default()
            .max_memtable_size(config.memory_bytes)
            .data_block_size_policy(BlockSizePolicy::all(16 * 1024))
            .data_block_compression_policy(CompressionPolicy::disabled())
            .index_block_compression_policy(CompressionPolicy::disabled())
    };
    let keyspace = guarded(|| database.keyspace(KEYSPACE, options).map_err(fault))?;
    let found = guarded(|| scan(&keyspace))?;
    Ok((database, keyspace, found))
}

fn database(folder: &Path) -> fjall::Result<Database> {
    Database::builder(folder)
        .cache_size(CACHE_BYTES)
        .max_journaling_size(LOG_BYTES)
        .worker_threads(WORKERS)
        .open()
}

/// What was acknowledged is there, as far as the boot lets it be known.
fn check_group(group: u64, last: Option<&Line>, cut: bool) -> Result<(), JournalError> {
    let corrupt = |what: String| Err(JournalError::Corrupt(what.into()));
    match last {
        None if group > 0 => corrupt(format!("the ledger is missing, and there are {group} groups")),
        None => Ok(()),
        Some(line) => {
            let needed = if cut { line.synced } else { line.group };
            if group < needed {
                return corrupt(format!("{needed} groups were acknowledged, and {group} are there"));
            }
            Ok(())
        }
    }
}

/// Gives new epochs to the channels of which acknowledged records may be lost.
fn renew(
    database: &Database,
    keyspace: &Keyspace,
    heads: &mut Heads,
    loaded: &mut [Loaded],
) -> Result<(), JournalError> {
    let mut changes = Changes::default();
    changes.sync = true;
    let doubtful: Vec<(Box<str>, Head)> =
        heads.iter().filter(|(_, head)| head.stored).map(|(channel, head)| (channel.into(), *head)).collect();
    for (channel, head) in doubtful {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| JournalError::Failed(error.to_string().into()))?;
        heads.set(&channel, Some(Head { epoch: u64::from_ne_bytes(bytes), stored: false, ..head }));
        changes.touch(&channel);
        let found = loaded.binary_search_by(|loaded| loaded.channel.cmp(&channel));
        if let Some(loaded) = found.ok().and_then(|index| loaded.get_mut(index)) {
            loaded.replaced = Some(loaded.epoch);
            loaded.epoch = u64::from_ne_bytes(bytes);
        }
    }
    if heads.seal(&mut changes) { commit(database, keyspace, changes) } else { Ok(()) }
}

fn commit(database: &Database, keyspace: &Keyspace, changes: Changes) -> Result<(), JournalError> {
    // Buffer hands the bytes to the kernel before it returns; SyncData waits for the device too.
    let mode = if changes.sync { PersistMode::SyncData } else { PersistMode::Buffer };
    let mut batch = database.batch().durability(Some(mode));
    for (key, value) in changes.values {
        match value {
            Some(value) => batch.insert(keyspace, key, value),
            None => batch.remove(keyspace, key),
        }
    }
    batch.commit().map_err(fault)
}

/// What was spoilt before it was written passes every checksum, and may be more than the store below
/// expects: its panic is the same news as its error.
fn guarded<T>(open: impl FnOnce() -> Result<T, JournalError>) -> Result<T, JournalError> {
    catch_unwind(AssertUnwindSafe(open))
        .unwrap_or_else(|panic| Err(JournalError::Corrupt(words(panic).into())))
}

fn words(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the store gave up: {}", text.unwrap_or("without a word"))
}

/// What an error of the store below means here.
pub(crate) fn fault(error: fjall::Error) -> JournalError {
    match error {
        fjall::Error::Locked => JournalError::Locked("store".into()),
        fjall::Error::Io(error) => failed(error),
        fjall::Error::Poisoned => JournalError::Failed("an earlier write was refused".into()),
        other => JournalError::Corrupt(other.to_string().into()),
    }
}

fn failed(error: io::Error) -> JournalError {
    // A file that ends too early or is not there is damage; everything else is the system's word.
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::NotFound => {
            JournalError::Corrupt(error.to_string().into())
        }
        _ => JournalError::Failed(error.to_string().into()),
    }
}
