//! Server-sent events: a stream opened with a ticket, and opened again by the browser itself.

use std::time::Duration;

use comet::Code;
use comet_testkit::{LongPollClient, PATIENCE, Response, Socket, StreamReader, Streamed, TestServer, Wire};
use serde_json::{Value, json};

/// A session that listens to `/a`; it counts what it receives if `counts`.
fn listening(server: &TestServer, counts: bool) -> LongPollClient {
    let mut client = LongPollClient::new(server);
    client.try_handshake(if counts { json!({ "ext": { "received": true } }) } else { json!({}) });
    client.try_connect(json!({ "ext": { "received": 0 } }));
    client.subscribe("/a");
    client
}

/// Connects for a ticket, with the count; the reply.
fn connect(client: &mut LongPollClient, received: usize) -> Value {
    client
        .request("/meta/connect", json!({ "connectionType": "eventsource", "ext": { "received": received } }))
}

fn ticket(client: &mut LongPollClient, received: usize) -> String {
    let reply = connect(client, received);
    reply["ext"]["ticket"].as_str().unwrap_or_else(|| panic!("no ticket: {reply}")).to_owned()
}

fn cookie(client: &LongPollClient) -> String {
    format!("Cookie: {}\r\n", client.wire.cookie().expect("a cookie was set"))
}

/// A stream opened with this ticket, its beginning read.
fn open(server: &TestServer, client: &LongPollClient, ticket: &str) -> StreamReader {
    let mut stream = StreamReader::connect(server.address());
    stream.get_events(&format!("/cometd?ticket={ticket}"), &cookie(client));
    begun(stream)
}

/// What a browser does that has lost its stream: the same address, with the last id.
fn reopen(server: &TestServer, client: &LongPollClient, lost: &StreamReader) -> StreamReader {
    let mut stream = StreamReader::connect(server.address());
    let fields = format!("Last-Event-ID: {}\r\n{}", lost.last_event_id(), cookie(client));
    stream.get_events("/cometd?ticket=used", &fields);
    stream
}

fn begun(mut stream: StreamReader) -> StreamReader {
    assert!(matches!(stream.next(PATIENCE), Streamed::Heartbeat), "it begins with what browsers note");
    assert!(stream.retry_ms().is_some());
    stream
}

