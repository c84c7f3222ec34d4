//! A shard that is busy: others refuse what would wait for it without end, and go on.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use comet::{Channel, Client, Code, Denied, Handshake, Identity, Pattern, Policy, RawValue};
use comet_testkit::{TestServer, WebSocketClient, Wire};
use serde_json::{Value, json};

/// A gate in the middle of a shard's thread, which tests alone may block.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<Passage>, Condvar)>);

#[derive(Default)]
struct Passage {
    somebody_is_there: bool,
    open: bool,
}

impl Gate {
    fn pass(&self) {
        self.change(|passage| passage.somebody_is_there = true);
        self.wait_until(|passage| passage.open);
    }

    fn wait_for_arrival(&self) {
        self.wait_until(|passage| passage.somebody_is_there);
    }

    fn open(&self) {
        self.change(|passage| passage.open = true);
    }

    fn change(&self, change: impl FnOnce(&mut Passage)) {
        let (passage, changed) = &*self.0;
        change(&mut passage.lock().expect("nobody panics at the gate"));
        changed.notify_all();
    }

    fn wait_until(&self, condition: impl Fn(&Passage) -> bool) {
        let (passage, changed) = &*self.0;
        let passage = passage.lock().expect("nobody panics at the gate");
        let passed = changed.wait_while(passage, |passage| !condition(passage));
        drop(passed.expect("nobody panics at the gate"));
    }
}

/// Opens the gate when a test ends, however it ends: a shard that is blocked cannot be stopped.
struct Opens(Gate);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.open();
    }
}

struct Blocking(Gate);

impl Policy for Blocking {
    async fn authenticate(&self, _: &Handshake) -> Result<Identity, Denied> {
        Ok(Identity::default())
    }

    async fn may_subscribe(&self, _: &Client, _: &Pattern) -> Result<(), Denied> {
        Ok(())
    }

    async fn may_publish(&self, _: &Client, channel: &Channel, _: &RawValue) -> Result<(), Denied> {
        match channel.as_str() {
            "/block" => self.0.pass(),
            "/wait" => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => {}
        }
        Ok(())
    }
}

#[test]
fn inbox_bytes_bound_what_waits_in_front_of_a_busy_shard() {
    let gate = Gate::default();
    let mut config = TestServer::config();
    config.shards = 2;
    config.limits.inbox_bytes = 100_000;
    let server = TestServer::run(comet::Comet::builder().config(config).policy(Blocking(gate.clone())));
    let _opens = Opens(gate.clone());
    // One of these lives on the shard that is blocked, and one on the other.
    let mut clients: Vec<_> = (0..24).map(|_| WebSocketClient::connected(&server)).collect();
    let mut blocker = WebSocketClient::connected(&server);
    let block = blocker.send(json!({ "channel": "/block", "data": 1 }));
    gate.wait_for_arrival();
    let mut sent = Vec::new();
    for client in &mut clients {
        for n in 0..16 {
            let id = client.send(json!({ "channel": format!("/n/{n}"), "data": "x".repeat(5_000) }));
            sent.push(id);
        }
    }
    // Whoever lives on the free shard is refused at once what would wait for the busy one.
    server.until("publications are refused", |counts| {
        counts.endings.iter().any(|(code, count)| *code == Code::Overloaded && *count > 0)
    });
    gate.open();
    let fair = |reply: &Value| reply["successful"] == true || reply["error"] == "503::overloaded";
    assert!(fair(&blocker.reply(&block)));
    let mut sent = sent.into_iter();
    let mut accepted = 0;
    for client in &mut clients {
        for id in sent.by_ref().take(16) {
            let reply = client.reply(&id);
            accepted += u32::from(reply["successful"] == true);
            assert!(fair(&reply), "{reply}");
        }
    }
    assert!(accepted > 0);
    clients[0].publish("/n/1", "there is room again");
}

#[test]
fn who_was_told_that_it_is_subscribed_hears_what_a_busy_shard_reads_later() {
    let gate = Gate::default();
    let mut config = TestServer::config();
    config.shards = 2;
    let server = TestServer::run(comet::Comet::builder().config(config).policy(Blocking(gate.clone())));
    let _opens = Opens(gate.clone());
    let mut clients: Vec<_> = (0..24).map(|_| WebSocketClient::connected(&server)).collect();
    let mut blocker = WebSocketClient::connected(&server);
    // The first waits for its ruling, so the second is taken up at the end of a turn of the shard.
    blocker.send(json!({ "channel": "/wait", "data": 1 }));
    blocker.send(json!({ "channel": "/block", "data": 1 }));
    gate.wait_for_arrival();
    let names: Vec<_> = (0..16).map(|n| format!("/n/{n}")).collect();
    let (mut free, mut busy) = (None, None);
    while let (Some(mut client), true) = (clients.pop(), free.is_none() || busy.is_none()) {
        let probe = json!([{ "channel": "/meta/subscribe", "subscription": "/x", "clientId": client.id() }]);
        client.wire.socket.send_batch(&probe);
        let place =
            if client.wire.receive(Duration::from_millis(500)).is_some() { &mut free } else { &mut busy };
        *place = Some(client);
    }
    let (mut listener, mut publisher) = (free.expect("of 24 one is here"), busy.expect("of 24 one is there"));
    let reply = listener.request("/meta/subscribe", json!({ "subscription": names }));
    assert_eq!(reply["successful"], true);
    // Told by its subscriber, another client of the busy shard publishes.
    for name in &names {
        publisher.send(json!({ "channel": name, "data": 1 }));
    }
    gate.open();
    let mut heard: Vec<_> = listener
        .events(16)
        .iter()
        .map(|event| event["channel"].as_str().expect("a name").to_owned())
        .collect();
    heard.sort();
    let mut names = names;
    names.sort();
    assert_eq!(heard, names);
}

#[test]
fn what_comes_behind_a_message_that_waits_for_a_ruling_does_not_overtake_it() {
    struct Thoughtful;

    impl Policy for Thoughtful {
        async fn authenticate(&self, _: &Handshake) -> Result<Identity, Denied> {
            Ok(Identity::default())
        }

        async fn may_subscribe(&self, _: &Client, _: &Pattern) -> Result<(), Denied> {
            Ok(())
        }

        async fn may_publish(&self, _: &Client, _: &Channel, data: &RawValue) -> Result<(), Denied> {
            if data.get() == "\"slow\"" {
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            Ok(())
        }
    }

    let mut config = TestServer::config();
    config.shards = 2;
    let server = TestServer::run(comet::Comet::builder().config(config).policy(Thoughtful));
    let mut client = WebSocketClient::connected(&server);
    client.subscribe("/order");
    // Some of these go to the other shard and come back while the slow one waits.
    for n in 0..8 {
        client.send(json!({ "channel": format!("/n/{n}"), "data": n }));
    }
    client.send(json!({ "channel": "/order", "data": "slow" }));
    std::thread::sleep(Duration::from_millis(100));
    client.send(json!({ "channel": "/order", "data": "quick" }));
    client.expect_event("/order", "slow");
    client.expect_event("/order", "quick");
}
