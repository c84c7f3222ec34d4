//! Behind a proxy: whom limits count and policies see, when the proxy is trusted and when it is not.

use comet::{Channel, Client, Code, Comet, Denied, Handshake, Identity, Network, Pattern, Policy, RawValue};
use comet_testkit::{Socket, TestServer, WebSocket, eventually};
use serde_json::{Value, json};

const HELLO: &str = r#"[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling","websocket"]}]"#;
const ALICE: &str = "X-Forwarded-For: 203.0.113.1\r\n";
const BOB: &str = "X-Forwarded-For: 198.51.100.7, 203.0.113.2\r\n";

/// Knows everybody by the address they come from.
struct Addressed;

impl Policy for Addressed {
    async fn authenticate(&self, hello: &Handshake) -> Result<Identity, Denied> {
        Ok(Identity { subject: hello.request.address.ip().to_string(), info: String::new() })
    }

    async fn may_subscribe(&self, _: &Client, _: &Pattern) -> Result<(), Denied> {
        Ok(())
    }

    async fn may_publish(&self, client: &Client, _: &Channel, data: &RawValue) -> Result<(), Denied> {
        let (known, seen) = (client.address().ip().to_string(), &client.identity().subject);
        if *seen == known && data.get() == format!("{known:?}") {
            return Ok(());
        }
        Err(Denied::because(format!("handshake of {seen}, session of {known}")))
    }
}

/// A server that lets two connections come from one address, and believes its neighbours or does not.
fn server(trusts: bool, shards: usize) -> TestServer {
    let mut config = TestServer::config();
    config.shards = shards;
    config.limits.connections_per_address = 2;
    if trusts {
        config.trusted_proxies = vec!["127.0.0.0/8".parse::<Network>().expect("a network")];
    }
    TestServer::run(Comet::builder().config(config).policy(Addressed))
}

/// Holds a connect for a new session; the connection, and its session's id.
fn held(server: &TestServer, fields: &str) -> Socket {
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", fields, HELLO);
    let reply = socket.response().messages().remove(0);
    let connect = |timeout: Value| {
        json!([{
            "channel": "/meta/connect", "connectionType": "long-polling", "clientId": reply["clientId"],
            "advice": timeout,
        }])
        .to_string()
    };
    socket.send_post("/cometd", fields, connect(json!({ "timeout": 0 })));
    assert_eq!(socket.response().status, 200);
    let before = server.counts().connects_held;
    socket.send_post("/cometd", fields, connect(Value::Null));
    server.until_held(before + 1);
    socket
}

fn status(server: &TestServer, fields: &str) -> u16 {
    let mut socket = Socket::connect(server.address());
    // Who is refused at the door hears so without asking.
    let _ = socket.try_send(format!(
        "POST /cometd HTTP/1.1\r\nHost: x\r\n{fields}Content-Length: {}\r\n\r\n{HELLO}",
        HELLO.len()
    ));
    socket.response().status
}

#[test]
fn limits_count_the_client_behind_a_trusted_proxy() {
    let server = server(true, 1);
    let kept = [held(&server, ALICE), held(&server, ALICE)];
    assert_eq!(status(&server, ALICE), 503);
    assert_eq!(server.endings(Code::TooManyConnections), 1);
    let _others = [held(&server, BOB), held(&server, BOB)];
    assert_eq!(status(&server, BOB), 503);
    drop(kept);
    eventually("there is room again", || status(&server, ALICE) == 200);
}

#[test]
fn who_is_no_trusted_proxy_speaks_for_itself_alone() {
    let server = server(false, 1);
    let _kept = [held(&server, ALICE), held(&server, BOB)];
    assert_eq!(status(&server, "X-Forwarded-For: 203.0.113.3\r\n"), 503);
}

#[test]
fn a_connection_of_a_proxy_counts_only_while_it_serves() {
    let server = server(true, 1);
    // What a proxy keeps open for whoever comes next.
    let mut pool: Vec<_> = (0..5).map(|_| Socket::connect(server.address())).collect();
    for socket in &mut pool {
        socket.send_post("/cometd", ALICE, HELLO);
        assert_eq!(socket.response().status, 200);
        assert_eq!(socket.get("/nowhere", ALICE).status, 404);
    }
    let _kept = [held(&server, ALICE), held(&server, ALICE)];
    pool[0].send_post("/cometd", ALICE, HELLO);
    assert_eq!(pool[0].response().status, 503);
    pool[1].send_post("/cometd", BOB, HELLO);
    assert_eq!(pool[1].response().status, 200, "the same connection serves another client");
}

#[test]
fn a_websocket_through_a_proxy_counts_for_its_client() {
    let server = server(true, 1);
    let open = |client| {
        let socket = Socket::connect(server.address());
        WebSocket::open_on(socket, "/cometd", &[("X-Forwarded-For", client)])
    };
    let _kept = ["203.0.113.1"; 2].map(|client| open(client).expect("there is room"));
    let Err(refusal) = open("203.0.113.1") else { panic!("a third is one too many") };
    assert_eq!((refusal.status, refusal.code().as_str()), (503, "too_many_connections"));
    assert!(open("203.0.113.2").is_ok());
}

#[test]
fn a_policy_sees_the_client_s_address_on_every_shard() {
    let server = server(true, 4);
    for (fields, address) in
        [(ALICE, "203.0.113.1"), (BOB, "203.0.113.2"), ("", "127.0.0.1"), (ALICE, "203.0.113.1")]
    {
        let mut socket = Socket::connect(server.address());
        socket.send_post("/cometd", fields, HELLO);
        let id = socket.response().messages().remove(0)["clientId"].clone();
        let batch = json!([{ "channel": "/a", "data": address, "clientId": id }]).to_string();
        // On another connection, which is another shard's as likely as not, and was another client's before.
        let mut other = Socket::connect(server.address());
        other.send_post("/cometd", "X-Forwarded-For: 203.0.113.9\r\n", HELLO);
        assert_eq!(other.response().status, 200);
        other.send_post("/cometd", fields, &batch);
        let reply = other.response().messages().remove(0);
        assert_eq!(reply["successful"], true, "{reply}");
    }
}
