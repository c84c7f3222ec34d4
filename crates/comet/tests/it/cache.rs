//! Channels that give their newest message to whoever subscribes.

use std::time::Duration;

use comet::{ChannelOptions, Pattern, Retention};
use comet_testkit::{LongPollClient, TestServer, WebSocketClient};
use serde_json::{Value, json};

/// Prices are remembered for no time at all, but for the newest.
fn server(shards: usize) -> TestServer {
    TestServer::with(|config| {
        config.shards = shards;
        let history = Retention { newest: true, ..Retention::NONE };
        let cached = ChannelOptions { history, ..ChannelOptions::default() };
        config.channels.rules = vec![(Pattern::parse("/price/**").expect("it is one"), cached)];
    })
}

#[test]
fn who_subscribes_sees_the_price_at_once_and_then_every_new_one() {
    for shards in [1, 3] {
        let server = server(shards);
        for price in [10, 20, 30] {
            server.publish("/price/gold", &price);
        }
        let mut early = WebSocketClient::connected(&server);
        let reply =
            early.request("/meta/subscribe", json!({ "subscription": ["/price/gold", "/price/tin"] }));
        let cached = json!({ "cached": { "/price/gold": true, "/price/tin": false } });
        assert_eq!((&reply["successful"], &reply["ext"]), (&json!(true), &cached));
        early.expect_event("/price/gold", 30);
        server.publish("/price/gold", &31);
        early.expect_event("/price/gold", 31);
        let mut late = LongPollClient::connected(&server);
        late.subscribe("/price/gold");
        late.expect_event("/price/gold", 31);
        early.subscribe("/price/gold");
        server.publish("/price/tin", &1);
        early.expect_event("/price/tin", 1);
    }
}

#[test]
fn who_asks_for_more_or_by_pattern_gets_what_it_asks_for() {
    let server = server(2);
    server.publish("/price/gold", &10);
    let last = server.publish("/price/gold", &20);
    let mut client = WebSocketClient::connected(&server);
    let since = json!({ "epoch": format!("{:x}", last.epoch), "offset": last.offset });
    let again = json!({ "subscription": "/price/gold", "ext": { "since": since } });
    assert_eq!(client.request("/meta/subscribe", again)["ext"]["recovered"], true);
    client.subscribe("/price/*");
    assert_eq!(client.try_event(Duration::from_millis(100)), None, "it has seen that price");
    client.unsubscribe("/price/gold");
    client.subscribe("/price/gold");
    client.expect_event("/price/gold", 20);
}

#[test]
fn other_channels_keep_their_past_to_themselves() {
    let server = server(1);
    server.publish("/news", &"old");
    let mut client = WebSocketClient::connected(&server);
    let reply = client.request("/meta/subscribe", json!({ "subscription": "/news" }));
    assert_eq!((&reply["successful"], &reply["ext"]), (&json!(true), &Value::Null));
    server.publish("/news", &"new");
    client.expect_event("/news", "new");
}
