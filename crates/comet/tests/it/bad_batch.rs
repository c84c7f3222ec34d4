//! Batches that are wrong: each gets its code of the table, has no effect, and costs nobody else anything.

use comet::Code;
use comet_testkit::{LongPollClient, Received, Socket, TestServer, WebSocket, WebSocketClient, Witness};
use serde_json::{Value, json};

/// Texts that are no batch at all, and the code for each.
fn unreadable() -> Vec<(Vec<u8>, Code)> {
    let mut texts: Vec<(Vec<u8>, Code)> = [
        ("", Code::JsonInvalid),
        ("x", Code::JsonInvalid),
        ("[", Code::JsonInvalid),
        ("]", Code::JsonInvalid),
        ("[{]}", Code::JsonInvalid),
        ("[{\"channel\":\"/a\"}", Code::JsonInvalid),
        ("[{\"channel\":\"/a\"},]", Code::JsonInvalid),
        ("[{\"channel\":\"/a\" \"data\":1}]", Code::JsonInvalid),
        ("[{\"channel\":\"\\ud800\"}]", Code::JsonInvalid),
        ("[{\"data\":1e999}]", Code::JsonInvalid),
        ("[{\"channel\":\"/a\u{0}\"}]", Code::JsonInvalid),
        ("[{}] [{}]", Code::JsonInvalid),
        ("null", Code::MessageInvalid),
        ("5", Code::MessageInvalid),
        ("\"/meta/handshake\"", Code::MessageInvalid),
        ("[null]", Code::MessageInvalid),
        ("[[]]", Code::MessageInvalid),
        ("[{\"channel\":\"/a\",\"channel\":\"/b\"}]", Code::MessageInvalid),
    ]
    .map(|(text, code)| (text.as_bytes().to_vec(), code))
    .into();
    texts.push((b"[{\"channel\":\"/\xff\"}]".to_vec(), Code::JsonInvalid));
    for depth in [33, 100, 10_000] {
        texts.push((format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into(), Code::DepthExceeded));
        texts.push(("{\"a\":".repeat(depth).into(), Code::DepthExceeded));
    }
    texts.push((json!(vec![json!({}); 101]).to_string().into(), Code::BatchTooLong));
    texts
}

#[test]
fn a_post_that_is_no_batch_is_refused_with_a_status() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    for (text, code) in unreadable() {
        let mut socket = Socket::connect(server.address());
        socket.send_post("/cometd", "", &text);
        let answer = socket.response();
        let shown = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
        assert_eq!((answer.status, answer.code().as_str()), (code.http_status(), code.name()), "{shown}");
    }
    witness.still_hears(&server);
}

#[test]
fn a_text_message_that_is_no_batch_closes_the_websocket() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    for (text, code) in unreadable() {
        let mut socket = WebSocket::open(server.address(), "/cometd");
        let shown = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
        socket.socket().send(WebSocket::frame(0x81, &text));
        let expected = if std::str::from_utf8(&text).is_err() { Code::TextInvalid } else { code };
        let close = Received::Close(Some(expected.close_code()), expected.name().into());
        assert_eq!(socket.receive(), close, "{shown}");
    }
    witness.still_hears(&server);
}

#[test]
fn depth_of_a_hundred_thousand_costs_no_stack() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    let mut client = WebSocketClient::connected(&server);
    let deep = format!("[{{\"channel\":\"/a\",\"data\":{}1{}}}]", "[".repeat(100_000), "]".repeat(100_000));
    client.wire.socket.send_text(&deep);
    assert_eq!(client.wire.socket.expect_close(), Code::DepthExceeded.close_code());
    witness.still_hears(&server);
}

#[test]
fn an_empty_batch_is_refused_by_post_and_keeps_a_websocket_alive() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", "[]");
    assert_eq!(socket.response().code(), "batch_empty");
    let mut client = WebSocketClient::connected(&server);
    client.wire.socket.send_text("[]");
    client.subscribe("/a");
}

/// Messages of a good session that are wrong in themselves, and the error of each.
fn wrong_messages() -> Vec<(Value, &'static str)> {
    vec![
        (json!({}), "400::channel_missing"),
        (json!({ "channel": null }), "400::channel_missing"),
        (json!({ "channel": 5 }), "400::message_invalid"),
        (json!({ "channel": "/a", "ext": [] , "data": 1 }), "400::message_invalid"),
        (json!({ "channel": "/a" }), "400::data_missing"),
        (json!({ "channel": "/service/a" }), "400::data_missing"),
        (json!({ "channel": "", "data": 1 }), "405::channel_invalid"),
        (json!({ "channel": "a", "data": 1 }), "405:a:channel_invalid"),
        (json!({ "channel": "/", "data": 1 }), "405:/:channel_invalid"),
        (json!({ "channel": "/a/", "data": 1 }), "405:/a/:channel_invalid"),
        (json!({ "channel": "/a//b", "data": 1 }), "405:/a//b:channel_invalid"),
        (json!({ "channel": "/a b", "data": 1 }), "405:/a b:channel_invalid"),
        (json!({ "channel": "/a/*", "data": 1 }), "405:/a/*:channel_wildcard"),
        (json!({ "channel": "/**", "data": 1 }), "405:/**:channel_wildcard"),
        (
            json!({ "channel": "/meta/subscribe/x", "data": 1, "subscription": "/a" }),
            "403:/meta/subscribe/x:meta_unknown",
        ),
        (json!({ "channel": "/meta/constructor", "data": 1 }), "403:/meta/constructor:meta_unknown"),
        (json!({ "channel": "/meta/__proto__", "data": 1 }), "403:/meta/__proto__:meta_unknown"),
        (json!({ "channel": "/meta/handshake/", "data": 1 }), "405:/meta/handshake/:channel_invalid"),
        (json!({ "channel": "/meta//subscribe", "data": 1 }), "405:/meta//subscribe:channel_invalid"),
        (json!({ "channel": "/meta/handshake" }), "400::handshake_misplaced"),
        (json!({ "channel": "/meta/subscribe" }), "403::subscription_missing"),
        (json!({ "channel": "/meta/subscribe", "subscription": [] }), "403::subscription_missing"),
        (json!({ "channel": "/meta/subscribe", "subscription": "a" }), "403:a:subscription_invalid"),
        (json!({ "channel": "/meta/subscribe", "subscription": 5 }), "400::message_invalid"),
        (
            json!({ "channel": "/meta/subscribe", "subscription": "/meta/connect" }),
            "403:/meta/connect:subscribe_denied",
        ),
        (
            json!({ "channel": "/meta/subscribe", "subscription": "/meta/**" }),
            "403:/meta/**:subscribe_denied",
        ),
        (
            json!({ "channel": "/meta/subscribe", "subscription": ["/ok", "bad"] }),
            "403:bad:subscription_invalid",
        ),
        (
            json!({ "channel": "/meta/connect", "connectionType": "pigeon" }),
            "301:pigeon:connection_types_unsupported",
        ),
        (json!({ "channel": "/a", "data": 1, "clientId": "another's" }), "402::session_unknown"),
        (json!({ "channel": "/a", "data": 1, "clientId": 7 }), "400::message_invalid"),
    ]
}

