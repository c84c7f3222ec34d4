//! Receipts: a publisher that asks hears how many have received what it has published.

use std::time::Duration;

use comet::{Event, PublishOptions};
use comet_testkit::{LongPollClient, TestServer, WebSocketClient};
use serde_json::{Value, json};

fn sharded(shards: usize) -> TestServer {
    TestServer::with(|config| config.shards = shards)
}

/// A client that counts, subscribed to a name.
fn counting(server: &TestServer, name: &str) -> WebSocketClient {
    let mut client = WebSocketClient::new(server);
    client.try_handshake(json!({ "ext": { "received": true } }));
    client.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    client.subscribe(name);
    client
}

/// Says that so many events were received.
fn confirm(client: &mut WebSocketClient, received: u64) {
    client.send(json!({ "channel": "/meta/received", "ext": { "received": received } }));
}

/// Publishes and asks for a receipt; the reply.
fn publish(client: &mut WebSocketClient, channel: &str, ext: Value) -> Value {
    let mut ext = ext;
    ext["receipt"] = json!(true);
    client.request(channel, json!({ "data": 1, "ext": ext }))
}

/// The counts of the next receipt: sent, confirming, received, and whether it is the last.
fn receipt(client: &mut WebSocketClient) -> (Value, Value) {
    let event = client.event();
    assert_eq!(event["channel"], "/service/receipt", "{event}");
    let data = event["data"].clone();
    let counts = json!([data["sent"], data["confirming"], data["received"], data["last"]]);
    (counts, data)
}

#[test]
fn the_publisher_hears_of_the_first_who_has_it_and_of_all() {
    for shards in [1, 3] {
        let server = sharded(shards);
        let mut readers: Vec<_> = (0..4).map(|_| counting(&server, "/news")).collect();
        let mut old = LongPollClient::connected(&server);
        old.subscribe("/*");
        let mut alice = WebSocketClient::connected(&server);
        let reply = publish(&mut alice, "/news", json!({ "key": "n-1" }));
        assert_eq!(reply["successful"], true, "{reply}");
        for reader in &mut readers {
            let event = reader.event();
            assert_eq!((&event["data"], event["ext"].get("receipt")), (&json!(1), None), "{event}");
        }
        confirm(&mut readers[2], 1);
        let (counts, data) = receipt(&mut alice);
        assert_eq!(counts, json!([5, 4, 1, false]), "the old client cannot confirm");
        assert_eq!((&data["channel"], &data["key"]), (&json!("/news"), &json!("n-1")));
        assert_eq!(data["position"]["offset"], 1);
        for reader in [0, 1] {
            confirm(&mut readers[reader], 1);
        }
        assert!(alice.try_event(Duration::from_millis(50)).is_none(), "nothing is told in between");
        let reply = readers[3].try_connect(json!({ "ext": { "received": 1 }, "advice": { "timeout": 0 } }));
        assert_eq!(reply["successful"], true, "a connect confirms as well: {reply}");
        assert_eq!(receipt(&mut alice).0, json!([5, 4, 4, true]));
        assert!(alice.try_event(Duration::from_millis(50)).is_none(), "that was the last");
    }
}

#[test]
fn what_is_sent_again_counts_when_it_was_received() {
    let server = sharded(2);
    let reader = counting(&server, "/news");
    let mut again: WebSocketClient = reader.crossing(&server);
    let mut alice = WebSocketClient::connected(&server);
    publish(&mut alice, "/news", json!({}));
    server.until("it has left", |counts| counts.deliveries == 1);
    drop(reader);
    again.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    again.expect_event("/news", 1);
    assert!(alice.try_event(Duration::from_millis(50)).is_none(), "nobody has confirmed it");
    confirm(&mut again, 1);
    assert_eq!(receipt(&mut alice).0, json!([1, 1, 1, true]));
}

