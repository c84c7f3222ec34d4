//! Feeds: plain server-sent events for pages without a client of ours.

use std::sync::{Arc, Mutex};

use comet::{Client, Code, Denied, Handshake, Identity, Pattern, Policy, RawValue};
use comet_testkit::{FeedReader, LongPollClient, Response, Socket, TestServer, Wire, eventually};
use serde_json::json;

fn open(server: &TestServer, target: &str) -> FeedReader {
    open_with(server, target, "").begun()
}

fn open_with(server: &TestServer, target: &str, fields: &str) -> FeedReader {
    let feed = FeedReader::open(server.address(), target, fields);
    feed.unwrap_or_else(|refusal| panic!("refused: {refusal:?}"))
}

fn refused(server: &TestServer, target: &str, fields: &str) -> (u16, String) {
    let Err(answer) = FeedReader::open(server.address(), target, fields) else {
        panic!("{target} opens a feed")
    };
    (answer.status, answer.code())
}

#[test]
fn a_page_hears_its_channels_by_name_and_gets_the_data_alone() {
    let server = TestServer::start();
    let mut feed = open(&server, "/events?channel=/a&channel=/b/*");
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(feed.head().field(name), Some(value));
    }
    assert_eq!(feed.head().field("set-cookie"), None);
    assert_eq!(feed.retry_ms(), Some(1_000));
    server.publish("/b/1", &json!({ "text": "a line\nand another\u{2028}\r\n\u{0}\u{1f600}" }));
    server.publish("/c", &0);
    server.publish("/a", &1);
    let event = feed.event().expect("an event");
    assert_eq!(event.name, "/b/1");
    assert_eq!(event.data, json!({ "text": "a line\nand another\u{2028}\r\n\u{0}\u{1f600}" }));
    let event = feed.event().expect("an event");
    assert_eq!((event.name.as_str(), event.data), ("/a", json!(1)));
}

#[test]
fn data_on_several_lines_and_ext_of_a_publisher_make_no_other_event() {
    let server = TestServer::start();
    let mut feed = open(&server, "/events?channel=/a");
    let mut socket = Socket::connect(server.address());
    let mut client = LongPollClient::connected(&server);
    let batch = format!(
        "[{{\"channel\":\"/a\",\"clientId\":\"{}\",\"ext\":{{\"data\":\"\\nevent: x\\n\\n\"}},\"data\":{{\r\n\r\n\"a\":\n1\r}}}}]",
        client.id()
    );
    let cookie = format!("Cookie: {}\r\n", client.wire.cookie().expect("a cookie was set"));
    socket.send_post("/cometd", &cookie, batch);
    assert_eq!(socket.response().status, 200);
    let event = feed.event().expect("an event");
    assert_eq!((event.name.as_str(), event.data), ("/a", json!({ "a": 1 })));
    server.publish("/a", &2);
    assert_eq!(feed.data(), 2);
    client.disconnect();
}

#[test]
fn all_that_listen_to_one_channel_get_the_same_bytes() {
    let server = TestServer::start();
    let mut feeds: Vec<_> = (0..3).map(|_| open(&server, "/events?channel=/a")).collect();
    for n in 0..5 {
        server.publish("/a", &n);
    }
    for n in 0..5 {
        let events: Vec<_> = feeds.iter_mut().map(|feed| feed.event().expect("an event")).collect();
        assert!(events.iter().all(|event| *event == events[0] && event.data == n), "{events:?}");
    }
}

#[test]
fn a_feed_that_is_left_leaves_no_session() {
    let server = TestServer::start();
    let feed = open(&server, "/events?channel=/a&channel=/b");
    assert_eq!(server.counts().sessions_open, 1);
    drop(feed);
    server.until("the session ends with its wire", |counts| counts.sessions_open == 0);
    drop(open(&server, "/events?channel=/a"));
    server.until("this one too", |counts| counts.sessions_open == 0);
}

#[test]
fn what_asks_for_nothing_good_is_refused_with_its_code() {
    let server = TestServer::start();
    let many: String = (0..129).map(|n| format!("&channel=/a/{n}")).collect();
    let long = format!("/events?channel=/{}", "a".repeat(300));
    let bad: [(&str, u16, &str); 13] = [
        ("/events", 400, "subscription_missing"),
        ("/events?channel=", 400, "subscription_invalid"),
        ("/events?channel=a", 400, "subscription_invalid"),
        ("/events?channel=/a%0Aid:1", 400, "subscription_invalid"),
        ("/events?channel=/a/*/b", 400, "channel_invalid"),
        ("/events?channel=/meta/connect", 403, "subscribe_denied"),
        ("/events?channel=/meta/*", 403, "subscribe_denied"),
        ("/events?channel=/service/x", 403, "subscribe_denied"),
        ("/events?channel=/a&since=yesterday", 400, "request_invalid"),
        ("/events?channel=/a&since=9999d", 400, "request_invalid"),
        ("/events?channel=/a&since=1m&since=2m", 400, "request_invalid"),
        ("/events?channel=%zz", 400, "request_invalid"),
        (&long, 400, "subscription_invalid"),
    ];
    for (target, status, code) in bad {
        assert_eq!(refused(&server, target, ""), (status, code.to_owned()), "{target}");
    }
    let target = format!("/events?{}", &many[1..]);
    assert_eq!(refused(&server, &target, ""), (429, "subscriptions_too_many".into()));
    assert_eq!(
        refused(&server, "/events?channel=/a", "Last-Event-ID: x\r\n"),
        (400, "request_invalid".into())
    );
    server.until("no session is left behind", |counts| counts.sessions_open == 0);
}

