//! Peers that take their time: each is ended by its own deadline, with its code, and nobody waits for it.

use std::time::{Duration, Instant};

use comet::{Code, Config};
use comet_testkit::{
    Heard, LongPollClient, Received, Socket, TestServer, WebSocket, WebSocketClient, Witness, eventually,
};
use serde_json::json;

/// How soon something that is not awaited has to be over.
const SOON: Duration = Duration::from_secs(10);

fn quick(change: impl FnOnce(&mut Config)) -> (TestServer, Witness) {
    let server = TestServer::with(change);
    let witness = Witness::beside(&server);
    (server, witness)
}

/// Sends one byte after the other until the server has said something; what it said.
fn drip(socket: &mut Socket, text: &str) {
    for byte in text.bytes().cycle() {
        if socket.try_send([byte]).is_err() || socket.hear(Duration::from_millis(20)) != Heard::Nothing {
            return;
        }
    }
}

#[test]
fn a_head_that_drips_in_is_ended_with_408_by_head_timeout_ms() {
    let (server, mut witness) = quick(|config| config.limits.head_timeout_ms = 500);
    let since = Instant::now();
    let mut socket = Socket::connect(server.address());
    drip(&mut socket, "POST /cometd HTTP/1.1\r\nX-A: b\r\nX-B: ");
    let answer = socket.response();
    assert_eq!((answer.status, answer.code().as_str()), (408, "header_timeout"));
    assert!(since.elapsed() >= Duration::from_millis(450) && since.elapsed() < SOON, "{:?}", since.elapsed());
    witness.still_hears(&server);
}

#[test]
fn a_connection_that_says_nothing_is_closed_by_head_timeout_ms() {
    let (server, mut witness) = quick(|config| config.limits.head_timeout_ms = 300);
    let mut socket = Socket::connect(server.address());
    assert_eq!(socket.expect_end(), b"");
    witness.still_hears(&server);
}

#[test]
fn a_body_that_drips_in_is_ended_with_408_by_body_interval_ms_and_body_rate_bytes() {
    let (server, mut witness) = quick(|config| {
        config.limits.body_interval_ms = 400;
        config.limits.body_rate_bytes = 1_000;
    });
    let mut socket = Socket::connect(server.address());
    socket.send("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n");
    drip(&mut socket, " ");
    let answer = socket.response();
    assert_eq!((answer.status, answer.code().as_str()), (408, "slow_body"));
    witness.still_hears(&server);
}

