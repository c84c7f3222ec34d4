//! HTTP streaming: one answer that goes on, a line for each batch.

use std::time::{Duration, Instant};

use comet::Code;
use comet_testkit::{
    Client, LongPollClient, PATIENCE, Socket, StreamClient, StreamReader, Streamed, TestServer, Wire,
};
use serde_json::{Value, json};

fn connect(id: &str) -> Value {
    json!([{ "channel": "/meta/connect", "connectionType": "http-streaming", "clientId": id, "id": "c" }])
}

/// A session that listens to `/a` and has no wire.
fn listening(server: &TestServer) -> LongPollClient {
    let mut client = LongPollClient::connected(server);
    client.subscribe("/a");
    client
}

/// A batch of this client, with the cookie of its browser.
fn post(stream: &mut StreamReader, client: &LongPollClient, batch: &Value) {
    let cookie = client.wire.cookie().expect("a cookie was set");
    stream.post(&format!("Cookie: {cookie}\r\n"), batch);
}

/// A stream of a session, its first line read.
fn stream_of<W: Wire>(server: &TestServer, client: &Client<W>) -> StreamReader {
    let mut stream = StreamReader::connect(server.address());
    stream.connect_for(client, None);
    let reply = stream.batch();
    assert_eq!(
        (reply.len(), &reply[0]["id"], &reply[0]["successful"]),
        (1, &json!("c"), &json!(true)),
        "{reply:?}"
    );
    stream
}

#[test]
fn the_answer_begins_with_the_reply_and_goes_on_with_events_as_they_come() {
    let server = TestServer::start();
    let client = listening(&server);
    server.publish("/a", "waited");
    let mut stream = StreamReader::connect(server.address());
    stream.connect_for(&client, None);
    let first = stream.batch();
    assert_eq!(first[0]["advice"], json!({ "reconnect": "retry", "interval": 0, "timeout": 25_000 }));
    assert_eq!(stream.batch()[0]["data"], "waited");
    for n in 0..3 {
        server.publish("/a", &n);
        let batch = stream.batch();
        assert_eq!((batch.len(), &batch[0]["data"]), (1, &json!(n)));
    }
    let head = stream.head().expect("it goes on");
    let fields = [
        ("content-type", "application/x-ndjson"),
        ("cache-control", "no-store, no-transform"),
        ("x-content-type-options", "nosniff"),
        ("x-accel-buffering", "no"),
        ("vary", "Origin"),
    ];
    for (name, value) in fields {
        assert_eq!(head.field(name), Some(value));
    }
    assert_eq!((server.counts().streams_opened, server.counts().connects_held), (1, 0));
}

#[test]
fn a_silent_stream_beats() {
    let server = TestServer::with(|config| config.limits.stream_heartbeat_ms = 50);
    let client = listening(&server);
    let mut stream = stream_of(&server, &client);
    for _ in 0..3 {
        assert!(matches!(stream.next(PATIENCE), Streamed::Heartbeat));
    }
    server.publish("/a", "after the silence");
    assert_eq!(stream.batch()[0]["data"], "after the silence");
}

#[test]
fn the_first_beat_comes_after_stream_probe_ms_and_the_next_after_the_heartbeat() {
    let server = TestServer::with(|config| {
        config.limits.stream_probe_ms = 20;
        config.limits.stream_heartbeat_ms = 3_000;
    });
    let client = listening(&server);
    let mut stream = stream_of(&server, &client);
    let begun = Instant::now();
    assert!(matches!(stream.next(PATIENCE), Streamed::Heartbeat));
    let first = begun.elapsed();
    assert!(matches!(stream.next(PATIENCE), Streamed::Heartbeat));
    // The machine may be slow, but nothing can make the second one come early.
    assert!(begun.elapsed() >= Duration::from_millis(2_900), "{first:?}, {:?}", begun.elapsed());
    assert!(first < begun.elapsed() / 2, "{first:?} of {:?}", begun.elapsed());
}