#[test]
fn only_get_opens_a_feed() {
    let server = TestServer::start();
    for method in ["POST", "PUT", "DELETE"] {
        let mut socket = Socket::connect(server.address());
        socket.send(format!("{method} /events?channel=/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(socket.response().code(), "method_unsupported", "{method}");
    }
    let mut socket = Socket::connect(server.address());
    socket.send("HEAD /events?channel=/a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(socket.response_to_head().status, 405);
    let mut socket = Socket::connect(server.address());
    socket.send("GET /events?channel=/a HTTP/1.0\r\nHost: x\r\n\r\n");
    assert_eq!(socket.response().code(), "request_invalid");
}

#[test]
fn the_path_is_what_the_configuration_says() {
    let server = TestServer::with(|config| config.events_path = Some("/news/live".into()));
    open(&server, "/news/live?channel=/a");
    for path in ["/events?channel=/a", "/news/live/more?channel=/a", "/news?channel=/a"] {
        assert_eq!(Socket::connect(server.address()).get(path, "").status, 404, "{path}");
    }
    let server = TestServer::with(|config| config.events_path = None);
    assert_eq!(Socket::connect(server.address()).get("/events?channel=/a", "").status, 404);
}

#[test]
fn a_connection_that_has_brought_a_page_may_bring_a_feed() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    assert_eq!(socket.get("/comet.js", "").status, 200);
    socket.send("GET /events?channel=/a HTTP/1.1\r\nHost: x\r\n\r\n");
    eventually("the feed is there", || server.counts().streams_opened == 1);
    assert_eq!(server.counts().sessions_open, 1);
}

#[test]
fn pages_of_listed_sites_may_listen_and_others_may_not() {
    let server = TestServer::with(|config| config.allowed_origins = vec!["https://partner.example".into()]);
    for fields in ["Origin: https://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        assert_eq!(
            refused(&server, "/events?channel=/a", fields),
            (403, "forbidden_origin".into()),
            "{fields}"
        );
    }
    let feed = open_with(&server, "/events?channel=/a", "Origin: https://partner.example\r\n");
    assert_eq!(feed.head().field("access-control-allow-origin"), Some("https://partner.example"));
    assert_eq!(feed.head().field("access-control-allow-credentials"), Some("true"));
    let mut socket = Socket::connect(server.address());
    socket.send("OPTIONS /events HTTP/1.1\r\nHost: x\r\nOrigin: https://partner.example\r\n\r\n");
    let allowed = socket.response();
    let fields = allowed.field("access-control-allow-headers").expect("fields");
    assert!(fields.contains("Authorization") && fields.contains("Last-Event-ID"), "{fields}");
    // A refusal can be read by the page it is for.
    let Err(answer) = FeedReader::open(server.address(), "/events", "Origin: https://partner.example\r\n")
    else {
        panic!("nothing was asked for");
    };
    assert_eq!(answer.field("access-control-allow-origin"), Some("https://partner.example"));
}

/// Lets in by token or cookie, and to `/staff/**` only staff.
struct Door;

impl Policy for Door {
    async fn authenticate(&self, hello: &Handshake) -> Result<Identity, Denied> {
        tokio::task::yield_now().await;
        assert!(hello.request.target.starts_with("/events?"), "{}", hello.request.target);
        let subject =
            hello.token().or_else(|| hello.request.cookie.as_ref()?.strip_prefix("who=").map(Into::into));
        match subject.as_deref() {
            Some("old") => Err(Denied::because("it is old").code(Code::TokenExpired)),
            Some("nobody") => Err(Denied::because("nobody")),
            subject => Ok(Identity { subject: subject.unwrap_or_default().into(), ..Identity::default() }),
        }
    }

    async fn may_subscribe(&self, client: &Client, pattern: &Pattern) -> Result<(), Denied> {
        let is_staff = client.identity().subject == "staff";
        if pattern.as_str().starts_with("/staff") && !is_staff {
            Err(Denied::because("staff only"))
        } else {
            Ok(())
        }
    }

    async fn may_publish(&self, _: &Client, _: &comet::Channel, _: &RawValue) -> Result<(), Denied> {
        Ok(())
    }
}

#[test]
fn the_policy_judges_a_page_as_it_judges_any_client() {
    let server = TestServer::run(TestServer::builder().policy(Door));
    open(&server, "/events?channel=/a");
    let denied = |fields: &str, target: &str| refused(&server, target, fields);
    assert_eq!(denied("", "/events?channel=/staff/1"), (403, "subscribe_denied".into()));
    assert_eq!(denied("", "/events?channel=/a&channel=/staff/*"), (403, "subscribe_denied".into()));
    assert_eq!(denied("Authorization: Bearer old\r\n", "/events?channel=/a"), (401, "token_expired".into()));
    assert_eq!(
        denied("Authorization: bearer nobody\r\n", "/events?channel=/a"),
        (403, "handshake_denied".into())
    );
    for fields in ["Authorization: Bearer staff\r\n", "Cookie: who=staff\r\n"] {
        let mut feed = open_with(&server, "/events?channel=/staff/1", fields).begun();
        server.publish("/staff/1", &7);
        assert_eq!(feed.data(), 7);
    }
    // A token in the address is no token.
    assert_eq!(
        denied("", "/events?channel=/staff/1&token=staff&access_token=staff"),
        (403, "subscribe_denied".into())
    );
}

#[test]
fn too_many_sessions_are_refused_by_sessions() {
    let server = TestServer::with(|config| config.limits.sessions = 1);
    let first = open(&server, "/events?channel=/a");
    assert_eq!(refused(&server, "/events?channel=/a", ""), (503, "too_many_sessions".into()));
    drop(first);
    server.until("there is room again", |counts| counts.sessions_open == 0);
    open(&server, "/events?channel=/a");
}

#[test]
fn a_silent_feed_beats_with_comments() {
    let server = TestServer::with(|config| config.limits.stream_heartbeat_ms = 50);
    let mut feed = open(&server, "/events?channel=/a");
    feed.beats(3);
    server.publish("/a", &1);
    assert_eq!(feed.data(), 1);
}

/// Lets everyone in and remembers who has subscribed last.
#[derive(Clone, Default)]
struct Watched(Arc<Mutex<Option<Client>>>);

impl Policy for Watched {
    async fn authenticate(&self, _: &Handshake) -> Result<Identity, Denied> {
        Ok(Identity::default())
    }

    async fn may_subscribe(&self, client: &Client, _: &Pattern) -> Result<(), Denied> {
        *self.0.lock().expect("nothing panics in here") = Some(client.clone());
        Ok(())
    }

    async fn may_publish(&self, _: &Client, _: &comet::Channel, _: &RawValue) -> Result<(), Denied> {
        Ok(())
    }
}

#[test]
fn a_feed_that_the_server_ends_is_told_why_behind_its_last_event() {
    let watched = Watched::default();
    let server = TestServer::run(TestServer::builder().policy(watched.clone()));
    for channels in ["channel=/a", "channel=/a&channel=/b"] {
        let mut feed = open(&server, &format!("/events?{channels}"));
        server.publish("/a", &1);
        let client =
            watched.0.lock().expect("nothing panics in here").take().expect("somebody has subscribed");
        client.disconnect();
        assert_eq!(feed.data(), 1);
        let end = feed.event().expect("a word");
        assert_eq!((end.name.as_str(), &end.data["code"]), ("end", &json!("disconnected_by_server")));
        assert_eq!(feed.event(), None);
    }
}

#[test]
fn a_reader_that_has_hung_up_leaves_no_session_behind() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 3_600_000);
    let mut socket = Socket::connect(server.address());
    socket.send("GET /events?channel=/a HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.finish();
    socket.expect_end();
    eventually("nobody listens", || server.counts().sessions_open == 0);
}

#[test]
fn a_graceful_stop_says_when_to_come_back_and_does_not_make_browsers_give_up() {
    let mut server = TestServer::start();
    let mut feed = open(&server, "/events?channel=/a");
    server.publish("/a", &1);
    let address = server.address();
    let stop = server.begin_drain();
    assert_eq!(feed.data(), 1);
    assert_eq!(feed.event(), None);
    assert!(feed.retry_ms().is_some_and(|retry_ms| retry_ms <= 5_000));
    // Whoever comes before the server is gone may be told the same.
    if let Some(mut socket) = Socket::try_connect(address)
        && socket
            .try_send("GET /events?channel=/a HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
            .is_ok()
        && let Some(answer) = socket.try_response(std::time::Duration::from_secs(1))
    {
        is_put_off(&answer);
    }
    server.finish(stop);
}

fn is_put_off(answer: &Response) {
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with("retry: "), "{answer:?}");
}
