//! The bounds of presence: a full roster says so, and whoever is refused is nowhere.

use comet::{ApiAccess, Code, Comet, Config};
use comet_testkit::{LongPollClient, Response, Socket, TestServer, WebSocketClient};
use serde_json::json;

use crate::presence::{Trusting, config};

fn limited(shards: usize, change: impl FnOnce(&mut Config)) -> TestServer {
    let mut config = config(shards);
    change(&mut config);
    TestServer::run(Comet::builder().config(config).policy(Trusting).api(ApiAccess::Open))
}

fn ask(server: &TestServer, question: serde_json::Value) -> Response {
    let mut socket = Socket::connect(server.address());
    socket.send_post("/api/presence", "", question.to_string());
    socket.response()
}

#[test]
fn a_full_room_takes_nobody_in_until_somebody_goes() {
    for shards in [1, 3] {
        let server = limited(shards, |config| config.limits.presence_members_per_channel = 2);
        let mut inside: Vec<_> = (0..2).map(|_| WebSocketClient::connected(&server)).collect();
        inside.iter_mut().for_each(|one| one.subscribe("/chat/1"));
        let mut outside = WebSocketClient::connected(&server);
        outside.subscribe("/other");
        let both = json!({ "subscription": ["/other", "/chat/2", "/chat/1"] });
        let refused = outside.request("/meta/subscribe", both.clone());
        let reason = "503:the channel has as many members as it may have:presence_full";
        assert_eq!(refused["error"], reason, "{refused}");
        assert_eq!(server.endings(Code::PresenceFull), 1);
        assert_eq!(server.roster("/chat/2").count.sessions, 0, "all or none");
        server.publish("/chat/1", &"not for outside");
        server.publish("/chat/2", &"nor this");
        server.publish("/other", &"but this");
        outside.expect_event("/other", "but this");
        inside.remove(0).disconnect();
        comet_testkit::eventually("the room has heard of it", || {
            server.roster("/chat/1").count.sessions == 1
        });
        assert_eq!(outside.request("/meta/subscribe", both)["successful"], true);
        assert_eq!(server.roster("/chat/1").count.sessions, 2);
    }
}

#[test]
fn all_rooms_of_a_shard_hold_so_many() {
    let server = limited(1, |config| config.limits.presence_members_per_shard = 2);
    let mut alice = LongPollClient::connected(&server);
    alice.subscribe("/chat/1");
    alice.subscribe("/chat/2");
    let refused = alice.request("/meta/subscribe", json!({ "subscription": "/chat/3" }));
    assert!(refused["error"].as_str().is_some_and(|error| error.ends_with(":presence_full")), "{refused}");
    alice.unsubscribe("/chat/1");
    comet_testkit::eventually("her leaving is told", || {
        alice.request("/meta/subscribe", json!({ "subscription": "/chat/3" }))["successful"] == true
    });
}

#[test]
fn so_many_rooms_of_a_shard_have_somebody() {
    let server = limited(1, |config| config.limits.presence_channels_per_shard = 1);
    let mut alice = LongPollClient::connected(&server);
    alice.subscribe("/chat/1");
    let refused = alice.request("/meta/subscribe", json!({ "subscription": "/chat/2" }));
    assert!(refused["error"].as_str().is_some_and(|error| error.ends_with(":presence_full")), "{refused}");
    alice.subscribe("/other");
}

#[test]
fn what_is_told_of_somebody_is_bounded() {
    let server = limited(2, |config| config.limits.presence_info_bytes = 20);
    let subscribe = |name: &str| {
        let mut client = WebSocketClient::new(&server);
        client.try_handshake(json!({ "ext": { "token": name } }));
        client.connect();
        let reply = client.request("/meta/subscribe", json!({ "subscription": "/chat/1" }));
        (reply, client)
    };
    let (accepted, _alice) = subscribe("alice");
    assert_eq!(accepted["successful"], true, "{accepted}");
    let (refused, _other) = subscribe("somebody with a long name");
    assert!(refused["error"].as_str().is_some_and(|error| error.ends_with(":data_too_large")), "{refused}");
    assert_eq!(server.roster("/chat/1").count.users, 1);
}

