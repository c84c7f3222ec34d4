//! Coming back: what was missed is there, once and in order, before what is new; or the gap is told.

use comet::{ChannelOptions, Code, Config, Pattern};
use comet_testkit::{Client, LongPollClient, TestServer, WebSocketClient, Wire};
use serde_json::{Value, json};

fn remembering(messages: usize, shards: usize) -> TestServer {
    TestServer::with(|config: &mut Config| {
        config.shards = shards;
        config.channels.default.history.messages = messages;
    })
}

fn since<W: Wire>(client: &mut Client<W>, name: &str, since: Value) -> Value {
    client.request("/meta/subscribe", json!({ "subscription": name, "ext": { "since": since } }))
}

fn position(event: &Value) -> Value {
    event["ext"]["position"].clone()
}

/// A client that counts what it receives, as ours do.
fn counting(server: &TestServer) -> WebSocketClient {
    let mut client = WebSocketClient::new(server);
    assert_eq!(client.try_handshake(json!({ "ext": { "received": true } }))["ext"]["received"], true);
    assert_eq!(
        client.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }))["successful"],
        true
    );
    client
}

#[test]
fn a_client_gets_what_came_after_its_position_and_then_what_is_live() {
    for shards in [1, 3] {
        let server = remembering(100, shards);
        let mut first = LongPollClient::connected(&server);
        first.subscribe("/a");
        server.publish("/a", &0);
        let seen = position(&first.event());
        drop(first);
        for n in 1..20 {
            server.publish("/a", &n);
        }
        let mut again = WebSocketClient::connected(&server);
        let reply = since(&mut again, "/a", seen);
        assert_eq!(
            (&reply["successful"], &reply["ext"]["recovered"]),
            (&json!(true), &json!(true)),
            "{reply}"
        );
        server.publish("/a", &20);
        for n in 1..=20 {
            again.expect_event("/a", n);
        }
    }
}

#[test]
fn what_is_published_while_a_client_comes_back_is_neither_missed_nor_repeated() {
    let server = remembering(100_000, 2);
    let channels: Vec<String> = (0..4).map(|n| format!("/n/{n}")).collect();
    let publisher = server.publisher();
    let names = channels.clone();
    let publishing = server.runtime().spawn(async move {
        for n in 0..20_000_u64 {
            publisher.publish(&names[n as usize % names.len()], &n).await.expect("it is published");
        }
    });
    server.until("there is a past", |counts| counts.publications > 500);
    for round in 0..20 {
        let mut client = WebSocketClient::connected(&server);
        let mut last: std::collections::HashMap<String, u64> = Default::default();
        let asked: Vec<&str> = if round % 2 == 0 { vec!["/n/0", "/n/3"] } else { vec!["/n/1"] };
        for name in &asked {
            let reply = since(&mut client, name, json!({ "last": 50 }));
            assert_eq!(reply["ext"]["recovered"], true, "{reply}");
        }
        for _ in 0..200 {
            let Some(event) = client.try_event(std::time::Duration::from_secs(1)) else { break };
            let channel = event["channel"].as_str().expect("a channel").to_owned();
            let offset = event["ext"]["position"]["offset"].as_u64().expect("an offset");
            if let Some(before) = last.insert(channel, offset) {
                assert_eq!(offset, before + 1, "round {round}: {event}");
            }
        }
        assert_eq!(last.len(), asked.len());
    }
    server.runtime().block_on(publishing).expect("the publisher ends");
}

#[test]
fn a_pattern_recovers_known_channels_by_position_and_others_by_time() {
    for shards in [1, 3] {
        let server = remembering(100, shards);
        // What a server may have forgotten before its start it does not vouch for.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let mut first = counting(&server);
        let reply = first.request("/meta/subscribe", json!({ "subscription": "/chat/*" }));
        let time = reply["ext"]["time"].as_u64().expect("a counting client is told the time");
        server.publish("/chat/known", "seen");
        let seen = position(&first.event());
        drop(first);
        server.publish("/chat/known", "missed");
        server.publish("/chat/new", "missed too");
        server.publish("/other", "not asked for");
        let mut again = counting(&server);
        let reply =
            since(&mut again, "/chat/*", json!({ "time": time, "positions": { "/chat/known": seen } }));
        assert_eq!(reply["ext"]["recovered"], true, "{reply}");
        server.publish("/chat/new", "live");
        let mut heard: Vec<Value> = again.events(3).iter().map(|event| event["data"].clone()).collect();
        assert_eq!(heard.pop(), Some(json!("live")));
        heard.sort_by_key(|data| data.as_str().map(str::len));
        assert_eq!(heard, [json!("missed"), json!("missed too")]);
    }
}

