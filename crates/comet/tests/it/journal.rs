//! Durable channels: nothing is anybody's before the journal has it, and what the journal refuses never was.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comet::journal::{Done, Entry, Figures, JournalError, Keeper, Loaded, Opened, Record};
use comet::{Accepted, ChannelOptions, Code, Comet, Config, Durability, Pattern, PublishError};
use comet_testkit::{LongPollClient, TestServer, WebSocketClient, eventually};
use serde_json::{Value, json};

/// Long enough for what must not happen.
const MOMENT: Duration = Duration::from_millis(150);

/// A journal that gives its word when the test says so.
#[derive(Default)]
struct Gate {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    held: VecDeque<(Vec<Entry>, Option<Done>)>,
    /// What it was told that is no message: that needs no word of the test.
    noted: Vec<Entry>,
    is_busy: bool,
    is_closed: bool,
}

impl Gate {
    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.inner.lock().expect("nothing panics in here"))
    }

    /// The records that wait for its word.
    fn records(&self) -> Vec<Record> {
        let record = |entry: &Entry| match entry {
            Entry::Append { record, .. } => Some(record.clone()),
            _ => None,
        };
        self.change(|inner| inner.held.iter().flat_map(|(entries, _)| entries).filter_map(record).collect())
    }

    fn until(&self, count: usize) {
        eventually("the journal is told", || self.records().len() == count);
    }

    /// Gives the same word on all that wait.
    fn give(&self, word: &Result<(), JournalError>) {
        while let Some((entries, done)) = self.change(|inner| inner.held.pop_front()) {
            if let Some(done) = done {
                done(&vec![word.clone(); entries.len()]);
            }
        }
    }
}

/// What the server notes for itself is nobody's message.
fn is_message(entry: &Entry) -> bool {
    matches!(entry, Entry::Append { record, .. } if !record.channel.starts_with("/meta/"))
}

impl Keeper for Gate {
    fn submit_all(&self, entries: Vec<Entry>, done: Option<Done>) -> Result<(), JournalError> {
        if !entries.iter().any(is_message) {
            if let Some(done) = done {
                done(&vec![Ok(()); entries.len()]);
            }
            self.change(|inner| inner.noted.extend(entries));
            return Ok(());
        }
        self.change(|inner| {
            if inner.is_busy {
                return Err(JournalError::Busy);
            }
            inner.held.push_back((entries, done));
            Ok(())
        })
    }

    fn figures(&self) -> Figures {
        Figures { waiting: self.records().len() as u64, groups: 7, ..Figures::default() }
    }

    fn close(&self) -> Result<(), JournalError> {
        self.change(|inner| inner.is_closed = true);
        Ok(())
    }
}

/// All channels are stored but those under `/m`.
fn configure(config: &mut Config, shards: usize) {
    config.shards = shards;
    config.channels.default.durability = Durability::Stored;
    config.channels.rules = vec![(Pattern::parse("/m/**").expect("a pattern"), ChannelOptions::default())];
}

fn started(shards: usize, change: impl FnOnce(&mut Config)) -> (TestServer, Arc<Gate>) {
    let mut config = TestServer::config();
    configure(&mut config, shards);
    change(&mut config);
    let gate = Arc::new(Gate::default());
    let opened = Opened { keeper: gate.clone(), loaded: Vec::new() };
    (TestServer::run(Comet::builder().config(config).journal(opened)), gate)
}

/// A client that counts, and so is told what became of its publications.
fn counting(server: &TestServer) -> WebSocketClient {
    let mut client = WebSocketClient::new(server);
    assert_eq!(client.try_handshake(json!({ "ext": { "received": true } }))["successful"], true);
    client.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    client
}

/// Publishes beside the test.
fn publish(
    server: &TestServer,
    channel: &'static str,
    n: u64,
) -> tokio::task::JoinHandle<Result<Accepted, PublishError>> {
    let publisher = server.publisher();
    server.runtime().spawn(async move { publisher.publish(channel, &n).await })
}

fn code(outcome: Result<Accepted, PublishError>) -> Code {
    match outcome {
        Err(PublishError::Refused(code)) => code,
        other => panic!("not refused: {other:?}"),
    }
}

fn offsets(events: &[Value]) -> Vec<u64> {
    events
        .iter()
        .map(|event| event["ext"]["position"]["offset"].as_u64().expect("it stands somewhere"))
        .collect()
}

#[test]
fn nobody_hears_of_a_message_before_the_journal_has_it() {
    for shards in [1, 3] {
        let (server, gate) = started(shards, |_| {});
        let mut subscriber = WebSocketClient::connected(&server);
        subscriber.subscribe("/**");
        let mut publisher = counting(&server);
        let ids: Vec<_> = (0..3)
            .map(|n| {
                let id = publisher.id().to_owned();
                publisher.send(json!({ "channel": "/a", "clientId": id, "data": n }))
            })
            .collect();
        gate.until(3);
        assert!(subscriber.try_event(MOMENT).is_none(), "it was delivered too early");
        assert_eq!(server.counts().publications_waiting, 3);
        assert_eq!((server.counts().journal_waiting, server.counts().journal_groups), (3, 7));
        gate.give(&Ok(()));
        assert_eq!(offsets(&subscriber.events(3)), [1, 2, 3]);
        for (id, offset) in ids.iter().zip(1..) {
            let reply = publisher.reply(id);
            assert_eq!(reply["successful"], true, "{reply}");
            assert_eq!(reply["ext"]["position"]["offset"], offset, "{reply}");
            assert_eq!(reply["ext"]["durability"], "stored", "{reply}");
        }
        server.until("nothing waits", |counts| counts.publications_waiting == 0);
    }
}

