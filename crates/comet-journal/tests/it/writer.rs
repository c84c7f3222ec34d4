//! The writing thread: groups, order, refusals and the end.

use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use comet_bus::Durability;
use comet_bus::journal::{Entry, Journal, JournalError, Loaded};
use comet_journal::{Config, QueueLimits, Writer};

use crate::fixture::{append, boot, channel, contents, holds, open, record};

const PATIENCE: Duration = Duration::from_secs(20);

/// A journal that waits for a word before each group and tells how long the group was.
struct Gate {
    word: Receiver<()>,
    lengths: Sender<usize>,
}

impl Journal for Gate {
    fn load(&mut self, _: &mut dyn FnMut(Loaded)) -> Result<(), JournalError> {
        Ok(())
    }

    fn write(
        &mut self,
        group: &[Entry],
        each: &mut dyn FnMut(usize, Result<(), JournalError>),
    ) -> Option<Durability> {
        self.lengths.send(group.len()).unwrap();
        self.word.recv().unwrap();
        (0..group.len()).for_each(|index| each(index, Ok(())));
        Some(Durability::Fsync)
    }

    fn close(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

fn gated(queue_entries: usize, queue_bytes: usize) -> (Writer, Sender<()>, Receiver<usize>) {
    let (say, word) = mpsc::channel();
    let (lengths, groups) = mpsc::channel();
    let limits = QueueLimits { queue_entries, queue_bytes };
    let (writer, _) = Writer::over(Gate { word, lengths }, limits).unwrap();
    (writer, say, groups)
}

#[test]
fn all_that_waits_is_one_group_and_answered_in_order() {
    let (writer, say, groups) = gated(1_000, 1 << 20);
    let (told, answers) = mpsc::channel();
    for offset in 1..=101 {
        let told = told.clone();
        let done = move |verdict: Result<(), JournalError>| {
            verdict.unwrap();
            told.send(offset).unwrap();
        };
        writer.submit(record("/a", 7, offset), Durability::Stored, done).unwrap();
        if offset == 1 {
            // The first is taken alone, the others gather behind it.
            assert_eq!(groups.recv_timeout(PATIENCE), Ok(1));
        }
    }
    assert!(answers.try_recv().is_err());
    say.send(()).unwrap();
    assert_eq!(groups.recv_timeout(PATIENCE), Ok(100));
    say.send(()).unwrap();
    for offset in 1..=101 {
        assert_eq!(answers.recv_timeout(PATIENCE), Ok(offset));
    }
    writer.close().unwrap();
    let figures = writer.figures();
    assert_eq!((figures.entries, figures.groups, figures.syncs), (101, 2, 2));
}

#[test]
fn a_full_queue_refuses_by_count() {
    let (writer, say, groups) = gated(3, 1 << 20);
    let (told, answers) = mpsc::channel();
    let submit = |offset| {
        let told = told.clone();
        writer.submit(record("/a", 7, offset), Durability::Stored, move |_| told.send(offset).unwrap())
    };
    submit(1).unwrap();
    groups.recv_timeout(PATIENCE).unwrap();
    // What is being written counts too.
    submit(2).unwrap();
    submit(3).unwrap();
    assert_eq!(submit(4), Err(JournalError::Busy));
    assert_eq!(writer.submit_all(vec![append("/b", 7, 1, Durability::Fsync)], None), Err(JournalError::Busy));
    say.send(()).unwrap();
    assert_eq!(answers.recv_timeout(PATIENCE), Ok(1));
    submit(4).unwrap();
    assert_eq!(submit(5), Err(JournalError::Busy));
    say.send(()).unwrap();
    say.send(()).unwrap();
    say.send(()).unwrap();
    writer.close().unwrap();
    assert_eq!(answers.try_iter().collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn a_full_queue_refuses_by_bytes() {
    let weight = "/a".len() + record("/a", 7, 1).event.len();
    let (writer, say, groups) = gated(100, 2 * weight);
    let submit = || writer.submit(record("/a", 7, 1), Durability::Stored, |_| {});
    submit().unwrap();
    groups.recv_timeout(PATIENCE).unwrap();
    submit().unwrap();
    assert_eq!(submit(), Err(JournalError::Busy));
    say.send(()).unwrap();
    groups.recv_timeout(PATIENCE).unwrap();
    submit().unwrap();
    assert_eq!(submit(), Err(JournalError::Busy));
    say.send(()).unwrap();
    say.send(()).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_closed_writer_has_written_what_waited_and_refuses_more() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, loaded) = Writer::start(folder.path(), &boot("a")).unwrap();
    assert!(loaded.is_empty());
    let (told, answers) = mpsc::channel();
    for offset in 1..=500 {
        let told = told.clone();
        writer
            .submit(record("/a", 7, offset), Durability::Stored, move |verdict| told.send(verdict).unwrap())
            .unwrap();
    }
    let other = writer.clone();
    writer.close().unwrap();
    other.close().unwrap();
    assert_eq!(answers.try_iter().filter(Result::is_ok).count(), 500);
    assert_eq!(other.submit(record("/a", 7, 501), Durability::Stored, |_| {}), Err(JournalError::Closed));
    // The end was orderly: another boot keeps the epoch.
    let (_, loaded) = Writer::start(folder.path(), &boot("b")).unwrap();
    assert_eq!(channel(&loaded, "/a").epoch, 7);
    holds(channel(&loaded, "/a"), 7, 0, 500);
}

#[test]
fn the_last_handle_that_goes_closes_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, _) = Writer::start(folder.path(), &boot("a")).unwrap();
    let other = writer.clone();
    drop(writer);
    other.submit(record("/a", 7, 1), Durability::Stored, |_| {}).unwrap();
    drop(other);
    let mut tries = 0;
    let (_, loaded) = loop {
        match open(folder.path(), &boot("b")) {
            Err(JournalError::Locked(_)) if tries < 2_000 => tries += 1,
            opened => break opened.unwrap(),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(channel(&loaded, "/a").epoch, 7);
}

#[test]
fn many_writers_share_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, _) = Writer::start(folder.path(), &boot("a")).unwrap();
    let threads: Vec<_> = (0..16)
        .map(|thread| {
            let writer = writer.clone();
            std::thread::spawn(move || {
                for offset in 1..=20 {
                    let (told, answer) = mpsc::channel();
                    let name = format!("/a/{thread}");
                    writer
                        .submit(record(&name, 7, offset), Durability::Fsync, move |verdict| {
                            told.send(verdict).unwrap();
                        })
                        .unwrap();
                    answer.recv_timeout(PATIENCE).unwrap().unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let figures = writer.figures();
    assert_eq!(figures.entries, 320);
    assert_eq!(figures.syncs, figures.groups);
    assert!((20..=200).contains(&figures.syncs), "{figures:?}");
    writer.close().unwrap();
    let loaded = contents(folder.path(), "b");
    assert_eq!(loaded.len(), 16);
    loaded.iter().for_each(|loaded| holds(loaded, 7, 0, 20));
}

#[test]
fn only_what_asks_for_a_sync_gets_one() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, _) = Writer::start(folder.path(), &Config { memory_bytes: 1 << 20, ..boot("a") }).unwrap();
    let wait = |entries| {
        let (told, answer) = mpsc::channel();
        let done = move |verdicts: &[Result<(), JournalError>]| told.send(verdicts.to_vec()).unwrap();
        writer.submit_all(entries, Some(Box::new(done))).unwrap();
        answer.recv_timeout(PATIENCE).unwrap()
    };
    for offset in 1..=10 {
        assert_eq!(wait(vec![append("/a", 7, offset, Durability::Stored)]), [Ok(())]);
    }
    assert_eq!(writer.figures().syncs, 0);
    wait(vec![append("/a", 7, 11, Durability::Stored), append("/b", 7, 1, Durability::Fsync)]);
    assert_eq!(writer.figures().syncs, 1);
    // The first stored record of a channel that had only synced ones: the device has to know of it.
    wait(vec![append("/b", 7, 2, Durability::Stored)]);
    assert_eq!(writer.figures().syncs, 2);
    wait(vec![append("/b", 7, 3, Durability::Stored)]);
    // A group that is refused whole changes nothing.
    assert_eq!(
        wait(vec![append("/b", 7, 3, Durability::Fsync)]),
        [Err(JournalError::OutOfOrder { head: 3 })]
    );
    let figures = writer.figures();
    assert_eq!((figures.syncs, figures.groups, figures.entries), (2, 13, 15));
    writer.close().unwrap();
}
