//! The many shapes in which one batch can come by HTTP.

use comet_testkit::{LongPollClient, Socket, TestServer, Wire};
use serde_json::{Value, json};

const HELLO: &str =
    r#"[{"channel":"/meta/handshake","version":"1.0","id":"1","supportedConnectionTypes":["long-polling"]}]"#;

fn shakes_hands(socket: &mut Socket) -> Value {
    let reply = socket.response().messages().remove(0);
    assert_eq!((&reply["successful"], &reply["id"]), (&json!(true), &json!("1")), "{reply}");
    reply
}

#[test]
fn json_is_read_whatever_its_type_is_said_to_be() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    for media in ["application/json", "application/json;charset=UTF-8", "text/plain", "text/json", "x/y"] {
        socket.send_post("/cometd", &format!("Content-Type: {media}\r\n"), HELLO);
        shakes_hands(&mut socket);
    }
    socket.send_post("/cometd", "", HELLO);
    shakes_hands(&mut socket);
}

#[test]
fn a_bare_object_is_a_batch_of_one() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", r#"  {"channel":"/meta/handshake","id":"1"}"#);
    shakes_hands(&mut socket);
}

#[test]
fn a_form_holds_messages_or_batches() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let escaped: String = HELLO.bytes().map(|byte| format!("%{byte:02x}")).collect();
    socket.send_post("/cometd", form, format!("message={escaped}"));
    shakes_hands(&mut socket);
    let publish = "%7B%22channel%22%3A%22%2Fa%22%2C+%22id%22%3A%222%22%7D";
    socket.send_post("/cometd", form, format!("x=y&message={escaped}&message={publish}&message={escaped}"));
    let replies = socket.response().messages();
    assert_eq!(replies.len(), 3);
    assert_eq!((&replies[0]["successful"], &replies[1]["id"]), (&json!(true), &json!("2")));
    // Some programs send JSON and say that it is a form.
    socket.send_post("/cometd", form, HELLO);
    shakes_hands(&mut socket);
}

#[test]
fn a_body_may_come_in_chunks() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    for size in [1, 7, 1_000] {
        let chunks: String = HELLO
            .as_bytes()
            .chunks(size)
            .map(|chunk| {
                format!("{:x};note=\"x\"\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap())
            })
            .collect();
        let head = "POST /cometd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        socket.send(format!("{head}{chunks}0\r\n\r\n"));
        shakes_hands(&mut socket);
    }
}

#[test]
fn a_request_may_be_cut_anywhere() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let request =
        format!("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len());
    for at in 1..request.len() {
        socket.send(&request[..at]);
        socket.send(&request[at..]);
        shakes_hands(&mut socket);
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let chunked = format!(
        "POST /cometd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{HELLO}\r\n0\r\n\r\n",
        HELLO.len()
    );
    let plain = format!("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len());
    for request in [chunked, plain] {
        for byte in request.as_bytes() {
            socket.send([*byte]);
        }
        shakes_hands(&mut socket);
    }
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let server = TestServer::start();
    let mut client = LongPollClient::new(&server);
    client.handshake();
    let mut socket = Socket::connect(server.address());
    let request = |id: usize| {
        let body = json!([{ "channel": "/a", "data": id, "clientId": client.id(), "id": id }]).to_string();
        format!("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    socket.send((0..200).map(request).collect::<String>());
    for id in 0..200 {
        assert_eq!(socket.response().messages()[0]["id"], id);
    }
}

#[test]
fn a_request_behind_a_held_connect_waits_for_its_answer() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    let cookie = format!("Cookie: {}\r\n", client.wire.cookie().expect("a cookie was set"));
    let mut socket = Socket::connect(server.address());
    let connect = json!([{ "channel": "/meta/connect", "clientId": client.id(), "id": "c" }]).to_string();
    let publish = json!([{ "channel": "/b", "data": 1, "clientId": client.id(), "id": "p" }]).to_string();
    socket.send_post("/cometd", &cookie, connect);
    socket.send_post("/cometd", &cookie, publish);
    server.until_held(1);
    server.publish("/a", "wake");
    let first = socket.response().messages();
    assert_eq!((&first[0]["data"], &first[1]["id"]), (&json!("wake"), &json!("c")));
    assert_eq!(socket.response().messages()[0]["id"], "p");
}

#[test]
fn who_expects_to_be_told_to_continue_is_told() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let length = HELLO.len();
    socket.send(format!(
        "POST /cometd HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    ));
    assert_eq!(socket.response().status, 100);
    socket.send(HELLO);
    shakes_hands(&mut socket);
}

#[test]
fn a_connection_is_kept_or_closed_as_the_client_likes() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", HELLO);
    assert!(!socket.response().closes());
    socket.send_post("/cometd", "Connection: close\r\n", HELLO);
    let answer = socket.response();
    assert!(answer.closes() && answer.status == 200);
    assert_eq!(socket.expect_end(), b"");

    let mut old = Socket::connect(server.address());
    old.send(format!("POST /cometd HTTP/1.0\r\nHost: x\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len()));
    assert_eq!(old.response().status, 200);
    old.expect_end();
}

#[test]
fn a_client_that_sends_no_more_is_still_answered() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", HELLO);
    socket.finish();
    shakes_hands(&mut socket);
    socket.expect_end();
    server.until("the connection is gone", |counts| counts.connections_open == 0);
}

#[test]
fn every_path_below_the_mount_is_the_mount() {
    let server = TestServer::with(|config| config.mounts = vec!["/cometd".into(), "/faye".into()]);
    let mut socket = Socket::connect(server.address());
    for path in ["/cometd", "/cometd/", "/cometd/handshake", "/faye", "/cometd?x=y", "/faye/connect?a"] {
        socket.send_post(path, "", HELLO);
        shakes_hands(&mut socket);
    }
    for path in ["/cometdx", "/comet", "/", "/Cometd", "/x/cometd"] {
        let mut socket = Socket::connect(server.address());
        socket.send_post(path, "", HELLO);
        assert_eq!(socket.response().status, 404, "{path}");
    }
}

#[test]
fn answers_are_neither_kept_nor_guessed_at_by_browsers() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", HELLO);
    let answer = socket.response();
    assert_eq!(answer.field("content-type"), Some("application/json"));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
}

#[test]
fn who_sends_no_more_is_answered_all_it_has_asked() {
    let server = TestServer::with(|config| config.shards = 2);
    let mut client = LongPollClient::new(&server);
    client.handshake();
    for round in 0..8 {
        let mut socket = Socket::connect(server.address());
        for n in 0..2 {
            // One of the two channels has its home on the other shard.
            let publish = json!([{ "channel": format!("/n/{}", round + n), "data": 1, "clientId": client.id(), "id": n }]);
            socket.send_batch("/cometd", &publish);
        }
        socket.finish();
        assert_eq!(socket.response().messages()[0]["id"], 0);
        assert_eq!(socket.response().messages()[0]["id"], 1);
    }
}