#[test]
fn what_waits_is_not_recovered_and_comes_live_once() {
    for shards in [1, 3] {
        let (server, gate) = started(shards, |_| {});
        let first = publish(&server, "/a", 1);
        gate.until(1);
        gate.give(&Ok(()));
        let accepted = server.runtime().block_on(first).unwrap().unwrap();
        assert_eq!((accepted.position.offset, accepted.durability), (1, Durability::Stored));
        let second = publish(&server, "/a", 2);
        gate.until(1);
        let mut client = WebSocketClient::connected(&server);
        let fields = json!({ "subscription": "/a", "ext": { "since": { "last": 10 } } });
        assert_eq!(client.request("/meta/subscribe", fields)["ext"]["recovered"], true);
        assert_eq!(offsets(&client.events(1)), [1]);
        assert!(client.try_event(MOMENT).is_none());
        gate.give(&Ok(()));
        assert_eq!(offsets(&client.events(1)), [2]);
        server.runtime().block_on(second).unwrap().unwrap();
    }
}

#[test]
fn a_busy_journal_refuses_and_the_number_is_given_again() {
    let (server, gate) = started(1, |_| {});
    let mut subscriber = WebSocketClient::connected(&server);
    subscriber.subscribe("/**");
    gate.change(|inner| inner.is_busy = true);
    let refused = server.runtime().block_on(publish(&server, "/a", 1)).unwrap();
    assert_eq!(code(refused), Code::Overloaded);
    let mut publisher = counting(&server);
    let fields = json!({ "data": 2 });
    assert_eq!(publisher.request("/a", fields.clone())["error"], "503::overloaded");
    gate.change(|inner| inner.is_busy = false);
    let taken = publish(&server, "/a", 3);
    gate.until(1);
    assert_eq!(gate.records()[0].position.offset, 1);
    gate.give(&Ok(()));
    assert_eq!(server.runtime().block_on(taken).unwrap().unwrap().position.offset, 1);
    subscriber.expect_event("/a", 3);
}

#[test]
fn a_failed_journal_refuses_what_is_durable_and_nothing_else() {
    for dies in [false, true] {
        let (server, gate) = started(1, |_| {});
        let mut subscriber = WebSocketClient::connected(&server);
        subscriber.subscribe("/**");
        let waiting = [publish(&server, "/a", 1), publish(&server, "/b", 2)];
        gate.until(2);
        if dies {
            gate.change(|inner| inner.held.clear());
        } else {
            gate.give(&Err(JournalError::Failed("no space left".into())));
        }
        for waiting in waiting {
            assert_eq!(code(server.runtime().block_on(waiting).unwrap()), Code::JournalUnavailable);
        }
        assert_eq!(
            code(server.runtime().block_on(publish(&server, "/a", 3)).unwrap()),
            Code::JournalUnavailable
        );
        assert_eq!(gate.records().len(), 0, "it is not asked again");
        assert_eq!(server.counts().journal_failed, 1);
        server.publish("/m/a", &4);
        subscriber.expect_event("/m/a", 4);
        assert!(subscriber.try_event(MOMENT).is_none());
    }
}

#[test]
fn a_refused_record_is_not_published_and_the_channel_goes_on() {
    let (server, gate) = started(1, |_| {});
    let refused = publish(&server, "/a", 1);
    gate.until(1);
    gate.give(&Err(JournalError::TooBig));
    assert_eq!(code(server.runtime().block_on(refused).unwrap()), Code::JournalUnavailable);
    let taken = publish(&server, "/a", 2);
    gate.until(1);
    gate.give(&Ok(()));
    assert_eq!(server.runtime().block_on(taken).unwrap().unwrap().position.offset, 1);
}

#[test]
fn a_key_that_waits_has_one_outcome_for_all_who_send_it() {
    let (server, gate) = started(1, |_| {});
    let send = || {
        let publisher = server.publisher();
        server.runtime().spawn(async move { publisher.publish_once("/a", &1, "k").await })
    };
    let sent: Vec<_> = (0..3).map(|_| send()).collect();
    gate.until(1);
    // The others came, too, and the journal was told of one.
    std::thread::sleep(MOMENT);
    gate.until(1);
    gate.give(&Ok(()));
    for sent in sent {
        assert_eq!(server.runtime().block_on(sent).unwrap().unwrap().position.offset, 1);
    }
    let again = server.runtime().block_on(send()).unwrap().unwrap();
    assert_eq!((again.position.offset, again.durability), (1, Durability::Stored));
    assert_eq!(gate.records().len(), 0);
}

