//! The epoch goes on where no number can repeat, and changes where one could.

use std::path::Path;

use comet_bus::Durability;
use comet_bus::journal::Journal;
use comet_journal::Config;

use crate::fixture::{boot, channel, contents, fill, holds, open};

const FSYNC: Durability = Durability::Fsync;
const STORED: Durability = Durability::Stored;

/// A store with a channel of each kind, left without an orderly end.
fn left_behind(path: &Path, name: &str) {
    let (mut store, _) = open(path, &boot(name)).unwrap();
    fill(&mut store, "/fsync", 7, 1..=5, FSYNC);
    fill(&mut store, "/stored", 7, 1..=5, STORED);
    fill(&mut store, "/mixed", 7, 1..=3, FSYNC);
    fill(&mut store, "/mixed", 7, 4..=4, STORED);
    fill(&mut store, "/mixed", 7, 5..=5, FSYNC);
}

#[test]
fn a_reboot_without_an_orderly_end_changes_the_epoch_of_stored_channels() {
    let folder = tempfile::tempdir().unwrap();
    left_behind(folder.path(), "a");
    let (mut store, loaded) = open(folder.path(), &boot("b")).unwrap();
    let fsync = channel(&loaded, "/fsync");
    assert_eq!((fsync.epoch, fsync.replaced), (7, None));
    holds(fsync, 7, 0, 5);
    let mut epochs = Vec::new();
    for name in ["/stored", "/mixed"] {
        let changed = channel(&loaded, name);
        assert_eq!(changed.replaced, Some(7));
        assert_ne!(changed.epoch, 7);
        // The records stay; their events still name the epoch they were published under.
        holds(changed, 7, 0, 5);
        epochs.push(changed.epoch);
    }
    assert_ne!(epochs[0], epochs[1]);
    // Only the new epoch counts on.
    let renewed = epochs[0];
    fill(&mut store, "/stored", renewed, 6..=6, FSYNC);
    drop(store);
    // From here all of it was synced: another such boot leaves the epoch alone.
    let loaded = contents(folder.path(), "c");
    let stored = channel(&loaded, "/stored");
    assert_eq!((stored.epoch, stored.head, stored.replaced), (renewed, 6, None));
    assert_eq!(channel(&loaded, "/fsync").epoch, 7);
}

#[test]
fn a_crash_under_one_boot_keeps_every_epoch() {
    let folder = tempfile::tempdir().unwrap();
    left_behind(folder.path(), "a");
    for _ in 0..2 {
        for loaded in contents(folder.path(), "a") {
            assert_eq!((loaded.epoch, loaded.replaced), (7, None));
            holds(&loaded, 7, 0, 5);
        }
    }
}

#[test]
fn a_reboot_after_an_orderly_end_keeps_every_epoch() {
    let folder = tempfile::tempdir().unwrap();
    left_behind(folder.path(), "a");
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    store.close().unwrap();
    drop(store);
    let (store, loaded) = open(folder.path(), &boot("b")).unwrap();
    assert!(loaded.iter().all(|loaded| loaded.epoch == 7));
    drop(store);
    // The end was orderly, what began after it was not.
    assert_ne!(channel(&contents(folder.path(), "c"), "/stored").epoch, 7);
}

#[test]
fn a_boot_without_a_name_counts_as_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let nameless = Config { boot_id: None, ..Config::default() };
    let (mut store, _) = open(folder.path(), &nameless).unwrap();
    fill(&mut store, "/stored", 7, 1..=5, STORED);
    drop(store);
    let (_, loaded) = open(folder.path(), &nameless).unwrap();
    assert_eq!(loaded[0].replaced, Some(7));
}

#[test]
fn the_kernel_names_the_boot() {
    let name = Config::default().boot_id;
    assert_eq!(name, Config::default().boot_id);
    assert_eq!(name.is_some(), Path::new("/proc/sys/kernel/random/boot_id").exists());
}
