//! Sessions that change their transport while messages are on their way.

use comet_testkit::{CallbackWire, Checker, StreamWire, Wire};
use comet_testkit::{Client, LongPollClient, LongPollWire, Note, TestServer, WebSocketClient, WebSocketWire};
use serde_json::json;

#[test]
fn a_session_moves_from_long_polling_to_a_websocket_and_back() {
    let server = TestServer::start();
    let mut polling = LongPollClient::connected(&server);
    polling.subscribe("/a");
    server.publish("/a", "queued before the WebSocket");

    let mut socket: WebSocketClient = polling.crossing(&server);
    socket.connect_at_once();
    socket.expect_event("/a", "queued before the WebSocket");
    server.publish("/a", "on the WebSocket");
    socket.expect_event("/a", "on the WebSocket");
    drop(socket);
    server.until("the WebSocket is gone", |counts| counts.connections_open == 2);

    server.publish("/a", "on the poll");
    polling.expect_event("/a", "on the poll");
}

#[test]
fn a_handshake_by_post_can_be_followed_by_a_websocket() {
    let server = TestServer::start();
    let mut polling = LongPollClient::new(&server);
    polling.handshake();
    let mut socket: WebSocketClient = polling.crossing(&server);
    assert_eq!(socket.connect()["advice"]["reconnect"], "retry");
    socket.subscribe("/a");
    socket.publish("/a", 1);
    socket.expect_event("/a", 1);
}

#[test]
fn a_newer_websocket_takes_over_and_the_older_is_told() {
    let server = TestServer::start();
    let mut older = WebSocketClient::connected(&server);
    older.subscribe("/a");
    let mut newer: WebSocketClient = older.crossing(&server);
    newer.connect_at_once();
    assert_eq!(older.wire.socket.expect_close(), 4409);
    server.publish("/a", "to the newer");
    newer.expect_event("/a", "to the newer");
}

#[test]
fn a_held_poll_does_not_swallow_what_the_websocket_gets() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let mut polling = LongPollClient::connected(&server);
    polling.subscribe("/a");
    polling.hold();
    server.until_held(1);
    let mut socket: WebSocketClient = polling.crossing(&server);
    socket.hold();
    for n in 0..20 {
        server.publish("/a", &n);
    }
    // Each is heard on one of the two, in order, and the WebSocket gets all but what left before it came.
    let first = socket.event()["data"].as_u64().expect("a number");
    for n in first + 1..20 {
        socket.expect_event("/a", n);
    }
    assert_eq!(first, 0, "the poll was superseded before anything was published");
}

/// Plays ten times: some messages while on one wire, some between the two, the rest on the other.
fn messages_survive<V: Wire, W: Wire>() {
    let server = TestServer::start();
    let mut checker = Checker::new();
    let mut home = LongPollClient::connected(&server);
    home.subscribe("/n");
    let connections = server.counts().connections_open;
    checker.listens_throughout("wanderer", "/n");
    let mut number = 0;
    let mut publish = |checker: &mut Checker, count: u64| {
        for _ in 0..count {
            let note = Note::new("p", number);
            server.publish("/n", &note.data());
            checker.acknowledged("/n", &note);
            number += 1;
        }
    };
    for _ in 0..10 {
        let mut one: Client<V> = home.crossing(&server);
        publish(&mut checker, 7);
        one.events(7).iter().for_each(|event| checker.saw_event("wanderer", event));
        publish(&mut checker, 5);
        let mut other: Client<W> = home.crossing(&server);
        other.events(5).iter().for_each(|event| checker.saw_event("wanderer", event));
        drop((one, other));
        // What is sent to a wire whose end the server has not seen yet is lost without acknowledgements.
        server.until("the wires are seen to be gone", |counts| counts.connections_open <= connections);
    }
    checker.assert_clean();
}

#[test]
fn nothing_is_lost_or_doubled_between_websocket_and_long_polling() {
    messages_survive::<LongPollWire, WebSocketWire>();
}

#[test]
fn nothing_is_lost_or_doubled_between_callback_and_long_polling() {
    messages_survive::<CallbackWire, LongPollWire>();
}

#[test]
fn nothing_is_lost_or_doubled_between_callback_polling_and_websocket() {
    messages_survive::<CallbackWire, WebSocketWire>();
}

#[test]
fn nothing_is_lost_or_doubled_between_long_polling_and_http_streaming() {
    messages_survive::<LongPollWire, StreamWire>();
}

#[test]
fn nothing_is_lost_or_doubled_between_callback_polling_and_http_streaming() {
    messages_survive::<CallbackWire, StreamWire>();
}

#[test]
fn two_sessions_take_turns_on_one_websocket() {
    let server = TestServer::start();
    let mut client = WebSocketClient::connected(&server);
    client.subscribe("/a");
    let first = client.id().to_owned();
    // A second handshake on the same socket opens a second session there.
    client.handshake();
    let second = client.id().to_owned();
    assert_ne!(first, second);
    client.connect();
    client.subscribe("/b");
    server.publish("/b", "for the second");
    client.expect_event("/b", "for the second");
    server.publish("/a", "for the first");
    // Whichever speaks has the wire, and gets what it missed.
    client.connect_as(&first);
    client.expect_event("/a", "for the first");
    server.publish("/b", "for the second again");
    client.connect_as(&second);
    client.expect_event("/b", "for the second again");
}

#[test]
fn a_client_whose_session_is_lost_shakes_hands_again_on_the_same_websocket() {
    let server = TestServer::start();
    let mut client = WebSocketClient::new(&server);
    let reply = client.try_connect(json!({ "clientId": "of the server before" }));
    assert_eq!(
        (&reply["error"], &reply["advice"]["reconnect"]),
        (&json!("402::session_unknown"), &json!("handshake"))
    );
    client.handshake();
    client.connect();
    client.subscribe("/a");
    client.publish("/a", 1);
    client.expect_event("/a", 1);
}

#[test]
fn an_overtaken_connect_does_not_win_the_session_back() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let mut home = LongPollClient::connected(&server);
    home.subscribe("/a");
    let mut older: WebSocketClient = home.crossing(&server);
    let mut newer: WebSocketClient = home.crossing(&server);
    assert_eq!(
        newer.try_connect(json!({ "ext": { "connect": 2 }, "advice": { "timeout": 0 } }))["successful"],
        true
    );
    let refused = older.try_connect(json!({ "ext": { "connect": 1 } }));
    assert_eq!(refused["error"], "409::superseded");
    server.publish("/a", "to the newer");
    newer.expect_event("/a", "to the newer");
}

#[test]
fn a_poll_that_takes_over_from_a_websocket_writes_nothing_but_frames_into_it() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let mut socket = WebSocketClient::connected(&server);
    socket.hold();
    server.until_held(1);
    let mut polling: LongPollClient = socket.crossing(&server);
    polling.hold();
    assert_eq!(socket.wire.socket.expect_close(), 4409);
    assert_eq!(socket.wire.socket.socket().expect_end(), b"");
    assert_eq!(server.endings(comet::Code::Superseded), 1);
}