#[test]
fn no_stream_is_silent_for_longer_than_the_advice_says() {
    let server = TestServer::with(|config| config.session.timeout_ms = 100);
    let client = listening(&server);
    let mut stream = stream_of(&server, &client);
    assert!(matches!(stream.next(PATIENCE), Streamed::Heartbeat));
}

#[test]
fn a_stream_keeps_its_session_alive_and_its_end_starts_the_clock() {
    let server = TestServer::with(|config| {
        config.session.max_interval_ms = 300;
        config.limits.stream_heartbeat_ms = 200;
    });
    let client = listening(&server);
    let mut stream = stream_of(&server, &client);
    // Many times the longest silence.
    for _ in 0..6 {
        assert!(matches!(stream.next(PATIENCE), Streamed::Heartbeat));
    }
    server.publish("/a", "still here");
    assert_eq!(stream.batch()[0]["data"], "still here");
    drop(stream);
    server.until("the session ends", |counts| counts.sessions_open == 0);
    assert_eq!(server.endings(Code::SessionExpired), 1);
}

#[test]
fn a_refused_connect_is_answered_plainly() {
    let server = TestServer::start();
    let mut stream = StreamReader::connect(server.address());
    stream.post("", &connect("of the server before"));
    let Streamed::Answer(answer) = stream.next(PATIENCE) else { panic!("a refusal is no stream") };
    assert_eq!(answer.field("content-type"), Some("application/json"));
    assert_eq!(answer.messages()[0]["error"], "402::session_unknown");
    // The connection takes the next request.
    let client = listening(&server);
    stream.connect_for(&client, None);
    assert_eq!(stream.batch()[0]["successful"], true);
}

#[test]
fn a_connect_that_is_not_to_be_held_or_has_company_is_answered_plainly() {
    let server = TestServer::start();
    let client = listening(&server);
    let mut at_once = connect(client.id());
    at_once[0]["advice"] = json!({ "timeout": 0 });
    let mut company = connect(client.id());
    company
        .as_array_mut()
        .expect("a batch")
        .push(json!({ "channel": "/a", "data": 1, "clientId": client.id() }));
    for batch in [at_once, company] {
        let mut stream = StreamReader::connect(server.address());
        post(&mut stream, &client, &batch);
        let Streamed::Answer(answer) = stream.next(PATIENCE) else { panic!("this opens no stream: {batch}") };
        let replies = answer.messages();
        assert!(replies.iter().any(|reply| reply["id"] == "c" && reply["successful"] == true), "{replies:?}");
    }
    assert_eq!(server.counts().streams_opened, 0);
}

