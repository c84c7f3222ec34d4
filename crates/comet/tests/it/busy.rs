//! A shard that is busy: others refuse what would wait for it without end, and go on.

use std::sync::{Arc, Condvar, Mutex};

use comet::{Channel, Client, Code, Denied, Handshake, Identity, Pattern, Policy, RawValue};
use comet_testkit::{TestServer, WebSocketClient};
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
        if channel.as_str() == "/block" {
            self.0.pass();
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
