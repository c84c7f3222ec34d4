//! A policy that takes its time over subscriptions: what waits for it is bounded, and its ruling still counts.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use comet::{Channel, Client, Comet, Config, Denied, Handshake, Identity, Pattern, Policy, RawValue};
use comet_testkit::{
    LongPollClient, PATIENCE, Received, Socket, TestServer, WebSocketClient, Wire, eventually,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Lets one be subscribed for every permit that is added to its door.
struct Thoughtful {
    door: Arc<Semaphore>,
    asked: Sender<()>,
}

impl Policy for Thoughtful {
    async fn authenticate(&self, _: &Handshake) -> Result<Identity, Denied> {
        Ok(Identity::default())
    }

    async fn may_subscribe(&self, _: &Client, _: &Pattern) -> Result<(), Denied> {
        // Nobody listens any more when the test has seen enough.
        let _ = self.asked.send(());
        self.door.acquire().await.expect("the door is not removed").forget();
        Ok(())
    }

    async fn may_publish(&self, _: &Client, _: &Channel, _: &RawValue) -> Result<(), Denied> {
        Ok(())
    }
}

fn thoughtful(change: impl FnOnce(&mut Config)) -> (TestServer, Arc<Semaphore>, Receiver<()>) {
    let (asked, is_asked) = channel();
    let door = Arc::new(Semaphore::new(0));
    let mut config = TestServer::config();
    change(&mut config);
    let policy = Thoughtful { door: door.clone(), asked };
    (TestServer::run(Comet::builder().config(config).policy(policy)), door, is_asked)
}

fn cookie_of(client: &LongPollClient) -> String {
    format!("Cookie: {}\r\n", client.wire.cookie().expect("a cookie was set"))
}

fn subscribe(client: &LongPollClient, names: Value) -> String {
    json!([{ "channel": "/meta/subscribe", "subscription": names, "clientId": client.id() }]).to_string()
}

/// Two senders ask and leave without waiting for the answer; then there is no room for a third.
fn is_bounded(change: impl FnOnce(&mut Config), padding: usize) {
    let (server, door, is_asked) = thoughtful(change);
    let mut client = LongPollClient::connected(&server);
    for _ in 0..2 {
        let mut socket = Socket::connect(server.address());
        let body = format!("{}{}", " ".repeat(padding), subscribe(&client, json!("/a")));
        socket.send_post("/cometd", &cookie_of(&client), body);
        is_asked.recv_timeout(PATIENCE).expect("the policy is asked");
        socket.reset();
    }
    let reply = client.request("/meta/subscribe", json!({ "subscription": "/b" }));
    assert_eq!(reply["error"], "503::overloaded");
    assert_eq!(client.try_connect(json!({}))["error"], "503::overloaded");
    door.add_permits(3);
    eventually("there is room again", || {
        client.request("/meta/subscribe", json!({ "subscription": "/b" }))["successful"] == true
    });
}

#[test]
fn exchanges_per_shard_bound_the_batches_whose_senders_have_gone() {
    is_bounded(|config| config.limits.exchanges_per_shard = 2, 0);
}

#[test]
fn exchange_bytes_per_shard_bound_their_bytes() {
    is_bounded(|config| config.limits.exchange_bytes_per_shard = 8_300, 4_000);
}

#[test]
fn subscriptions_let_in_at_the_same_time_do_not_pass_their_bound() {
    let (server, door, is_asked) = thoughtful(|config| config.session.subscriptions = 4);
    let client = LongPollClient::connected(&server);
    let mut sockets: Vec<_> = (0..2)
        .map(|n| {
            let mut socket = Socket::connect(server.address());
            let names = json!([format!("/{n}/a"), format!("/{n}/b"), format!("/{n}/c")]);
            socket.send_post("/cometd", &cookie_of(&client), subscribe(&client, names));
            is_asked.recv_timeout(PATIENCE).expect("the policy is asked");
            socket
        })
        .collect();
    door.add_permits(6);
    let mut errors: Vec<Value> =
        sockets.iter_mut().map(|socket| socket.response().messages()[0]["error"].clone()).collect();
    errors.sort_by_key(Value::is_null);
    assert_eq!(errors, [json!("429::subscriptions_too_many"), Value::Null]);
}

#[test]
fn a_websocket_that_waits_for_a_ruling_is_answered_before_a_stop_closes_it() {
    let (mut server, door, is_asked) = thoughtful(|_| {});
    let mut client = WebSocketClient::connected(&server);
    let asked = client.send(json!({ "channel": "/meta/subscribe", "subscription": "/a" }));
    is_asked.recv_timeout(PATIENCE).expect("the policy is asked");
    let stop = server.begin_drain();
    // Long enough for the stop to have looked at everybody.
    assert_eq!(client.wire.socket.try_receive(std::time::Duration::from_millis(300)), None);
    door.add_permits(1);
    assert_eq!(client.reply(&asked)["successful"], true);
    assert_eq!(client.wire.socket.receive(), Received::Close(Some(1012), "draining".into()));
    server.finish(stop);
}
