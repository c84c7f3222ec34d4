//! The end of the log, cut short or torn.
//!
//! Under one boot nothing acknowledged may be missing. After a power cut what was only stored may, and
//! the journal opens without it; what was synced may not.

use std::fs;
use std::path::Path;

use comet_bus::Durability;
use comet_bus::journal::JournalError;

use crate::fixture::{append, boot, channel, end, fill, holds, log, open, write};

const FSYNC: Durability = Durability::Fsync;
const STORED: Durability = Durability::Stored;

/// Writes groups of 50 records: `synced` ones and then `stored` ones, each on a channel of its own.
/// Answers with the end of the log after each part.
fn written(path: &Path, synced: u64, stored: u64) -> [usize; 2] {
    let (mut store, _) = open(path, &boot("a")).unwrap();
    // Both channels are known before the last part, as they are in a journal that runs.
    fill(&mut store, "/stored", 7, 1..=50, STORED);
    fill(&mut store, "/fsync", 7, 1..=50 * synced, FSYNC);
    let first = end(&fs::read(log(path)).unwrap());
    for group in 1..=stored {
        fill(&mut store, "/stored", 7, group * 50 + 1..=group * 50 + 50, STORED);
    }
    let second = end(&fs::read(log(path)).unwrap());
    [first, second]
}

/// Puts zeros in place of a part of the log, as when its pages have not reached the device.
fn lose(path: &Path, from: usize, to: usize) {
    let log = log(path);
    let mut bytes = fs::read(&log).unwrap();
    bytes[from..to].fill(0);
    fs::write(&log, bytes).unwrap();
}

/// Puts zeros in place of a part of an event near the end of the log: all around it is whole.
fn lose_inside(path: &Path, last: usize) {
    let bytes = fs::read(log(path)).unwrap();
    let from = last - 15_000;
    let found = bytes[from..last].windows(500).position(|run| run.iter().all(|&byte| byte == b'x')).unwrap();
    lose(path, from + found + 100, from + found + 400);
}

fn corrupt(path: &Path, name: &str) -> String {
    match open(path, &boot(name)) {
        Err(JournalError::Corrupt(what)) => what.into(),
        Err(other) => panic!("{other}"),
        Ok((_, loaded)) => panic!("opened with {:?}", loaded.iter().map(|l| l.head).collect::<Vec<_>>()),
    }
}

#[test]
fn a_lost_tail_under_one_boot_is_corruption() {
    let folder = tempfile::tempdir().unwrap();
    let [_, last] = written(folder.path(), 2, 3);
    lose(folder.path(), last - 20, last);
    assert!(corrupt(folder.path(), "a").contains("acknowledged"));
}

#[test]
fn a_lost_tail_of_stored_groups_is_forgiven_after_a_power_cut() {
    let folder = tempfile::tempdir().unwrap();
    let [_, last] = written(folder.path(), 2, 3);
    lose(folder.path(), last - 20, last);
    let (mut store, loaded) = open(folder.path(), &boot("b")).unwrap();
    let stored = channel(&loaded, "/stored");
    assert_eq!(stored.replaced, Some(7));
    holds(stored, 7, 0, 150);
    holds(channel(&loaded, "/fsync"), 7, 0, 100);
    assert_eq!(channel(&loaded, "/fsync").epoch, 7);
    let verdicts = write(&mut store, &[append("/stored", stored.epoch, 151, FSYNC)]);
    assert_eq!(verdicts, [Ok(())]);
    drop(store);
    assert_eq!(channel(&open(folder.path(), &boot("c")).unwrap().1, "/stored").head, 151);
}

#[test]
fn a_torn_group_is_cut_off_after_a_power_cut() {
    // Something in the middle of the last group is missing, its end is there.
    let folder = tempfile::tempdir().unwrap();
    let [_, last] = written(folder.path(), 2, 3);
    lose_inside(folder.path(), last);
    let (store, loaded) = open(folder.path(), &boot("b")).unwrap();
    holds(channel(&loaded, "/stored"), 7, 0, 150);
    assert!(folder.path().join("torn").exists());
    drop(store);
    holds(channel(&open(folder.path(), &boot("b")).unwrap().1, "/stored"), 7, 0, 150);
}

#[test]
fn what_follows_a_torn_group_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let [first, last] = written(folder.path(), 2, 4);
    let middle = usize::midpoint(first, last);
    lose(folder.path(), middle - 6_000, middle - 2_000);
    let (_, loaded) = open(folder.path(), &boot("b")).unwrap();
    let stored = channel(&loaded, "/stored");
    assert!((50..250).contains(&stored.head), "{}", stored.head);
    holds(stored, 7, 0, stored.head);
    assert_eq!(stored.replaced, Some(7));
}

#[test]
fn a_torn_group_under_one_boot_is_corruption() {
    let folder = tempfile::tempdir().unwrap();
    let [_, last] = written(folder.path(), 2, 3);
    lose_inside(folder.path(), last);
    corrupt(folder.path(), "a");
    // It stays so: the first look has not cut anything off.
    corrupt(folder.path(), "a");
}

#[test]
fn a_lost_tail_of_synced_groups_is_corruption_after_a_power_cut_too() {
    for inside in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let [_, last] = written(folder.path(), 2, 0);
        if inside {
            lose_inside(folder.path(), last)
        } else {
            lose(folder.path(), last - 20, last)
        }
        assert!(corrupt(folder.path(), "b").contains("acknowledged"));
        assert!(corrupt(folder.path(), "b").contains("acknowledged"));
    }
}

#[test]
fn a_group_that_was_never_acknowledged_may_be_cut_short() {
    // The process dies while it writes: half a group is in the log and the ledger knows nothing of it.
    let folder = tempfile::tempdir().unwrap();
    let [_, last] = written(folder.path(), 2, 2);
    let ledger = fs::read(folder.path().join("ledger")).unwrap();
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    let ledger_of_this_run = fs::read(folder.path().join("ledger")).unwrap();
    assert_ne!(ledger, ledger_of_this_run);
    fill(&mut store, "/stored", 7, 151..=200, STORED);
    drop(store);
    let log = log(folder.path());
    let bytes = fs::read(&log).unwrap();
    assert!(end(&bytes) > last + 10_000);
    fs::write(&log, &bytes[..last + 10_000]).unwrap();
    fs::write(folder.path().join("ledger"), ledger_of_this_run).unwrap();
    let (_, loaded) = open(folder.path(), &boot("a")).unwrap();
    let stored = channel(&loaded, "/stored");
    assert_eq!(stored.epoch, 7);
    holds(stored, 7, 0, 150);
}
