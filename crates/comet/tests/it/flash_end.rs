//! How XMLSockets end: behind their last message, with a word that says why, each bad one by its own bound.

use std::time::Duration;

use comet::Code;
use comet_testkit::{
    FramedXmlSocketClient, PATIENCE, Received, Socket, TestServer, WebSocketClient, Witness, XmlSocket,
    XmlSocketClient,
};
use serde_json::{Value, json};

use crate::flash::{connected, with_flash};

/// The last message before the end, and all that stands before it.
fn last_word(socket: &mut XmlSocket) -> (Value, Vec<Value>) {
    let mut messages = Vec::new();
    loop {
        match socket.try_receive(PATIENCE).expect("the server ends the connection") {
            Received::Text(text) => {
                messages.extend(serde_json::from_str::<Vec<Value>>(&text).expect("a batch"));
            }
            Received::Close(..) => {}
            Received::End => break,
            other => panic!("expected messages or the end, got {other:?}"),
        }
    }
    let word = messages.pop().expect("a last word");
    assert_eq!((&word["channel"], word.get("id")), (&json!("/meta/connect"), None), "{word}");
    (word, messages)
}

fn error_of(word: &Value) -> &str {
    assert_eq!(word["successful"], false, "{word}");
    word["error"].as_str().and_then(|error| error.rsplit(':').next()).expect("an error")
}

#[test]
fn a_newer_wire_ends_an_xml_socket_with_a_word() {
    let server = with_flash(|_| {});
    let mut older = connected(&server);
    let mut newer: WebSocketClient = older.crossing(&server);
    newer.connect_at_once();
    assert_eq!(error_of(&last_word(&mut older.wire.socket).0), "superseded");
    let mut framed: FramedXmlSocketClient = newer.crossing(&server);
    framed.connect_at_once();
    assert_eq!(newer.wire.socket.expect_close(), 4409);
    newer = framed.crossing(&server);
    newer.connect_at_once();
    assert_eq!(error_of(&last_word(&mut framed.wire.socket).0), "superseded");
}

#[test]
fn the_frames_around_a_stream_end_with_the_code_as_well() {
    let server = with_flash(|_| {});
    let mut framed = FramedXmlSocketClient::connected(&server);
    let mut newer: WebSocketClient = framed.crossing(&server);
    newer.connect_at_once();
    let ends = std::iter::from_fn(|| framed.wire.socket.try_receive(PATIENCE));
    let close = ends.take_while(|received| *received != Received::End).last();
    assert_eq!(close, Some(Received::Close(Some(4409), "superseded".into())));
}

#[test]
fn a_client_that_disconnects_is_told_that_nothing_more_comes() {
    let server = with_flash(|_| {});
    let mut client = connected(&server);
    client.disconnect();
    let (word, _) = last_word(&mut client.wire.socket);
    assert_eq!((&word["successful"], &word["advice"]["reconnect"]), (&json!(true), &json!("none")));
    assert_eq!(server.counts().sessions_open, 0);
}

#[test]
fn a_session_that_expires_is_to_shake_hands_again() {
    let server = with_flash(|config| {
        config.session.timeout_ms = 200;
        config.session.max_interval_ms = 200;
    });
    let mut client = connected(&server);
    let (word, _) = last_word(&mut client.wire.socket);
    assert_eq!((error_of(&word), &word["advice"]["reconnect"]), ("session_expired", &json!("handshake")));
}

#[test]
fn at_a_graceful_stop_everyone_is_told_when_to_come_back() {
    let server = with_flash(|_| {});
    let mut plain = connected(&server);
    let mut framed = FramedXmlSocketClient::connected(&server);
    let mut nobody = XmlSocket::open(server.flash_address());
    server.until("all three are there", |counts| counts.connections_open == 3);
    server.drain();
    for socket in [&mut plain.wire.socket, &mut framed.wire.socket] {
        let (word, _) = last_word(socket);
        assert_eq!((error_of(&word), &word["advice"]["reconnect"]), ("draining", &json!("retry")));
        assert!(word["advice"]["interval"].is_u64(), "{word}");
    }
    assert_eq!(error_of(&last_word(&mut nobody).0), "draining");
}

#[test]
fn bytes_that_are_no_messages_end_the_wire_with_their_code() {
    let server = with_flash(|config| config.limits.unidentified_bytes = 1_000);
    let mut witness = Witness::beside(&server);
    let long = [vec![b'['; 1_001], vec![0]].concat();
    for (bytes, code) in [
        (&b"[\"\xff\"]\0"[..], "text_invalid"),
        (b"{]\0", "json_invalid"),
        (b"<policy-file-request/><a/>\0", "json_invalid"),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>\0", "json_invalid"),
        (&long, "frame_too_large"),
        (&long[..1_001], "frame_too_large"),
    ] {
        for framed in [false, true] {
            let mut socket = match framed {
                true => XmlSocket::open_framed(server.address()),
                false => XmlSocket::open(server.flash_address()),
            };
            socket.try_send(bytes).unwrap();
            let (word, before) = last_word(&mut socket);
            assert_eq!((error_of(&word), before.len()), (code, 0));
        }
    }
    witness.still_hears(&server);
}

#[test]
fn a_message_of_a_known_session_may_be_as_long_as_a_batch() {
    let server = with_flash(|config| config.limits.unidentified_bytes = 1_000);
    let mut client = connected(&server);
    client.subscribe("/a");
    let long = "x".repeat(500_000);
    client.publish("/a", long.clone());
    client.expect_event("/a", long);
    client.wire.socket.try_send(&vec![b' '; server_batch_bytes() + 1]).unwrap();
    assert_eq!(error_of(&last_word(&mut client.wire.socket).0), "frame_too_large");
}

