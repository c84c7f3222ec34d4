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
