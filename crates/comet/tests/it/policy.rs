//! Policies: asked before anything happens, at once or later, and never able to hold up anybody else.

use std::sync::Arc;

use comet::{Channel, Client, Code, Denied, Handshake, Identity, Pattern, Policy, RawValue};
use comet_testkit::{LongPollClient, Socket, TestServer, WebSocket, WebSocketClient, Witness};
use serde_json::json;
use tokio::sync::Semaphore;

/// A shop with rules. What has to wait, waits for `door`.
#[derive(Clone)]
struct Shop {
    door: Arc<Semaphore>,
}

impl Shop {
    /// A shop whose door is shut until somebody adds permits.
    fn shut() -> (Shop, Arc<Semaphore>) {
        let door = Arc::new(Semaphore::new(0));
        (Shop { door: door.clone() }, door)
    }

    async fn wait(&self) {
        self.door.acquire().await.expect("the door is not removed").forget();
    }
}

impl Policy for Shop {
    async fn authenticate(&self, hello: &Handshake) -> Result<Identity, Denied> {
        match hello.token().as_deref() {
            Some("stolen") => Err(Denied::because("it was stolen")),
            Some("old") => Err(Denied::because("it is old").code(Code::TokenExpired).try_again()),
            Some("slow") => {
                self.wait().await;
                Ok(Identity::default())
            }
            Some("panic") => panic!("a policy panics at once"),
            Some("panic later") => {
                self.wait().await;
                panic!("a policy panics later")
            }
            Some("request") => {
                let request = &hello.request;
                assert!(request.address.ip().is_loopback());
                let info = json!([request.target, request.origin, request.cookie, request.authorization]);
                Ok(Identity { subject: "request".into(), info: info.to_string() })
            }
            token => Ok(Identity { subject: token.unwrap_or("guest").into(), info: String::new() }),
        }
    }

    async fn may_subscribe(&self, client: &Client, pattern: &Pattern) -> Result<(), Denied> {
        match pattern.as_str() {
            "/slow" => {
                self.wait().await;
                Ok(())
            }
            "/panic" => panic!("a policy panics at a subscription"),
            name if name.starts_with("/staff") && client.identity().subject != "staff" => {
                Err(Denied::because("staff only"))
            }
            _ => Ok(()),
        }
    }

    async fn may_publish(&self, client: &Client, channel: &Channel, data: &RawValue) -> Result<(), Denied> {
        match channel.as_str() {
            "/slow" => {
                self.wait().await;
                Ok(())
            }
            "/read/only" if client.identity().subject != "staff" => {
                Err(Denied::because("nobody writes here"))
            }
            "/clean" if data.get().contains("dirty") => {
                Err(Denied::because("such words").code(Code::RateLimited))
            }
            "/service/vault" => Err(Denied::because("shut")),
            _ => Ok(()),
        }
    }
}

fn shop() -> (TestServer, Arc<Semaphore>) {
    let (shop, door) = Shop::shut();
    let vault =
        async |_: comet::Call| -> Result<comet::Reply, comet::Refusal> { panic!("nobody may call this") };
    (TestServer::run(TestServer::builder().policy(shop).service("/service/vault", vault)), door)
}

fn with_token(token: &str) -> serde_json::Value {
    json!({ "ext": { "token": token } })
}

fn staff(server: &TestServer) -> WebSocketClient {
    let mut client = WebSocketClient::new(server);
    assert_eq!(client.try_handshake(with_token("staff"))["successful"], true);
    client.connect();
    client
}

#[test]
fn a_denied_client_is_told_why_and_not_to_come_again() {
    let (server, _door) = shop();
    let reply = LongPollClient::new(&server).try_handshake(with_token("stolen"));
    assert_eq!(reply["error"], "403:it was stolen:handshake_denied");
    assert_eq!(reply["advice"]["reconnect"], "none");
    assert_eq!(reply.get("clientId"), None);
    let reply = WebSocketClient::new(&server).try_handshake(with_token("old"));
    assert_eq!(reply["error"], "401:it is old:token_expired");
    assert_eq!(
        (&reply["advice"]["reconnect"], &reply["advice"]["interval"]),
        (&json!("handshake"), &json!(1_000))
    );
    assert_eq!(server.counts().sessions_made, 0);
}

