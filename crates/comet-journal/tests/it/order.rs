//! Which entry may follow which, and what each leaves behind.

use comet_bus::Durability;
use comet_bus::journal::{Entry, Journal, JournalError};

use crate::fixture::{append, boot, channel, contents, fill, holds, open, write};

const FSYNC: Durability = Durability::Fsync;
const STORED: Durability = Durability::Stored;

fn trim(channel: &str, epoch: u64, below: u64) -> Entry {
    Entry::Trim { channel: channel.into(), epoch, below }
}

#[test]
fn what_is_appended_comes_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, loaded) = open(folder.path(), &boot("a")).unwrap();
    assert!(loaded.is_empty());
    fill(&mut store, "/chat/1", 7, 1..=300, STORED);
    fill(&mut store, "/chat/10", 8, 5..=6, FSYNC);
    drop(store);
    let loaded = contents(folder.path(), "a");
    assert_eq!(loaded.len(), 2);
    holds(channel(&loaded, "/chat/1"), 7, 0, 300);
    holds(channel(&loaded, "/chat/10"), 8, 4, 6);
    assert_eq!(loaded.iter().map(|loaded| loaded.epoch).collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn a_record_that_does_not_follow_is_refused_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    let group = [
        append("/a", 7, 1, FSYNC),
        append("/a", 7, 3, FSYNC),
        append("/b", 7, 0, FSYNC),
        append("/a", 7, 2, FSYNC),
        append("/a", 7, 2, FSYNC),
    ];
    let verdicts = write(&mut store, &group);
    let refused = |head| Err(JournalError::OutOfOrder { head });
    assert_eq!(verdicts, [Ok(()), refused(1), refused(0), Ok(()), refused(2)]);
    drop(store);
    let loaded = contents(folder.path(), "a");
    assert_eq!(loaded.len(), 1);
    holds(channel(&loaded, "/a"), 7, 0, 2);
}

#[test]
fn a_name_that_is_too_long_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    let name = format!("/{}", "n".repeat(40_000));
    assert_eq!(write(&mut store, &[append(&name, 7, 1, FSYNC)]), [Err(JournalError::TooBig)]);
    drop(store);
    assert!(contents(folder.path(), "a").is_empty());
}

#[test]
fn trimming_all_history_keeps_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    fill(&mut store, "/a", 7, 1..=20, FSYNC);
    assert_eq!(write(&mut store, &[trim("/a", 7, 15)]), [Ok(())]);
    assert_eq!(
        write(&mut store, &[trim("/a", 7, 4), trim("/a", 6, 20), trim("/b", 7, 20)]),
        [Ok(()), Ok(()), Ok(())]
    );
    drop(store);
    let (mut store, loaded) = open(folder.path(), &boot("a")).unwrap();
    holds(channel(&loaded, "/a"), 7, 14, 20);
    assert_eq!(write(&mut store, &[trim("/a", 7, u64::MAX)]), [Ok(())]);
    drop(store);
    let (mut store, loaded) = open(folder.path(), &boot("a")).unwrap();
    holds(channel(&loaded, "/a"), 7, 20, 20);
    assert_eq!(
        write(&mut store, &[append("/a", 7, 20, FSYNC)]),
        [Err(JournalError::OutOfOrder { head: 20 })]
    );
    assert_eq!(write(&mut store, &[append("/a", 7, 21, FSYNC)]), [Ok(())]);
    drop(store);
    holds(channel(&contents(folder.path(), "a"), "/a"), 7, 20, 21);
}

#[test]
fn a_record_may_be_trimmed_in_the_group_that_brought_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    let mut group: Vec<Entry> = (1..=9).map(|offset| append("/a", 7, offset, STORED)).collect();
    group.push(trim("/a", 7, 9));
    group.push(append("/a", 7, 10, STORED));
    assert!(write(&mut store, &group).iter().all(Result::is_ok));
    drop(store);
    holds(channel(&contents(folder.path(), "a"), "/a"), 7, 8, 10);
}

#[test]
fn a_new_epoch_takes_the_place_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    fill(&mut store, "/a", 7, 1..=9, FSYNC);
    let group = [append("/a", 7, 10, FSYNC), append("/a", 8, 4, FSYNC), append("/a", 8, 5, FSYNC)];
    assert!(write(&mut store, &group).iter().all(Result::is_ok));
    drop(store);
    let loaded = contents(folder.path(), "a");
    assert_eq!(loaded[0].epoch, 8);
    holds(&loaded[0], 8, 3, 5);
}

#[test]
fn a_forgotten_channel_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    fill(&mut store, "/a", 7, 1..=9, FSYNC);
    fill(&mut store, "/b", 7, 1..=9, FSYNC);
    let forget = |channel: &str, epoch| Entry::Forget { channel: channel.into(), epoch };
    assert_eq!(
        write(&mut store, &[forget("/a", 7), forget("/b", 6), forget("/c", 7)]),
        [Ok(()), Ok(()), Ok(())]
    );
    drop(store);
    let (mut store, loaded) = open(folder.path(), &boot("a")).unwrap();
    assert_eq!(loaded.len(), 1);
    holds(channel(&loaded, "/b"), 7, 0, 9);
    fill(&mut store, "/a", 9, 1..=2, FSYNC);
    drop(store);
    holds(channel(&contents(folder.path(), "a"), "/a"), 9, 0, 2);
}

#[test]
fn two_cannot_have_one_directory() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path(), &boot("a")).unwrap();
    let Err(error) = open(folder.path(), &boot("a")) else { panic!("opened twice") };
    assert!(matches!(error, JournalError::Locked(_)), "{error}");
    assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    drop(store);
    assert!(open(folder.path(), &boot("a")).is_ok());
}

#[test]
fn nothing_is_written_after_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    fill(&mut store, "/a", 7, 1..=2, STORED);
    store.close().unwrap();
    assert_eq!(write(&mut store, &[append("/a", 7, 3, STORED)]), [Err(JournalError::Closed)]);
    drop(store);
    holds(channel(&contents(folder.path(), "a"), "/a"), 7, 0, 2);
}
