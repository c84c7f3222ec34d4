//! Timed polling: a GET that names the session and its count, answered at once with what is new or that nothing is.

use comet_testkit::{LongPollClient, Response, Socket, TestServer, WebSocketClient, Wire, eventually};
use serde_json::{Value, json};

const PARTNER: &str = "https://partner.example";

/// A session that counts, polls, and listens to `/a`.
fn polling(server: &TestServer) -> LongPollClient {
    let mut client = LongPollClient::new(server);
    client.try_handshake(json!({ "ext": { "received": true } }));
    let reply = begin(&mut client, 0);
    assert_eq!(reply["advice"]["interval"], 3_000, "{reply}");
    client.subscribe("/a");
    client
}

/// The connect by which a session begins to poll.
fn begin(client: &mut LongPollClient, received: usize) -> Value {
    client.request("/meta/connect", json!({ "connectionType": "polling", "ext": { "received": received } }))
}

/// The fields of a poll, as a browser sends them that was given a cookie.
fn fields(client: &LongPollClient, received: u64) -> String {
    let cookie = client.wire.cookie().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
    format!(
        "Accept: application/json\r\nComet-Client: {}\r\nIf-None-Match: \"{received}\"\r\n{cookie}",
        client.id()
    )
}

fn poll(socket: &mut Socket, client: &LongPollClient, received: u64) -> Response {
    socket.get("/cometd", &fields(client, received))
}

/// Polls with the same count until so many events have come behind it: they may be on their way between the shards.
fn fetch(socket: &mut Socket, client: &LongPollClient, received: u64, events: usize) -> Response {
    let mut fetched = None;
    eventually("the events came", || {
        let answer = poll(socket, client, received);
        let whole = answer.status == 200 && data(&answer.messages()).len() == events;
        fetched = whole.then_some(answer);
        whole
    });
    fetched.expect("they came")
}

fn data(batch: &[Value]) -> Vec<u64> {
    batch.iter().filter_map(|message| message["data"].as_u64()).collect()
}

#[test]
fn a_poll_brings_what_is_above_its_count_or_nothing() {
    for shards in [1, 3] {
        let server = TestServer::with(|config| config.shards = shards);
        let client = polling(&server);
        let mut socket = Socket::connect(server.address());
        let silent = poll(&mut socket, &client, 0);
        assert_eq!((silent.status, silent.field("etag"), silent.body.len()), (304, Some("\"0\""), 0));
        assert_eq!((silent.field("content-length"), silent.field("content-type")), (None, None));
        let time_ms = silent.field("comet-time").and_then(|time| time.parse::<u64>().ok());
        assert!(time_ms.is_some_and(|time_ms| time_ms > 1_700_000_000_000), "nothing older is missing");
        (0..3).for_each(|number| _ = server.publish("/a", &number));
        let answer = fetch(&mut socket, &client, 0, 3);
        assert_eq!(answer.field("etag"), Some("\"3\""));
        let batch = answer.messages();
        assert_eq!(data(&batch), [0, 1, 2]);
        let reply = batch.last().expect("it ends with a reply");
        assert_eq!((&reply["channel"], &reply["successful"]), (&json!("/meta/connect"), &json!(true)));
        assert!(reply.get("id").is_none(), "nobody has given it one: {reply}");
        assert_eq!(poll(&mut socket, &client, 3).status, 304);
        assert!(!answer.closes(), "all of it on one connection");
    }
}

#[test]
fn what_was_lost_with_an_answer_comes_with_the_next() {
    let server = TestServer::start();
    let client = polling(&server);
    let mut socket = Socket::connect(server.address());
    (0..5).for_each(|number| _ = server.publish("/a", &number));
    assert_eq!(data(&fetch(&mut socket, &client, 0, 5).messages()), [0, 1, 2, 3, 4]);
    let mut another = Socket::connect(server.address());
    server.publish("/a", &5);
    let answer = fetch(&mut another, &client, 2, 4);
    assert_eq!((data(&answer.messages()), answer.field("etag")), (vec![2, 3, 4, 5], Some("\"6\"")));
    let late = poll(&mut socket, &client, 1);
    assert_eq!((late.status, late.code().as_str()), (409, "superseded"), "that one was overtaken");
    assert_eq!(poll(&mut another, &client, 6).status, 304, "and the session has not noticed");
}