#[test]
fn a_body_that_brings_its_bytes_may_take_many_intervals() {
    let (server, _witness) = quick(|config| {
        config.limits.body_interval_ms = 200;
        config.limits.body_rate_bytes = 10;
    });
    let body = format!("{}[{{\"channel\":\"/meta/handshake\"}}]", " ".repeat(20_000));
    let mut socket = Socket::connect(server.address());
    socket.send(format!("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len()));
    let since = Instant::now();
    for part in body.as_bytes().chunks(200) {
        socket.send(part);
        std::thread::sleep(Duration::from_millis(8));
    }
    assert!(since.elapsed() > Duration::from_millis(600), "it took several intervals");
    assert_eq!(socket.response().messages()[0]["successful"], true);
}

#[test]
fn a_websocket_without_handshake_is_closed_with_4408_by_handshake_timeout_ms() {
    let (server, mut witness) = quick(|config| config.limits.handshake_timeout_ms = 300);
    let mut silent = WebSocket::open(server.address(), "/cometd");
    let mut talker = WebSocket::open(server.address(), "/cometd");
    // Talking about something else does not help.
    talker.send_text(r#"[{"channel":"/a","data":1}]"#);
    assert_eq!(talker.batch()[0]["error"], "402::session_unknown");
    assert_eq!(talker.expect_close(), 4408);
    assert_eq!(silent.expect_close(), 4408);
    assert_eq!(server.endings(Code::HandshakeTimeout), 2);
    witness.still_hears(&server);
}

#[test]
fn a_kept_alive_connection_without_requests_is_closed_by_idle_timeout_ms() {
    let (server, _witness) = quick(|config| config.limits.idle_timeout_ms = 300);
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", r#"[{"channel":"/meta/handshake"}]"#);
    assert_eq!(socket.response().status, 200);
    assert_eq!(socket.expect_end(), b"");
}

#[test]
fn a_held_poll_is_not_idle() {
    let (server, _witness) = quick(|config| {
        config.limits.idle_timeout_ms = 100;
        config.limits.head_timeout_ms = 100;
        config.session.timeout_ms = 1_000;
    });
    let mut client = LongPollClient::connected(&server);
    client.hold();
    assert_eq!(client.held_reply()["successful"], true);
}

/// A subscriber of `/flood` that reads nothing more, with a small window.
fn deaf(server: &TestServer) -> WebSocket {
    let socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    let mut socket = WebSocket::open_on(socket, "/cometd", &[]).expect("it is let in");
    socket.send_text(r#"[{"channel":"/meta/handshake"}]"#);
    let id = socket.batch()[0]["clientId"].clone();
    socket
        .send_batch(&json!([{ "channel": "/meta/connect", "connectionType": "websocket", "clientId": id }]));
    socket.batch();
    socket.send_batch(&json!([{ "channel": "/meta/subscribe", "subscription": "/flood", "clientId": id }]));
    socket.batch();
    socket
}

#[test]
fn a_subscriber_that_never_reads_is_ended_with_4410_and_others_hear_everything() {
    let (server, mut witness) = quick(|config| {
        config.session.mailbox_messages = 50;
        config.limits.bytes_per_write = 64 << 10;
        config.limits.lag_grace_ms = 300;
    });
    let mut deaf = deaf(&server);
    let mut reader = WebSocketClient::connected(&server);
    reader.subscribe("/flood");
    let payload = "x".repeat(50_000);
    let mut published = 0;
    eventually("the slow one is ended", || {
        server.publish("/flood", &payload);
        reader.expect_event("/flood", payload.as_str());
        published += 1;
        server.endings(Code::SlowConsumer) > 0
    });
    assert!(published > 50, "it was ended although its queue was not full");
    witness.still_hears(&server);
    // When it reads at last it finds what had begun to leave, and then the reason.
    let mut heard = 0;
    let code = loop {
        match deaf.receive() {
            Received::Text(_) => heard += 1,
            Received::Close(code, reason) => {
                assert_eq!(reason, "slow_consumer");
                break code;
            }
            other => panic!("expected messages and a close frame, got {other:?}"),
        }
    };
    assert_eq!(code, Some(4410));
    assert!(heard < published);
    assert_eq!(server.endings(Code::SlowConsumer), 1, "one ending is counted once");
    assert_eq!(server.counts().sessions_open, 3, "the session is kept");
}

#[test]
fn a_subscriber_whose_output_does_not_move_is_dropped_by_write_stall_ms() {
    let (server, mut witness) = quick(|config| config.limits.write_stall_ms = 500);
    let mut deaf = deaf(&server);
    let payload = "x".repeat(100_000);
    eventually("its output stalls", || {
        server.publish("/flood", &payload);
        server.counts().sends_short > 0
    });
    eventually("it is dropped", || {
        // The system may have found room for what was left.
        server.publish("/flood", &payload);
        server.endings(Code::WriteStalled) == 1
    });
    server.until("its connection is gone", |counts| counts.connections_open == 1);
    witness.still_hears(&server);
    while matches!(deaf.try_receive(Duration::from_secs(1)), Some(Received::Text(_))) {}
}

#[test]
fn a_subscriber_that_reads_a_little_at_a_time_is_not_dropped_by_write_stall_ms() {
    let (server, _witness) = quick(|config| {
        config.limits.write_stall_ms = 400;
        config.limits.lag_grace_ms = 400;
    });
    let mut slow = deaf(&server);
    let payload = "x".repeat(100_000);
    eventually("its output stalls", || {
        server.publish("/flood", &payload);
        server.counts().sends_short > 0
    });
    // So little that the system has no room to speak of in all this time.
    for _ in 0..20 {
        assert_eq!(slow.batch()[0]["data"], payload);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!((server.endings(Code::WriteStalled), server.endings(Code::SlowConsumer)), (0, 0));
}

#[test]
fn a_slow_reader_that_catches_up_in_time_gets_everything_in_order() {
    let (server, _witness) = quick(|config| {
        config.session.mailbox_messages = 2_000;
        config.session.mailbox_bytes = 64 << 20;
    });
    let mut slow = deaf(&server);
    for n in 0..1_000 {
        server.publish("/flood", &json!([n, "x".repeat(10_000)]));
    }
    server.until("it falls behind", |counts| counts.sends_short > 0);
    let mut expected = 0;
    while expected < 1_000 {
        for event in slow.batch() {
            assert_eq!(event["data"][0], expected);
            expected += 1;
        }
    }
}

#[test]
fn a_client_that_does_not_close_is_cut_off_after_linger_ms() {
    let (server, _witness) = quick(|config| config.limits.linger_ms = 200);
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", "no JSON");
    assert_eq!(socket.response().status, 400);
    server.until("the connection is gone though the client holds on", |counts| counts.connections_open == 1);

    let (server, _witness) = quick(|config| config.limits.linger_ms = 3_600_000);
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", "no JSON");
    assert_eq!(socket.response().status, 400);
    socket.expect_end();
    assert_eq!(server.counts().connections_open, 2, "the server waits for the client to close");
    drop(socket);
    server.until("the client has closed", |counts| counts.connections_open == 1);
}

#[test]
fn a_reader_stuck_in_one_large_message_is_ended_when_its_replies_pile_up() {
    let (server, mut witness) = quick(|config| config.limits.output_bytes = 10_000);
    let mut deaf = deaf(&server);
    let payload = "x".repeat(900_000);
    eventually("its output stalls", || {
        server.publish("/flood", &payload);
        server.counts().sends_short > 0
    });
    // What is left of the message is more than the bound, and every reply is one too many.
    for _ in 0..200 {
        let _ = deaf.socket().try_send(WebSocket::frame(0x81, br#"[{"channel":"/a","data":1}]"#));
    }
    server.until("it is ended", |counts| counts.endings.contains(&(Code::SlowConsumer, 1)));
    witness.still_hears(&server);
}

/// A session whose next connect has a large answer, and the connect.
fn with_a_large_answer(server: &TestServer) -> String {
    let mut client = LongPollClient::new(server);
    client.handshake();
    let mut socket = Socket::connect(server.address());
    let id = client.id().to_owned();
    socket.post(&json!([{ "channel": "/meta/subscribe", "subscription": "/large", "clientId": id }]));
    for n in 0..30 {
        server.publish("/large", &json!([n, "x".repeat(300_000)]));
    }
    json!([{ "channel": "/meta/connect", "clientId": id, "id": "c" }]).to_string()
}

fn large(config: &mut Config) {
    config.session.mailbox_bytes = 64 << 20;
    config.limits.bytes_per_write = 64 << 20;
    config.limits.output_bytes = 64 << 20;
}

/// Reads a large answer to its end, which has to be as it was written.
fn expect_large_answer(socket: &mut Socket) {
    let messages = socket.response().messages();
    assert_eq!(messages.len(), 31);
    for (n, message) in messages[..30].iter().enumerate() {
        assert_eq!(message["data"][0], n);
    }
    assert_eq!(messages[30]["id"], "c");
}

#[test]
fn a_connection_that_took_its_time_for_an_answer_is_idle_afterwards() {
    let (server, _witness) = quick(|config| {
        large(config);
        config.limits.idle_timeout_ms = 500;
    });
    let connect = with_a_large_answer(&server);
    let mut socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    socket.send_post("/cometd", "", connect);
    server.until("the answer does not fit", |counts| counts.sends_short > 0);
    expect_large_answer(&mut socket);
    assert_eq!(socket.expect_end(), b"");
}

#[test]
fn requests_behind_an_answer_that_is_still_leaving_do_not_disturb_it() {
    let (server, _witness) = quick(|config| {
        large(config);
        config.shards = 2;
    });
    let connect = with_a_large_answer(&server);
    let sessions: Vec<_> = (0..8)
        .map(|_| {
            let mut client = LongPollClient::new(&server);
            client.handshake();
            client
        })
        .collect();
    let mut socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    socket.send_post("/cometd", "", connect);
    for (n, session) in sessions.iter().enumerate() {
        let publish = json!([{ "channel": "/nobody", "data": n, "clientId": session.id(), "id": n }]);
        socket.send_post("/cometd", "", publish.to_string());
    }
    server.until("the answer does not fit", |counts| counts.sends_short > 0);
    expect_large_answer(&mut socket);
    for n in 0..sessions.len() {
        assert_eq!(socket.response().messages()[0]["id"], n);
    }
}

#[test]
fn a_page_behind_an_answer_that_is_still_leaving_waits_for_it() {
    let (server, _witness) = quick(large);
    let connect = with_a_large_answer(&server);
    let mut socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    let length = connect.len();
    socket.send(format!(
        "POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{connect}\
         GET /page HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    server.until("the answer does not fit", |counts| counts.sends_short > 0);
    expect_large_answer(&mut socket);
    assert_eq!(socket.response().status, 404);
}

#[test]
fn a_burst_that_is_longer_than_a_queue_does_not_end_those_who_read() {
    let (server, _witness) = quick(|config| config.session.mailbox_messages = 300);
    let mut socket = WebSocketClient::connected(&server);
    socket.subscribe("/burst");
    let publisher = server.publisher();
    let burst = (0..3_000).map(|n| {
        let publisher = publisher.clone();
        async move { publisher.publish("/burst", &n).await }
    });
    let outcomes = server.runtime().block_on(futures_util::future::join_all(burst));
    assert!(outcomes.iter().all(Result::is_ok));
    let mut heard: Vec<_> = socket.events(3_000).iter().map(|event| event["data"].as_u64()).collect();
    heard.sort();
    assert!(heard.into_iter().eq((0..3_000).map(Some)));
    assert_eq!(server.endings(Code::SlowConsumer), 0);
}