#[test]
fn a_denied_subscription_hears_nothing() {
    let (server, _door) = shop();
    let (mut guest, mut boss) = (WebSocketClient::connected(&server), staff(&server));
    for name in ["/staff", "/staff/*", "/staff/**"] {
        let reply = guest.request("/meta/subscribe", json!({ "subscription": name }));
        assert_eq!(reply["error"], "403:staff only:subscribe_denied");
    }
    // One name that is denied denies the whole message.
    let reply = guest.request("/meta/subscribe", json!({ "subscription": ["/open", "/staff"] }));
    assert_eq!(reply["successful"], false);
    guest.subscribe("/end");
    boss.subscribe("/staff");
    boss.publish("/staff", "secret");
    boss.expect_event("/staff", "secret");
    boss.publish("/open", "not subscribed to");
    boss.publish("/end", "the first thing heard");
    guest.expect_event("/end", "the first thing heard");
}

#[test]
fn a_denied_publication_reaches_nobody_and_a_denied_call_no_service() {
    let (server, _door) = shop();
    let (mut guest, mut boss) = (LongPollClient::connected(&server), staff(&server));
    boss.subscribe("/read/only");
    boss.subscribe("/clean");
    let reply = guest.request("/read/only", json!({ "data": 1 }));
    assert_eq!(reply["error"], "403:nobody writes here:publish_denied");
    assert_eq!(guest.request("/clean", json!({ "data": "dirty" }))["error"], "429:such words:rate_limited");
    assert_eq!(guest.request("/service/vault", json!({ "data": 1 }))["error"], "403:shut:publish_denied");
    guest.publish("/clean", "clean");
    boss.expect_event("/clean", "clean");
}

#[test]
fn the_policy_sees_the_request_that_carried_the_handshake() {
    let (server, _door) = shop();
    let ended = server.counts().sessions_made;
    let mut socket = Socket::connect(server.address());
    let own = format!("http://{}", server.address());
    let fields = format!("Origin: {own}\r\nCookie: a=b\r\nAuthorization: Bearer x\r\n");
    let hello = json!([{ "channel": "/meta/handshake", "ext": { "token": "request" } }]).to_string();
    socket.send_post("/cometd/x?y=z", &fields, &hello);
    assert_eq!(socket.response().messages()[0]["successful"], true);
    assert_eq!(server.counts().sessions_made, ended + 1);
}

/// Tells what the policy has noted of the client that calls.
fn telling(server_policy: Shop) -> TestServer {
    let info = async |call: comet::Call| {
        Ok::<_, comet::Refusal>(comet::Reply::raw(
            RawValue::from_string(call.client.identity().info.clone()).expect("the policy notes JSON"),
        ))
    };
    TestServer::run(TestServer::builder().policy(server_policy).service("/service/info", info))
}

#[test]
fn the_policy_sees_the_opening_of_a_websocket_at_every_handshake_on_it() {
    let server = telling(Shop::shut().0);
    let own = format!("http://{}", server.address());
    let fields = [("Origin", own.as_str()), ("Cookie", "a=b; c=d"), ("Authorization", "Bearer x")];
    let socket = Socket::connect(server.address());
    let mut socket = WebSocket::open_on(socket, "/cometd/ws?v=1", &fields).expect("it is let in");
    for _ in 0..2 {
        socket.send_batch(&json!([{ "channel": "/meta/handshake", "ext": { "token": "request" } }]));
        let id = socket.batch()[0]["clientId"].clone();
        socket.send_batch(&json!([{ "channel": "/service/info", "data": 0, "clientId": id, "id": "i" }]));
        let answer = loop {
            let batch = socket.batch();
            if let Some(answer) = batch.iter().find(|message| message.get("data").is_some()) {
                break answer["data"].clone();
            }
        };
        assert_eq!(answer, json!(["/cometd/ws?v=1", own, "a=b; c=d", "Bearer x"]));
    }
}

#[test]
fn a_policy_that_waits_holds_up_only_the_client_it_concerns() {
    let (server, door) = shop();
    let mut witness = Witness::beside(&server);
    let mut slow = WebSocketClient::connected(&server);
    let first = slow.send(json!({ "channel": "/meta/subscribe", "subscription": "/slow" }));
    let second = slow.send(json!({ "channel": "/meta/subscribe", "subscription": "/fast" }));
    let third = slow.send(json!({ "channel": "/fast", "data": "after both" }));
    witness.still_hears(&server);
    assert!(slow.try_event(std::time::Duration::from_millis(50)).is_none(), "nothing overtakes what waits");
    door.add_permits(1);
    for id in [first, second, third] {
        assert_eq!(slow.reply(&id)["successful"], true);
    }
    slow.expect_event("/fast", "after both");
}

