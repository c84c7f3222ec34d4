//! Requests that are not HTTP as it should be: refused, closed, and nothing behind them is looked at.

use comet_testkit::{Heard, PATIENCE, Socket, TestServer, WebSocket, Witness};

const HELLO: &str = r#"[{"channel":"/meta/handshake"}]"#;

/// The request must be answered with this status, and the connection closed though another request follows.
fn is_refused(server: &TestServer, request: &str, status: u16) {
    let mut socket = Socket::connect(server.address());
    let behind =
        format!("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len());
    let _ = socket.try_send(format!("{request}{behind}"));
    let answer = socket.response();
    assert_eq!(answer.status, status, "{request:?}");
    assert!(answer.closes(), "{request:?}");
    assert_eq!(socket.expect_end(), b"", "{request:?}");
    assert_eq!(server.counts().sessions_made, 0, "something behind {request:?} was taken for a request");
}

#[test]
fn a_body_whose_length_can_be_read_in_two_ways_is_refused() {
    let server = TestServer::start();
    let body = format!("{:x}\r\n{HELLO}\r\n0\r\n\r\n", HELLO.len());
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length:\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ] {
        is_refused(&server, &format!("POST /cometd HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}"), 400);
    }
    is_refused(
        &server,
        &format!("POST /cometd HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
        400,
    );
}

#[test]
fn chunks_that_are_not_as_they_should_be_are_refused() {
    let server = TestServer::start();
    for chunks in [
        "FFFFFFFFFFFFFFFFF\r\n",
        "x\r\n",
        "-1\r\n",
        "1;ext=\"val\r\nX\r\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "2\r\n[]X\r\n0\r\n\r\n",
        "\r\n2\r\n[]\r\n0\r\n\r\n",
    ] {
        let head = "POST /cometd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        is_refused(&server, &format!("{head}{chunks}"), 400);
    }
}

#[test]
fn heads_that_are_not_as_they_should_be_are_refused() {
    let server = TestServer::start();
    for head in [
        "POST /cometd HTTP/1.1\r\n\r\n",
        "POST /cometd HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "POST /cometd HTTP/1.1\nHost: x\n\n",
        "POST /cometd HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
        "POST /cometd HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        "POST /cometd HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        "POST /cometd HTTP/1.1\r\nHost: x\r\n: no name\r\n\r\n",
        "POST  /cometd HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /cometd\r\nHost: x\r\n\r\n",
        "POST /cometd HTTP/2.0\r\nHost: x\r\n\r\n",
        "POST /cometd HTTP/1.1 \r\nHost: x\r\n\r\n",
        "P\u{7f}ST /cometd HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /comet%zzd HTTP/1.1\r\nHost: x\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
    ] {
        is_refused(&server, head, 400);
    }
}

#[test]
fn an_upgrade_that_is_not_as_it_should_be_is_refused_and_nothing_behind_it_is_a_frame() {
    let server = TestServer::start();
    let good = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    for (method, fields, status) in [
        ("GET", good.replace("Version: 13", "Version: 8"), 426),
        ("GET", good.replace("Sec-WebSocket-Version: 13\r\n", ""), 426),
        ("GET", good.replace("AAAAAAAAAAAAAAAAAAAAAA==", "short"), 400),
        ("GET", good.replace("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", ""), 400),
        ("GET", good.replace("Connection: Upgrade\r\n", ""), 405),
        ("GET", format!("{good}Content-Length: 5\r\n"), 400),
        ("GET", format!("{good}Transfer-Encoding: chunked\r\n"), 400),
        ("POST", good.to_owned(), 400),
    ] {
        let mut socket = Socket::connect(server.address());
        let hello = String::from_utf8(WebSocket::frame(0x81, b"[]")).unwrap_or_default();
        socket.send(format!("{method} /cometd HTTP/1.1\r\nHost: x\r\n{fields}\r\n5\r\nhello{hello}"));
        let answer = socket.response();
        assert_eq!(answer.status, status, "{fields}");
        assert!(answer.closes(), "{fields}");
        assert_eq!(socket.expect_end(), b"");
    }
    assert_eq!(server.counts().websockets_opened, 0);
}

#[test]
fn odd_upgrade_fields_are_read_in_linear_time() {
    let server = TestServer::with(|config| config.limits.head_bytes = 64 << 10);
    let mut witness = Witness::beside(&server);
    for value in
        [" ".repeat(32_000), "a,".repeat(10_000), "constructor; __proto__".into(), "\"".repeat(1_000)]
    {
        for name in ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Connection"] {
            let mut socket = Socket::connect(server.address());
            let fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
            socket.send(format!("GET /cometd HTTP/1.1\r\nHost: x\r\n{fields}{name}: x{value}\r\n\r\n"));
            assert!([101, 400, 426].contains(&socket.response().status), "{name}");
        }
    }
    witness.still_hears(&server);
}

#[test]
fn a_request_that_is_cut_off_anywhere_costs_nothing() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    let request =
        format!("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len());
    for at in 0..request.len() {
        let mut socket = Socket::connect(server.address());
        socket.send(&request[..at]);
        if at % 2 == 0 { socket.reset() } else { drop(socket) }
    }
    server.until("all of them are gone", |counts| counts.connections_open == 1);
    assert_eq!(server.counts().sessions_made, 1);
    witness.still_hears(&server);
}

#[test]
fn a_flood_of_line_breaks_is_no_request() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    let mut socket = Socket::connect(server.address());
    let _ = socket.try_send("\r\n".repeat(500_000));
    while let Heard::Bytes(_) = socket.hear(PATIENCE) {}
    witness.still_hears(&server);
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", "\n".repeat(1 << 20));
    assert_eq!(socket.response().status, 400);
    witness.still_hears(&server);
}
