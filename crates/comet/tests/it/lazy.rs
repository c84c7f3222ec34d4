//! Lazy channels: their messages wake nobody, come in their place, and come in time.

use std::time::{Duration, Instant};

use comet::{ChannelOptions, Config, Pattern};
use comet_testkit::{Client, LongPollClient, TestServer, WebSocketClient, Wire};
use serde_json::{Value, json};

/// Longer than any of these tests takes.
const LONG_MS: u64 = 60_000;

fn server(shards: usize, lazy_ms: u64, change: impl FnOnce(&mut Config)) -> TestServer {
    TestServer::with(|config| {
        config.shards = shards;
        let lazy = ChannelOptions { lazy_ms, ..ChannelOptions::default() };
        config.channels.rules.push((Pattern::parse("/lazy/*").expect("a pattern"), lazy));
        change(config);
    })
}

fn listening<W: Wire>(server: &TestServer) -> Client<W> {
    let mut client = Client::connected(server);
    client.subscribe("/lazy/*");
    client.subscribe("/now");
    client
}

/// What has come with the answers so far.
fn come<W: Wire>(client: &mut Client<W>) -> Vec<Value> {
    client.waiting_events().drain(..).map(|event| event["data"].clone()).collect()
}

#[test]
fn a_held_poll_sleeps_on_and_takes_all_along_in_order() {
    let server = server(1, LONG_MS, |_| {});
    let mut client: LongPollClient = listening(&server);
    client.hold();
    server.until_held(1);
    server.publish("/lazy/a", &1);
    server.publish("/lazy/b", &2);
    server.publish("/now", &3);
    client.held_reply();
    assert_eq!(come(&mut client), [1, 2, 3], "one answer brings them all");
    server.publish("/now", &4);
    client.expect_event("/now", 4);
}

#[test]
fn a_poll_is_held_although_lazy_messages_wait() {
    let server = server(1, LONG_MS, |_| {});
    let mut client: LongPollClient = listening(&server);
    server.publish("/lazy/a", &1);
    client.hold();
    server.until_held(1);
    assert_eq!(come(&mut client).len(), 0);
    server.publish("/now", &2);
    client.held_reply();
    assert_eq!(come(&mut client), [1, 2]);
}

#[test]
fn the_end_of_a_poll_takes_along_what_waits() {
    let server = server(1, LONG_MS, |config| config.session.timeout_ms = 300);
    let mut client: LongPollClient = listening(&server);
    client.hold();
    server.until_held(1);
    server.publish("/lazy/a", &1);
    client.held_reply();
    assert_eq!(come(&mut client), [1]);
}

#[test]
fn lazy_messages_come_by_themselves_when_they_have_waited_enough() {
    for shards in [1, 3] {
        let server = server(shards, 300, |_| {});
        let mut polling: LongPollClient = listening(&server);
        let mut open: WebSocketClient = listening(&server);
        polling.hold();
        server.until_held(1);
        for round in 1..=2 {
            let published = Instant::now();
            server.publish("/lazy/a", &round);
            server.publish("/lazy/a", &(round * 10));
            open.expect_event("/lazy/a", round);
            open.expect_event("/lazy/a", round * 10);
            polling.expect_event("/lazy/a", round);
            assert!(published.elapsed() >= Duration::from_millis(250), "they are in no hurry");
            polling.expect_event("/lazy/a", round * 10);
            polling.hold();
        }
    }
}

#[test]
fn a_websocket_gets_them_before_what_comes_behind_them() {
    let server = server(1, LONG_MS, |_| {});
    let mut client: WebSocketClient = listening(&server);
    for round in 0..5 {
        server.publish("/lazy/a", &"first");
        // What the client has to say brings nothing along either.
        client.subscribe(&format!("/other/{round}"));
        server.publish("/lazy/a", &"second");
        assert_eq!(come(&mut client).len(), 0);
        server.publish("/now", &round);
        let data: Vec<Value> = client.events(3).into_iter().map(|event| event["data"].clone()).collect();
        assert_eq!(data, [json!("first"), json!("second"), json!(round)]);
    }
}

#[test]
fn more_than_a_queue_holds_comes_whole() {
    let server = server(1, LONG_MS, |config| config.session.mailbox_messages = 10);
    let mut polling: LongPollClient = listening(&server);
    let mut open: WebSocketClient = listening(&server);
    polling.hold();
    server.until_held(1);
    (0..95).for_each(|n| assert_eq!(server.publish("/lazy/a", &n).offset, n + 1));
    server.publish("/now", &"the end");
    // Who has fallen behind on one channel hears others meanwhile; each of them is in order.
    let whole: Vec<Value> = (0..95).map(|n| json!(n)).collect();
    for events in [polling.events(96), open.events(96)] {
        let of = |channel: &str| {
            let events = events.iter().filter(|event| event["channel"] == channel);
            events.map(|event| event["data"].clone()).collect::<Vec<_>>()
        };
        assert_eq!((of("/lazy/a"), of("/now")), (whole.clone(), vec![json!("the end")]));
    }
}

#[test]
fn a_wish_of_the_subscriber_takes_the_place_of_laziness() {
    let server = server(1, LONG_MS, |_| {});
    let mut client = WebSocketClient::connected(&server);
    let wish = json!({ "subscription": "/lazy/a", "ext": { "deliver": { "slow": "conflate" } } });
    assert_eq!(client.request("/meta/subscribe", wish)["successful"], true);
    server.publish("/lazy/a", &1);
    client.expect_event("/lazy/a", 1);
}

#[test]
fn a_server_that_stops_says_what_still_waits() {
    let mut server = server(1, LONG_MS, |_| {});
    let mut client: WebSocketClient = listening(&server);
    server.publish("/lazy/a", &1);
    let draining = server.begin_drain();
    client.expect_event("/lazy/a", 1);
    server.finish(draining);
}
