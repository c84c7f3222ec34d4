//! A disk that takes no more: the refusal is heard, and what was acknowledged before it stays.
//!
//! The test starts itself again under a limit on the length of files, which is as good as a full disk.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use comet_bus::Durability;
use comet_bus::journal::JournalError;
use comet_journal::Writer;

use crate::fixture::{boot, channel, fill, holds, open, record};

const FOLDER: &str = "COMET_JOURNAL_FULL_FOLDER";
const NAME: &str = "full::a_disk_that_is_full_fails_loudly_and_loses_nothing";

#[test]
fn a_disk_that_is_full_fails_loudly_and_loses_nothing() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_until_full(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path(), &boot("a")).unwrap();
    fill(&mut store, "/a", 7, 1..=10, Durability::Fsync);
    drop(store);
    let program = std::env::current_exe().unwrap();
    // Some hundred kilobytes; the process is told of it by an error and not by a signal.
    let script = "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, program.to_str().unwrap(), "--exact", NAME, "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let kept: u64 = said.lines().find_map(|line| line.strip_prefix("kept ")?.parse().ok()).unwrap();
    assert!(kept > 100, "{kept}");
    let (mut store, loaded) = open(folder.path(), &boot("a")).unwrap();
    let found = channel(&loaded, "/a");
    assert!(found.head >= kept, "{} of {kept}", found.head);
    holds(found, 7, 0, found.head);
    fill(&mut store, "/a", 7, found.head + 1..=found.head + 10, Durability::Fsync);
}

fn write_until_full(folder: &Path) {
    let (writer, _) = Writer::start(folder, &boot("a")).unwrap();
    let append = |offset| {
        let (told, answer) = mpsc::channel();
        let done = move |verdict| told.send(verdict).unwrap();
        writer.submit(record("/a", 7, offset), Durability::Stored, done).unwrap();
        answer.recv_timeout(Duration::from_secs(20)).unwrap()
    };
    let refused = (11..100_000).find_map(|offset| append(offset).err().map(|error| (offset, error)));
    let (offset, error) = refused.unwrap();
    assert!(matches!(error, JournalError::Failed(_)), "{error}");
    // From then on nothing is taken, and the end is not called an orderly one.
    assert!(matches!(append(offset), Err(JournalError::Failed(_))));
    assert!(matches!(writer.close(), Err(JournalError::Failed(_))));
    println!("\nkept {}", offset - 1);
}
