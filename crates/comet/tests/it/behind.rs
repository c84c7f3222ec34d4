//! Sessions that have fallen behind: what did not fit into their queue comes from the history, or is told as lost.

use std::time::Duration;

use comet::{Code, Config};
use comet_testkit::{
    Client, LongPollClient, Received, Socket, TestServer, WebSocket, WebSocketClient, Wire, Witness,
    eventually,
};
use serde_json::{Value, json};

fn server(shards: usize, mailbox: usize, history: usize) -> TestServer {
    TestServer::with(|config: &mut Config| {
        config.shards = shards;
        config.session.mailbox_messages = mailbox;
        config.channels.default.history.messages = history;
        config.channels.default.history.bytes = 64 << 20;
        config.limits.lag_grace_ms = 300;
    })
}

/// Waits until so many messages did not fit: a publication is answered before the shards of its readers know of it.
fn withheld(server: &TestServer, messages: u64) {
    let what = format!("{messages} messages were withheld");
    eventually(&what, || server.counts().messages_withheld >= messages);
}

/// A client that counts what it receives, as ours do.
fn counting<W: Wire>(server: &TestServer) -> Client<W> {
    let mut client = Client::<W>::new(server);
    client.try_handshake(json!({ "ext": { "received": true } }));
    begin(&mut client, 0);
    client
}

/// The first connect on a wire.
fn begin<W: Wire>(client: &mut Client<W>, received: usize) {
    let fields = json!({ "ext": { "received": received }, "advice": { "timeout": 0 } });
    let reply = client.try_connect(fields);
    assert_eq!(reply["successful"], true, "{reply}");
}

/// Polls, counting, until so many events are there.
fn poll_counting(client: &mut LongPollClient, mut received: usize, wanted: usize) -> Vec<Value> {
    let mut events = Vec::new();
    while events.len() < wanted {
        let reply = client.try_connect(json!({ "ext": { "received": received } }));
        assert_eq!(reply["successful"], true, "{reply}");
        let new: Vec<Value> = client.waiting_events().drain(..).collect();
        received += new.len();
        events.extend(new);
    }
    events
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["data"].as_u64().unwrap_or_else(|| panic!("{event}"))).collect()
}

#[test]
fn a_poller_that_was_away_gets_what_did_not_fit_into_its_queue_in_order_and_once() {
    for shards in [1, 3] {
        let server = server(shards, 10, 10_000);
        let mut client = LongPollClient::connected(&server);
        client.subscribe("/a");
        client.subscribe("/b/*");
        for n in 0..500 {
            server.publish("/a", &n);
            server.publish("/b/c", &n);
        }
        withheld(&server, 900);
        let heard = client.events(1_000);
        for channel in ["/a", "/b/c"] {
            let of: Vec<Value> = heard.iter().filter(|event| event["channel"] == channel).cloned().collect();
            assert_eq!(numbers(&of), (0..500).collect::<Vec<_>>(), "{channel}");
        }
        server.publish("/a", "live");
        client.expect_event("/a", "live");
        assert_eq!(client.try_event(Duration::from_millis(100)), None);
        assert_eq!(server.counts().messages_lost, 0);
        assert_eq!(server.endings(Code::SlowConsumer) + server.endings(Code::ResumeFailed), 0);
    }
}

#[test]
fn what_is_published_while_somebody_catches_up_is_neither_missed_nor_repeated() {
    let server = server(3, 20, 100_000);
    let channels: Vec<String> = (0..5).map(|n| format!("/n/{n}")).collect();
    let mut clients: Vec<_> = (0..4).map(|_| LongPollClient::connected(&server)).collect();
    clients.iter_mut().for_each(|client| client.subscribe("/n/*"));
    let (publisher, names) = (server.publisher(), channels.clone());
    let publishing = server.runtime().spawn(async move {
        for n in 0..5_000_usize {
            publisher.publish(&names[n % names.len()], &(n / names.len())).await.expect("it is published");
        }
    });
    for client in &mut clients {
        let heard = client.events(5_000);
        for channel in &channels {
            let of: Vec<Value> =
                heard.iter().filter(|event| event["channel"] == **channel).cloned().collect();
            assert_eq!(numbers(&of), (0..1_000).collect::<Vec<_>>(), "{channel}");
        }
    }
    server.runtime().block_on(publishing).expect("the publisher ends");
    assert!(server.counts().sessions_behind >= 3, "the last ones were not away long enough");
}