#[test]
fn clients_that_acknowledge_as_cometd_s_do_count_too() {
    let server = sharded(2);
    let mut reader = LongPollClient::new(&server);
    reader.try_handshake(json!({ "ext": { "ack": true } }));
    reader.try_connect(json!({ "ext": { "ack": 0 }, "advice": { "timeout": 0 } }));
    reader.subscribe("/news");
    let mut alice = WebSocketClient::connected(&server);
    publish(&mut alice, "/news", json!({}));
    let reply = reader.try_connect(json!({ "ext": { "ack": 1 }, "advice": { "timeout": 5_000 } }));
    reader.expect_event("/news", 1);
    let batch = reply["ext"]["ack"].clone();
    assert!(alice.try_event(Duration::from_millis(50)).is_none(), "it has only been sent");
    reader.try_connect(json!({ "ext": { "ack": batch }, "advice": { "timeout": 0 } }));
    assert_eq!(receipt(&mut alice).0, json!([1, 1, 1, true]));
}

#[test]
fn where_nobody_can_confirm_the_receipt_comes_at_once() {
    let server = sharded(3);
    let mut alice = WebSocketClient::connected(&server);
    publish(&mut alice, "/nobody", json!({}));
    assert_eq!(receipt(&mut alice).0, json!([0, 0, 0, true]));
    let mut old = LongPollClient::connected(&server);
    old.subscribe("/old");
    publish(&mut alice, "/old", json!({}));
    assert_eq!(receipt(&mut alice).0, json!([1, 0, 0, true]));
    old.expect_event("/old", 1);
    publish(&mut alice, "/old", json!({ "key": "twice" }));
    assert_eq!(receipt(&mut alice).0, json!([1, 0, 0, true]));
    publish(&mut alice, "/old", json!({ "key": "twice" }));
    assert!(alice.try_event(Duration::from_millis(50)).is_none(), "what is not published again has none");
}

#[test]
fn who_never_confirms_is_waited_for_as_long_as_receipt_ms_says() {
    let server = TestServer::with(|config| {
        config.shards = 2;
        config.limits.receipt_ms = 200;
    });
    let (mut quick, _mute) = (counting(&server, "/news"), counting(&server, "/news"));
    let mut alice = WebSocketClient::connected(&server);
    publish(&mut alice, "/news", json!({}));
    quick.event();
    confirm(&mut quick, 1);
    assert_eq!(receipt(&mut alice).0, json!([2, 2, 1, false]));
    assert_eq!(receipt(&mut alice).0, json!([2, 2, 1, true]), "the other is given up");
    publish(&mut alice, "/news", json!({}));
    assert_eq!(receipt(&mut alice).0, json!([2, 2, 0, true]), "and once more");
}

#[test]
fn who_leaves_without_a_word_is_not_waited_for() {
    for shards in [1, 3] {
        let server = sharded(shards);
        let (mut quick, mut leaving) = (counting(&server, "/news"), counting(&server, "/news"));
        let mut alice = WebSocketClient::connected(&server);
        publish(&mut alice, "/news", json!({}));
        quick.event();
        confirm(&mut quick, 1);
        assert_eq!(receipt(&mut alice).0, json!([2, 2, 1, false]));
        leaving.request("/meta/disconnect", json!({}));
        assert_eq!(receipt(&mut alice).0, json!([2, 2, 1, true]));
    }
}

#[test]
fn a_session_has_receipts_per_session_open_and_all_have_receipts_per_shard() {
    let server = TestServer::with(|config| {
        config.limits.receipts_per_session = 2;
        config.limits.receipts_per_shard = 3;
    });
    let mut reader = counting(&server, "/news");
    let (mut alice, mut bob) = (WebSocketClient::connected(&server), WebSocketClient::connected(&server));
    for _ in 0..2 {
        assert_eq!(publish(&mut alice, "/news", json!({}))["successful"], true);
    }
    assert_eq!(publish(&mut alice, "/news", json!({}))["error"], "429::rate_limited");
    assert_eq!(publish(&mut bob, "/news", json!({}))["successful"], true);
    assert_eq!(publish(&mut bob, "/news", json!({}))["error"], "503::overloaded");
    bob.publish("/news", "without one it goes on");
    reader.events(4);
    confirm(&mut reader, 4);
    assert_eq!(receipt(&mut alice).0, json!([1, 1, 1, true]));
    assert_eq!(publish(&mut alice, "/news", json!({}))["successful"], true);
}

