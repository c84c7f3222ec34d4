//! Who is on a channel: counted, listed and told as people come and go, and right after crashes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use comet::{
    Channel, ChannelOptions, Client, Comet, Config, Denied, Handshake, Identity, Pattern, Policy, RawValue,
    Refusal, Reply,
};
use comet_testkit::{LongPollClient, TestServer, WebSocketClient, eventually};
use serde_json::{Value, json};

/// Everyone is who they say they are, and nobody hears what is secret.
pub(crate) struct Trusting;

impl Policy for Trusting {
    async fn authenticate(&self, hello: &Handshake) -> Result<Identity, Denied> {
        let subject = hello.token().unwrap_or_default();
        let info = if subject.is_empty() { String::new() } else { format!("{{\"name\":\n\"{subject}!\"}}") };
        Ok(Identity { subject, info })
    }

    async fn may_subscribe(&self, _: &Client, pattern: &Pattern) -> Result<(), Denied> {
        match pattern.as_str() {
            "/chat/1" | "/chat/2" | "/chat/3" | "/other" | "/chat/*" | "/presence/chat/*" => Ok(()),
            _ => Err(Denied::because("that is secret")),
        }
    }

    async fn may_publish(&self, _: &Client, _: &Channel, _: &RawValue) -> Result<(), Denied> {
        Ok(())
    }
}

pub(crate) fn config(shards: usize) -> Config {
    let mut config = Config { shards, ..TestServer::config() };
    let told = ChannelOptions { presence: true, presence_debounce_ms: 60, ..ChannelOptions::default() };
    config.channels.rules = vec![(Pattern::parse("/chat/**").expect("it is one"), told)];
    config
}

/// A server that knows who is on the channels under `/chat/`.
fn server(shards: usize) -> TestServer {
    let leave = async |call: comet::Call| {
        call.client.disconnect();
        Ok::<_, Refusal>(Reply::raw(call.data))
    };
    let builder = Comet::builder().config(config(shards)).policy(Trusting);
    TestServer::run(builder.service("/service/throw-out", leave))
}

fn signed_in(server: &TestServer, name: &str) -> WebSocketClient {
    let mut client = WebSocketClient::new(server);
    let reply = client.try_handshake(json!({ "ext": { "token": name } }));
    assert_eq!(reply["successful"], true, "{reply}");
    client.connect();
    client
}

fn users(server: &TestServer, channel: &str) -> Vec<String> {
    let members = server.roster(channel).page.members;
    let mut users: Vec<_> = members.iter().map(|one| one.user().unwrap_or("guest").to_owned()).collect();
    users.sort();
    users
}

fn counts(server: &TestServer, channel: &str) -> (usize, usize) {
    let count = server.roster(channel).count;
    (count.users, count.sessions)
}

/// What a page that shows who is there makes of a listing and the changes after it.
#[derive(Default)]
struct Board {
    there: BTreeMap<String, Value>,
}

impl Board {
    /// Listens to the changes, and then lists who is there.
    fn of(client: &mut WebSocketClient, channel: &str, limit: usize) -> Board {
        let mut board = Board::default();
        let mut question = json!({ "channel": channel, "limit": limit });
        loop {
            let answer = client.call("/service/presence", question.clone());
            assert_eq!(answer["successful"], true, "{answer}");
            let page = &answer["data"];
            assert_eq!(page["channel"], channel);
            for member in page["members"].as_array().expect("a page lists members") {
                board.add(member);
            }
            if page["next"].is_null() {
                return board;
            }
            question["after"] = page["next"].clone();
        }
    }

    fn add(&mut self, member: &Value) {
        self.there.insert(member["id"].as_str().expect("an id is text").to_owned(), member.clone());
    }

    fn fold(&mut self, changes: &Value) {
        for member in changes["left"].as_array().expect("who left is listed") {
            self.there.remove(member["id"].as_str().expect("an id is text"));
        }
        changes["joined"].as_array().expect("who joined is listed").iter().for_each(|one| self.add(one));
    }

    fn users(&self) -> Vec<&str> {
        let mut users: Vec<_> =
            self.there.values().map(|member| member["user"].as_str().unwrap_or("guest")).collect();
        users.sort_unstable();
        users
    }

    /// Takes in changes until these are there.
    fn until(&mut self, client: &mut WebSocketClient, channel: &str, expected: &[&str]) {
        while self.users() != expected {
            let event = client.event();
            assert_eq!(event["channel"], format!("/presence{channel}"), "{event}");
            self.fold(&event["data"]);
        }
    }
}

