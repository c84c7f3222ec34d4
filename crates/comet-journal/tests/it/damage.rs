//! Spoilt files: what comes back is an error or all of it, never less, and never a panic.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use comet_bus::Durability;
use comet_bus::journal::{Entry, Journal, JournalError, Loaded};
use comet_journal::Config;

use crate::fixture::{Chance, boot, copy, end, files, fill, open, write};

/// A journal with tables, a log and trimmed channels; answers with what is in it.
fn made(path: &Path, clean: bool) -> Vec<Loaded> {
    let config = Config { memory_bytes: 64 << 10, ..boot("a") };
    let (mut store, _) = open(path, &config).unwrap();
    for round in 0..30 {
        if round == 15 {
            // A log that was opened again has no room in front of it, and is quicker to copy.
            drop(store);
            (store, _) = open(path, &config).unwrap();
        }
        for (name, how) in
            [("/a", Durability::Fsync), ("/b", Durability::Stored), ("/b/c", Durability::Stored)]
        {
            fill(&mut store, name, 7, round * 10 + 1..=round * 10 + 10, how);
            let below = (round * 10).saturating_sub(40);
            write(&mut store, &[Entry::Trim { channel: name.into(), epoch: 7, below }]);
        }
    }
    if clean {
        store.close().unwrap();
    }
    drop(store);
    // A copy, as opening changes what is there.
    let copied = tempfile::tempdir().unwrap();
    copy(path, copied.path());
    open(copied.path(), &config).unwrap().1
}

/// Spoils one file in one way and says how.
fn spoil(path: &Path, chance: &mut Chance) -> String {
    let files = files(path);
    let file = &files[usize::try_from(chance.below(files.len() as u64)).unwrap()];
    let mut bytes = fs::read(file).unwrap();
    let used = end(&bytes);
    let at = usize::try_from(chance.below(used as u64)).unwrap();
    let how = match chance.below(5) {
        0 if used > 0 => {
            bytes[at] ^= 1 << chance.below(8);
            "a bit flipped"
        }
        1 if used > 0 => {
            let to = (at + 64).min(used);
            bytes[at..to].iter_mut().for_each(|byte| *byte = chance.below(256) as u8);
            "garbled"
        }
        2 if used > 0 => {
            let to = (at + 4096).min(used);
            bytes[at..to].fill(0);
            "a page zeroed"
        }
        3 => {
            bytes.truncate(at);
            "truncated"
        }
        _ => {
            fs::remove_file(file).unwrap();
            return format!("{} removed", file.display());
        }
    };
    fs::write(file, bytes).unwrap();
    format!("{} {how} at {at} of {used}", file.display())
}

#[test]
fn a_spoilt_file_is_an_error_or_does_no_harm() {
    let mut chance = Chance::new();
    let begin = Instant::now();
    let (mut tries, mut errors) = (0, 0);
    for clean in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let whole = made(folder.path(), clean);
        assert!(files(folder.path()).iter().any(|file| file.to_string_lossy().contains("tables")));
        let limit = begin.elapsed() + Duration::from_secs(3);
        while begin.elapsed() < limit {
            let copied = tempfile::tempdir().unwrap();
            copy(folder.path(), copied.path());
            let how = spoil(copied.path(), &mut chance);
            tries += 1;
            match open(copied.path(), &boot("a")) {
                Ok((_, loaded)) => assert!(loaded == whole, "less came back: {how}"),
                // It was noticed before the store below could stumble over it.
                Err(JournalError::Corrupt(what)) if !what.contains("gave up") => errors += 1,
                Err(other) => panic!("{other}: {how}"),
            }
        }
    }
    eprintln!("{errors} of {tries} were errors");
    assert!(tries >= 10 && errors >= tries / 4, "only {errors} of {tries} were noticed");
}

#[test]
fn a_missing_ledger_is_corruption() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), true);
    fs::remove_file(folder.path().join("ledger")).unwrap();
    let Err(error) = open(folder.path(), &boot("a")) else { panic!("opened") };
    assert!(error.to_string().contains("ledger"), "{error}");
}

#[test]
fn a_missing_store_is_corruption() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), true);
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    for name in ["a", "b"] {
        assert!(matches!(open(folder.path(), &boot(name)), Err(JournalError::Corrupt(_))));
    }
}

#[test]
fn a_path_that_is_a_file_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(open(file.path(), &boot("a")), Err(JournalError::Failed(_))));
}

#[test]
fn a_channel_that_went_back_is_corruption() {
    // As when the store loses the middle of its log: each channel is whole, and one of them is an old one.
    let folder = tempfile::tempdir().unwrap();
    let head = b"h/a";
    let below = |change: &mut dyn FnMut(&fjall::Keyspace)| {
        let database = fjall::Database::builder(folder.path().join("store")).open().unwrap();
        change(&database.keyspace("journal", fjall::KeyspaceCreateOptions::default).unwrap());
        database.persist(fjall::PersistMode::SyncAll).unwrap();
    };
    let write = |name: &str, run| {
        let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
        fill(&mut store, name, 7, run, Durability::Stored);
    };
    write("/a", 1..=5);
    let mut old = None;
    below(&mut |keyspace| old = keyspace.get(head).unwrap());
    write("/a", 6..=6);
    write("/b", 1..=6);
    below(&mut |keyspace| {
        let (last, _) = keyspace.prefix(b"r\0\x02/a").next_back().unwrap().into_inner().unwrap();
        keyspace.remove(last).unwrap();
        keyspace.insert(head, old.clone().unwrap()).unwrap();
    });
    let Err(error) = open(folder.path(), &boot("a")) else { panic!("opened") };
    assert!(error.to_string().contains("heads"), "{error}");
}