#[test]
fn who_knows_no_chunks_gets_no_stream() {
    let server = TestServer::start();
    let client = listening(&server);
    let body = connect(client.id()).to_string();
    let mut socket = Socket::connect(server.address());
    socket.send(format!("POST /cometd HTTP/1.0\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let answer = socket.response();
    assert_eq!((answer.status, answer.code().as_str()), (400, "request_invalid"));
    for method in ["GET", "HEAD", "PUT"] {
        let mut socket = Socket::connect(server.address());
        socket.send(format!("{method} /cometd HTTP/1.1\r\nHost: x\r\n\r\n"));
        let answer = if method == "HEAD" { socket.response_to_head() } else { socket.response() };
        assert_eq!(answer.status, 405, "{method}");
    }
}

#[test]
fn a_page_of_a_listed_site_may_read_a_stream_and_others_may_not() {
    let server = TestServer::with(|config| config.allowed_origins = vec!["https://partner.example".into()]);
    let client = listening(&server);
    let mut stream = StreamReader::connect(server.address());
    stream.connect_for(&client, Some("https://partner.example"));
    assert_eq!(stream.batch()[0]["successful"], true);
    let head = stream.head().expect("it goes on");
    assert_eq!(head.field("access-control-allow-origin"), Some("https://partner.example"));
    assert_eq!(head.field("access-control-allow-credentials"), Some("true"));
    let mut stream = StreamReader::connect(server.address());
    stream.connect_for(&client, Some("https://evil.example"));
    let Streamed::Answer(answer) = stream.next(PATIENCE) else { panic!("evil gets a stream") };
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden_origin"));
    assert_eq!(answer.field("access-control-allow-origin"), None);
}

#[test]
fn a_client_that_counts_loses_nothing_when_its_stream_is_cut() {
    let server = TestServer::start();
    let mut client = StreamClient::new(&server);
    client.try_handshake(json!({ "ext": { "received": true } }));
    client.try_connect(json!({ "ext": { "received": 0 } }));
    client.subscribe("/a");
    let mut received = 0;
    for round in 0..5 {
        for n in round * 20..round * 20 + 20 {
            server.publish("/a", &n);
        }
        // Some are read, some are on their way, and some are published while there is no wire.
        for _ in 0..7 {
            client.expect_event("/a", received);
            received += 1;
        }
        client.wire.cut();
        client.waiting_events().clear();
        server.publish("/a", "between");
        client.try_connect(json!({ "ext": { "received": received + round } }));
        for n in received..round * 20 + 20 {
            client.expect_event("/a", n);
        }
        client.expect_event("/a", "between");
        received = round * 20 + 20;
    }
}

#[test]
fn a_client_that_acknowledges_connect_replies_polls() {
    let server = TestServer::with(|config| config.session.timeout_ms = 200);
    let mut client = StreamClient::new(&server);
    client.try_handshake(json!({ "ext": { "ack": true } }));
    assert_eq!(client.try_connect(json!({ "ext": { "ack": 0 } }))["ext"]["ack"], 1);
    client.subscribe("/a");
    server.publish("/a", "with a reply");
    assert_eq!(client.try_connect(json!({ "ext": { "ack": 1 } }))["ext"]["ack"], 2);
    client.expect_event("/a", "with a reply");
    assert_eq!(server.counts().streams_opened, 0);
}

#[test]
fn of_one_browser_s_sessions_one_has_a_stream_and_the_others_are_told() {
    let server = TestServer::start();
    let mut first = StreamClient::connected(&server);
    first.subscribe("/a");
    let mut second = StreamClient::new(&server);
    second.wire.set_cookie(first.wire.cookie().expect("a cookie was set"));
    second.handshake();
    assert_eq!(second.connect()["advice"].get("multiple-clients"), None);
    let advice = second.connect()["advice"].clone();
    assert_eq!(advice["multiple-clients"], true, "{advice}");
    first.disconnect();
    server.until("the first is gone", |counts| counts.sessions_open == 1);
    assert_eq!(second.connect()["advice"].get("multiple-clients"), None);
    assert!(second.wire.is_streaming());
}

#[test]
fn a_stream_moves_to_the_shard_of_its_session() {
    let server = TestServer::with(|config| config.shards = 3);
    for n in 0..8 {
        let client = listening(&server);
        let mut stream = stream_of(&server, &client);
        server.publish("/a", &n);
        assert_eq!(stream.batch()[0]["data"], n);
    }
}

#[test]
fn a_request_behind_a_stream_waits_for_its_end() {
    let server = TestServer::with(|config| config.limits.stream_bytes = 1);
    let client = listening(&server);
    let mut stream = stream_of(&server, &client);
    let message = json!([{ "channel": "/b", "data": 1, "clientId": client.id(), "id": "behind" }]);
    post(&mut stream, &client, &message);
    assert!(matches!(stream.next(Duration::from_millis(50)), Streamed::Nothing));
    server.publish("/a", "the last");
    let rest = stream.rest();
    assert_eq!(rest[0][0]["data"], "the last");
    assert_eq!(stream.socket().response().messages()[0]["id"], "behind");
}

#[test]
fn data_of_a_program_with_line_ends_stays_on_its_line() {
    let server = TestServer::start();
    let client = listening(&server);
    let mut stream = stream_of(&server, &client);
    let spread =
        serde_json::value::RawValue::from_string("{\"a\":\r\n [1,\n 2]}".into()).expect("it is JSON");
    server.publish("/a", &spread);
    assert_eq!(stream.batch()[0]["data"], json!({ "a": [1, 2] }));
}