#[test]
fn a_room_sees_people_come_and_go_whatever_the_way_they_go() {
    for shards in [1, 3] {
        let server = server(shards);
        let mut watcher = signed_in(&server, "watcher");
        watcher.subscribe("/presence/chat/1");
        let mut board = Board::of(&mut watcher, "/chat/1", 100);
        assert!(board.users().is_empty(), "to watch is not to be there");
        let mut alice = signed_in(&server, "alice");
        alice.subscribe("/chat/1");
        assert_eq!(counts(&server, "/chat/1"), (1, 1), "she is there when her subscription is answered");
        board.until(&mut watcher, "/chat/1", &["alice"]);
        let info = &board.there.values().next().expect("she is there")["info"];
        assert_eq!(*info, json!({ "name": "alice!" }));
        let mut bob = signed_in(&server, "bob");
        let mut carol = LongPollClient::new(&server);
        carol.try_handshake(json!({ "ext": { "token": "carol" } }));
        bob.subscribe("/chat/1");
        carol.subscribe("/chat/1");
        board.until(&mut watcher, "/chat/1", &["alice", "bob", "carol"]);
        alice.unsubscribe("/chat/1");
        board.until(&mut watcher, "/chat/1", &["bob", "carol"]);
        bob.disconnect();
        board.until(&mut watcher, "/chat/1", &["carol"]);
        carol.send(json!({ "channel": "/service/throw-out", "data": 1 }));
        board.until(&mut watcher, "/chat/1", &[]);
        assert_eq!(counts(&server, "/chat/1"), (0, 0));
    }
}

#[test]
fn a_user_with_two_tabs_is_there_once_and_goes_with_the_last() {
    let server = server(2);
    let mut watcher = signed_in(&server, "watcher");
    watcher.subscribe("/presence/chat/1");
    let mut tabs: Vec<_> = (0..2).map(|_| signed_in(&server, "alice")).collect();
    tabs.iter_mut().for_each(|tab| tab.subscribe("/chat/1"));
    let mut guests: Vec<_> = (0..2).map(|_| WebSocketClient::connected(&server)).collect();
    guests.iter_mut().for_each(|guest| guest.subscribe("/chat/1"));
    assert_eq!(counts(&server, "/chat/1"), (3, 4), "guests have no name by which they could be one");
    let mut board = Board::of(&mut watcher, "/chat/1", 100);
    board.until(&mut watcher, "/chat/1", &["alice", "guest", "guest"]);
    tabs.remove(0).disconnect();
    assert_eq!(counts(&server, "/chat/1"), (3, 3));
    assert_eq!(watcher.try_event(Duration::from_millis(200)), None, "she is still there");
    tabs.remove(0).disconnect();
    board.until(&mut watcher, "/chat/1", &["guest", "guest"]);
}

#[test]
fn a_listing_in_pages_and_the_changes_after_it_fit_together() {
    let server = server(3);
    let mut people: Vec<_> = (0..9).map(|number| signed_in(&server, &format!("u{number}"))).collect();
    people.iter_mut().for_each(|one| one.subscribe("/chat/2"));
    server.until("all were told", |counts| counts.presence_changes == 9);
    // These come and go while the watcher lists; some of it is told before its first page and some after.
    let mut restless: Vec<_> = (0..4).map(|number| signed_in(&server, &format!("r{number}"))).collect();
    restless[0].subscribe("/chat/2");
    restless[1].subscribe("/chat/2");
    let mut watcher = signed_in(&server, "watcher");
    watcher.subscribe("/presence/chat/2");
    restless[0].unsubscribe("/chat/2");
    let mut board = Board::of(&mut watcher, "/chat/2", 2);
    people.remove(3).disconnect();
    restless[2].subscribe("/chat/2");
    restless[3].subscribe("/chat/2");
    restless[3].unsubscribe("/chat/2");
    let expected = ["r1", "r2", "u0", "u1", "u2", "u4", "u5", "u6", "u7", "u8"];
    board.until(&mut watcher, "/chat/2", &expected);
    assert_eq!(users(&server, "/chat/2"), expected);
    while let Some(event) = watcher.try_event(Duration::from_millis(200)) {
        board.fold(&event["data"]);
    }
    assert_eq!(board.users(), expected);
}

#[test]
fn joins_and_leaves_are_gathered_and_what_cancels_out_is_not_told() {
    let server = server(2);
    let mut watcher = signed_in(&server, "watcher");
    watcher.subscribe("/presence/chat/1");
    let mut people: Vec<_> = (0..20).map(|number| signed_in(&server, &format!("u{number}"))).collect();
    for _ in 0..5 {
        people.iter_mut().for_each(|one| one.subscribe("/chat/1"));
        people.iter_mut().for_each(|one| one.unsubscribe("/chat/1"));
    }
    people[7].subscribe("/chat/1");
    let mut board = Board::default();
    let began = Instant::now();
    board.until(&mut watcher, "/chat/1", &["u7"]);
    let told = server.counts().presence_changes;
    assert!(told < 200, "two hundred came and went, and {told} were told within {:?}", began.elapsed());
}

