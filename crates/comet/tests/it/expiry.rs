//! Messages that lose their meaning with time: nobody gets them late, and nobody is told of a gap for them.

use std::time::Duration;

use comet::{ChannelOptions, Code, Pattern, PublishOptions};
use comet_testkit::{LongPollClient, Socket, TestServer, WebSocketClient};
use serde_json::{Value, json};

fn server(shards: usize) -> TestServer {
    TestServer::with(|config| {
        config.shards = shards;
        let brief = ChannelOptions { expires_ms: 80, ..ChannelOptions::default() };
        config.channels.rules = vec![(Pattern::parse("/brief/**").expect("it is one"), brief)];
    })
}

/// Publishes something that expires at this age.
fn publish_for(server: &TestServer, channel: &str, data: Value, expires_ms: u64) -> comet::Position {
    let options = PublishOptions { expires_ms: Some(expires_ms), ..PublishOptions::default() };
    let publisher = server.publisher();
    server.runtime().block_on(publisher.publish_with(channel, &data, options)).expect("it is taken").position
}

fn datas(events: &[Value]) -> Vec<&Value> {
    events.iter().map(|event| &event["data"]).collect()
}

#[test]
fn who_was_away_gets_what_is_still_worth_something() {
    for shards in [1, 3] {
        let server = server(shards);
        let mut away = LongPollClient::connected(&server);
        for channel in ["/a", "/brief/b"] {
            away.subscribe(channel);
        }
        publish_for(&server, "/a", json!("soon gone"), 60);
        server.publish("/a", &"stays");
        server.publish("/brief/b", &"gone by the rule of its channel");
        publish_for(&server, "/brief/b", json!("says itself how long"), 60_000);
        publish_for(&server, "/a", json!("long enough"), 60_000);
        std::thread::sleep(Duration::from_millis(150));
        let mut events = away.events(3);
        events.sort_by_key(|event| event["channel"] == "/brief/b");
        assert_eq!(datas(&events), ["stays", "long enough", "says itself how long"]);
        assert!(events.iter().all(|event| event["ext"]["expires_ms"].is_null()), "{events:?}");
        server.until("two were dropped", |counts| counts.messages_expired == 2);
    }
}

#[test]
fn a_held_poll_gets_it_at_once() {
    let server = server(2);
    let mut reader = LongPollClient::connected(&server);
    reader.subscribe("/a");
    reader.hold();
    server.until_held(1);
    let mut writer = WebSocketClient::connected(&server);
    let reply = writer.request("/a", json!({ "data": "now", "ext": { "expires_ms": 5_000 } }));
    assert_eq!(reply["successful"], true, "{reply}");
    reader.expect_event("/a", "now");
}

#[test]
fn what_has_expired_is_skipped_by_who_comes_back_and_is_no_gap() {
    for shards in [1, 3] {
        let server = server(shards);
        let first = server.publish("/a", &1);
        publish_for(&server, "/a", json!(2), 50);
        server.publish("/a", &3);
        publish_for(&server, "/a", json!(4), 50);
        std::thread::sleep(Duration::from_millis(120));
        let mut late = WebSocketClient::connected(&server);
        let epoch = format!("{:x}", first.epoch);
        let since = json!({ "epoch": epoch, "offset": first.offset });
        let reply =
            late.request("/meta/subscribe", json!({ "subscription": "/a", "ext": { "since": since } }));
        assert_eq!((&reply["ext"]["recovered"], &reply["ext"]["gaps"]), (&json!(true), &Value::Null));
        let event = late.event();
        assert_eq!((&event["data"], &event["ext"]["position"]["offset"]), (&json!(3), &json!(3)));
        assert_eq!(server.publish("/a", &5).offset, 5, "offsets stay used");
        late.expect_event("/a", 5);
        assert_eq!(server.endings(Code::HistoryGap), 0);
    }
}

#[test]
fn what_was_lost_on_a_cut_wire_does_not_come_again_after_its_time() {
    let server = server(2);
    let mut client = WebSocketClient::new(&server);
    client.try_handshake(json!({ "ext": { "received": true } }));
    client.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    client.subscribe("/a");
    let mut again: WebSocketClient = client.crossing(&server);
    publish_for(&server, "/a", json!("soon gone"), 100);
    server.publish("/a", &"stays");
    server.until("both have left", |counts| counts.deliveries == 2);
    client.wire.socket.reset();
    std::thread::sleep(Duration::from_millis(200));
    again.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    again.expect_event("/a", "stays");
    server.publish("/a", &"next");
    again.expect_event("/a", "next");
    let reply = again.try_connect(json!({ "ext": { "received": 2 }, "advice": { "timeout": 0 } }));
    assert_eq!(reply["successful"], true, "the counts agree: {reply}");
}

#[test]
fn a_queue_full_of_expired_messages_is_not_full() {
    let server = TestServer::with(|config| config.session.mailbox_messages = 4);
    let mut away = LongPollClient::connected(&server);
    away.subscribe("/a");
    for number in 0..4 {
        publish_for(&server, "/a", json!(number), 30);
    }
    std::thread::sleep(Duration::from_millis(80));
    for number in 4..8 {
        server.publish("/a", &number);
    }
    assert_eq!(datas(&away.events(4)), [4, 5, 6, 7]);
    assert_eq!((server.counts().messages_expired, server.counts().messages_withheld), (4, 0));
}

#[test]
fn a_back_end_says_it_too_and_an_age_has_to_be_one() {
    let server = TestServer::run(TestServer::builder().api(comet::ApiAccess::Open));
    let mut away = LongPollClient::connected(&server);
    away.subscribe("/a");
    let publish = |expires: Value| {
        let mut socket = Socket::connect(server.address());
        let body = json!({ "channel": "/a", "data": 1, "expires_ms": expires }).to_string();
        socket.send_post("/api/publish", "", &body);
        socket.response().status
    };
    assert_eq!(publish(json!(40)), 200);
    for bad in [json!(0), json!(-1), json!("1s"), json!(0.5)] {
        assert_eq!(publish(bad), 400);
    }
    std::thread::sleep(Duration::from_millis(100));
    server.publish("/a", &2);
    away.expect_event("/a", 2);
    let reply = away.request("/a", json!({ "data": 1, "ext": { "expires_ms": 0 } }));
    assert_eq!(
        reply["error"], "400:ext.expires_ms is no number of milliseconds above 0:message_invalid",
        "{reply}"
    );
}