#[test]
fn the_rest_of_a_batch_waits_in_its_order() {
    let (server, door) = shop();
    let mut client = LongPollClient::connected(&server);
    let ids = client.send_all(vec![
        json!({ "channel": "/meta/subscribe", "subscription": "/a" }),
        json!({ "channel": "/slow", "data": 1 }),
        json!({ "channel": "/a", "data": 2 }),
        json!({ "channel": "/slow", "data": 3 }),
    ]);
    door.add_permits(2);
    for id in ids {
        assert_eq!(client.reply(&id)["successful"], true);
    }
    client.expect_event("/a", 2);
}

#[test]
fn a_handshake_may_wait_too_on_either_transport() {
    let (server, door) = shop();
    let mut witness = Witness::beside(&server);
    let (mut polling, mut socket) = (LongPollClient::new(&server), WebSocketClient::new(&server));
    let hello = json!({ "channel": "/meta/handshake", "ext": { "token": "slow" } });
    let ids = (polling.send(hello.clone()), socket.send(hello));
    witness.still_hears(&server);
    door.add_permits(2);
    assert_eq!(polling.reply(&ids.0)["successful"], true);
    assert_eq!(socket.reply(&ids.1)["successful"], true);
}

#[test]
fn a_client_that_leaves_while_the_policy_waits_costs_nothing() {
    let (server, door) = shop();
    let mut witness = Witness::beside(&server);
    for n in 0..10 {
        let mut client = WebSocketClient::new(&server);
        let _ = client.send(json!({ "channel": "/meta/handshake", "ext": { "token": "slow" } }));
        let mut polling = LongPollClient::connected(&server);
        let _ = polling.send(json!({ "channel": "/slow", "data": n }));
    }
    server.until("they are gone", |counts| counts.connections_open == 1);
    door.add_permits(20);
    witness.still_hears(&server);
    server.until("no session was opened for who had left", |counts| counts.sessions_made == 11);
}

#[test]
fn a_policy_that_panics_denies_and_nothing_else_breaks() {
    let (server, door) = shop();
    let mut witness = Witness::beside(&server);
    door.add_permits(1);
    for token in ["panic", "panic later"] {
        let reply = WebSocketClient::new(&server).try_handshake(with_token(token));
        let error = reply["error"].as_str().expect("it is refused").to_owned();
        assert!(error.starts_with("500:") && error.ends_with(":internal"), "{error}");
    }
    let mut client = LongPollClient::connected(&server);
    let reply = client.request("/meta/subscribe", json!({ "subscription": "/panic" }));
    assert!(reply["error"].as_str().is_some_and(|error| error.ends_with(":internal")), "{reply}");
    witness.still_hears(&server);
    client.subscribe("/fine");
}

#[test]
fn a_policy_that_never_answers_is_taken_for_a_no() {
    let (server, _door) = shop();
    let mut client = LongPollClient::connected(&server);
    let reply = client.request("/slow", json!({ "data": 1 }));
    assert_eq!(reply["error"], "500:the policy did not answer in time:internal");
}

#[test]
fn a_websocket_whose_handshake_is_let_in_too_late_is_gone_all_the_same() {
    let (shop, door) = Shop::shut();
    let mut config = TestServer::config();
    config.limits.handshake_timeout_ms = 300;
    config.limits.linger_ms = 1_500;
    let server = TestServer::run(comet::Comet::builder().config(config).policy(shop));
    let mut socket = WebSocket::open(server.address(), "/cometd");
    socket.send_batch(&json!([{ "channel": "/meta/handshake", "ext": { "token": "slow" } }]));
    assert_eq!(socket.expect_close(), 4408);
    door.add_permits(1);
    server.until("its handshake is refused", |counts| counts.endings.contains(&(Code::HandshakeTimeout, 2)));
    assert_eq!(server.counts().sessions_open, 0);
    server.until("the connection is gone though the client holds on", |counts| counts.connections_open == 0);
}