#[test]
fn a_gap_is_told_once_and_nothing_old_comes() {
    for shards in [1, 3] {
        let server = remembering(5, shards);
        let mut first = counting(&server);
        first.subscribe("/a");
        server.publish("/a", &0);
        let seen = position(&first.event());
        drop(first);
        for n in 1..20 {
            server.publish("/a", &n);
        }
        let mut again = counting(&server);
        let reply = since(&mut again, "/a", seen.clone());
        assert_eq!(
            (&reply["successful"], &reply["ext"]["recovered"]),
            (&json!(true), &json!(false)),
            "{reply}"
        );
        let head = &reply["ext"]["gaps"]["/a"];
        assert_eq!((&head["epoch"], &head["offset"]), (&seen["epoch"], &json!(20)));
        server.publish("/a", "live");
        let gap = again.event();
        assert_eq!((&gap["channel"], &gap["ext"]["gaps"]["/a"]), (&json!("/meta/gap"), head));
        again.expect_event("/a", "live");
        assert_eq!(server.endings(Code::HistoryGap), 1);
    }
}

#[test]
fn a_client_of_another_kind_finds_the_gap_in_its_reply_alone() {
    let server = remembering(5, 1);
    let mut client = LongPollClient::connected(&server);
    server.publish("/a", &0);
    let reply = since(&mut client, "/a", json!({ "epoch": "17", "offset": 3 }));
    assert_eq!(reply["ext"]["recovered"], false);
    server.publish("/a", "live");
    client.expect_event("/a", "live");
}

#[test]
fn the_last_so_many_come_first() {
    let server = remembering(100, 2);
    for n in 0..10 {
        server.publish("/a", &n);
    }
    let mut client = LongPollClient::connected(&server);
    assert_eq!(since(&mut client, "/a", json!({ "last": 3 }))["ext"]["recovered"], true);
    for n in 7..10 {
        client.expect_event("/a", n);
    }
}

#[test]
fn a_pattern_has_no_position_of_its_own() {
    let server = remembering(100, 1);
    let mut client = LongPollClient::connected(&server);
    let reply = since(&mut client, "/a/*", json!({ "last": 3 }));
    let error = reply["error"].as_str().expect("it is refused");
    assert!(error.starts_with("400:") && error.ends_with("message_invalid"), "{error}");
    assert!(reply["ext"].is_null());
}

#[test]
fn messages_of_the_past_leave_room_for_those_of_now() {
    let server = TestServer::with(|config| {
        config.session.mailbox_messages = 10;
        config.session.recovery_messages = 200;
    });
    for n in 0..150 {
        server.publish("/a", &n);
        server.publish("/b", &n);
    }
    let mut client = LongPollClient::connected(&server);
    assert_eq!(since(&mut client, "/a", json!({ "last": 150 }))["ext"]["recovered"], true);
    for n in 150..160 {
        server.publish("/a", &n);
    }
    // There is no room for another whole past: all of it or nothing.
    let reply = since(&mut client, "/b", json!({ "last": 150 }));
    assert_eq!(reply["ext"]["recovered"], false, "{reply}");
    for n in 0..160 {
        client.expect_event("/a", n);
    }
    assert_eq!(server.endings(Code::SlowConsumer), 0);
}

#[test]
fn a_publication_that_comes_twice_with_its_key_is_published_once() {
    for shards in [1, 3] {
        let server = remembering(100, shards);
        let mut listener = WebSocketClient::connected(&server);
        listener.subscribe("/a");
        let mut publisher = counting(&server);
        let publish = json!({ "data": "once", "ext": { "key": "k-1" } });
        let first = publisher.request("/a", publish.clone());
        assert_eq!(first["ext"]["durability"], "memory");
        let second = publisher.request("/a", publish);
        assert_eq!(first["ext"]["position"], second["ext"]["position"]);
        publisher.publish("/a", "after");
        listener.expect_event("/a", "once");
        listener.expect_event("/a", "after");
    }
}

#[test]
fn a_publisher_that_wants_no_echo_hears_only_others_live_and_recovered() {
    let server = remembering(100, 2);
    let mut talker = WebSocketClient::connected(&server);
    talker.subscribe("/a");
    let mut other = WebSocketClient::connected(&server);
    other.subscribe("/a");
    let reply = talker.request("/a", json!({ "data": "mine", "ext": { "echo": false } }));
    assert_eq!(reply["successful"], true);
    other.publish("/a", "yours");
    other.expect_event("/a", "mine");
    talker.expect_event("/a", "yours");
    talker.unsubscribe("/a");
    assert_eq!(since(&mut talker, "/a", json!({ "last": 10 }))["ext"]["recovered"], true);
    talker.expect_event("/a", "yours");
}

