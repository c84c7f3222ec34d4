//! Replay by ids of several channels at once: all of them come, or nothing does and nothing has changed.

use comet::{Code, Config};
use comet_testkit::{TestServer, WebSocketClient};
use serde_json::{Value, json};

fn remembering(messages: usize, shards: usize) -> TestServer {
    TestServer::with(|config: &mut Config| {
        config.shards = shards;
        config.channels.default.history.messages = messages;
    })
}

fn replay(client: &mut WebSocketClient, names: &[String], ids: Value) -> Value {
    client.request("/meta/subscribe", json!({ "subscription": names, "ext": { "replay": ids } }))
}

fn rooms() -> Vec<String> {
    (0..8).map(|n| format!("/n/{n}")).collect()
}

#[test]
fn a_replay_that_is_refused_for_one_channel_brings_nothing_of_the_others_and_takes_nothing_away() {
    for shards in [1, 4] {
        let server = remembering(5, shards);
        let names = rooms();
        let mut client = WebSocketClient::connected(&server);
        client.subscribe("/n/3");
        client.subscribe("/n/5");
        for (name, n) in names.iter().flat_map(|name| (0..3).map(move |n| (name, n))) {
            server.publish(name, &n);
        }
        assert!(client.events(6).iter().all(|event| event["data"].is_number()));
        // All are known but one that was never given; one is in the message that asks for nothing.
        let mut ids: serde_json::Map<String, Value> =
            names[..7].iter().map(|name| (name.clone(), json!(-2))).collect();
        ids.insert("/n/5".into(), json!(99));
        let reply = replay(&mut client, &names, ids.clone().into());
        assert_eq!(reply["error"], "400:/n/5:replay_invalid", "{reply}");
        assert!(reply["ext"]["recovered"].is_null());
        assert_eq!(server.endings(Code::ReplayInvalid), 1);
        for name in &names {
            server.publish(name, "live");
        }
        let mut heard: Vec<_> = client.events(2).iter().map(|event| event["channel"].clone()).collect();
        heard.sort_by_key(Value::to_string);
        assert_eq!(heard, ["/n/3", "/n/5"]);
        // The same with an id that is known brings everything.
        ids.insert("/n/5".into(), json!(4));
        let reply = replay(&mut client, &names, ids.into());
        assert_eq!(
            (&reply["successful"], &reply["ext"]["recovered"]),
            (&json!(true), &json!(true)),
            "{reply}"
        );
        server.publish("/n/7", "last");
        let count = client.events(6 * 4 + 1).len();
        assert_eq!(count, 25);
    }
}

#[test]
fn what_one_message_asks_for_by_ids_has_to_find_room_together() {
    let server = TestServer::with(|config| config.session.recovery_messages = 10);
    let names = ["/a".to_owned(), "/b".to_owned()];
    for (name, n) in names.iter().flat_map(|name| (0..6).map(move |n| (name, n))) {
        server.publish(name, &n);
    }
    let mut client = WebSocketClient::connected(&server);
    let reply = replay(&mut client, &names, json!({ "/a": -2, "/b": -2 }));
    assert!(reply["error"].as_str().is_some_and(|error| error.ends_with("replay_invalid")), "{reply}");
    let reply = replay(&mut client, &names, json!({ "/a": 1, "/b": 1 }));
    assert_eq!(reply["ext"]["recovered"], true, "{reply}");
    assert_eq!(client.events(10).len(), 10);
}

#[test]
fn what_is_published_while_the_answers_are_gathered_follows_them() {
    let server = remembering(100_000, 3);
    let names = rooms();
    let (publisher, channels) = (server.publisher(), names.clone());
    let publishing = server.runtime().spawn(async move {
        for n in 0..16_000_u64 {
            publisher.publish(&channels[n as usize % channels.len()], &n).await.expect("it is published");
        }
    });
    server.until("there is a past", |counts| counts.publications > 500);
    for _ in 0..10 {
        let mut client = WebSocketClient::connected(&server);
        let ids: serde_json::Map<String, Value> =
            names.iter().map(|name| (name.clone(), json!(server.publish(name, "mark").offset - 5))).collect();
        let mut last: std::collections::HashMap<String, u64> =
            ids.iter().map(|(name, id)| (name.clone(), id.as_u64().expect("an offset"))).collect();
        let reply = replay(&mut client, &names, ids.into());
        assert_eq!(reply["ext"]["recovered"], true, "{reply}");
        for name in &names {
            server.publish(name, "end");
        }
        let mut ended = 0;
        while ended < names.len() {
            let event = client.event();
            let name = event["channel"].as_str().expect("a channel");
            let before = last.get_mut(name).expect("one that was asked for");
            *before += 1;
            assert_eq!(event["ext"]["position"]["offset"], *before, "{event}");
            ended += usize::from(event["data"]["payload"] == "end");
        }
    }
    server.runtime().block_on(publishing).expect("the publisher ends");
}
