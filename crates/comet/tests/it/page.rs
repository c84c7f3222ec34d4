//! Pages and transports on one port, and connections that go back and forth between them.

use std::convert::Infallible;

use comet::Body;
use comet_testkit::{LongPollClient, Socket, TestServer, Witness};
use http::{Request, Response};
use serde_json::json;

const HELLO: &str = r#"{"channel":"/meta/handshake","id":"1"}"#;

/// Pages that say which path was asked for.
fn pages() -> TestServer {
    let page = async |request: Request<Body>| {
        let path = request.uri().path();
        assert!(path != "/panic", "this page panics");
        Ok::<_, Infallible>(Response::new(http_body_util::Full::new(bytes::Bytes::from(format!(
            "page {path}"
        )))))
    };
    TestServer::run(TestServer::builder().http(tower::service_fn(page)))
}

#[test]
fn a_connection_goes_to_a_page_and_back_to_the_transport() {
    let server = pages();
    let mut socket = Socket::connect(server.address());
    for n in 0..20 {
        let page = socket.get(&format!("/shop/{n}"), "");
        assert_eq!((page.status, page.text()), (200, format!("page /shop/{n}").as_str()));
        socket.send_post("/cometd", "", HELLO);
        assert_eq!(socket.response().messages()[0]["successful"], true);
    }
    assert_eq!(server.counts().connections_accepted, 1);
    assert_eq!(server.counts().connections_handed_over, 20);
}