#[test]
fn no_answer_to_a_poll_may_be_kept_by_anybody() {
    let server = TestServer::start();
    let client = polling(&server);
    let ask = |fields: &str| Socket::connect(server.address()).get("/cometd", fields);
    let silent = ask(&fields(&client, 0));
    server.publish("/a", &0);
    let answer = fetch(&mut Socket::connect(server.address()), &client, 0, 1);
    let stranger = ask("Comet-Client: nobody\r\nIf-None-Match: \"0\"\r\n");
    let refused = ask(&format!("Comet-Client: {}\r\n", client.id()));
    let overtaken = {
        ask(&fields(&client, 1));
        ask(&fields(&client, 0))
    };
    let statuses = [&silent, &answer, &stranger, &refused, &overtaken].map(|answer| answer.status);
    assert_eq!(statuses, [304, 200, 200, 400, 409]);
    for answer in [silent, answer, stranger, refused, overtaken] {
        assert_eq!(answer.field("cache-control"), Some("no-store"), "{answer:?}");
        assert!(answer.field("vary").is_some_and(|vary| vary.contains("Origin")), "{answer:?}");
        assert_eq!((answer.field("last-modified"), answer.field("expires")), (None, None));
    }
}

#[test]
fn a_session_that_is_gone_is_told_to_shake_hands() {
    let server = TestServer::with(|config| config.shards = 2);
    let mut client = polling(&server);
    client.disconnect();
    let answer = poll(&mut Socket::connect(server.address()), &client, 0);
    let reply = &answer.messages()[0];
    assert_eq!((&reply["successful"], &reply["advice"]["reconnect"]), (&json!(false), &json!("handshake")));
    assert!(reply["error"].as_str().is_some_and(|error| error.starts_with("402")), "{reply}");
    assert_eq!(answer.field("etag"), None, "there is nothing to count");
}

#[test]
fn a_session_that_polls_no_more_ends() {
    let server = TestServer::with(|config| {
        (config.session.poll_interval_ms, config.session.max_interval_ms) = (100, 900);
    });
    let mut client = LongPollClient::new(&server);
    client.try_handshake(json!({ "ext": { "received": true } }));
    begin(&mut client, 0);
    poll(&mut Socket::connect(server.address()), &client, 0);
    server.until("the session is over", |counts| counts.sessions_open == 0);
}

#[test]
fn a_client_that_does_not_count_polls_by_post_alone() {
    let server = TestServer::start();
    let mut client = LongPollClient::new(&server);
    client.try_handshake(json!({}));
    let connect = json!({ "connectionType": "polling" });
    client.request("/meta/connect", connect.clone());
    client.subscribe("/a");
    let refused = poll(&mut Socket::connect(server.address()), &client, 0);
    assert_eq!((refused.status, refused.code().as_str()), (400, "request_invalid"));
    server.publish("/a", &7);
    eventually("the event came", || {
        assert_eq!(client.request("/meta/connect", connect.clone())["successful"], true);
        !client.waiting_events().is_empty()
    });
    client.expect_event("/a", 7);
    assert_eq!(server.counts().connects_held, 0);
}

#[test]
fn a_poll_without_a_count_is_refused() {
    let server = TestServer::start();
    let client = polling(&server);
    for condition in ["", "If-None-Match: *\r\n", "If-None-Match: \"abc\"\r\n", "If-None-Match: 0\r\n"] {
        let asked = format!("Comet-Client: {}\r\n{condition}", client.id());
        let refused = Socket::connect(server.address()).get("/cometd", &asked);
        assert_eq!((refused.status, refused.code().as_str()), (400, "request_invalid"), "{condition}");
    }
    let beyond = poll(&mut Socket::connect(server.address()), &client, 1);
    assert_eq!(beyond.messages()[0]["successful"], false, "more than was sent");
    assert_eq!(
        poll(&mut Socket::connect(server.address()), &client, 0).status,
        304,
        "the session is as ever"
    );
}

#[test]
fn a_burst_that_one_answer_cannot_carry_is_fetched_without_a_rest() {
    let server = TestServer::with(|config| config.limits.messages_per_write = 10);
    let client = polling(&server);
    (0..25).for_each(|number| _ = server.publish("/a", &number));
    let mut socket = Socket::connect(server.address());
    eventually("all of them wait", || server.counts().publications >= 25);
    let (mut received, mut rests) = (Vec::new(), Vec::new());
    while received.len() < 25 {
        let batch = poll(&mut socket, &client, received.len() as u64).messages();
        received.extend(data(&batch));
        rests.push(batch.last().expect("a reply")["advice"]["interval"].clone());
    }
    assert_eq!(received, (0..25).collect::<Vec<_>>());
    assert_eq!(rests, [json!(0), json!(0), json!(3_000)]);
}

