//! Who has published: said by the server on channels that want it, and never by the publisher.

use comet::{
    Call, Channel, ChannelOptions, Client, Comet, Config, Denied, Handshake, Identity, Pattern, Policy,
    RawValue, Reply,
};
use comet_testkit::{LongPollClient, TestServer, WebSocketClient};
use serde_json::{Value, json};

/// Everyone is who they say they are.
struct Trusting;

impl Policy for Trusting {
    async fn authenticate(&self, hello: &Handshake) -> Result<Identity, Denied> {
        Ok(Identity { subject: hello.token().unwrap_or_default(), info: String::new() })
    }

    async fn may_subscribe(&self, _: &Client, _: &Pattern) -> Result<(), Denied> {
        Ok(())
    }

    async fn may_publish(&self, _: &Client, _: &Channel, _: &RawValue) -> Result<(), Denied> {
        Ok(())
    }
}

/// A server whose channels under `/chat/` say who has published.
fn server() -> TestServer {
    let mut config = Config { shards: 2, ..TestServer::config() };
    let told = ChannelOptions { identity: true, ..ChannelOptions::default() };
    config.channels.rules = vec![(Pattern::parse("/chat/**").expect("it is one"), told)];
    let whoami = async |call: Call| Reply::json(&call.client.public_id());
    TestServer::run(Comet::builder().config(config).policy(Trusting).service("/service/whoami", whoami))
}

fn signed_in(server: &TestServer, name: &str) -> WebSocketClient {
    let mut client = WebSocketClient::new(server);
    let reply = client.try_handshake(json!({ "ext": { "token": name } }));
    assert_eq!(reply["successful"], true, "{reply}");
    client.connect();
    client
}

fn heard(client: &mut LongPollClient, channel: &str) -> Value {
    let event = client.event();
    assert_eq!(event["channel"], channel, "{event}");
    event["ext"]["publisher"].clone()
}

#[test]
fn a_chat_shows_who_has_written_and_nobody_writes_as_another() {
    let server = server();
    let mut reader = LongPollClient::connected(&server);
    reader.subscribe("/chat/*");
    let mut alice = signed_in(&server, "alice \"the\" first");
    let id = alice.call("/service/whoami", 0)["data"].clone();
    for room in 0..6 {
        let room = format!("/chat/{room}");
        let forged = json!({ "data": "hi", "ext": { "publisher": { "subject": "admin" }, "colour": 7 } });
        assert_eq!(alice.request(&room, forged)["successful"], true);
        let publisher = heard(&mut reader, &room);
        assert_eq!(publisher, json!({ "subject": "alice \"the\" first", "session": id }), "{room}");
    }
    assert!(!alice.id().contains(id.as_str().expect("it is text")), "the secret of the session stays one");
    let mut guest = LongPollClient::connected(&server);
    guest.publish("/chat/1", 1);
    let publisher = heard(&mut reader, "/chat/1");
    assert_eq!(publisher["subject"], Value::Null, "{publisher}");
    assert!(publisher["session"].is_string() && publisher["session"] != id, "{publisher}");
}

#[test]
fn elsewhere_nobody_is_named_and_a_forged_name_goes_all_the_same() {
    let server = server();
    let mut reader = LongPollClient::connected(&server);
    reader.subscribe("/**");
    let mut alice = signed_in(&server, "alice");
    let forged = json!({ "data": 1, "ext": { "publisher": { "subject": "admin" } } });
    assert_eq!(alice.request("/news", forged)["successful"], true);
    assert_eq!(heard(&mut reader, "/news"), Value::Null);
    server.publish("/chat/1", &"from the server's own code");
    assert_eq!(heard(&mut reader, "/chat/1"), Value::Null, "behind it there is no session");
}

#[test]
fn who_comes_later_learns_it_from_the_history() {
    let server = server();
    let mut alice = signed_in(&server, "alice");
    alice.publish("/chat/1", "early");
    drop(alice);
    let mut late = LongPollClient::connected(&server);
    let since = json!({ "subscription": "/chat/1", "ext": { "since": { "last": 1 } } });
    assert_eq!(late.request("/meta/subscribe", since)["ext"]["recovered"], true);
    assert_eq!(heard(&mut late, "/chat/1")["subject"], "alice");
}
