//! Connects out of order, sessions that are not there, and sessions that end.

use std::time::Duration;

use comet::Code;
use comet_testkit::{LongPollClient, Socket, TestServer, WebSocketClient, Wire, eventually};
use serde_json::{Value, json};

fn long_timeout() -> TestServer {
    TestServer::with(|config| config.session.timeout_ms = 3_600_000)
}

fn connect(client_id: &str) -> Value {
    json!([{ "channel": "/meta/connect", "connectionType": "long-polling", "clientId": client_id, "id": "c" }])
}

#[test]
fn a_second_connect_ends_the_first_with_409_and_takes_its_place() {
    let server = long_timeout();
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    let cookie = format!("Cookie: {}\r\n", client.wire.cookie().expect("a cookie was set"));
    let connect = connect(client.id()).to_string();
    let [mut first, mut second] = [0, 1].map(|_| Socket::connect(server.address()));
    first.send_post("/cometd", &cookie, &connect);
    server.until_held(1);
    second.send_post("/cometd", &cookie, &connect);
    let answer = first.response();
    assert_eq!((answer.status, answer.code().as_str()), (409, "superseded"));
    server.publish("/a", "for the second");
    let messages = second.response().messages();
    assert_eq!(messages[0]["data"], "for the second");
    assert_eq!(messages[1]["successful"], true);
}

#[test]
fn a_stranger_s_connect_is_told_to_handshake() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    for id in ["", "x", "00000000000000000000000000000000000000000000000000", "\u{0}", "é"] {
        let reply = socket.post(&connect(id)).remove(0);
        assert_eq!(reply["error"], "402::session_unknown", "{id}");
        assert_eq!(reply["advice"]["reconnect"], "handshake");
        assert_eq!(reply["successful"], false);
    }
}

#[test]
fn every_message_of_a_stranger_is_refused_and_does_nothing() {
    let server = TestServer::start();
    let mut witness = WebSocketClient::connected(&server);
    witness.subscribe("/**");
    let mut socket = Socket::connect(server.address());
    for message in [
        json!({ "channel": "/a", "data": 1 }),
        json!({ "channel": "/a", "data": 1, "clientId": "guess" }),
        json!({ "channel": "/meta/subscribe", "subscription": "/a", "clientId": "guess" }),
        json!({ "channel": "/meta/unsubscribe", "subscription": "/a" }),
        json!({ "channel": "/meta/disconnect", "clientId": "guess" }),
        json!({ "channel": "/service/x", "data": 1 }),
    ] {
        let reply = socket.post(&json!([message])).remove(0);
        assert_eq!(reply["error"], "402::session_unknown", "{message}");
    }
    server.publish("/end", "the first thing heard");
    witness.expect_event("/end", "the first thing heard");
}

#[test]
fn a_session_that_stays_silent_expires() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 700);
    let mut client = LongPollClient::connected(&server);
    server.until("the session expires", |counts| counts.sessions_open == 0);
    assert_eq!(server.endings(Code::SessionExpired), 1);
    let reply = client.try_connect(json!({}));
    assert_eq!(reply["error"], "402::session_unknown");
    assert_eq!(reply["advice"]["reconnect"], "handshake");
}

#[test]
fn a_session_that_never_connects_expires_too() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 700);
    LongPollClient::new(&server).handshake();
    server.until("the session expires", |counts| counts.sessions_open == 0);
}

#[test]
fn a_held_connect_keeps_a_session_alive_longer_than_its_silence_may_last() {
    let server = TestServer::with(|config| {
        config.session.max_interval_ms = 700;
        config.session.timeout_ms = 2_500;
    });
    let mut client = LongPollClient::connected(&server);
    client.hold();
    assert_eq!(client.held_reply()["successful"], true);
    assert_eq!(server.endings(Code::SessionExpired), 0);
}

#[test]
fn an_open_websocket_does_not_keep_a_session_whose_client_no_longer_connects() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 700);
    let mut client = WebSocketClient::connected(&server);
    assert_eq!(client.wire.socket.expect_close(), 4402);
    assert_eq!(server.endings(Code::SessionExpired), 1);
}

#[test]
fn a_lost_websocket_lets_its_session_expire() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 700);
    let client = WebSocketClient::connected(&server);
    drop(client);
    server.until("the session expires", |counts| counts.sessions_open == 0 && counts.connections_open == 0);
}

#[test]
fn a_client_that_hangs_up_loses_no_message() {
    let server = long_timeout();
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    for n in 0..5 {
        let mut again: LongPollClient = client.crossing(&server);
        again.hold();
        server.until_held(n + 1);
        drop(again);
        server.until("the poll is seen to be gone", |counts| counts.connections_open == 2);
        server.publish("/a", &n);
        client.expect_event("/a", n);
    }
}

#[test]
fn the_end_of_a_session_is_told_to_the_program_with_its_reason() {
    use std::sync::{Arc, Mutex};
    let ended = Arc::new(Mutex::new(Vec::new()));
    let note = ended.clone();
    let mut config = TestServer::config();
    config.session.max_interval_ms = 700;
    let builder = comet::Comet::builder().config(config);
    let server = TestServer::run(builder.on_session_end(move |client, code| {
        note.lock().unwrap().push((client.id().to_owned(), code));
    }));
    let mut polite = LongPollClient::connected(&server);
    polite.disconnect();
    let silent = LongPollClient::connected(&server);
    let expected =
        [(polite.id().to_owned(), Code::Disconnected), (silent.id().to_owned(), Code::SessionExpired)];
    eventually("both endings are told", || ended.lock().unwrap().len() == 2);
    assert_eq!(*ended.lock().unwrap(), expected);
}

#[test]
fn a_client_may_ask_to_be_answered_at_once_or_sooner() {
    let server = long_timeout();
    let mut client = LongPollClient::connected(&server);
    let reply = client.try_connect(json!({ "advice": { "timeout": 0 } }));
    assert_eq!(reply["successful"], true);
    assert_eq!(server.counts().connects_held, 0);
    let reply = client.try_connect(json!({ "advice": { "timeout": 100 } }));
    assert_eq!(reply["successful"], true);
    assert_eq!(server.counts().connects_held, 1);
}

#[test]
fn an_id_of_one_session_is_of_no_use_to_guess_another() {
    let server = TestServer::start();
    let mut ids: Vec<_> = (0..20)
        .map(|_| {
            let mut client = WebSocketClient::new(&server);
            client.handshake();
            client.id().to_owned()
        })
        .collect();
    let mut socket = Socket::connect(server.address());
    for id in &ids {
        let mut forged = id.clone().into_bytes();
        for at in [0, 20, 31, 32, 40, 49] {
            let kept = forged[at];
            forged[at] = if kept == b'0' { b'1' } else { b'0' };
            let reply = socket.post(&connect(std::str::from_utf8(&forged).unwrap())).remove(0);
            assert_eq!(reply["error"], "402::session_unknown");
            forged[at] = kept;
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[test]
fn a_second_disconnect_is_of_an_unknown_session() {
    let server = TestServer::start();
    let mut client = LongPollClient::connected(&server);
    assert_eq!(client.disconnect()["successful"], true);
    assert_eq!(client.disconnect()["error"], "402::session_unknown");
}

#[test]
fn a_disconnected_websocket_is_closed_with_1000() {
    let server = TestServer::start();
    let mut client = WebSocketClient::connected(&server);
    assert_eq!(client.disconnect()["successful"], true);
    assert_eq!(client.wire.socket.expect_close(), 1000);
    server.until("everything is gone", |counts| counts.sessions_open == 0);
    let _ = client.wire.socket.try_receive(Duration::from_millis(1));
}