#[test]
fn who_is_behind_gets_it_later_and_does_not_count() {
    let server = TestServer::with(|config| config.session.mailbox_messages = 1);
    let (mut quick, mut away) = (counting(&server, "/news"), LongPollClient::new(&server));
    away.try_handshake(json!({ "ext": { "received": true } }));
    away.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    away.subscribe("/news");
    server.publish("/news", &"fills the queue of who is away");
    quick.event();
    let mut alice = WebSocketClient::connected(&server);
    publish(&mut alice, "/news", json!({}));
    quick.expect_event("/news", 1);
    let mut received = 0;
    while received < 2 {
        away.try_connect(json!({ "ext": { "received": received }, "advice": { "timeout": 1_000 } }));
        received += away.waiting_events().drain(..).count();
    }
    away.try_connect(json!({ "ext": { "received": received }, "advice": { "timeout": 0 } }));
    assert!(alice.try_event(Duration::from_millis(50)).is_none(), "who was behind confirms nothing of it");
    confirm(&mut quick, 2);
    assert_eq!(receipt(&mut alice).0, json!([1, 1, 1, true]));
}

#[test]
fn for_whom_it_waits_to_be_gathered_does_not_count() {
    let server = TestServer::with(|config| config.channels.default.deliver.batch_ms = 60);
    let mut reader = counting(&server, "/news");
    let mut alice = WebSocketClient::connected(&server);
    for round in 1..=3 {
        publish(&mut alice, "/news", json!({}));
        assert_eq!(receipt(&mut alice).0, json!([0, 0, 0, true]), "it went into no queue at once");
        reader.expect_event("/news", 1);
        confirm(&mut reader, round);
    }
    assert!(alice.try_event(Duration::from_millis(50)).is_none());
}

#[test]
fn who_comes_back_while_it_is_published_counts_or_does_not_but_never_too_often() {
    let server = sharded(3);
    let mut alice = WebSocketClient::connected(&server);
    // The server's clock, which goes on by itself when that of the machine is set.
    let mut early = WebSocketClient::new(&server);
    early.try_handshake(json!({ "ext": { "received": true } }));
    early.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    let told = early.request("/meta/subscribe", json!({ "subscription": "/early" }));
    let started = told["ext"]["time"].as_u64().expect("who counts is told the time");
    for round in 0..20 {
        let mut reader = WebSocketClient::new(&server);
        reader.try_handshake(json!({ "ext": { "received": true } }));
        reader.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
        let since = json!({ "time": started });
        reader
            .send(json!({ "channel": "/meta/subscribe", "subscription": "/**", "ext": { "since": since } }));
        let channel = format!("/news/{round}");
        publish(&mut alice, &channel, json!({}));
        let mut received = 1;
        while reader.event()["channel"] != channel {
            received += 1;
        }
        confirm(&mut reader, received);
        let (counts, data) = receipt(&mut alice);
        assert!(data["received"].as_u64() <= data["confirming"].as_u64(), "{counts}");
        while data["last"] != true && receipt(&mut alice).1["last"] != true {}
        reader.request("/meta/disconnect", json!({}));
    }
}

#[test]
fn code_of_the_server_asks_for_receipts_and_gives_them() {
    let server = sharded(2);
    let (reader, mut read) = server.session("reader");
    let (writer, mut told) = server.session("writer");
    server.runtime().block_on(reader.subscribe("/news")).unwrap();
    let options = PublishOptions { receipt: true, key: Some("n-1".into()), ..PublishOptions::default() };
    server.runtime().block_on(writer.publish_with("/news", &1, options)).unwrap();
    assert!(matches!(server.runtime().block_on(read.next()), Some(Event::Message(_))));
    let Some(Event::Message(message)) = server.runtime().block_on(told.next()) else { panic!("a receipt") };
    assert_eq!(message.channel.as_str(), "/service/receipt");
    let data: Value = message.data().unwrap();
    assert_eq!((&data["received"], &data["key"], &data["last"]), (&json!(1), &json!("n-1"), &json!(true)));
}
