//! How streams end: behind their last message, with a word that says why, and the next goes on without a gap.

use std::time::Duration;

use comet::Code;
use comet_testkit::{
    LongPollClient, PATIENCE, Socket, StreamClient, StreamReader, Streamed, TestServer, WebSocketClient,
    Witness, eventually,
};
use serde_json::{Value, json};

/// A stream of a session that listens to `/a`, on a connection with a small window, its first line read.
fn small_stream(server: &TestServer) -> (LongPollClient, StreamReader) {
    let mut client = LongPollClient::connected(server);
    client.subscribe("/a");
    let mut stream = StreamReader::new(Socket::with_receive_buffer(server.address(), 4 << 10));
    stream.connect_for(&client, None);
    assert_eq!(stream.batch()[0]["successful"], true);
    (client, stream)
}

/// The only message of the last batch.
fn last_word(batches: &[Vec<Value>]) -> &Value {
    match batches.last().map(Vec::as_slice) {
        Some([word]) => word,
        other => panic!("expected one last word, got {other:?}"),
    }
}

#[test]
fn a_stream_that_has_carried_enough_ends_and_the_next_goes_on_without_a_gap() {
    let server = TestServer::with(|config| config.limits.stream_bytes = 4_000);
    let (client, mut stream) = small_stream(&server);
    let (mut next, mut streams) = (0, 0);
    for n in 0..100 {
        server.publish("/a", &json!([n, "x".repeat(500)]));
    }
    while next < 100 {
        match stream.next(PATIENCE) {
            Streamed::Batch(batch) => {
                for event in batch.iter().filter(|message| message.get("data").is_some()) {
                    assert_eq!(event["data"][0], next);
                    next += 1;
                }
            }
            Streamed::Heartbeat => {}
            Streamed::End => {
                streams += 1;
                // On the same connection.
                stream.connect_for(&client, None);
            }
            other => panic!("expected messages or the end, got {other:?}"),
        }
    }
    assert!(streams > 0, "nothing was ended by its bytes");
}

#[test]
fn a_stream_ends_by_its_age_and_the_session_goes_on() {
    let server = TestServer::with(|config| config.limits.stream_age_ms = 400);
    let (client, mut stream) = small_stream(&server);
    for n in 0..3 {
        server.publish("/a", &n);
        let batches = stream.rest();
        assert!(batches.iter().flatten().any(|message| message["data"] == n), "{batches:?}");
        let word = last_word(&batches);
        assert_eq!((&word["channel"], &word["successful"]), (&json!("/meta/connect"), &json!(true)));
        assert_eq!((&word["advice"]["reconnect"], &word["advice"]["interval"]), (&json!("retry"), &json!(0)));
        assert_eq!(word.get("id"), None);
        stream.connect_for(&client, None);
        assert_eq!(stream.batch()[0]["successful"], true);
    }
    assert_eq!(server.counts().sessions_open, 1);
}

#[test]
fn streams_of_the_same_age_do_not_end_together() {
    let server = TestServer::with(|config| config.limits.stream_age_ms = 2_000);
    let mut streams: Vec<_> = (0..8).map(|_| small_stream(&server).1).collect();
    let since = std::time::Instant::now();
    let ended = streams.iter_mut().map(|stream| (stream.rest(), since.elapsed()).1);
    let (first, last) =
        ended.fold((Duration::MAX, Duration::ZERO), |(first, last), end| (first.min(end), last.max(end)));
    assert!(first < last);
}

#[test]
fn whatever_connects_next_ends_a_stream_behind_its_last_message() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let crossings: [fn(&TestServer, &LongPollClient); 3] = [
        |server, client| {
            let mut newer = StreamReader::connect(server.address());
            newer.connect_for(client, None);
            assert_eq!(newer.batch()[0]["successful"], true);
            server.publish("/a", "to the newer");
            assert_eq!(newer.batch()[0]["data"], "to the newer");
        },
        |server, client| {
            let mut newer: LongPollClient = client.crossing(server);
            newer.hold();
            server.until_held(1);
            server.publish("/a", "to the newer");
            newer.expect_event("/a", "to the newer");
        },
        |server, client| {
            let mut newer: WebSocketClient = client.crossing(server);
            newer.connect_at_once();
            server.publish("/a", "to the newer");
            newer.expect_event("/a", "to the newer");
        },
    ];
    for (n, cross) in crossings.into_iter().enumerate() {
        let (client, mut stream) = small_stream(&server);
        server.publish("/a", "to the older");
        assert_eq!(stream.batch()[0]["data"], "to the older");
        cross(&server, &client);
        let batches = stream.rest();
        assert_eq!(batches.len(), 1, "{batches:?}");
        assert_eq!(last_word(&batches)["error"], "409::superseded");
        assert_eq!(server.endings(Code::Superseded), n as u64 + 1);
    }
}

