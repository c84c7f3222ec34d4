//! Real deaths: a process that appends is killed at any time, and everything it said was kept is.
//!
//! The test starts itself again as the process that dies. It says on its output what it is about to do
//! and what was acknowledged; the test keeps count and reads the journal after each death.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use comet_bus::Durability;
use comet_bus::journal::{Entry, JournalError, Loaded};
use comet_journal::{Config, Writer};

use crate::fixture::{Chance, append, boot, event, fill, open};

const FOLDER: &str = "COMET_JOURNAL_FOLDER";
const NAME: &str = "kill::every_acknowledged_record_survives_a_kill";
const CHANNELS: &[(&str, Durability)] = &[
    ("/fsync/1", Durability::Fsync),
    ("/fsync/2", Durability::Fsync),
    ("/stored/1", Durability::Stored),
    ("/stored/2", Durability::Stored),
    ("/stored/3", Durability::Stored),
];

fn config() -> Config {
    // Little memory, so that tables are written and merged while the process dies.
    Config { memory_bytes: 256 << 10, ..boot("one and the same") }
}

/// What is known of a channel from the outside.
#[derive(Default)]
struct Known {
    /// Epochs in the order they were begun.
    begun: Vec<u64>,
    /// The last acknowledged place.
    epoch: u64,
    offset: u64,
    /// What was asked to go, by epoch: a later epoch may never have been written.
    asked: HashMap<u64, u64>,
    /// What was acknowledged as gone, of the epoch named first.
    gone: (u64, u64),
}

#[test]
fn every_acknowledged_record_survives_a_kill() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return die(Path::new(&folder));
    }
    let mut chance = Chance::new();
    let folder = tempfile::tempdir().unwrap();
    let mut known: HashMap<String, Known> = HashMap::new();
    let mut places = HashSet::new();
    let begin = Instant::now();
    let mut rounds = 0;
    while begin.elapsed() < Duration::from_secs(8) {
        live_and_die(folder.path(), &mut chance, &mut known, &mut places);
        let (_, loaded) = open(folder.path(), &config()).unwrap();
        check(&loaded, &known);
        rounds += 1;
    }
    eprintln!("{} records were acknowledged in {rounds} lives", places.len());
    assert!(rounds >= 5 && places.len() > 500, "{rounds} lives, {} records", places.len());
}

/// One life: runs the process, kills it after a while and takes in what it said.
fn live_and_die(
    folder: &Path,
    chance: &mut Chance,
    known: &mut HashMap<String, Known>,
    places: &mut HashSet<(String, u64, u64)>,
) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env("COMET_JOURNAL_SEED", chance.below(u64::MAX).to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (ready, is_ready) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        for line in output.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.ends_with("ready") {
                let _ = ready.send(());
            }
            lines.push(line);
        }
        lines
    });
    let came_up = is_ready.recv_timeout(Duration::from_secs(20));
    std::thread::sleep(Duration::from_micros(chance.below(150_000)));
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(came_up.is_ok() && status.code().is_none(), "it ended by itself: {status}");
    for line in reader.join().unwrap() {
        let words: Vec<&str> = line.split(' ').collect();
        let [word, channel, epoch, number] = words[..] else { continue };
        let (Ok(epoch), Ok(number)) = (epoch.parse(), number.parse()) else { continue };
        let channel_known = known.entry(channel.to_string()).or_default();
        match word {
            "begin" => channel_known.begun.push(epoch),
            "kept" => {
                assert!(places.insert((channel.to_string(), epoch, number)), "twice: {line}");
                let follows = channel_known.epoch != epoch || channel_known.offset < number;
                assert!(follows, "{line} after {}", channel_known.offset);
                (channel_known.epoch, channel_known.offset) = (epoch, number);
            }
            "trim" => {
                channel_known.asked.insert(epoch, number);
            }
            "gone" => channel_known.gone = (epoch, number),
            _ => {}
        }
    }
}