#[test]
fn a_session_goes_from_polls_to_a_websocket_and_back_and_misses_nothing() {
    let server = TestServer::with(|config| config.shards = 2);
    let mut client = polling(&server);
    let mut socket = Socket::connect(server.address());
    (0..4).for_each(|number| _ = server.publish("/a", &number));
    assert_eq!(data(&fetch(&mut socket, &client, 0, 4).messages()), [0, 1, 2, 3]);
    let mut fast: WebSocketClient = client.crossing(&server);
    let count = |received: usize| json!({ "ext": { "received": received }, "advice": { "timeout": 0 } });
    assert_eq!(fast.try_connect(count(2))["successful"], true);
    assert_eq!(data(&fast.events(2)), [2, 3], "the rest of the answer was lost");
    assert_eq!(poll(&mut socket, &client, 4).status, 409, "a poll that was under way for long");
    server.publish("/a", &4);
    assert_eq!(data(&fast.events(1)), [4], "and its wire has not noticed");
    let reply = begin(&mut client, 5);
    assert_eq!(reply["successful"], true, "{reply}");
    server.publish("/a", &5);
    assert_eq!(data(&fetch(&mut Socket::connect(server.address()), &client, 5, 1).messages()), [5]);
}

#[test]
fn pages_of_a_listed_site_may_poll_and_read_the_count() {
    let server = TestServer::with(|config| config.allowed_origins = vec![PARTNER.into()]);
    let client = polling(&server);
    let mut socket = Socket::connect(server.address());
    let question = "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: comet-client,if-none-match\r\n";
    socket.send(format!("OPTIONS /cometd HTTP/1.1\r\nHost: x\r\nOrigin: {PARTNER}\r\n{question}\r\n"));
    let allowed = socket.response().field("access-control-allow-headers").map(str::to_lowercase);
    let allowed = allowed.expect("the site is listed");
    assert!(["comet-client", "if-none-match"].iter().all(|field| allowed.contains(field)), "{allowed}");
    let ask = |origin: &str, received: u64| {
        let asked = format!("Origin: {origin}\r\n{}", fields(&client, received));
        Socket::connect(server.address()).get("/cometd", &asked)
    };
    let silent = ask(PARTNER, 0);
    server.publish("/a", &1);
    eventually("the event came", || ask(PARTNER, 0).status == 200);
    for (answer, status) in [(silent, 304), (ask(PARTNER, 0), 200)] {
        assert_eq!(answer.status, status);
        assert_eq!(answer.field("access-control-allow-origin"), Some(PARTNER));
        assert_eq!(answer.field("access-control-expose-headers"), Some("Comet-Time, ETag"));
    }
    let refused = ask("https://evil.example", 1);
    assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden_origin"));
}

#[test]
fn a_stolen_id_without_the_cookie_of_its_browser_polls_nothing() {
    let server = TestServer::start();
    let client = polling(&server);
    server.publish("/a", &1);
    let asked = format!("Comet-Client: {}\r\nIf-None-Match: \"0\"\r\n", client.id());
    let answer = Socket::connect(server.address()).get("/cometd", &asked);
    assert_eq!(answer.messages()[0]["successful"], false);
    assert_eq!(data(&fetch(&mut Socket::connect(server.address()), &client, 0, 1).messages()), [1]);
}

#[test]
fn a_server_that_does_not_speak_polling_says_so() {
    let server = TestServer::with(|config| {
        config.session.connection_types.retain(|kind| *kind != comet::ConnectionType::Polling);
    });
    let mut client = LongPollClient::new(&server);
    let reply = client.try_handshake(json!({ "ext": { "received": true } }));
    let supported = reply["supportedConnectionTypes"].as_array().expect("a list");
    assert!(!supported.contains(&json!("polling")));
    assert_eq!(begin(&mut client, 0)["successful"], false);
    assert_eq!(poll(&mut Socket::connect(server.address()), &client, 0).status, 409);
}