#[test]
fn a_stop_waits_for_the_journal_and_then_hands_out() {
    for shards in [1, 3] {
        let (mut server, gate) = started(shards, |_| {});
        let mut subscriber = LongPollClient::connected(&server);
        subscriber.subscribe("/**");
        let waiting: Vec<_> =
            (0..8).map(|n| publish(&server, ["/a", "/b", "/c", "/d"][n % 4], n as u64)).collect();
        gate.until(8);
        let stop = server.begin_drain();
        std::thread::sleep(MOMENT);
        assert!(!gate.change(|inner| inner.is_closed));
        gate.give(&Ok(()));
        assert_eq!(subscriber.events(8).len(), 8);
        for waiting in waiting {
            server.runtime().block_on(waiting).unwrap().unwrap();
        }
        server.finish(stop);
        assert!(gate.change(|inner| inner.is_closed));
    }
}

#[test]
fn a_stop_waits_for_a_journal_that_hangs_no_longer_than_it_may() {
    let (server, gate) = started(2, |config| config.limits.drain_ms = 400);
    let waiting = publish(&server, "/a", 1);
    gate.until(1);
    let publisher = server.runtime().handle().clone();
    let took = server.drain();
    assert!((Duration::from_millis(350)..Duration::from_secs(8)).contains(&took), "{took:?}");
    drop(publisher);
    // Its outcome is not known, and it hears no other one.
    assert!(!waiting.is_finished() || gate.records().len() == 1);
}

#[test]
fn what_leaves_the_history_is_told_to_the_journal_in_portions() {
    let (server, gate) = started(1, |config| config.channels.default.history.messages = 10);
    let tasks: Vec<_> = (0..1_500).map(|n| publish(&server, "/a", n)).collect();
    eventually("everything is published", || {
        gate.give(&Ok(()));
        tasks.iter().all(tokio::task::JoinHandle::is_finished)
    });
    let trim = |entry: &Entry| match entry {
        Entry::Trim { channel, below, .. } if &**channel == "/a" => Some(*below),
        _ => None,
    };
    let trims: Vec<u64> = gate.change(|inner| inner.noted.iter().filter_map(trim).collect());
    let (below, trims) = (trims.last().copied().unwrap_or_default(), trims.len());
    // As many have left as make it worth a word, and again with time.
    assert!((1..=3).contains(&trims), "{trims} trims");
    assert!(below >= 512, "trimmed below {below}");
}

#[test]
fn loaded_channels_go_on_and_others_are_forgotten() {
    let mut config = TestServer::config();
    configure(&mut config, 3);
    let loaded = |name: &str| Loaded {
        channel: name.into(),
        epoch: 0xabc,
        head: 7,
        floor: 7,
        replaced: None,
        records: Vec::new(),
    };
    let gate = Arc::new(Gate::default());
    let names = ["/a", "/b", "/c", "/d", "/e"];
    let loaded = names.iter().chain(&["/m/a"]).map(|name| loaded(name)).collect();
    let opened = Opened { keeper: gate.clone(), loaded };
    let server = TestServer::run(Comet::builder().config(config).journal(opened));
    let forgets = |entry: &Entry| matches!(entry, Entry::Forget { channel, .. } if &**channel == "/m/a");
    assert!(
        gate.change(|inner| inner.noted.iter().any(forgets)),
        "what is not durable is forgotten before all else"
    );
    let sent: Vec<_> = names.iter().map(|name| publish(&server, name, 1)).collect();
    gate.until(names.len());
    assert!(
        gate.records().iter().all(|record| (record.position.epoch, record.position.offset) == (0xabc, 8))
    );
    gate.give(&Ok(()));
    for sent in sent {
        assert_eq!(server.runtime().block_on(sent).unwrap().unwrap().position.offset, 8);
    }
}

#[test]
fn durable_channels_without_a_journal_are_refused_at_the_start() {
    let mut config = TestServer::config();
    configure(&mut config, 1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let Err(error) = Comet::builder().config(config).build() else { panic!("it started") };
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("needs a journal"), "{error}");
}

#[test]
fn who_has_received_a_message_is_counted_when_the_journal_has_it() {
    let (server, gate) = started(1, |_| {});
    let mut subscriber = WebSocketClient::connected(&server);
    subscriber.subscribe("/a");
    let mut publisher = counting(&server);
    let id = publisher.id().to_owned();
    let message = json!({ "channel": "/a", "clientId": id, "data": 1, "ext": { "receipt": true } });
    let sent = publisher.send(message);
    gate.until(1);
    assert!(publisher.try_event(MOMENT).is_none());
    gate.give(&Ok(()));
    let receipt = publisher.event();
    assert_eq!(receipt["channel"], "/service/receipt", "{receipt}");
    assert_eq!((&receipt["data"]["sent"], &receipt["data"]["last"]), (&json!(1), &json!(true)), "{receipt}");
    assert_eq!(publisher.reply(&sent)["successful"], true);
    subscriber.expect_event("/a", 1);
}