fn check(loaded: &[Loaded], known: &HashMap<String, Known>) {
    for (channel, known) in known.iter().filter(|(_, known)| known.offset > 0) {
        let found = loaded.iter().find(|loaded| *loaded.channel == **channel);
        let found = found.unwrap_or_else(|| panic!("{channel} is gone"));
        assert_eq!(found.replaced, None);
        if found.epoch == known.epoch {
            assert!(found.head >= known.offset, "{channel}: {} of {}", found.head, known.offset);
        } else {
            // A later epoch was begun and written, and not acknowledged any more.
            let age = |epoch| known.begun.iter().position(|begun| *begun == epoch);
            assert!(age(found.epoch) > age(known.epoch), "{channel} is back at an old epoch");
        }
        let below =
            |(epoch, below): (u64, u64)| if epoch == found.epoch { below.saturating_sub(1) } else { 0 };
        assert!(found.floor >= below(known.gone), "{channel}: trimmed records are back");
        let asked = known.asked.get(&found.epoch).copied().unwrap_or(0);
        assert!(found.floor <= asked.saturating_sub(1), "{channel}: more was trimmed than was asked");
        assert_eq!(found.records.len() as u64, found.head - found.floor);
        for (kept, offset) in found.records.iter().zip(found.floor + 1..) {
            assert_eq!(kept.offset, offset);
            assert_eq!(kept.event, event(channel, found.epoch, offset), "{channel} {offset}");
        }
    }
}

#[test]
fn a_journal_that_was_only_being_made_is_made_anew() {
    let mut chance = Chance::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("journal");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
            .env(FOLDER, &place)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From when its folder is there, so that the death falls into the making.
        let begin = Instant::now();
        while !place.join("lock").exists() && begin.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(chance.below(12_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let (mut store, loaded) = open(&place, &config()).unwrap();
        assert!(loaded.iter().all(|loaded| loaded.replaced.is_none()));
        fill(&mut store, "/a", 7, 1..=1, Durability::Fsync);
    }
}

/// Says one line at once, from whichever thread.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes());
    let _ = out.flush();
}

/// The process that dies: appends, trims and begins new epochs until it is killed.
fn die(folder: &Path) {
    let mut chance = Chance::new();
    let (writer, loaded) = Writer::start(folder, &config()).unwrap();
    // Where each channel stands: epoch, head, and what is asked to go.
    let mut heads: HashMap<&str, (u64, u64, u64)> = HashMap::new();
    for (name, _) in CHANNELS {
        if let Some(found) = loaded.iter().find(|loaded| &*loaded.channel == *name) {
            heads.insert(name, (found.epoch, found.head, found.floor));
        }
    }
    // The harness may have begun a line.
    say("\nready");
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(30) {
        let (name, durability) = CHANNELS[usize::try_from(chance.below(CHANNELS.len() as u64)).unwrap()];
        let head = heads.entry(name).or_insert((0, 0, 0));
        if head.0 == 0 || chance.below(500) == 0 {
            *head = (chance.below(1 << 40) + 1, 0, 0);
            say(&format!("begin {name} {} 0", head.0));
        }
        let (epoch, offset) = (head.0, head.1 + 1);
        let mut entries = vec![append(name, epoch, offset, durability)];
        // Now and then everything goes, what was appended with it too.
        let below = if offset > head.2 + 150 {
            if chance.below(3) == 0 { offset + 1 } else { offset - chance.below(100) }
        } else {
            0
        };
        if below > 0 {
            say(&format!("trim {name} {epoch} {below}"));
            entries.push(Entry::Trim { channel: name.into(), epoch, below });
        }
        let done = move |verdicts: &[Result<(), JournalError>]| {
            assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
            say(&format!("kept {name} {epoch} {offset}"));
            if below > 0 {
                say(&format!("gone {name} {epoch} {below}"));
            }
        };
        match writer.submit_all(entries, Some(Box::new(done))) {
            Ok(()) => {
                head.1 = offset;
                if below > 0 {
                    head.2 = below - 1;
                }
            }
            Err(error) => panic!("{error}"),
        }
        if chance.below(4) == 0 {
            std::thread::sleep(Duration::from_micros(chance.below(300)));
        }
    }
}
