//! Sessions that change their transport while messages are on their way.

use comet_testkit::{Client, LongPollClient, LongPollWire, Note, TestServer, WebSocketClient, WebSocketWire};
use comet_testkit::{CallbackWire, Checker, Wire};

/// The session of one client, taken up on another wire.
fn cross<V: Wire>(server: &TestServer, client_id: &str) -> Client<V> {
    Client::resumed(server, client_id)
}

#[test]
fn a_session_moves_from_long_polling_to_a_websocket_and_back() {
    let server = TestServer::start();
    let mut polling = LongPollClient::connected(&server);
    polling.subscribe("/a");
    server.publish("/a", "queued before the WebSocket");

    let mut socket: WebSocketClient = cross(&server, polling.id());
    assert_eq!(socket.connect()["successful"], true);
    socket.expect_event("/a", "queued before the WebSocket");
    server.publish("/a", "on the WebSocket");
    socket.expect_event("/a", "on the WebSocket");
    drop(socket);
    server.until("the WebSocket is gone", |counts| counts.connections_open <= 1);

    server.publish("/a", "on the poll");
    polling.expect_event("/a", "on the poll");
}

#[test]
fn a_handshake_by_post_can_be_followed_by_a_websocket() {
    let server = TestServer::start();
    let mut polling = LongPollClient::new(&server);
    polling.handshake();
    let mut socket: WebSocketClient = cross(&server, polling.id());
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
    let mut newer: WebSocketClient = cross(&server, older.id());
    newer.connect();
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
    let mut socket: WebSocketClient = cross(&server, polling.id());
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

fn messages_survive<V: Wire, W: Wire>() {
    let server = TestServer::start();
    let mut checker = Checker::new();
    let mut home = LongPollClient::connected(&server);
    home.subscribe("/n");
    checker.listens_throughout("wanderer", "/n");
    let cookie = home.wire.cookie().expect("a cookie was set").to_owned();
    let _ = cookie;
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
        let mut one: Client<V> = cross(&server, home.id());
        publish(&mut checker, 7);
        for event in one.events(7) {
            checker.saw_event("wanderer", &event);
        }
        publish(&mut checker, 5);
        let mut other: Client<W> = cross(&server, home.id());
        other.connect();
        let waiting: Vec<_> = other.waiting_events().drain(..).collect();
        let rest = 5 - waiting.len();
        for event in waiting.into_iter().chain(other.events(rest)) {
            checker.saw_event("wanderer", &event);
        }
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
fn two_sessions_take_turns_on_one_websocket() {
    let server = TestServer::start();
    let mut first = WebSocketClient::connected(&server);
    first.subscribe("/a");
    let first_id = first.id().to_owned();
    // A second handshake on the same socket opens a second session there.
    first.handshake();
    assert_ne!(first.id(), first_id);
    first.connect();
    first.subscribe("/b");
    server.publish("/b", "for the second");
    first.expect_event("/b", "for the second");
    // The first goes on wherever it is taken up again, with what it missed.
    server.publish("/a", "for the first");
    let mut again: WebSocketClient = cross(&server, &first_id);
    again.connect();
    again.expect_event("/a", "for the first");
    server.publish("/b", "and the second is undisturbed");
    first.expect_event("/b", "and the second is undisturbed");
}