fn server_batch_bytes() -> usize {
    comet::Limits::default().batch_bytes
}

#[test]
fn a_storm_of_nuls_and_of_empty_batches_harms_nobody() {
    let server = with_flash(|_| {});
    let mut witness = Witness::beside(&server);
    let mut client = connected(&server);
    client.wire.socket.try_send(&vec![0; 4 << 20]).unwrap();
    client.wire.socket.try_send(&b"[]\0".repeat(100_000)).unwrap();
    client.subscribe("/a");
    client.publish("/a", 1);
    client.expect_event("/a", 1);
    witness.still_hears(&server);
}

#[test]
fn an_xml_socket_without_handshake_is_ended_by_handshake_timeout_ms() {
    let server = with_flash(|config| config.limits.handshake_timeout_ms = 300);
    let mut silent = XmlSocket::open(server.flash_address());
    let mut talker = XmlSocket::open(server.flash_address());
    talker.try_send(b"[{\"channel\":\"/a\",\"data\":1}]\0").unwrap();
    let mut dripping = XmlSocket::open_framed(server.address());
    dripping.try_send(b"[{").unwrap();
    assert_eq!(error_of(&last_word(&mut silent).0), "handshake_timeout");
    let (word, before) = last_word(&mut talker);
    assert_eq!((error_of(&word), &before[0]["error"]), ("handshake_timeout", &json!("402::session_unknown")));
    assert_eq!(error_of(&last_word(&mut dripping).0), "handshake_timeout");
}

#[test]
fn xml_sockets_count_among_the_connections_of_an_address() {
    let server = with_flash(|config| {
        config.limits.connections_per_address = 3;
        config.flash.policy_listen = vec![([127, 0, 0, 1], 0).into()];
        config.limits.head_timeout_ms = 60_000;
    });
    let _client = connected(&server);
    let _web = Socket::connect(server.address());
    let _policy = Socket::connect(server.flash_policy_address());
    server.until("three are there", |counts| counts.connections_open == 3);
    let mut refused = Socket::connect(server.flash_address());
    assert_eq!(refused.expect_end(), b"");
    assert_eq!(server.endings(Code::TooManyConnections), 1);
}

#[test]
fn whoever_is_silent_at_the_port_of_the_policy_holds_up_no_stop() {
    let server = with_flash(|config| {
        config.flash.policy_listen = vec![([127, 0, 0, 1], 0).into()];
        config.limits.head_timeout_ms = 3_600_000;
        config.limits.drain_ms = 3_600_000;
    });
    let mut silent = Socket::connect(server.flash_policy_address());
    server.until("it is there", |counts| counts.connections_open == 1);
    assert!(server.drain() < PATIENCE);
    assert_eq!(silent.expect_end(), b"");
}

#[test]
fn who_reads_too_slowly_is_told_and_goes_on_on_the_next_wire() {
    let server = with_flash(|config| {
        config.session.mailbox_messages = 20;
        config.limits.lag_grace_ms = 200;
        config.channels.default.history.bytes = 64 << 20;
    });
    let mut client = XmlSocketClient::at(server.flash_address());
    client.wire.socket = XmlSocket::on(Socket::with_receive_buffer(server.flash_address(), 4 << 10));
    client.try_handshake(json!({ "ext": { "received": true } }));
    client.try_connect(json!({ "ext": { "received": 0 } }));
    client.subscribe("/a");
    for n in 0..400 {
        server.publish("/a", &json!([n, "x".repeat(20_000)]));
    }
    server.until("the reader is too slow", |counts| {
        counts.endings.iter().any(|(code, _)| *code == Code::SlowConsumer)
    });
    let (word, mut messages) = last_word(&mut client.wire.socket);
    assert_eq!(error_of(&word), "slow_consumer");
    messages.retain(|message| message.get("data").is_some());
    let count = messages.len() as u64;
    let mut next: XmlSocketClient = client.crossing_to(server.flash_address());
    next.try_connect(json!({ "ext": { "received": count }, "advice": { "timeout": 0 } }));
    let seen = messages.iter().map(|event| event["data"][0].as_u64());
    assert!(seen.eq((0..count).map(Some)), "what came is in order");
    for n in count..400 {
        assert_eq!(next.event()["data"][0], n);
        // The server forgets what is confirmed.
        let received = json!({ "channel": "/meta/received", "ext": { "received": n + 1 } });
        if n.is_multiple_of(10) {
            next.send(received);
        }
    }
}

#[test]
fn a_text_frame_is_no_part_of_a_stream() {
    let server = with_flash(|_| {});
    let mut socket = comet_testkit::WebSocket::open(server.address(), "/cometd/xmlsocket");
    socket.send_text("[]\0");
    assert_eq!(socket.expect_close(), 1003);
}

#[test]
fn frames_that_carry_nothing_of_the_stream_are_answered_as_on_any_websocket() {
    let server: TestServer = with_flash(|config| config.limits.pings_per_second = 3);
    let mut socket = comet_testkit::WebSocket::open(server.address(), "/cometd/xmlsocket");
    socket.send_frame(comet_wire::websocket::Opcode::Ping, b"there?");
    assert_eq!(socket.try_receive(Duration::from_secs(10)), Some(Received::Pong(b"there?".into())));
    socket.send_close(1000);
    assert_eq!(socket.expect_close(), 1000);
}