#[test]
fn pages_and_batches_can_be_pipelined() {
    let server = pages();
    let mut socket = Socket::connect(server.address());
    let hello = format!("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len());
    let page = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
    socket.send([hello.as_str(), page, page, &hello, &hello, page, &hello].concat());
    for is_page in [false, true, true, false, false, true, false] {
        let answer = socket.response();
        if is_page {
            assert_eq!(answer.text(), "page /a");
        } else {
            assert_eq!(answer.messages()[0]["successful"], true);
        }
    }
}

#[test]
fn a_request_for_a_transport_may_be_cut_anywhere_behind_a_page() {
    let server = pages();
    let mut socket = Socket::connect(server.address());
    let request =
        format!("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len());
    for at in 1..40 {
        assert_eq!(socket.get("/a", "").status, 200);
        socket.send(&request[..at]);
        socket.send(&request[at..]);
        assert_eq!(socket.response().messages()[0]["successful"], true, "cut at {at}");
    }
}

#[test]
fn a_websocket_can_follow_a_page_on_the_same_connection() {
    let server = pages();
    let mut socket = Socket::connect(server.address());
    assert_eq!(socket.get("/a", "").status, 200);
    let mut socket = comet_testkit::WebSocket::open_on(socket, "/cometd", &[]).expect("it is let in");
    socket.send_text(HELLO);
    assert_eq!(socket.batch()[0]["successful"], true);
}

#[test]
fn a_poll_wakes_on_a_connection_that_has_served_pages() {
    let server = pages();
    let mut client = LongPollClient::new(&server);
    client.handshake();
    client.request("/meta/connect", json!({ "connectionType": "long-polling" }));
    client.subscribe("/a");
    let mut socket = Socket::connect(server.address());
    assert_eq!(socket.get("/b", "").status, 200);
    let cookie = comet_testkit::Wire::cookie(&client.wire).expect("a cookie was set").to_owned();
    let connect = json!([{ "channel": "/meta/connect", "clientId": client.id(), "id": "c" }]).to_string();
    socket.send_post("/cometd", &format!("Cookie: {cookie}\r\n"), connect);
    server.until_held(1);
    server.publish("/a", "wake");
    assert_eq!(socket.response().messages()[0]["data"], "wake");
}

#[test]
fn an_unknown_path_is_404_with_and_without_body() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let answer = socket.get("/nothing", "");
    assert_eq!((answer.status, answer.code().as_str()), (404, "path_unknown"));
    socket.send("HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(socket.response_to_head().status, 404);
    assert_eq!(socket.get("/", "").status, 404);
}

#[test]
fn a_page_that_panics_costs_its_own_connection_and_no_other() {
    let server = pages();
    let mut witness = Witness::beside(&server);
    let mut socket = Socket::connect(server.address());
    socket.send("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(socket.expect_end(), b"");
    witness.still_hears(&server);
    assert_eq!(Socket::connect(server.address()).get("/fine", "").status, 200);
    server.until("the connection is counted off", |counts| counts.connections_open == 1);
}

#[test]
fn a_body_nobody_reads_is_not_taken_for_a_request() {
    let server = pages();
    let mut socket = Socket::connect(server.address());
    let smuggled = "POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    socket.send_post("/page", "", smuggled.repeat(3));
    let answer = socket.response();
    assert_eq!((answer.status, answer.closes()), (200, true));
    assert_eq!(socket.expect_end(), b"");
    assert_eq!(server.counts().requests, 0);
}

#[test]
fn a_page_may_change_the_protocol_and_keep_the_connection() {
    let page = async |request: Request<Body>| {
        tokio::spawn(async {
            let upgraded = hyper::upgrade::on(request).await.expect("the client wanted it");
            let (mut read, mut write) = tokio::io::split(hyper_util::rt::TokioIo::new(upgraded));
            tokio::io::copy(&mut read, &mut write).await
        });
        let answer =
            Response::builder().status(101).header("Upgrade", "echo").header("Connection", "Upgrade");
        answer.body(http_body_util::Empty::<bytes::Bytes>::new())
    };
    let server = TestServer::run(TestServer::builder().http(tower::service_fn(page)));
    let mut socket = Socket::connect(server.address());
    assert_eq!(socket.get("/echo", "Upgrade: echo\r\nConnection: Upgrade\r\n").status, 101);
    let bytes = "POST /cometd HTTP/1.1\r\nHost: x\r\n\r\n";
    socket.send(bytes);
    socket.finish();
    assert_eq!(socket.expect_end(), bytes.as_bytes());
    assert_eq!(server.counts().requests, 0);
}

#[test]
fn the_client_s_entry_is_served_as_a_script() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let script = socket.get("/comet.js", "");
    assert_eq!(script.status, 200);
    assert_eq!(script.field("content-type"), Some("text/javascript; charset=utf-8"));
    let tag = script.field("etag").expect("a tag").to_owned();
    assert_eq!(socket.get("/comet.js", &format!("If-None-Match: {tag}\r\n")).status, 304);
    assert_eq!(socket.get("/comet/index.js", "").status, 200);
    for path in ["/comet/../package.json", "/comet/%2e%2e/package.json", "/comet//etc/passwd", "/comet/"] {
        assert!(socket.get(path, "").status >= 400, "{path}");
    }
}

#[test]
fn a_batch_behind_a_large_page_waits_until_the_page_has_left() {
    const LENGTH: usize = 12 << 20;
    let page = async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::full(vec![b'x'; LENGTH])));
    let server = TestServer::run(TestServer::builder().http(tower::service_fn(page)));
    let mut socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    let hello = format!("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len());
    socket.send(format!("GET /large HTTP/1.1\r\nHost: x\r\n\r\n{hello}"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(socket.response().body.len(), LENGTH);
    assert_eq!(socket.response().messages()[0]["successful"], true);
}

#[test]
fn a_page_that_nobody_reads_is_given_up_by_write_stall_ms() {
    let mut config = TestServer::config();
    config.limits.write_stall_ms = 500;
    config.limits.connections = 1;
    let page = async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::full(vec![b'x'; 12 << 20])));
    let server = TestServer::run(comet::Comet::builder().config(config).http(tower::service_fn(page)));
    let mut socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    socket.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    server.until("its connection has gone to the page", |counts| counts.connections_handed_over == 1);
    comet_testkit::eventually("there is room for another", || {
        // Who is refused hears so without asking.
        Socket::connect(server.address()).try_response(std::time::Duration::from_millis(50)).is_none()
    });
}

#[test]
fn empty_lines_without_end_behind_a_page_are_no_request() {
    let server = pages();
    let mut socket = Socket::connect(server.address());
    assert_eq!(socket.get("/a", "").status, 200);
    let lines = "\r\n".repeat(1 << 20);
    let since = std::time::Instant::now();
    let ended = (0..20).any(|_| socket.try_send(&lines).is_err());
    let took = since.elapsed();
    assert!(ended && took < std::time::Duration::from_secs(5), "the server took empty lines for {took:?}");
}