#[test]
fn a_wire_that_breaks_is_not_noticed_until_the_session_has_ended() {
    let mut config = config(2);
    config.session.max_interval_ms = 1_500;
    let server = TestServer::run(Comet::builder().config(config).policy(Trusting));
    let mut watcher = signed_in(&server, "watcher");
    watcher.subscribe("/presence/chat/1");
    let mut alice = signed_in(&server, "alice");
    let mut bob = signed_in(&server, "bob");
    alice.subscribe("/chat/1");
    bob.subscribe("/chat/1");
    let mut board = Board::default();
    board.until(&mut watcher, "/chat/1", &["alice", "bob"]);
    let mut back: WebSocketClient = alice.crossing(&server);
    alice.wire.socket.reset();
    bob.wire.socket.reset();
    back.connect_at_once();
    back.hold();
    let cut = Instant::now();
    assert_eq!(users(&server, "/chat/1"), ["alice", "bob"]);
    board.until(&mut watcher, "/chat/1", &["alice"]);
    assert!(cut.elapsed() > Duration::from_millis(1_000), "he had his time to come back");
    assert_eq!(users(&server, "/chat/1"), ["alice"], "she was in time");
}

#[test]
fn only_channels_with_presence_have_it_and_only_their_own_names_count() {
    let server = server(2);
    let mut alice = signed_in(&server, "alice");
    alice.subscribe("/chat/*");
    assert_eq!(counts(&server, "/chat/1"), (0, 0), "a pattern is no place to be");
    alice.subscribe("/chat/1");
    alice.subscribe("/chat/1");
    assert_eq!(counts(&server, "/chat/1"), (1, 1));
    let refused = alice.request("/service/presence", json!({ "data": { "channel": "/other" } }));
    assert_eq!(refused["error"], "403:/other has no presence:service_refused");
    let refused = alice.request("/service/presence", json!({ "data": "/chat/1" }));
    assert!(refused["error"].as_str().is_some_and(|error| error.ends_with("message_invalid")), "{refused}");
    alice.unsubscribe("/chat/1");
    assert_eq!(counts(&server, "/chat/1"), (0, 0));
}

#[test]
fn who_may_not_listen_to_a_channel_does_not_learn_who_does() {
    let server = server(2);
    let mut alice = signed_in(&server, "alice");
    for name in ["/presence/chat/secret", "/presence/**", "/presence/other"] {
        let refused = alice.request("/meta/subscribe", json!({ "subscription": name }));
        assert_eq!(refused["error"], "403:that is secret:subscribe_denied", "{name}");
    }
    alice.subscribe("/presence/chat/*");
    let question = json!({ "data": { "channel": "/chat/secret" } });
    assert_eq!(alice.request("/service/presence", question)["error"], "403:that is secret:subscribe_denied");
}

#[test]
fn nobody_but_the_server_tells_who_is_there() {
    let server = server(2);
    let mut alice = signed_in(&server, "alice");
    alice.subscribe("/presence/chat/1");
    let forged = json!({ "data": { "joined": [], "left": [] } });
    let refused = alice.request("/presence/chat/1", forged.clone());
    assert_eq!(refused["error"], "403:only the server publishes here:publish_denied");
    assert!(server.try_publish("/presence/chat/1", &forged).is_err());
    alice.publish("/presence/other", "a channel like others");
    server.publish("/presence", &1);
    assert_eq!(alice.try_event(Duration::from_millis(100)), None);
}

#[test]
fn who_was_away_recovers_the_changes_like_any_other_messages() {
    let server = server(2);
    let mut alice = signed_in(&server, "alice");
    alice.subscribe("/chat/1");
    let first = {
        let mut early = signed_in(&server, "early");
        let since = json!({ "subscription": "/presence/chat/1", "ext": { "since": { "last": 10 } } });
        early.request("/meta/subscribe", since);
        early.event()
    };
    assert_eq!(first["data"]["joined"][0]["user"], "alice");
    assert_eq!((&first["data"]["users"], &first["data"]["sessions"]), (&json!(1), &json!(1)));
    let mut bob = signed_in(&server, "bob");
    bob.subscribe("/chat/1");
    alice.disconnect();
    server.until("both are told", |counts| counts.presence_changes == 3);
    let mut late = signed_in(&server, "late");
    let since = json!({ "since": first["ext"]["position"] });
    let reply = late.request("/meta/subscribe", json!({ "subscription": "/presence/chat/1", "ext": since }));
    assert_eq!(reply["ext"]["recovered"], true, "{reply}");
    let mut board = Board::default();
    board.fold(&first["data"]);
    board.until(&mut late, "/chat/1", &["bob"]);
}

#[test]
fn a_crowd_that_goes_at_once_leaves_nothing_behind() {
    let server = server(3);
    let mut crowd: Vec<_> = (0..60).map(|number| signed_in(&server, &format!("u{number}"))).collect();
    for (number, one) in crowd.iter_mut().enumerate() {
        one.subscribe(&format!("/chat/{}", 1 + number % 3));
        one.subscribe("/chat/1");
    }
    assert_eq!(counts(&server, "/chat/1"), (60, 60));
    crowd.into_iter().for_each(|mut one| drop(one.disconnect()));
    eventually("all are gone", || server.counts().presence_sessions == 0);
    for room in 1..4 {
        assert_eq!(counts(&server, &format!("/chat/{room}")), (0, 0));
    }
}