#[test]
fn a_wrong_message_is_refused_alone_and_in_its_place() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    let mut spy = WebSocketClient::connected(&server);
    spy.subscribe("/**");
    let mut socket = WebSocketClient::connected(&server);
    let mut polling = LongPollClient::connected(&server);
    let wrong = wrong_messages();
    for few in wrong.chunks(7) {
        let good = json!({ "channel": "/good", "data": "between the wrong ones" });
        let mut batch = vec![good.clone()];
        batch.extend(few.iter().map(|(message, _)| message.clone()));
        batch.push(good);
        for client in [&mut polling as &mut dyn Speak, &mut socket] {
            let replies = client.exchange(batch.clone());
            assert_eq!(
                (&replies[0]["successful"], &replies[few.len() + 1]["successful"]),
                (&json!(true), &json!(true))
            );
            for ((message, error), reply) in few.iter().zip(&replies[1..]) {
                assert_eq!(
                    (&reply["error"], &reply["successful"]),
                    (&json!(error), &json!(false)),
                    "{message}"
                );
            }
            for _ in 0..2 {
                spy.expect_event("/good", "between the wrong ones");
            }
        }
    }
    witness.still_hears(&server);
}

/// Sends a batch and returns its replies in order.
trait Speak {
    fn exchange(&mut self, batch: Vec<Value>) -> Vec<Value>;
}

impl<W: comet_testkit::Wire> Speak for comet_testkit::Client<W> {
    fn exchange(&mut self, batch: Vec<Value>) -> Vec<Value> {
        self.send_all(batch).iter().map(|id| self.reply(id)).collect()
    }
}

#[test]
fn a_foreign_id_in_a_batch_gives_no_right() {
    let server = TestServer::start();
    let mut victim = WebSocketClient::connected(&server);
    let mut mallory = LongPollClient::connected(&server);
    mallory.subscribe("/a");
    let ids = mallory.send_all(vec![
        json!({ "channel": "/x", "data": 1 }),
        json!({ "channel": "/meta/disconnect", "clientId": victim.id() }),
        json!({ "channel": "/meta/subscribe", "subscription": "/b", "clientId": victim.id() }),
    ]);
    assert_eq!(mallory.reply(&ids[0])["successful"], true);
    for id in &ids[1..] {
        assert_eq!(mallory.reply(id)["error"], "402::session_unknown");
    }
    victim.subscribe("/c");
    server.publish("/b", "not subscribed to");
    server.publish("/c", "still there");
    victim.expect_event("/c", "still there");
}

#[test]
fn a_handshake_may_lead_a_batch_and_the_rest_needs_the_id_it_has_not_yet() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let replies = socket.post(&json!([
        { "channel": "/meta/handshake", "id": 1, "clientId": "my own choice" },
        { "channel": "/meta/subscribe", "subscription": "/a", "id": 2 },
        { "channel": "/meta/handshake", "id": 3 },
    ]));
    assert_eq!(replies[0]["successful"], true);
    assert_ne!(replies[0]["clientId"], "my own choice");
    assert_eq!(replies[1]["error"], "402::session_unknown");
    assert_eq!(replies[2]["error"], "400::handshake_misplaced");
    assert_eq!(server.counts().sessions_made, 1);
}

#[test]
fn a_client_without_a_transport_in_common_is_told_ours() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let reply = socket
        .post(&json!([{ "channel": "/meta/handshake", "supportedConnectionTypes": ["pigeon"] }]))
        .remove(0);
    assert_eq!(reply["error"], "301::connection_types_unsupported");
    assert!(reply["supportedConnectionTypes"].as_array().is_some_and(|list| list.len() >= 3), "{reply}");
}

#[test]
fn coded_bodies_and_other_methods_are_not_served() {
    let server = TestServer::start();
    for coding in ["gzip", "deflate", "br"] {
        let mut socket = Socket::connect(server.address());
        socket.send_post("/cometd", &format!("Content-Encoding: {coding}\r\n"), "x");
        assert_eq!(socket.response().status, 415, "{coding}");
    }
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let mut socket = Socket::connect(server.address());
        socket.send(format!("{method} /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(socket.response().status, 405, "{method}");
    }
    let mut socket = Socket::connect(server.address());
    socket.send("HEAD /cometd HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(socket.response_to_head().status, 405);
}
