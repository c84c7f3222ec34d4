//! Talking in a room, over the wire.

use comet_app_chat::{Limits, install};
use comet_testkit::{
    CallbackClient, Client, LongPollClient, LongPollWire, PATIENCE, TestServer, WebSocketClient,
    WebSocketWire, Wire,
};
use serde_json::{Value, json};

fn chat() -> TestServer {
    TestServer::run(install(TestServer::builder(), Limits::default()))
}

fn seat(label: &str) -> String {
    format!("{label:0>16}")
}

/// Joins the lobby; the answer as the page gets it.
fn join<W: Wire>(client: &mut Client<W>, name: &str) -> Value {
    client.call("/service/chat/join", json!({ "room": "lobby", "name": name, "seat": seat(name) }))
}

fn said<W: Wire>(client: &mut Client<W>) -> Value {
    loop {
        let mut data = client.event()["data"].take();
        if data["kind"] == "said" {
            return data["message"].take();
        }
    }
}

/// Joins, speaks, and hears the other.
fn tell_story<W: Wire>() {
    let server = chat();
    let mut ada = Client::<W>::connected(&server);
    let mut grace = WebSocketClient::connected(&server);
    grace.subscribe("/chat/lobby");
    let found = join(&mut grace, "Grace");
    assert_eq!(found["data"]["roster"], json!([{ "id": 1, "name": "Grace" }]));
    ada.subscribe("/chat/lobby");
    join(&mut ada, "Ada");

    let answer = ada.call("/service/chat/say", json!({ "room": "lobby", "text": "hello", "key": seat("a") }));
    let heard = said(&mut grace);
    assert_eq!((&heard["text"], &heard["from"]["name"]), (&json!("hello"), &json!("Ada")));
    assert_eq!(heard["number"], answer["data"]["number"]);
    grace.call("/service/chat/say", json!({ "room": "lobby", "text": "good day", "key": seat("b") }));
    assert_eq!(said(&mut ada)["text"], "hello");
    assert_eq!(said(&mut ada)["text"], "good day");
}

#[test]
fn two_people_talk_over_websocket() {
    tell_story::<WebSocketWire>();
}

#[test]
fn two_people_talk_over_long_polling() {
    tell_story::<LongPollWire>();
}

#[test]
fn two_people_talk_over_callback_polling() {
    tell_story::<comet_testkit::CallbackWire>();
}

#[test]
fn news_that_came_before_the_answer_are_known_by_their_number() {
    let server = chat();
    let mut ada = LongPollClient::connected(&server);
    ada.subscribe("/chat/lobby");
    let found = join(&mut ada, "Ada");
    let joined = ada.event();
    assert_eq!(joined["data"]["kind"], "joined");
    assert_eq!(joined["data"]["number"], found["data"]["number"]);
}

#[test]
fn nobody_but_the_server_publishes_in_a_room() {
    let server = chat();
    let mut grace = WebSocketClient::connected(&server);
    grace.subscribe("/chat/lobby");
    let mut forger = CallbackClient::connected(&server);
    for channel in ["/chat/lobby", "/chat"] {
        let reply = forger.request(channel, json!({ "data": { "kind": "said" } }));
        assert_eq!(reply["successful"], false, "{reply}");
        assert!(reply["error"].as_str().unwrap().ends_with(":publish_denied"), "{reply}");
    }
    server.publish("/chat/lobby", &json!({ "text": "closing time" }));
    grace.expect_event("/chat/lobby", json!({ "text": "closing time" }));
}

#[test]
fn whoever_goes_is_gone_for_everyone_at_once() {
    let server = chat();
    let mut ada = WebSocketClient::connected(&server);
    join(&mut ada, "Ada");
    let mut grace = LongPollClient::connected(&server);
    join(&mut grace, "Grace");
    grace.subscribe("/chat/lobby");
    ada.disconnect();
    let left = grace.event();
    assert_eq!(left["data"]["kind"], "left", "{left}");
    assert_eq!(left["data"]["member"]["name"], "Ada");
    assert_eq!(join(&mut grace, "Grace")["data"]["roster"], json!([{ "id": 2, "name": "Grace" }]));
}

#[test]
fn a_crash_frees_the_name_when_the_session_has_expired() {
    let mut config = TestServer::config();
    config.session.max_interval_ms = 300;
    let server = TestServer::run(install(comet::Comet::builder().config(config), Limits::default()));
    let mut grace = WebSocketClient::connected(&server);
    let mut ada = WebSocketClient::connected(&server);
    join(&mut ada, "Ada");
    grace.subscribe("/chat/lobby");
    drop(ada);
    let left = grace.try_event(PATIENCE).expect("the server notices");
    assert_eq!((&left["data"]["kind"], &left["data"]["number"]), (&json!("left"), &json!(2)));
    assert_eq!(join(&mut grace, "Ada")["successful"], true);
}

#[test]
fn refusals_say_why() {
    let server = chat();
    let mut ada = WebSocketClient::connected(&server);
    let refused = |ada: &mut WebSocketClient, service: &str, data: Value| {
        let answer = ada.call(&format!("/service/chat/{service}"), data);
        assert_eq!(answer["successful"], false, "{answer}");
        answer["error"].as_str().unwrap().to_owned()
    };
    let join = json!({ "room": "lobby", "name": "", "seat": seat("a") });
    let name = "403:A name has 1 to 24 visible characters.:service_refused";
    assert_eq!(refused(&mut ada, "join", join), name);
    let say = json!({ "room": "lobby", "text": "hello", "key": seat("a") });
    assert_eq!(refused(&mut ada, "say", say), "403:You are not in this room.:publish_denied");
    assert!(refused(&mut ada, "say", json!({ "text": 1 })).ends_with(":message_invalid"));
    assert!(refused(&mut ada, "sing", json!({})).ends_with(":service_unknown"));
}

#[test]
fn the_page_is_served_with_its_parts() {
    let files = comet_app_chat::pages(comet::Files::new());
    let server = TestServer::run(install(TestServer::builder(), Limits::default()).http(files));
    let mut socket = comet_testkit::Socket::connect(server.address());
    let page = socket.get("/chat/", "");
    assert_eq!((page.status, page.field("content-type")), (200, Some("text/html; charset=utf-8")));
    for part in ["chat.css", "chat.js", "picture.svg"] {
        assert_eq!(socket.get(&format!("/chat/{part}"), "").status, 200, "{part}");
    }
    assert!(page.text().contains("src=\"chat.js\"") && page.text().contains("href=\"chat.css\""));
}