#[test]
fn a_disconnect_ends_the_stream_with_the_word_not_to_come_back() {
    let server = TestServer::start();
    let (mut client, mut stream) = small_stream(&server);
    assert_eq!(client.disconnect()["successful"], true);
    let batches = stream.rest();
    let word = last_word(&batches);
    assert_eq!((&word["successful"], &word["advice"]["reconnect"]), (&json!(true), &json!("none")), "{word}");
    server.until("the session is gone", |counts| counts.sessions_open == 0);
}

#[test]
fn a_client_that_is_sent_away_hears_everything_first() {
    use comet::{Call, Channel, Refusal, Reply};
    let leave = async |call: Call| {
        call.client.send(&Channel::parse("/bye").expect("a name"), &1).expect("a number is JSON");
        call.client.disconnect();
        Ok::<_, Refusal>(Reply::none())
    };
    let server = TestServer::run(TestServer::builder().service("/service/leave", leave));
    let mut client = StreamClient::connected(&server);
    let _ = client.send(json!({ "channel": "/service/leave", "data": 1 }));
    let batches = client.wire.stream().rest();
    let messages: Vec<_> = batches.iter().flatten().map(|message| message["channel"].clone()).collect();
    assert_eq!(messages, ["/bye", "/meta/disconnect", "/meta/connect"], "{batches:?}");
    assert_eq!(last_word(&batches)["advice"]["reconnect"], "none");
}

#[test]
fn a_subscriber_that_never_reads_is_told_slow_consumer_and_its_session_goes_on() {
    let server = TestServer::with(|config| {
        config.session.mailbox_messages = 50;
        config.limits.bytes_per_write = 64 << 10;
        config.limits.lag_grace_ms = 300;
        config.limits.stream_bytes = 1 << 30;
    });
    let mut witness = Witness::beside(&server);
    let (client, mut stream) = small_stream(&server);
    let payload = "x".repeat(50_000);
    let mut published = 0;
    eventually("the slow one is ended", || {
        server.publish("/a", &json!([published, payload]));
        published += 1;
        server.endings(Code::SlowConsumer) > 0
    });
    witness.still_hears(&server);
    // When it reads at last it finds what had begun to leave, and then the reason.
    let batches = stream.rest();
    assert_eq!(last_word(&batches)["error"], "503::slow_consumer");
    assert_eq!(last_word(&batches)["advice"]["reconnect"], "retry");
    assert!(batches.len() < published);
    assert_eq!(server.endings(Code::SlowConsumer), 1, "one ending is counted once");
    let mut stream = StreamReader::connect(server.address());
    stream.connect_for(&client, None);
    assert_eq!(stream.batch()[0]["successful"], true);
}

#[test]
fn a_stream_whose_output_does_not_move_is_dropped_by_write_stall_ms() {
    let server = TestServer::with(|config| {
        config.limits.write_stall_ms = 500;
        config.limits.stream_bytes = 1 << 30;
    });
    let (_client, mut stream) = small_stream(&server);
    eventually("it is dropped", || {
        server.publish("/a", &"x".repeat(100_000));
        server.endings(Code::WriteStalled) == 1
    });
    eventually("its connection is cut", || match stream.next(PATIENCE) {
        Streamed::Cut => true,
        Streamed::Batch(_) => false,
        other => panic!("expected what had begun to leave, got {other:?}"),
    });
}

#[test]
fn a_graceful_stop_ends_streams_behind_what_is_queued_and_says_when_to_come_back() {
    let mut server = TestServer::start();
    let mut streams: Vec<_> = (0..5).map(|_| small_stream(&server).1).collect();
    for n in 0..200 {
        server.publish("/a", &json!([n, "x".repeat(1_000)]));
    }
    let stop = server.begin_drain();
    let mut intervals = Vec::new();
    for stream in &mut streams {
        let batches = stream.rest();
        let numbers = batches.iter().flatten().filter_map(|message| message["data"][0].as_u64());
        assert!(numbers.eq(0..200), "{batches:?}");
        let word = last_word(&batches);
        assert_eq!(
            (&word["error"], &word["advice"]["reconnect"]),
            (&json!("503::draining"), &json!("retry"))
        );
        intervals.push(word["advice"]["interval"].as_u64().expect("a number"));
    }
    assert!(intervals.iter().any(|interval| *interval != intervals[0]), "all at once: {intervals:?}");
    assert!(server.finish(stop) < Duration::from_secs(8));
}

#[test]
fn a_client_that_sends_no_more_has_left_its_stream() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 200);
    let (_client, mut stream) = small_stream(&server);
    stream.socket().finish();
    server.until("its session ends", |counts| counts.sessions_open == 0);
    assert!(matches!(stream.next(PATIENCE), Streamed::Cut));
}
