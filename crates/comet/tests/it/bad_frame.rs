//! Frames that are wrong, floods, and WebSockets that end in the middle.

use comet::Code;
use comet_testkit::{Heard, Received, Socket, TestServer, WebSocket, WebSocketClient, Witness};
use comet_wire::websocket::Opcode;

/// A frame with this header and no mask, whatever it says.
fn raw(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

#[test]
fn a_frame_that_breaks_the_rules_closes_with_the_code_of_its_fault() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    let masked = |first: u8, payload: &[u8]| WebSocket::frame(first, payload);
    for (bytes, code) in [
        (raw(&[0x81, 2, b'[', b']']), 1002),
        (masked(0xc1, b"[]"), 1002),
        (masked(0xa1, b"[]"), 1002),
        (masked(0x91, b"[]"), 1002),
        (masked(0x83, b"x"), 1002),
        (masked(0x8b, b"x"), 1002),
        (masked(0x80, b"x"), 1002),
        (masked(0x09, b"x"), 1002),
        (raw(&[0x89, 0xfe, 0, 200, 1, 2, 3, 4]), 1002),
        (raw(&[0x81, 0xfe, 0, 5, 1, 2, 3, 4]), 1002),
        (raw(&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1002),
        (raw(&[0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]), 1009),
        (raw(&[0x81, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]), 1009),
        ([masked(0x01, b"["), masked(0x81, b"]")].concat(), 1002),
        (masked(0x81, b"\xc3\x28"), 1007),
        (masked(0x81, b"\xed\xa0\x80"), 1007),
        ([masked(0x01, b"\xf0\x9f"), masked(0x00, b"\xff")].concat(), 1007),
        (masked(0x82, b"[]"), 1003),
        (masked(0x88, &[3]), 1002),
        (masked(0x88, &1005_u16.to_be_bytes()), 1002),
        (masked(0x88, &999_u16.to_be_bytes()), 1002),
        (masked(0x88, b"\x03\xe8\xff"), 1007),
    ] {
        let mut socket = WebSocket::open(server.address(), "/cometd");
        socket.socket().send(&bytes);
        assert_eq!(socket.expect_close(), code, "{bytes:?}");
        let mut known = WebSocketClient::connected(&server);
        known.wire.socket.socket().send(&bytes);
        assert_eq!(known.wire.socket.expect_close(), code, "{bytes:?} of a known session");
    }
    witness.still_hears(&server);
}

#[test]
fn pings_are_answered_with_their_bytes_and_closes_with_their_code() {
    let server = TestServer::start();
    let mut client = WebSocketClient::connected(&server);
    for length in [0, 1, 7, 124, 125] {
        let payload: Vec<u8> = (0..length).collect();
        client.wire.socket.send_frame(Opcode::Ping, &payload);
        assert_eq!(client.wire.socket.receive(), Received::Pong(payload));
    }
    client.wire.socket.send_close(4000);
    assert_eq!(client.wire.socket.receive(), Received::Close(Some(4000), String::new()));
    assert_eq!(client.wire.socket.receive(), Received::End);
}

#[test]
fn what_follows_a_close_frame_is_ignored() {
    let server = TestServer::start();
    let mut spy = WebSocketClient::connected(&server);
    spy.subscribe("/**");
    let mut client = WebSocketClient::connected(&server);
    let publish = serde_json::json!([{ "channel": "/a", "data": 1, "clientId": client.id() }]).to_string();
    let close = WebSocket::frame(0x88, &1000_u16.to_be_bytes());
    let bytes = [close, WebSocket::frame(0x81, publish.as_bytes()), b"\xff\xff\xff".to_vec()].concat();
    client.wire.socket.socket().send(bytes);
    assert_eq!(client.wire.socket.expect_close(), 1000);
    server.publish("/end", "the first thing heard");
    spy.expect_event("/end", "the first thing heard");
}

#[test]
fn a_message_may_come_in_fragments_with_pings_between_them() {
    let server = TestServer::start();
    let mut socket = WebSocket::open(server.address(), "/cometd");
    let hello = br#"[{"channel":"/meta/handshake","ext":{"name":"\u00fc"}}]"#;
    for (n, byte) in hello.iter().enumerate() {
        let first = if n == 0 { 0x01 } else { 0x00 } | if n + 1 == hello.len() { 0x80 } else { 0 };
        socket.socket().send(WebSocket::frame(first, &[*byte]));
        if n % 20 == 5 {
            socket.send_frame(Opcode::Ping, b"between");
            assert_eq!(socket.receive(), Received::Pong(b"between".to_vec()));
        }
    }
    assert_eq!(socket.batch()[0]["successful"], true);
}

#[test]
fn a_message_may_be_cut_at_every_byte() {
    let server = TestServer::start();
    let mut socket = WebSocket::open(server.address(), "/cometd");
    let frame = WebSocket::frame(0x81, br#"[{"channel":"/meta/handshake","id":"1"}]"#);
    for at in 1..frame.len() {
        socket.socket().send(&frame[..at]);
        socket.socket().send(&frame[at..]);
        assert_eq!(socket.batch()[0]["id"], "1", "cut at {at}");
    }
    for byte in &frame {
        socket.socket().send([*byte]);
    }
    assert_eq!(socket.batch()[0]["id"], "1");
}

#[test]
fn a_message_announced_and_never_sent_takes_no_memory_and_is_ended() {
    let server = TestServer::with(|config| config.limits.handshake_timeout_ms = 300);
    let mut witness = Witness::beside(&server);
    let mut sockets: Vec<_> = (0..50)
        .map(|_| {
            let mut socket = WebSocket::open(server.address(), "/cometd");
            // 60 KB are announced, which a stranger may send.
            socket.socket().send([0x81, 0xfe, 0xea, 0x60, 1, 2, 3, 4]);
            socket
        })
        .collect();
    for socket in &mut sockets {
        assert_eq!(socket.expect_close(), 4408);
    }
    witness.still_hears(&server);
}

#[test]
fn a_websocket_that_is_reset_at_any_moment_leaves_nothing_behind() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    let hello = WebSocket::frame(0x81, br#"[{"channel":"/meta/handshake"}]"#);
    for at in 0..hello.len() {
        let mut socket = WebSocket::open(server.address(), "/cometd");
        socket.socket().send(&hello[..at]);
        drop(socket);
    }
    let opening = "GET /cometd HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    for at in 0..=opening.len() {
        let mut socket = Socket::connect(server.address());
        socket.send(&opening[..at]);
        socket.reset();
    }
    server.until("all of them are gone", |counts| counts.connections_open == 1);
    assert_eq!(server.counts().sessions_open, 1);
    witness.still_hears(&server);
}

#[test]
fn a_subscriber_that_is_reset_in_the_middle_of_a_burst_disturbs_nobody() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    for _ in 0..10 {
        let mut leavers: Vec<_> = (0..10).map(|_| WebSocketClient::connected(&server)).collect();
        for leaver in &mut leavers {
            leaver.subscribe("/burst");
        }
        for n in 0..50 {
            server.publish("/burst", &n);
            if n % 5 == 0 {
                leavers.pop();
            }
        }
    }
    witness.still_hears(&server);
    server.until("all of them are gone", |counts| counts.connections_open == 1);
}

#[test]
fn the_echo_answers_with_itself_and_has_the_same_rules() {
    let server = TestServer::with(|config| config.echo_path = Some("/cometd/echo".into()));
    let mut socket = WebSocket::open(server.address(), "/cometd/echo");
    socket.send_text("hello");
    assert_eq!(socket.receive(), Received::Text("hello".into()));
    socket.send_frame(Opcode::Binary, &[0, 255]);
    assert_eq!(socket.receive(), Received::Binary(vec![0, 255]));
    let big = "x".repeat(3 << 20);
    socket.send_text(&big);
    assert_eq!(socket.receive(), Received::Text(big));
    socket.socket().send(WebSocket::frame(0x81, b"\xff"));
    assert_eq!(socket.expect_close(), Code::TextInvalid.close_code());
    assert_eq!(socket.socket().hear(comet_testkit::PATIENCE), Heard::End);
}
