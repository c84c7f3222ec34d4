//! Journals that cannot be used: the program says so and does not start.

use std::fs;
use std::path::Path;

use comet_testkit::Socket;

use super::publisher::ApiPublisher;
use super::{CHANNELS, config, start};
use crate::process::{Ended, comet, ended};

/// What a start on this journal ends with.
fn refused(journal: &Path) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("comet.toml"), config("stored", journal)).unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"];
    let ended = ended(&mut comet(folder.path(), &arguments));
    assert!(ended.status == 69 && ended.out.is_empty(), "{ended:?}");
    let path = journal.display().to_string();
    assert!(ended.err.contains(&format!("the journal in {path} cannot be used")), "{ended:?}");
    ended
}

#[test]
fn a_journal_of_another_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = start("stored", folder.path());
    let ended = refused(folder.path());
    assert!(ended.err.contains("open elsewhere"), "{ended:?}");
    assert!(Socket::try_connect(server.address()).is_some(), "the other one goes on");
}

#[test]
fn a_place_that_is_no_directory_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    refused(file.path());
    refused(Path::new("/proc/no/journal"));
}

#[test]
fn a_journal_that_lacks_what_was_acknowledged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start("stored", folder.path());
    for _ in 0..3 {
        ApiPublisher::new(0, "stored").publish_one(server.address(), CHANNELS[0]).unwrap();
    }
    server.kill();
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let ended = refused(folder.path());
    assert!(ended.err.contains("corrupt"), "{ended:?}");
}

#[test]
fn a_durable_channel_without_a_journal_is_a_wrong_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = "[channels.\"/k/*\"]\ndurability = \"fsync\"\nmessages = 0\n";
    fs::write(folder.path().join("comet.toml"), file).unwrap();
    for verb in [&["config", "check"][..], &["serve"]] {
        let ended = ended(&mut comet(folder.path(), verb));
        assert_eq!(ended.status, 78, "{ended:?}");
        for words in [
            "[channels.\"/k/*\"] durability is \"fsync\", which needs [journal] path",
            "[channels.\"/k/*\"] durability is \"fsync\", which needs messages, bytes and age above 0",
        ] {
            assert!(ended.err.contains(words), "{ended:?}");
        }
    }
    fs::write(folder.path().join("comet.toml"), "[channels]\ndurability = \"disk\"\n").unwrap();
    let ended = ended(&mut comet(folder.path(), &["config", "check"]));
    assert!(ended.status == 78 && ended.err.contains("\"memory\", \"stored\" or \"fsync\""), "{ended:?}");
}
