//! Event streams as Faye's clients open them: by the id of their session, beside their connects.

use comet_testkit::{LongPollClient, PATIENCE, Response, StreamReader, Streamed, TestServer, Wire};
use serde_json::{Value, json};

fn faye() -> TestServer {
    TestServer::with(|config| config.faye_event_source = true)
}

/// What Faye's client does: a handshake, and the stream before its first connect.
fn shaken(server: &TestServer) -> LongPollClient {
    let mut client = LongPollClient::new(server);
    client.try_handshake(json!({ "supportedConnectionTypes": ["websocket", "eventsource", "long-polling"] }));
    client
}

fn stream(server: &TestServer, client: &LongPollClient, fields: &str) -> StreamReader {
    let mut stream = StreamReader::connect(server.address());
    let cookie = client.wire.cookie().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
    stream.get_events(&format!("/cometd/{}", client.id()), &(cookie + fields));
    stream
}

fn open(server: &TestServer, client: &LongPollClient) -> StreamReader {
    let mut stream = stream(server, client, "");
    assert!(matches!(stream.next(PATIENCE), Streamed::Heartbeat), "it begins with what browsers note");
    assert_eq!((stream.retry_ms(), stream.last_event_id()), (Some(1_000), ""));
    stream
}

fn refused(mut stream: StreamReader) -> Response {
    match stream.next(PATIENCE) {
        Streamed::Answer(answer) => answer,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn connect(client: &mut LongPollClient) -> Value {
    client.request("/meta/connect", json!({ "connectionType": "eventsource" }))
}

fn data(batch: &[Value]) -> Vec<u64> {
    batch.iter().filter_map(|message| message["data"].as_u64()).collect()
}

#[test]
fn a_stream_by_id_carries_events_while_connects_come_and_go() {
    let server = faye();
    let mut client = shaken(&server);
    let mut stream = open(&server, &client);
    for n in 0..5 {
        assert_eq!(connect(&mut client)["successful"], true);
        if n == 0 {
            client.subscribe("/a");
        }
        server.publish("/a", &n);
        assert_eq!(data(&stream.batch()), [n]);
    }
}

#[test]
fn a_stream_that_is_opened_again_gets_what_waits() {
    let server = faye();
    let mut client = shaken(&server);
    let first = open(&server, &client);
    connect(&mut client);
    client.subscribe("/a");
    let before = server.counts().connections_open;
    drop(first);
    server.until("the wire is gone", |counts| counts.connections_open < before);
    (0..3).for_each(|n| {
        server.publish("/a", &n);
    });
    let mut stream = open(&server, &client);
    let mut heard = Vec::new();
    while heard.len() < 3 {
        heard.extend(data(&stream.batch()));
    }
    assert_eq!(heard, [0, 1, 2]);
    // A second one takes the place of the first, which ends without a word.
    let mut newer = open(&server, &client);
    assert!(stream.rest().is_empty());
    server.publish("/a", &3);
    assert_eq!(data(&newer.batch()), [3]);
}

#[test]
fn no_session_is_found_by_an_address_unless_that_is_switched_on() {
    let server = TestServer::start();
    let client = shaken(&server);
    let answer = refused(stream(&server, &client, ""));
    assert_eq!((answer.status, answer.code().as_str()), (403, "ticket_invalid"));
}

#[test]
fn an_id_of_nobody_or_of_another_browser_opens_nothing() {
    let server = faye();
    let mut client = shaken(&server);
    // The browser has shown that it keeps its cookie.
    connect(&mut client);
    for target in
        [format!("/cometd/{}", client.id()), "/cometd/nobody".into(), format!("/cometd/{}0", client.id())]
    {
        let mut stream = StreamReader::connect(server.address());
        stream.get_events(&target, "Cookie: BAYEUX_BROWSER=00000000000000000000000000000000ff\r\n");
        assert_eq!(refused(stream).code(), "ticket_invalid", "{target}");
    }
    let answer = refused(stream(&server, &client, "Origin: https://evil.example\r\n"));
    assert_eq!(answer.code(), "forbidden_origin");
    open(&server, &client);
}

#[test]
fn the_stream_is_on_the_shard_of_its_session() {
    let server = TestServer::with(|config| (config.faye_event_source, config.shards) = (true, 3));
    for n in 0..6 {
        let mut client = shaken(&server);
        let mut stream = open(&server, &client);
        connect(&mut client);
        client.subscribe("/a");
        server.publish("/a", &n);
        assert_eq!(data(&stream.batch()), [n]);
        client.disconnect();
    }
}

#[test]
fn another_stream_takes_its_place() {
    let server = faye();
    let mut client = shaken(&server);
    let mut stream = open(&server, &client);
    connect(&mut client);
    client.subscribe("/a");
    let mut newer = StreamReader::connect(server.address());
    newer.connect_for(&client, None);
    assert_eq!(newer.batch()[0]["successful"], true);
    server.publish("/a", &1);
    assert_eq!(data(&newer.batch()), [1]);
    let left = stream.rest().concat();
    assert_eq!(data(&left), [] as [u64; 0], "{left:?}");
}