#[test]
fn a_counting_poller_is_told_in_its_place_what_the_history_lost_and_how_much() {
    for shards in [1, 3] {
        let server = server(shards, 10, 50);
        let mut client: LongPollClient = counting(&server);
        client.subscribe("/a");
        client.subscribe("/quiet");
        for n in 0..200 {
            server.publish("/a", &n);
        }
        server.publish("/quiet", &0);
        withheld(&server, 191);
        let heard = poll_counting(&mut client, 0, 12);
        assert_eq!(numbers(&heard[..10]), (0..10).collect::<Vec<_>>());
        let gap = heard.iter().find(|event| event["channel"] == "/meta/gap").expect("the gap is told");
        assert_eq!(gap["ext"]["gaps"]["/a"]["offset"], 200, "{gap}");
        assert_eq!(gap["ext"]["dropped"], json!({ "/a": 190 }));
        assert!(heard.iter().any(|event| event["channel"] == "/quiet"), "what is remembered comes");
        server.publish("/a", &200);
        assert_eq!(numbers(&poll_counting(&mut client, 12, 1)), [200]);
        assert_eq!((server.counts().messages_lost, server.endings(Code::HistoryGap)), (190, 1));
    }
}

#[test]
fn a_client_that_cannot_be_told_of_a_gap_gets_its_queue_and_then_a_new_session() {
    let server = server(1, 10, 50);
    let mut witness = Witness::beside(&server);
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    for n in 0..200 {
        server.publish("/a", &n);
    }
    assert_eq!(numbers(&client.events(10)), (0..10).collect::<Vec<_>>());
    let reply = client.try_connect(json!({}));
    assert_eq!((&reply["successful"], &reply["advice"]["reconnect"]), (&json!(false), &json!("handshake")));
    assert_eq!(server.endings(Code::ResumeFailed), 1);
    witness.still_hears(&server);
}

/// A WebSocket that counts and listens to `/flood`, with a small window, and its session.
fn deaf(server: &TestServer, count: bool) -> (WebSocket, String) {
    let socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    let mut socket = WebSocket::open_on(socket, "/cometd", &[]).expect("it is let in");
    socket.send_batch(&json!([{ "channel": "/meta/handshake", "ext": { "received": count } }]));
    let id = socket.batch()[0]["clientId"].as_str().expect("it has a session").to_owned();
    let connect = json!([{
        "channel": "/meta/connect", "connectionType": "websocket", "clientId": id, "ext": { "received": 0 },
    }]);
    socket.send_batch(&connect);
    socket.batch();
    socket.send_batch(&json!([{ "channel": "/meta/subscribe", "subscription": "/flood", "clientId": id }]));
    socket.batch();
    (socket, id)
}

fn numbered(n: usize) -> Value {
    json!([n, "x".repeat(20_000)])
}

/// Reads to the close frame; the numbers heard, and the code of the close.
fn read_to_end(socket: &mut WebSocket) -> (Vec<usize>, Option<u16>) {
    let mut heard = Vec::new();
    loop {
        match socket.receive() {
            Received::Text(text) => {
                let batch: Vec<Value> = serde_json::from_str(&text).expect("a batch");
                heard.extend(batch.iter().map(|event| event["data"][0].as_u64().expect("a number") as usize));
            }
            Received::Close(code, _) => return (heard, code),
            other => panic!("expected messages and a close frame, got {other:?}"),
        }
    }
}

#[test]
fn a_websocket_that_is_not_read_ends_with_4410_and_its_session_goes_on_where_it_stopped() {
    for count in [true, false] {
        let server = server(1, 20, 10_000);
        let mut reader = WebSocketClient::connected(&server);
        reader.subscribe("/flood");
        let (mut socket, id) = deaf(&server, count);
        let mut published = 0;
        eventually("its connection is ended", || {
            server.publish("/flood", &numbered(published));
            reader.expect_event("/flood", numbered(published));
            published += 1;
            server.endings(Code::SlowConsumer) > 0
        });
        let (mut heard, code) = read_to_end(&mut socket);
        assert_eq!(code, Some(4410));
        for _ in 0..100 {
            server.publish("/flood", &numbered(published));
            published += 1;
        }
        let mut again = WebSocket::open(server.address(), "/cometd");
        again.send_batch(&json!([{
            "channel": "/meta/connect", "connectionType": "websocket", "clientId": id,
            "ext": { "received": heard.len() }, "advice": { "timeout": 0 },
        }]));
        while heard.len() < published {
            for message in again.batch() {
                assert_ne!(message["successful"], false, "{message}");
                heard.extend(message["data"][0].as_u64().map(|n| n as usize));
            }
        }
        assert_eq!(heard, (0..published).collect::<Vec<_>>(), "count {count}");
        assert_eq!((server.endings(Code::SlowConsumer), server.counts().messages_lost), (1, 0));
    }
}