#[test]
fn a_channel_without_echo_spares_its_publishers() {
    let server = TestServer::with(|config| {
        let quiet = ChannelOptions { echo: false, ..ChannelOptions::default() };
        let pattern = Pattern::parse("/quiet/*").expect("a pattern");
        config.channels.rules = vec![(pattern, quiet)];
    });
    let mut talker = LongPollClient::connected(&server);
    talker.subscribe("/quiet/a");
    talker.subscribe("/loud");
    talker.publish("/quiet/a", 1);
    talker.publish("/loud", 2);
    talker.expect_event("/loud", 2);
}

#[test]
fn who_asks_by_ids_gets_what_follows_and_a_bad_id_is_refused_aloud() {
    for shards in [1, 3] {
        let server = remembering(5, shards);
        for n in 0..10 {
            server.publish("/a", &n);
        }
        let mut client = LongPollClient::new(&server);
        assert_eq!(client.try_handshake(json!({ "ext": { "replay": true } }))["ext"]["replay"], true);
        client.connect_at_once();
        let mut replay = |id: Value| {
            client.request(
                "/meta/subscribe",
                json!({ "subscription": "/a", "ext": { "replay": { "/a": id } } }),
            )
        };
        assert_eq!(replay(json!(2))["error"], "400:/a:replay_invalid");
        assert_eq!(replay(json!(99))["error"], "400:/a:replay_invalid");
        assert!(replay(json!("7"))["error"].as_str().expect("it is refused").ends_with("message_invalid"));
        server.publish("/a", "nobody listens after a refusal");
        assert_eq!(replay(json!(9))["successful"], true);
        let marked = |client: &mut LongPollClient| {
            let data = client.event()["data"].clone();
            (data["payload"].clone(), data["event"]["replayId"].as_u64().expect("an id to replay from"))
        };
        assert_eq!(marked(&mut client), (json!(9), 10));
        assert_eq!(marked(&mut client), (json!("nobody listens after a refusal"), 11));
        client.unsubscribe("/a");
        let everything = json!({ "subscription": "/a", "ext": { "replay": { "/a": -2 } } });
        assert_eq!(client.request("/meta/subscribe", everything)["successful"], true);
        for n in 6..10 {
            assert_eq!(marked(&mut client), (json!(n), n + 1));
        }
    }
}

#[test]
fn nobody_takes_the_key_of_somebody_else() {
    let server = remembering(100, 2);
    let mut listener = WebSocketClient::connected(&server);
    listener.subscribe("/a");
    let mut thief = counting(&server);
    let publish = json!({ "data": "first", "ext": { "key": "order-17" } });
    assert_eq!(thief.request("/a", publish)["successful"], true);
    let publisher = server.publisher();
    let once = async { publisher.publish_once("/a", "the server's own", "order-17").await };
    server.runtime().block_on(once).expect("it is published");
    listener.expect_event("/a", "first");
    listener.expect_event("/a", "the server's own");
}

#[test]
fn a_question_that_arrives_twice_brings_its_messages_once() {
    let server = remembering(100, 2);
    for n in 0..3 {
        server.publish("/a", &n);
    }
    let mut client = counting(&server);
    let ask = json!({ "subscription": "/a", "id": "same", "ext": { "since": { "last": 3 } } });
    for _ in 0..2 {
        assert_eq!(client.request("/meta/subscribe", ask.clone())["ext"]["recovered"], true);
    }
    server.publish("/a", &3);
    (0..=3).for_each(|n| client.expect_event("/a", n));
    // Whoever listens again may ask again.
    client.request("/meta/unsubscribe", json!({ "subscription": "/a" }));
    client.request("/meta/subscribe", ask);
    (1..=3).for_each(|n| client.expect_event("/a", n));
}

#[test]
fn what_is_missing_of_unnamed_channels_is_told_once_for_all_homes() {
    let server = remembering(100, 3);
    let mut client = counting(&server);
    let reply = since(&mut client, "/n/*", json!({ "time": 1 }));
    let gaps = reply["ext"]["gaps"].as_object().expect("there are gaps");
    assert_eq!(gaps.keys().collect::<Vec<_>>(), ["/n/*"]);
    server.publish("/n/1", &1);
    assert_eq!(client.event()["channel"], "/meta/gap");
    client.expect_event("/n/1", 1);
}
