//! Subscriptions whose past is still asked for: many at once, over each other, and given up meanwhile.

use comet::Config;
use comet_testkit::{TestServer, WebSocketClient};
use serde_json::{Value, json};

fn server(shards: usize) -> TestServer {
    TestServer::with(|config: &mut Config| config.shards = shards)
}

fn ask(names: Value, since: Value) -> Value {
    json!({ "channel": "/meta/subscribe", "subscription": names, "ext": { "since": since } })
}

/// Sends all at once and waits for the replies.
fn all(client: &mut WebSocketClient, batch: Vec<Value>) -> Vec<Value> {
    let ids = client.send_all(batch);
    ids.iter().map(|id| client.reply(id)).collect()
}

#[test]
fn an_answer_to_a_subscription_that_has_ended_is_not_for_the_next_one() {
    let server = server(4);
    let mut client = WebSocketClient::connected(&server);
    // Most of these have their home at another shard than the session.
    for channel in (0..8).map(|n| format!("/n/{n}")) {
        (1..=3).for_each(|n| assert_eq!(server.publish(&channel, &n).offset, n));
        let leave = json!({ "channel": "/meta/unsubscribe", "subscription": channel });
        let ask = ask(json!(channel), json!({ "last": 3 }));
        all(&mut client, vec![ask.clone(), leave, ask]);
        server.publish(&channel, "live");
        (1..=3).for_each(|n| client.expect_event(&channel, n));
        client.expect_event(&channel, "live");
    }
}

#[test]
fn recoveries_per_session_bound_what_one_client_asks_at_the_same_time() {
    let server = TestServer::with(|config: &mut Config| {
        config.shards = 2;
        config.limits.recoveries_per_session = 10;
    });
    let mut client = WebSocketClient::connected(&server);
    let batch = (0..30).map(|_| ask(json!(["/a/*", "/b/*"]), json!({ "time": 1 }))).collect();
    let replies = all(&mut client, batch);
    let refused = replies.iter().filter(|reply| reply["error"] == "429::rate_limited").count();
    let served = replies.iter().filter(|reply| reply["successful"] == true).count();
    assert_eq!((served, refused), (5, 25), "{replies:?}");
    // What was asked is answered: there is room again.
    assert_eq!(all(&mut client, vec![ask(json!("/c"), json!({ "last": 1 }))])[0]["successful"], true);
}

#[test]
fn a_client_that_has_missed_very_many_channels_is_told_and_keeps_its_session() {
    let server = TestServer::with(|config: &mut Config| {
        config.shards = 2;
        config.session.mailbox_bytes = 8 << 10;
        config.channels.default.history.messages = 0;
    });
    std::thread::sleep(std::time::Duration::from_millis(20));
    let mut client = WebSocketClient::new(&server);
    client.try_handshake(json!({ "ext": { "received": true } }));
    client.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    let reply = all(&mut client, vec![ask(json!("/other"), json!({ "last": 1 }))]).remove(0);
    let time = reply["ext"]["time"].clone();
    (0..600).for_each(|n| drop(server.try_publish(&format!("/n/{n}"), &n)));
    let reply = all(&mut client, vec![ask(json!("/n/*"), json!({ "time": time }))]).remove(0);
    assert_eq!(reply["ext"]["recovered"], false, "{reply}");
    let named = reply["ext"]["gaps"].as_object().expect("there are gaps").len();
    server.publish("/n/live", "live");
    let mut told = 0;
    loop {
        let event = client.event();
        match event["ext"]["gaps"].as_object() {
            Some(gaps) => told += gaps.len(),
            None => break assert_eq!(event["data"], "live"),
        }
    }
    assert_eq!(told, named);
    assert!(told <= 2 * 256 + 1, "{told}");
}
