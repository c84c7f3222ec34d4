//! Multipart answers to connects: one part for each batch, on a stream that is otherwise as that of lines.

use comet::Code;
use comet_testkit::{LongPollClient, PATIENCE, StreamReader, Streamed, TestServer, Wire};
use serde_json::json;

/// A session that listens to `/a` and has no wire.
fn listening(server: &TestServer) -> LongPollClient {
    let mut client = LongPollClient::connected(server);
    client.subscribe("/a");
    client
}

/// A stream of a session, its first part read.
fn stream_of(server: &TestServer, client: &LongPollClient) -> StreamReader {
    let mut stream = StreamReader::connect(server.address());
    stream.connect_as("multipart", client, None);
    let reply = stream.batch();
    assert_eq!((reply.len(), &reply[0]["successful"]), (1, &json!(true)), "{reply:?}");
    stream
}

#[test]
fn a_handshake_names_the_transport_and_a_connect_is_answered_in_parts() {
    let server = TestServer::start();
    let mut client = LongPollClient::new(&server);
    let reply = client.try_handshake(json!({}));
    assert!(reply["supportedConnectionTypes"].as_array().expect("a list").contains(&json!("multipart")));
    let client = listening(&server);
    server.publish("/a", "waited");
    let mut stream = stream_of(&server, &client);
    assert_eq!(stream.batch()[0]["data"], "waited");
    for n in 0..3 {
        server.publish("/a", &n);
        let batch = stream.batch();
        assert_eq!((batch.len(), &batch[0]["data"]), (1, &json!(n)));
    }
    let head = stream.head().expect("it goes on");
    let boundary = head.field("content-type").and_then(|media| media.rsplit_once('=')).expect("a boundary").1;
    assert!(boundary.len() == 32 && boundary.bytes().all(|byte| byte.is_ascii_hexdigit()), "{boundary}");
    for (name, value) in [("cache-control", "no-store, no-transform"), ("x-content-type-options", "nosniff")]
    {
        assert_eq!(head.field(name), Some(value));
    }
    assert_eq!(server.counts().streams_opened, 1);
}

#[test]
fn line_ends_and_boundaries_in_messages_end_no_part() {
    let server = TestServer::start();
    let client = listening(&server);
    let mut stream = stream_of(&server, &client);
    let boundary = stream.head().and_then(|head| head.field("content-type")).expect("a type").to_owned();
    let boundary = boundary.rsplit_once('=').expect("a boundary").1.to_owned();
    for text in [format!("\r\n--{boundary}--\r\n"), "\u{2028}\0\r\n".to_owned()] {
        server.publish("/a", &text);
        assert_eq!(stream.batch()[0]["data"], json!(text));
    }
}

#[test]
fn a_silent_stream_beats_with_empty_parts() {
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
fn a_stream_that_has_carried_enough_ends_with_its_last_part_and_its_connection_takes_the_next() {
    let server = TestServer::with(|config| config.limits.stream_bytes = 300);
    let client = listening(&server);
    let mut stream = stream_of(&server, &client);
    for n in 0..10 {
        server.publish("/a", &n);
    }
    let (mut seen, mut streams) = (Vec::new(), 1);
    while seen.len() < 10 {
        for batch in stream.rest() {
            seen.extend(batch.iter().filter_map(|message| message["data"].as_u64()));
            let last = batch.iter().find(|one| one["channel"] == "/meta/connect" && one.get("id").is_none());
            assert!(last.is_none_or(|last| last["successful"] == true), "{batch:?}");
        }
        if seen.len() < 10 {
            stream.connect_as("multipart", &client, None);
            streams += 1;
        }
    }
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
    assert!(streams > 1, "it was recycled");
}

#[test]
fn a_connect_that_is_not_to_be_held_and_one_of_no_session_are_answered_plainly() {
    let server = TestServer::start();
    let client = listening(&server);
    let mut at_once = json!([{ "channel": "/meta/connect", "connectionType": "multipart", "clientId": client.id(), "advice": { "timeout": 0 } }]);
    for (id, error) in [(client.id(), None), ("nobody", Some("402::session_unknown"))] {
        at_once[0]["clientId"] = json!(id);
        let mut stream = StreamReader::connect(server.address());
        let cookie = client.wire.cookie().expect("a cookie was set");
        stream.post(&format!("Cookie: {cookie}\r\n"), &at_once);
        let Streamed::Answer(answer) = stream.next(PATIENCE) else { panic!("this is no stream") };
        assert_eq!(answer.messages()[0]["error"].as_str(), error);
    }
}

#[test]
fn a_server_that_stops_says_so_in_the_last_part() {
    let mut server = TestServer::start();
    let client = listening(&server);
    let mut stream = stream_of(&server, &client);
    let draining = server.begin_drain();
    let last = stream.rest().pop().and_then(|mut batch| batch.pop()).expect("a last word");
    assert!(last["error"].as_str().is_some_and(|error| error.contains(Code::Draining.name())), "{last}");
    server.finish(draining);
}