#[test]
fn a_back_end_asks_for_counts_and_pages() {
    let server = limited(3, |config| config.limits.presence_page_members = 2);
    let mut people: Vec<_> = (0..5).map(|_| LongPollClient::connected(&server)).collect();
    people.iter_mut().for_each(|one| one.subscribe("/chat/1"));
    let answer = ask(&server, json!({ "channel": "/chat/1", "limit": 0 }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let counts = answer.json();
    assert_eq!((&counts["users"], &counts["sessions"]), (&json!(5), &json!(5)));
    assert_eq!((&counts["members"], &counts["next"]), (&json!([]), &json!(null)));
    let (mut ids, mut after) = (std::collections::BTreeSet::new(), json!(null));
    for expected in [2, 2, 1] {
        let page = ask(&server, json!({ "channel": "/chat/1", "limit": 100, "after": after })).json();
        let members = page["members"].as_array().expect("a page lists members").clone();
        assert_eq!(members.len(), expected, "a page is as long as it may be");
        ids.extend(members.iter().map(|member| member["id"].as_str().expect("it is text").to_owned()));
        after = page["next"].clone();
    }
    assert_eq!((ids.len(), after), (5, json!(null)));
    assert!(people.iter().all(|one| !ids.contains(one.id())), "the secrets of sessions stay secrets");
}

#[test]
fn a_back_end_that_asks_wrongly_is_told_so() {
    let server = limited(1, |_| {});
    for (question, code) in [
        (json!({ "channel": "/other" }), "message_invalid"),
        (json!({ "channel": "/chat/*" }), "channel_invalid"),
        (json!({ "channel": "/chat/1", "after": "page two" }), "message_invalid"),
        (json!({ "channel": "/chat/1", "limit": -1 }), "json_invalid"),
        (json!({}), "json_invalid"),
    ] {
        let answer = ask(&server, question.clone());
        assert!(answer.status >= 400 && answer.code() == code, "{question}: {}", answer.text());
    }
}

#[test]
fn changes_that_find_no_place_are_told_when_there_is_one() {
    let server = limited(1, |config| {
        config.limits.channels_per_shard = 1;
        config.channels.default.history.messages = 10;
    });
    let mut holder = LongPollClient::connected(&server);
    holder.subscribe("/other");
    server.publish("/other", &"this channel is counted");
    let mut watcher = WebSocketClient::connected(&server);
    watcher.subscribe("/presence/chat/*");
    let mut alice = WebSocketClient::new(&server);
    alice.try_handshake(json!({ "ext": { "token": "alice" } }));
    alice.connect();
    alice.subscribe("/chat/1");
    server.until("there was no place", |_| server.endings(Code::Overloaded) >= 2);
    holder.unsubscribe("/other");
    let told = watcher.event();
    assert_eq!(told["channel"], "/presence/chat/1", "{told}");
    assert_eq!(told["data"]["joined"][0]["user"], "alice", "{told}");
}

/// A server with one room that has somebody and takes nobody else, and three messages in it.
fn full(shards: usize) -> (TestServer, LongPollClient) {
    let server = limited(shards, |config| {
        config.limits.presence_members_per_channel = 1;
        config.channels.rules[0].1.history.messages = 10;
    });
    let mut inside = LongPollClient::connected(&server);
    inside.subscribe("/chat/1");
    (1..=3).for_each(|n| assert_eq!(server.publish("/chat/1", &n).offset, n));
    (server, inside)
}

/// Subscribes over and over in one batch; the errors of the replies.
fn subscribe_all(client: &mut WebSocketClient, subscribes: &[serde_json::Value]) -> Vec<serde_json::Value> {
    let batch = subscribes.iter().map(|fields| {
        let mut message = json!({ "channel": "/meta/subscribe", "clientId": client.id() });
        let fields = fields.as_object().expect("they are fields").clone();
        message.as_object_mut().expect("it is an object").extend(fields);
        message
    });
    let batch = batch.collect();
    let ids = client.send_all(batch);
    ids.iter().map(|id| client.reply(id)["error"].clone()).collect()
}

#[test]
fn a_name_asked_for_twice_is_refused_twice() {
    for shards in [1, 2, 3] {
        let (server, _inside) = full(shards);
        for _ in 0..6 {
            let mut outside = WebSocketClient::connected(&server);
            let one = json!({ "subscription": "/chat/1" });
            let more = json!({ "subscription": ["/other", "/chat/1"] });
            let errors = subscribe_all(&mut outside, &[one.clone(), more, one]);
            for error in errors {
                assert!(error.as_str().is_some_and(|error| error.ends_with(":presence_full")), "{error}");
            }
            outside.subscribe("/chat/2");
            server.publish("/chat/1", &"not for outside");
            server.publish("/other", &"nor this");
            server.publish("/chat/2", &"but this");
            outside.expect_event("/chat/2", "but this");
            outside.disconnect();
        }
        assert_eq!(server.roster("/chat/1").count.sessions, 1);
    }
}

#[test]
fn a_name_asked_for_twice_is_there_twice_where_there_is_room() {
    for shards in [1, 2, 3] {
        let server = limited(shards, |_| {});
        for sessions in 1..=6 {
            let mut client = WebSocketClient::connected(&server);
            let one = json!({ "subscription": "/chat/1" });
            let errors = subscribe_all(&mut client, &[one.clone(), one]);
            assert_eq!(errors, [json!(null), json!(null)]);
            assert_eq!(server.roster("/chat/1").count.sessions, 1);
            client.disconnect();
            comet_testkit::eventually("its leaving is known", || {
                server.roster("/chat/1").count.sessions == 0
            });
            assert_eq!(server.counts().sessions_open, 0, "after {sessions}");
        }
    }
}

#[test]
fn whoever_is_refused_gets_nothing_of_the_past() {
    for shards in [1, 2, 3] {
        let (server, _inside) = full(shards);
        for _ in 0..4 {
            let mut outside = WebSocketClient::connected(&server);
            outside.subscribe("/chat/2");
            server.publish("/chat/2", &"this was there");
            outside.expect_event("/chat/2", "this was there");
            let names = json!({ "subscription": ["/chat/2", "/chat/1"], "ext": { "since": { "last": 3 } } });
            let refused = outside.request("/meta/subscribe", names);
            assert!(
                refused["error"].as_str().is_some_and(|error| error.ends_with(":presence_full")),
                "{refused}"
            );
            assert_eq!(refused["ext"]["recovered"], json!(null), "{refused}");
            server.publish("/chat/2", &"this follows");
            outside.expect_event("/chat/2", "this follows");
            assert!(outside.waiting_events().is_empty());
            outside.disconnect();
        }
    }
}

#[test]
fn whoever_is_let_in_gets_what_was_before_and_what_follows() {
    for shards in [1, 2, 3] {
        let (server, mut inside) = full(shards);
        inside.disconnect();
        for known in 3..7_u64 {
            let mut client = WebSocketClient::connected(&server);
            let asked = json!({ "subscription": "/chat/1", "ext": { "since": { "last": 2 } } });
            comet_testkit::eventually("there is room", || {
                client.request("/meta/subscribe", asked.clone())["ext"]["recovered"] == true
            });
            server.publish("/chat/1", &(known + 1));
            (known - 1..=known + 1).for_each(|n| client.expect_event("/chat/1", n));
            client.disconnect();
        }
    }
}