#[test]
fn a_websocket_that_cannot_be_told_of_a_gap_gets_what_was_queued_and_then_4402() {
    let server = server(1, 20, 10);
    let (mut socket, _) = deaf(&server, false);
    let mut published = 0;
    eventually("it has fallen far behind", || {
        server.publish("/flood", &numbered(published));
        published += 1;
        server.counts().messages_withheld > 30
    });
    let (heard, code) = read_to_end(&mut socket);
    assert_eq!(heard, (0..heard.len()).collect::<Vec<_>>());
    assert!(heard.len() < published - 20, "{} of {published}", heard.len());
    assert_eq!(code, Some(4402));
    assert_eq!((server.endings(Code::ResumeFailed), server.endings(Code::HistoryGap)), (1, 1));
}

#[test]
fn a_gap_is_told_however_full_the_queue_is() {
    let server = server(1, 3, 5);
    let mut client: LongPollClient = counting(&server);
    client.subscribe("/a");
    for n in 0..20 {
        server.publish("/a", &n);
    }
    client.subscribe("/b");
    let heard = poll_counting(&mut client, 0, 3);
    assert_eq!(numbers(&heard), [0, 1, 2]);
    // The answer has left, and what is told of /a stands before these.
    for n in 0..3 {
        server.publish("/b", &n);
    }
    let heard = poll_counting(&mut client, 3, 4);
    assert_eq!(heard[0]["ext"]["dropped"], json!({ "/a": 17 }));
    assert_eq!(numbers(&heard[1..]), [0, 1, 2]);
    assert_eq!(server.endings(Code::ResumeFailed), 0);
}

#[test]
fn a_reader_that_is_slow_but_reads_is_never_ended_by_lag_grace_ms() {
    let server = TestServer::with(|config: &mut Config| {
        config.session.mailbox_messages = 20;
        config.channels.default.history.messages = 10_000;
        config.channels.default.history.bytes = 64 << 20;
        config.limits.lag_grace_ms = 1_500;
    });
    let (mut socket, _) = deaf(&server, false);
    for n in 0..400 {
        server.publish("/flood", &numbered(n));
    }
    assert!(server.counts().sessions_behind > 0);
    let mut expected = 0;
    while expected < 400 {
        for event in socket.batch() {
            assert_eq!(event["data"][0], expected);
            expected += 1;
        }
        // All together they take longer than the grace.
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.endings(Code::SlowConsumer), 0);
}

#[test]
fn of_a_session_that_stops_on_more_than_lagging_channels_nothing_is_kept() {
    let server = TestServer::with(|config: &mut Config| {
        config.session.mailbox_messages = 1;
        config.limits.lagging_channels = 3;
    });
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/n/*");
    for n in 0..4 {
        server.publish(&format!("/n/{n}"), &n);
    }
    assert_eq!(server.endings(Code::ResumeFailed), 0);
    server.publish("/n/4", &4);
    assert_eq!(server.endings(Code::ResumeFailed), 1);
    assert_eq!(client.try_connect(json!({}))["error"], "402::session_unknown");
}

#[test]
fn what_was_missed_on_a_channel_that_is_left_does_not_come() {
    let server = server(2, 5, 1_000);
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    client.subscribe("/b");
    for n in 0..20 {
        server.publish("/a", &n);
    }
    server.publish("/b", &0);
    client.unsubscribe("/a");
    client.subscribe("/a");
    assert_eq!(numbers(&client.events(6)), [0, 1, 2, 3, 4, 0]);
    server.publish("/a", &20);
    client.expect_event("/a", 20);
}

#[test]
fn who_has_fallen_behind_gets_everything_before_a_stop() {
    for shards in [1, 3] {
        let mut server = server(shards, 20, 10_000);
        let (mut socket, _) = deaf(&server, false);
        let mut published = 0;
        eventually("it has fallen behind", || {
            server.publish("/flood", &numbered(published));
            published += 1;
            server.counts().messages_withheld > 30
        });
        let draining = server.begin_drain();
        let (heard, code) = read_to_end(&mut socket);
        assert_eq!((heard, code), ((0..published).collect::<Vec<_>>(), Some(1012)), "{shards} shards");
        drop(socket);
        server.finish(draining);
    }
}