fn refused(mut stream: StreamReader) -> Response {
    match stream.next(PATIENCE) {
        Streamed::Answer(answer) => answer,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn is_invalid(answer: &Response) {
    assert_eq!((answer.status, answer.code().as_str()), (403, "ticket_invalid"));
}

fn data(batch: &[Value]) -> Vec<u64> {
    batch.iter().filter_map(|message| message["data"].as_u64()).collect()
}

#[test]
fn a_ticket_opens_a_stream_that_is_as_live_as_any() {
    let server = TestServer::start();
    for counts in [true, false] {
        let mut client = listening(&server, counts);
        let ticket = ticket(&mut client, 0);
        server.publish("/a", &0);
        let mut stream = open(&server, &client, &ticket);
        let head = stream.head().expect("it goes on").clone();
        let fields = [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store, no-transform"),
            ("x-content-type-options", "nosniff"),
            ("x-accel-buffering", "no"),
        ];
        for (name, value) in fields {
            assert_eq!(head.field(name), Some(value));
        }
        assert_eq!(data(&stream.batch()), [0]);
        for n in 1..4 {
            server.publish("/a", &n);
            assert_eq!(data(&stream.batch()), [n]);
        }
        let received = stream.last_event_id().split_once('.').expect("a ticket and a count").1;
        assert_eq!(received, if counts { "4" } else { "0" });
        client.disconnect();
    }
}

#[test]
fn a_ticket_is_good_once() {
    let server = TestServer::start();
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let mut stream = open(&server, &client, &ticket);
    let mut again = StreamReader::connect(server.address());
    again.get_events(&format!("/cometd?ticket={ticket}"), &cookie(&client));
    is_invalid(&refused(again));
    server.publish("/a", &1);
    assert_eq!(data(&stream.batch()), [1], "the first is not disturbed");
    assert_eq!(server.endings(Code::TicketInvalid), 1);
}

#[test]
fn a_ticket_is_good_for_stream_ticket_ms_and_until_the_next_connect() {
    let server = TestServer::with(|config| config.limits.stream_ticket_ms = 1);
    let mut client = listening(&server, true);
    let old = ticket(&mut client, 0);
    std::thread::sleep(Duration::from_millis(20));
    let mut stream = StreamReader::connect(server.address());
    stream.get_events(&format!("/cometd?ticket={old}"), &cookie(&client));
    is_invalid(&refused(stream));

    let server = TestServer::start();
    let mut client = listening(&server, true);
    let older = ticket(&mut client, 0);
    let newer = ticket(&mut client, 0);
    let mut stream = StreamReader::connect(server.address());
    stream.get_events(&format!("/cometd?ticket={older}"), &cookie(&client));
    is_invalid(&refused(stream));
    open(&server, &client, &newer);
}

#[test]
fn neither_the_id_of_a_session_nor_anything_invented_is_a_ticket() {
    let server = TestServer::start();
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let id = client.id().to_owned();
    let mut other = ticket.clone();
    other.replace_range(..1, if other.starts_with('0') { "1" } else { "0" });
    for bad in [id.as_str(), other.as_str(), "", "x", "%00"] {
        let mut stream = StreamReader::connect(server.address());
        stream.get_events(&format!("/cometd?ticket={bad}"), &cookie(&client));
        is_invalid(&refused(stream));
    }
    // The one of an address is not one of an id, and an id cannot stand in an address.
    let mut stream = StreamReader::connect(server.address());
    stream.get_events("/cometd", &format!("Last-Event-ID: {ticket}.0\r\n{}", cookie(&client)));
    is_invalid(&refused(stream));
    let stream = open(&server, &client, &ticket);
    let renewal = stream.last_event_id().split_once('.').expect("a ticket and a count").0.to_owned();
    let mut stream = StreamReader::connect(server.address());
    stream.get_events(&format!("/cometd?ticket={renewal}"), &cookie(&client));
    is_invalid(&refused(stream));
}

#[test]
fn a_ticket_in_the_hands_of_another_browser_opens_nothing() {
    let server = TestServer::start();
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let mut stranger = StreamReader::connect(server.address());
    stranger.get_events(&format!("/cometd?ticket={ticket}"), "");
    is_invalid(&refused(stranger));
    open(&server, &client, &ticket);
}

#[test]
fn a_browser_that_has_lost_its_stream_goes_on_where_it_was() {
    let server = TestServer::start();
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let mut stream = open(&server, &client, &ticket);
    let mut next = 0;
    for round in 1..=5 {
        for n in (round - 1) * 20..round * 20 {
            server.publish("/a", &n);
        }
        // Some are read, some are on their way when the wire is lost, some come meanwhile.
        while next < round * 20 - 9 {
            for n in data(&stream.batch()) {
                assert_eq!(n, next);
                next += 1;
            }
        }
        let newer = reopen(&server, &client, &stream);
        stream = begun(newer);
    }
    while next < 100 {
        for n in data(&stream.batch()) {
            assert_eq!(n, next);
            next += 1;
        }
    }
}

#[test]
fn what_names_the_lost_stream_is_good_once_too() {
    let server = TestServer::start();
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let lost = open(&server, &client, &ticket);
    let mut newer = begun(reopen(&server, &client, &lost));
    is_invalid(&refused(reopen(&server, &client, &lost)));
    server.publish("/a", &7);
    assert_eq!(data(&newer.batch()), [7]);
}

#[test]
fn a_count_of_what_was_never_sent_opens_nothing() {
    let server = TestServer::start();
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let lost = open(&server, &client, &ticket);
    let renewal = lost.last_event_id().split_once('.').expect("a ticket and a count").0;
    let mut stream = StreamReader::connect(server.address());
    stream.get_events("/cometd", &format!("Last-Event-ID: {renewal}.99\r\n{}", cookie(&client)));
    let answer = refused(stream);
    assert_eq!((answer.status, answer.code().as_str()), (400, "message_invalid"));
}

#[test]
fn events_that_come_with_the_ticket_do_not_come_again() {
    let server = TestServer::start();
    let mut client = listening(&server, true);
    server.publish("/a", &1);
    let ticket = ticket(&mut client, 0);
    assert_eq!(client.waiting_events().drain(..).map(|event| event["data"].clone()).collect::<Vec<_>>(), [1]);
    let mut stream = open(&server, &client, &ticket);
    server.publish("/a", &2);
    assert_eq!(data(&stream.batch()), [2]);
    assert!(stream.last_event_id().ends_with(".2"), "{}", stream.last_event_id());
}

#[test]
fn a_silent_stream_beats_with_empty_batches_and_ends_with_its_last_word() {
    let server = TestServer::with(|config| {
        config.limits.stream_heartbeat_ms = 50;
        config.limits.stream_age_ms = 1_500;
    });
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let mut stream = open(&server, &client, &ticket);
    assert!(matches!(stream.next(PATIENCE), Streamed::Heartbeat));
    let batches = stream.rest();
    let word = &batches.last().expect("a last word")[0];
    assert_eq!((&word["channel"], &word["successful"]), (&json!("/meta/connect"), &json!(true)));
    assert_eq!((&word["advice"]["reconnect"], &word["advice"]["interval"]), (&json!("retry"), &json!(0)));
    // The browser comes back by itself.
    server.publish("/a", &1);
    let mut stream = begun(reopen(&server, &client, &stream));
    assert_eq!(data(&stream.batch()), [1]);
}

#[test]
fn the_next_connect_ends_a_stream_and_its_browser_cannot_come_back() {
    let server = TestServer::start();
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let mut stream = open(&server, &client, &ticket);
    client.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    let batches = stream.rest();
    assert_eq!(batches.last().expect("a last word")[0]["error"], "409::superseded");
    is_invalid(&refused(reopen(&server, &client, &stream)));
}

#[test]
fn a_graceful_stop_tells_browsers_when_to_come_back() {
    let mut server = TestServer::start();
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let mut stream = open(&server, &client, &ticket);
    server.publish("/a", &1);
    let stop = server.begin_drain();
    let batches = stream.rest();
    assert_eq!(data(&batches[0]), [1]);
    let word = &batches.last().expect("a last word")[0];
    assert_eq!(word["error"], "503::draining");
    assert_eq!(word["advice"]["interval"].as_u64(), stream.retry_ms());
    server.finish(stop);
}

#[test]
fn pages_of_listed_sites_may_open_streams_and_others_may_not() {
    let server = TestServer::with(|config| config.allowed_origins = vec!["https://partner.example".into()]);
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    for (fields, foreign) in
        [("Origin: https://evil.example\r\n", true), ("Sec-Fetch-Site: cross-site\r\n", true)]
    {
        let mut stream = StreamReader::connect(server.address());
        stream.get_events(&format!("/cometd?ticket={ticket}"), &(fields.to_owned() + &cookie(&client)));
        let answer = refused(stream);
        assert_eq!((answer.status, answer.code() == "forbidden_origin"), (403, foreign));
    }
    let mut stream = StreamReader::connect(server.address());
    let fields = "Origin: https://partner.example\r\n".to_owned() + &cookie(&client);
    stream.get_events(&format!("/cometd?ticket={ticket}"), &fields);
    let stream = begun(stream);
    let head = stream.head().expect("it goes on");
    assert_eq!(head.field("access-control-allow-origin"), Some("https://partner.example"));
}

#[test]
fn who_knows_no_chunks_or_only_looks_gets_no_stream() {
    let server = TestServer::start();
    let mut client = listening(&server, true);
    let ticket = ticket(&mut client, 0);
    let mut socket = Socket::connect(server.address());
    socket.send(format!("GET /cometd?ticket={ticket} HTTP/1.0\r\nHost: x\r\n{}\r\n", cookie(&client)));
    assert_eq!(socket.response().code(), "request_invalid");
    let mut socket = Socket::connect(server.address());
    socket.send(format!("HEAD /cometd?ticket={ticket} HTTP/1.1\r\nHost: x\r\n{}\r\n", cookie(&client)));
    assert_eq!(socket.response_to_head().status, 405);
    // The ticket is not used up by that.
    open(&server, &client, &ticket);
}

#[test]
fn of_tabs_that_were_all_given_a_ticket_one_opens_its_stream() {
    let server = TestServer::start();
    let mut first = listening(&server, true);
    let mut second = LongPollClient::new(&server);
    second.wire.set_cookie(first.wire.cookie().expect("a cookie was set"));
    second.try_handshake(json!({ "ext": { "received": true } }));
    second.try_connect(json!({ "ext": { "received": 0 } }));
    let tickets = [ticket(&mut first, 0), ticket(&mut second, 0)];
    let mut stream = open(&server, &first, &tickets[0]);
    let mut late = StreamReader::connect(server.address());
    late.get_events(&format!("/cometd?ticket={}", tickets[1]), &cookie(&second));
    assert_eq!(refused(late).code(), "ticket_invalid");
    let advice = connect(&mut second, 0)["advice"].clone();
    assert_eq!(advice["multiple-clients"], true);
    server.publish("/a", &1);
    assert_eq!(data(&stream.batch()), [1]);
}

#[test]
fn a_request_with_a_ticket_moves_to_the_shard_of_its_session() {
    let server = TestServer::with(|config| config.shards = 3);
    for n in 0..8 {
        let mut client = listening(&server, true);
        let ticket = ticket(&mut client, 0);
        let stream = open(&server, &client, &ticket);
        let mut stream = begun(reopen(&server, &client, &stream));
        server.publish("/a", &n);
        assert_eq!(data(&stream.batch()), [n]);
        client.disconnect();
    }
}

#[test]
fn a_client_that_acknowledges_connect_replies_gets_no_ticket() {
    let server = TestServer::with(|config| config.session.timeout_ms = 100);
    let mut client = LongPollClient::new(&server);
    client.try_handshake(json!({ "ext": { "ack": true } }));
    let reply =
        client.request("/meta/connect", json!({ "connectionType": "eventsource", "ext": { "ack": 0 } }));
    assert_eq!((reply["ext"].get("ticket"), &reply["ext"]["ack"]), (None, &json!(1)), "{reply}");
}
