//! What the tests write and how they read it back.
//!
//! Events that say what they are, a small source of chance with a printed seed, and copies of a
//! store's folder. The rules under test are elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use comet_bus::Durability;
use comet_bus::Position;
use comet_bus::journal::{Entry, Journal, JournalError, Loaded, Record};
use comet_journal::{Config, Store};

/// A configuration under a made-up boot.
pub(crate) fn boot(name: &str) -> Config {
    Config { boot_id: Some(name.into()), ..Config::default() }
}

/// The event that belongs to a place: its length and content follow from it.
pub(crate) fn event(channel: &str, epoch: u64, offset: u64) -> Box<[u8]> {
    let filler = usize::try_from(offset * 37 % 1500).unwrap();
    format!("{channel} {epoch} {offset} {}", "x".repeat(filler)).into_bytes().into()
}

pub(crate) fn record(channel: &str, epoch: u64, offset: u64) -> Record {
    Record {
        channel: channel.into(),
        position: Position { epoch, offset },
        at_ms: 1_000 + offset,
        expires_at_ms: offset.is_multiple_of(2).then_some(9_000 + offset),
        key: offset.is_multiple_of(3).then(|| format!("key {offset}").into()),
        conflate: offset.is_multiple_of(5).then(|| format!("row {offset}").into()),
        event: event(channel, epoch, offset),
    }
}

pub(crate) fn append(channel: &str, epoch: u64, offset: u64, durability: Durability) -> Entry {
    Entry::Append { record: record(channel, epoch, offset), durability }
}

/// Appends a run of offsets in one group; each is acknowledged.
pub(crate) fn fill(
    store: &mut Store,
    channel: &str,
    epoch: u64,
    run: impl Iterator<Item = u64>,
    how: Durability,
) {
    let group: Vec<Entry> = run.map(|offset| append(channel, epoch, offset, how)).collect();
    assert!(write(store, &group).iter().all(Result::is_ok));
}

pub(crate) fn write(store: &mut Store, group: &[Entry]) -> Vec<Result<(), JournalError>> {
    let mut verdicts = Vec::new();
    store.write(group, &mut |index, verdict| {
        assert_eq!(index, verdicts.len());
        verdicts.push(verdict);
    });
    assert_eq!(verdicts.len(), group.len());
    verdicts
}

/// Opens a journal and takes what it has, by name.
pub(crate) fn open(path: &Path, config: &Config) -> Result<(Store, Vec<Loaded>), JournalError> {
    let mut store = Store::open(path, config)?;
    let mut loaded = Vec::new();
    store.load(&mut |channel| loaded.push(channel))?;
    loaded.sort_by(|a, b| a.channel.cmp(&b.channel));
    Ok((store, loaded))
}

/// What a journal holds, under the boot `name`.
pub(crate) fn contents(path: &Path, name: &str) -> Vec<Loaded> {
    open(path, &boot(name)).unwrap().1
}

pub(crate) fn channel<'a>(loaded: &'a [Loaded], name: &str) -> &'a Loaded {
    loaded.iter().find(|loaded| &*loaded.channel == name).unwrap()
}

/// A channel holds what was written of it, whole: `epoch` is the one its events name.
pub(crate) fn holds(loaded: &Loaded, epoch: u64, floor: u64, head: u64) {
    assert_eq!((loaded.floor, loaded.head), (floor, head), "{}", loaded.channel);
    let offsets: Vec<u64> = loaded.records.iter().map(|kept| kept.offset).collect();
    assert_eq!(offsets, (floor + 1..=head).collect::<Vec<_>>());
    for kept in &loaded.records {
        let written = record(&loaded.channel, epoch, kept.offset);
        assert_eq!((kept.at_ms, kept.expires_at_ms), (written.at_ms, written.expires_at_ms));
        assert_eq!((&kept.key, &kept.conflate), (&written.key, &written.conflate));
        assert_eq!(kept.event, written.event);
    }
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Copies a folder. A log that is mostly room for more stays as long as it was.
pub(crate) fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&target, &bytes[..end(&bytes)]).unwrap();
        fs::File::options().write(true).open(&target).unwrap().set_len(bytes.len() as u64).unwrap();
    }
}

/// Where the last byte that is not zero ends.
pub(crate) fn end(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(front) = rest.strip_suffix(&[0; 4096]) {
        rest = front;
    }
    rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
}

/// The log that is written to.
pub(crate) fn log(path: &Path) -> PathBuf {
    let number = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
    let logs = files(path).into_iter().filter(|path| path.extension().is_some_and(|end| end == "jnl"));
    logs.max_by_key(number).unwrap()
}

/// A small source of chance.
pub(crate) struct Chance(u64);

impl Chance {
    /// A new one, whose seed is printed, or the one of the variable `COMET_JOURNAL_SEED`.
    pub(crate) fn new() -> Chance {
        let given = std::env::var("COMET_JOURNAL_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).unwrap();
            u64::from_ne_bytes(bytes)
        });
        eprintln!("COMET_JOURNAL_SEED={seed}");
        Chance::of(seed)
    }

    pub(crate) fn of(seed: u64) -> Chance {
        Chance(seed | 1)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }
}
