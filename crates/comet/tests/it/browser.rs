//! Several sessions of one browser, and ids that leak.

use comet_testkit::{Client, LongPollClient, Socket, TestServer, WebSocketClient, Wire};
use serde_json::json;

/// A second tab of the same browser.
fn tab_beside(server: &TestServer, first: &LongPollClient) -> LongPollClient {
    let mut tab = LongPollClient::new(server);
    tab.wire.set_cookie(first.wire.cookie().expect("a cookie was set"));
    tab.handshake();
    tab
}

#[test]
fn the_second_tab_is_told_to_poll_slowly_while_the_first_holds() {
    let server = TestServer::with(|config| {
        config.session.timeout_ms = 3_600_000;
        config.session.multi_session_interval_ms = 1_234;
    });
    let mut first = LongPollClient::connected(&server);
    first.subscribe("/a");
    first.hold();
    server.until_held(1);

    let mut second = tab_beside(&server, &first);
    second.connect();
    let advice = second.connect()["advice"].clone();
    assert_eq!((&advice["multiple-clients"], &advice["interval"]), (&json!(true), &json!(1_234)));
    assert_eq!(server.counts().connects_held, 1);

    // When the first rests, the second may hold, and is told that it need not wait any more.
    server.publish("/a", "wake");
    first.expect_event("/a", "wake");
    second.hold();
    server.until_held(2);
    second.subscribe("/b");
    server.publish("/b", "now");
    let advice = second.held_reply()["advice"].clone();
    assert_eq!((advice.get("multiple-clients"), &advice["interval"]), (None, &json!(0)));
    second.expect_event("/b", "now");
}

#[test]
fn as_many_tabs_poll_as_the_configuration_lets_a_browser() {
    let server = TestServer::with(|config| {
        config.session.timeout_ms = 3_600_000;
        config.limits.polls_per_browser = 2;
    });
    let mut first = LongPollClient::connected(&server);
    first.hold();
    server.until_held(1);
    let mut second = tab_beside(&server, &first);
    second.connect();
    second.hold();
    server.until_held(2);
    let mut third = tab_beside(&server, &first);
    third.connect();
    assert_eq!(third.connect()["advice"]["multiple-clients"], json!(true));
    assert_eq!(server.counts().connects_held, 2);
}

#[test]
fn tabs_on_websockets_do_not_count() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let first = LongPollClient::connected(&server);
    let mut socket: WebSocketClient = first.crossing(&server);
    socket.hold();
    server.until_held(1);
    let mut second = tab_beside(&server, &first);
    second.connect();
    second.hold();
    server.until_held(2);
}

#[test]
fn tabs_of_one_browser_live_on_one_shard() {
    let server = TestServer::with(|config| {
        config.shards = 4;
        config.session.timeout_ms = 3_600_000;
    });
    for round in 1..=8 {
        let mut first = LongPollClient::connected(&server);
        first.hold();
        server.until_held(round);
        let mut second = tab_beside(&server, &first);
        second.connect();
        assert_eq!(second.connect()["advice"]["multiple-clients"], true);
    }
}

#[test]
fn a_leaked_id_is_of_no_use_without_the_browser_s_cookie() {
    let server = TestServer::start();
    let mut alice = LongPollClient::connected(&server);
    alice.subscribe("/a");
    let mallory = LongPollClient::connected(&server);
    let mut socket = Socket::connect(server.address());
    let connect = json!([{ "channel": "/meta/connect", "clientId": alice.id(), "id": "c" }]).to_string();
    for cookie in ["", mallory.wire.cookie().expect("a cookie was set"), "BAYEUX_BROWSER=", "x=y"] {
        socket.send_post("/cometd", &format!("Cookie: {cookie}\r\n"), &connect);
        let reply = socket.response().messages().remove(0);
        assert_eq!(reply["error"], "402::session_unknown", "{cookie}");
    }
    server.publish("/a", "undisturbed");
    alice.expect_event("/a", "undisturbed");
}

#[test]
fn two_pages_that_a_browser_opens_at_once_keep_their_sessions() {
    let server = TestServer::start();
    let (mut first, mut second) = (LongPollClient::new(&server), LongPollClient::new(&server));
    first.handshake();
    second.handshake();
    // Each was given a cookie, and the browser keeps the one that came last.
    let kept = second.wire.cookie().expect("a cookie was set").to_owned();
    let mut socket = Socket::connect(server.address());
    let mut ask = |cookie: &str, id: &str| {
        let connect = json!([{ "channel": "/meta/connect", "connectionType": "long-polling", "clientId": id, "id": "c", "advice": { "timeout": 0 } }]);
        socket.send_post("/cometd", &format!("Cookie: {cookie}\r\n"), connect.to_string());
        socket.response().messages().remove(0)["successful"] == true
    };
    assert!(ask(&kept, first.id()) && ask(&kept, second.id()));
    let before = first.wire.cookie().expect("a cookie was set");
    assert!(!ask(before, first.id()), "it is the other browser's now");
    assert!(!ask("", first.id()) && ask(&kept, first.id()));
}

#[test]
fn a_client_that_keeps_no_cookies_is_served_all_the_same() {
    let server = TestServer::start();
    let mut client = LongPollClient::new(&server);
    client.handshake();
    let mut socket = Socket::connect(server.address());
    for n in 0..3 {
        let reply = socket.post(&json!([{ "channel": "/a", "data": n, "clientId": client.id(), "id": n }]));
        assert_eq!(reply[0]["successful"], true);
    }
}

#[test]
fn a_cookie_is_set_once_and_hidden_from_scripts() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let hello = r#"[{"channel":"/meta/handshake"}]"#;
    socket.send_post("/cometd", "", hello);
    let answer = socket.response();
    let cookie = answer.field("set-cookie").expect("a cookie").to_owned();
    assert!(
        cookie.starts_with("BAYEUX_BROWSER=")
            && cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Lax")
    );
    let own = cookie.split(';').next().expect("a pair").to_owned();
    socket.send_post("/cometd", &format!("Cookie: other=1; {own}; more=2\r\n"), hello);
    assert_eq!(socket.response().field("set-cookie"), None);
    // A cookie that is none of ours is replaced.
    socket.send_post("/cometd", "Cookie: BAYEUX_BROWSER=forged\r\n", hello);
    assert!(socket.response().field("set-cookie").is_some());
}

#[test]
fn a_browser_that_claims_very_many_sessions_counts_as_none() {
    let server = TestServer::start();
    let first = LongPollClient::connected(&server);
    let mut tabs: Vec<Client<_>> = (0..70).map(|_| tab_beside(&server, &first)).collect();
    for tab in &mut tabs {
        assert_eq!(tab.connect()["successful"], true);
    }
}
