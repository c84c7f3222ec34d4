//! The program is killed under load and started again on its journal: what it acknowledged is there.
//!
//! Publishers note what they were told, subscribers what they heard; what both noted is held against each other and against
//! what the channel remembers after the last start. What is asked in vain, of a journal that cannot be used, is in
//! `refused`; a disk that is full in `full`.

mod feed;
mod full;
mod publisher;
mod refused;
mod subscriber;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use comet_testkit::ChildServer;
use serde_json::{Value, json};

use publisher::{Acknowledged, ApiPublisher, BayeuxPublisher, Publisher};
use subscriber::Subscriber;

const CHANNELS: [&str; 3] = ["/k/0", "/k/1", "/k/2"];
const LIVES: usize = 4;
/// How long the program is under load before it is killed; the first life is the shortest.
const LIFE: Duration = Duration::from_millis(300);

/// A place in a channel: its epoch and offset.
type Place = (String, u64);

fn config(durability: &str, journal: &Path) -> String {
    let path = json!(journal);
    format!(
        "[server]\nshards = 2\n[session]\ntimeout = \"2s\"\nrecovery_messages = 100000\n\
         recovery_bytes = \"64MiB\"\n[journal]\npath = {path}\n\
         [channels]\nmessages = 100000\nbytes = \"64MiB\"\n[channels.\"/k/*\"]\ndurability = \"{durability}\"\n"
    )
}

fn start(durability: &str, journal: &Path) -> ChildServer {
    ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), &config(durability, journal))
}

fn place(position: &Value) -> Place {
    let epoch = position["epoch"].as_str().unwrap_or_else(|| panic!("no position: {position}"));
    (epoch.to_owned(), position["offset"].as_u64().unwrap())
}

/// Lives under load and is killed, some times; then everything is checked.
fn lives_and_dies(durability: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(durability, &folder.path().join("journal"));
    let address = server.address();
    let mut publishers: Vec<Box<dyn Publisher>> = Vec::new();
    for number in 0..3 {
        publishers.push(Box::new(ApiPublisher::new(number, durability)));
        publishers.push(Box::new(BayeuxPublisher::new(10 + number, durability)));
    }
    let mut subscribers: Vec<Subscriber> = CHANNELS.iter().map(|channel| Subscriber::new(channel)).collect();
    for life in 1..=LIVES {
        let dead = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for publisher in &mut publishers {
                scope.spawn(|| publisher.run(address, &dead));
            }
            for subscriber in &mut subscribers {
                scope.spawn(|| subscriber.run(address, &dead));
            }
            std::thread::sleep(LIFE * life as u32 / 2);
            server.kill();
            dead.store(true, Ordering::Release);
        });
        server.restart();
    }
    // Whoever was not answered asks again, and the subscribers hear what was not handed out any more.
    let acknowledged: Vec<Acknowledged> =
        publishers.iter_mut().flat_map(|publisher| publisher.finish(address)).collect();
    for subscriber in &mut subscribers {
        subscriber.finish(address);
    }
    assert!(acknowledged.len() > 100, "only {} were acknowledged", acknowledged.len());
    eprintln!("{durability}: {} publications were acknowledged in {LIVES} lives", acknowledged.len());
    for subscriber in &subscribers {
        check(subscriber, &acknowledged, &subscriber::everything(address, subscriber.channel));
    }
}

/// What one channel brought, to whoever followed it and to whoever asks afterwards.
fn check(subscriber: &Subscriber, acknowledged: &[Acknowledged], everything: &[Value]) {
    let channel = subscriber.channel;
    let told = |events: &[Value]| -> Vec<(Place, Value)> {
        events.iter().map(|event| (place(&event["ext"]["position"]), event["data"].clone())).collect()
    };
    let (heard, kept) = (told(&subscriber.heard), told(everything));
    assert_eq!(subscriber.gaps, 0, "{channel}: nothing was missed");
    assert_eq!(heard, kept, "{channel}: what was heard is what is kept");
    for ((place, _), offset) in kept.iter().zip(1..) {
        assert_eq!(place, &(kept[0].0.0.clone(), offset), "{channel}: one epoch without a hole");
    }
    let by_place: BTreeMap<&Place, &Value> = kept.iter().map(|(place, data)| (place, data)).collect();
    let mut places = HashSet::new();
    for one in acknowledged.iter().filter(|one| one.channel == channel) {
        assert_eq!(by_place.get(&one.place), Some(&&one.data), "{channel}: acknowledged and not kept");
        assert!(places.insert(&one.place), "{channel}: {:?} was given twice", one.place);
    }
    let mut times: HashMap<String, usize> = HashMap::new();
    kept.iter().for_each(|(_, data)| *times.entry(data.to_string()).or_default() += 1);
    for (data, times) in times {
        assert_eq!(times, 1, "{channel}: {data} was published {times} times");
    }
}

#[test]
fn whatever_was_acknowledged_with_fsync_survives_kills() {
    lives_and_dies("fsync");
}

#[test]
fn whatever_was_acknowledged_with_stored_survives_kills() {
    lives_and_dies("stored");
}

#[test]
fn what_is_in_memory_is_gone_with_the_process_and_the_gap_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start("memory", &folder.path().join("journal"));
    let publish = |server: &ChildServer| {
        ApiPublisher::new(0, "memory").publish_one(server.address(), CHANNELS[0]).unwrap()
    };
    let before = publish(&server);
    server.kill();
    server.restart();
    let since = json!({ "epoch": before.place.0, "offset": before.place.1 });
    let (reply, events) = subscriber::ask(server.address(), CHANNELS[0], &since);
    assert_eq!((&reply["ext"]["recovered"], events.len()), (&json!(false), 0), "{reply}");
    let head = place(&reply["ext"]["gaps"][CHANNELS[0]]);
    assert_ne!(head.0, before.place.0, "another epoch");
    let after = publish(&server);
    assert_eq!(after.place, (head.0, head.1 + 1));
}

#[test]
fn a_pattern_of_durable_channels_is_recovered_by_time_across_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start("stored", &folder.path().join("journal"));
    let publish = |server: &ChildServer, channel| {
        ApiPublisher::new(0, "stored").publish_one(server.address(), channel).unwrap();
    };
    publish(&server, CHANNELS[0]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    std::thread::sleep(Duration::from_millis(20));
    publish(&server, CHANNELS[1]);
    server.kill();
    server.restart();
    publish(&server, CHANNELS[2]);
    let ask = |pattern| subscriber::ask(server.address(), pattern, &json!({ "time": now }));
    let (reply, events) = ask("/k/*");
    assert_eq!(reply["ext"]["recovered"], true, "{reply}");
    let mut channels: Vec<&str> = events.iter().filter_map(|event| event["channel"].as_str()).collect();
    channels.sort_unstable();
    // How long the first was on its way to its readers, the journal does not say: it comes once more.
    assert_eq!(channels, CHANNELS[..3]);
    let (reply, events) = ask("/**");
    assert_eq!(reply["ext"]["recovered"], false, "others were in memory: {reply}");
    assert_eq!(events.len(), 3);
}

#[test]
fn a_channel_that_is_durable_no_more_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let publish = |durability: &'static str| {
        let server = start(durability, &journal);
        ApiPublisher::new(0, durability).publish_one(server.address(), CHANNELS[0]).unwrap().place
    };
    let first = publish("stored");
    assert_eq!(publish("fsync"), (first.0.clone(), 2));
    let memory = publish("memory");
    assert_ne!(memory.0, first.0);
    let again = publish("stored");
    assert!(again.0 != first.0 && again.0 != memory.0 && again.1 == 1, "{again:?} after {first:?}");
}
