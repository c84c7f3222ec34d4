//! Clients that confirm what they receive: a wire breaks with messages on it, and they come once more, once.

use std::time::Duration;

use comet::Code;
use comet_testkit::{LongPollClient, TestServer, WebSocketClient};
use serde_json::{Value, json};

/// A client that counts on a WebSocket, subscribed to `/numbers`.
fn counting(server: &TestServer) -> WebSocketClient {
    let mut client = WebSocketClient::new(server);
    let reply = client.try_handshake(json!({ "ext": { "received": true } }));
    assert_eq!(reply["ext"], json!({ "received": true }), "{reply}");
    resume(&mut client, 0);
    client.subscribe("/numbers");
    client
}

/// The first connect on a WebSocket, with the count.
fn resume(client: &mut WebSocketClient, count: usize) {
    let reply = client.try_connect(json!({ "ext": { "received": count }, "advice": { "timeout": 0 } }));
    assert_eq!(reply["successful"], true, "{reply}");
}

/// Polls with the true count until so many numbers have come.
fn poll_numbers(client: &mut LongPollClient, received: &mut Vec<u64>, until: usize) {
    while received.len() < until {
        let reply = client
            .try_connect(json!({ "ext": { "received": received.len() }, "advice": { "timeout": 1_000 } }));
        assert_eq!(reply["successful"], true, "{reply}");
        received.extend(client.waiting_events().drain(..).map(|event| number(&event)));
    }
}

fn number(event: &Value) -> u64 {
    event["data"].as_u64().unwrap_or_else(|| panic!("no number: {event}"))
}

fn publish(server: &TestServer, numbers: std::ops::Range<u64>) {
    for number in numbers {
        server.publish("/numbers", &number);
    }
}

/// Waits until everything published so far has been handed to the kernel.
fn until_delivered(server: &TestServer, deliveries: u64) {
    server.until("everything was sent", |counts| counts.deliveries >= deliveries);
}

/// Cuts a socket on which everything was sent and only `read` events were read; what was received.
fn cut(mut client: WebSocketClient, read: usize) -> Vec<u64> {
    let received = client.events(read).iter().map(number).collect();
    client.wire.socket.reset();
    received
}

#[test]
fn a_socket_that_is_cut_with_messages_on_it_is_made_good_by_the_next_one() {
    for shards in [1, 3] {
        let server = TestServer::with(|config| config.shards = shards);
        let client = counting(&server);
        let mut again: WebSocketClient = client.crossing(&server);
        publish(&server, 0..100);
        until_delivered(&server, 100);
        let mut received = cut(client, 7);
        publish(&server, 100..150);
        resume(&mut again, received.len());
        publish(&server, 150..200);
        received.extend(again.events(200 - 7).iter().map(number));
        assert_eq!(received, (0..200).collect::<Vec<_>>());
        assert_eq!(again.try_event(Duration::from_millis(100)), None, "and nothing twice");
    }
}

#[test]
fn what_waits_for_a_client_that_counts_leaves_ahead_of_the_reply_that_says_so() {
    let server = TestServer::start();
    let client = counting(&server);
    let mut again: WebSocketClient = client.crossing(&server);
    publish(&server, 0..20);
    until_delivered(&server, 20);
    cut(client, 5);
    publish(&server, 20..40);
    let ask = |count: usize| json!({ "ext": { "received": count }, "advice": { "timeout": 0 } });
    let reply = again.try_connect(ask(5));
    assert!(reply["ext"]["time"].is_u64(), "everything older has been sent: {reply}");
    let heard: Vec<u64> = again.waiting_events().drain(..).map(|event| number(&event)).collect();
    assert_eq!(heard, (5..40).collect::<Vec<_>>());
    // Others get their reply first, as ever.
    let mut other = LongPollClient::connected(&server);
    other.subscribe("/numbers");
    publish(&server, 40..45);
    let mut other: WebSocketClient = other.crossing(&server);
    let reply = other.try_connect(json!({ "advice": { "timeout": 0 } }));
    assert_eq!((&reply["ext"], other.waiting_events().len()), (&Value::Null, 0), "{reply}");
    assert_eq!(other.events(5).iter().map(number).collect::<Vec<_>>(), (40..45).collect::<Vec<_>>());
}

#[test]
fn nothing_is_pushed_on_a_new_socket_before_the_count_is_said() {
    let server = TestServer::start();
    let client = counting(&server);
    let mut again: WebSocketClient = client.crossing(&server);
    publish(&server, 0..10);
    until_delivered(&server, 10);
    let mut received = cut(client, 4);
    publish(&server, 10..20);
    // The socket is the session's from here on.
    again.subscribe("/other");
    server.publish("/other", &20);
    assert_eq!(again.wire.socket.try_receive(Duration::from_millis(100)), None);
    resume(&mut again, received.len());
    received.extend(again.events(21 - 4).iter().map(number));
    assert_eq!(received, (0..=20).collect::<Vec<_>>());
}

#[test]
fn a_client_comes_back_by_long_polling_and_then_on_a_socket_again() {
    let server = TestServer::start();
    let client = counting(&server);
    let mut polling: LongPollClient = client.crossing(&server);
    publish(&server, 0..60);
    until_delivered(&server, 60);
    let mut received = cut(client, 25);
    poll_numbers(&mut polling, &mut received, 60);
    publish(&server, 60..80);
    poll_numbers(&mut polling, &mut received, 80);
    // The answer to this poll is lost: the client goes away while it is under way.
    let _ = polling.send(json!({
        "channel": "/meta/connect",
        "connectionType": "long-polling",
        "ext": { "received": received.len() },
    }));
    server.until_held(1);
    let sent = server.counts().deliveries;
    publish(&server, 80..85);
    until_delivered(&server, sent + 1);
    polling.wire.drop_poll();
    let mut socket: WebSocketClient = polling.crossing(&server);
    resume(&mut socket, received.len());
    received.extend(socket.events(5).iter().map(number));
    assert_eq!(received, (0..85).collect::<Vec<_>>());
    assert_eq!(socket.try_event(Duration::from_millis(100)), None, "and nothing twice");
}

#[test]
fn a_client_that_missed_more_than_is_kept_is_told_to_start_anew() {
    let server = TestServer::with(|config| config.session.retained_messages = 10);
    let client = counting(&server);
    let mut again: WebSocketClient = client.crossing(&server);
    publish(&server, 0..50);
    until_delivered(&server, 50);
    let received = cut(client, 5);
    let reply = again.try_connect(json!({ "ext": { "received": received.len() } }));
    assert_eq!(reply["error"], "402::resume_failed");
    assert_eq!(reply["advice"]["reconnect"], "handshake");
    assert_eq!(again.wire.socket.expect_close(), Code::ResumeFailed.close_code());
    server.until("the session is gone", |counts| counts.sessions_open == 0);
    assert_eq!(server.endings(Code::ResumeFailed), 1);
}

#[test]
fn over_http_a_client_that_missed_more_than_is_kept_is_told_too_and_its_held_poll_ends() {
    let server = TestServer::with(|config| config.session.retained_messages = 10);
    let client = counting(&server);
    let mut polling: LongPollClient = client.crossing(&server);
    let mut other: LongPollClient = client.crossing(&server);
    publish(&server, 0..50);
    until_delivered(&server, 50);
    let _open = client;
    let hold = json!({
        "channel": "/meta/connect",
        "connectionType": "long-polling",
        "ext": { "received": 50 },
    });
    let _ = polling.send(hold);
    server.until_held(1);
    let reply = other.try_connect(json!({ "ext": { "received": 30 } }));
    assert_eq!(reply["error"], "402::resume_failed");
    server.until("the session is gone", |counts| counts.sessions_open == 0);
    server.until("the held poll is ended", |_| server.endings(Code::Superseded) >= 1);
}

#[test]
fn a_count_between_connects_has_no_reply_unless_it_cannot_be() {
    let server = TestServer::start();
    let mut client = counting(&server);
    publish(&server, 0..3);
    assert_eq!(client.events(3).iter().map(number).collect::<Vec<_>>(), [0, 1, 2]);
    let quiet = client.send(json!({ "channel": "/meta/received", "ext": { "received": 3 } }));
    let refused = client.request("/meta/received", json!({ "ext": { "received": 4 } }));
    assert_eq!(refused["error"], "400:ext.received is more than was sent:message_invalid");
    assert_ne!(refused["id"], *quiet);
    client.publish("/numbers", 3);
    assert_eq!(number(&client.event()), 3);

    let mut plain = WebSocketClient::connected(&server);
    let refused = plain.request("/meta/received", json!({ "ext": { "received": 0 } }));
    assert_eq!(refused["error"], "403:/meta/received:meta_unknown");
}

#[test]
fn an_answer_that_is_lost_comes_again_to_a_client_of_cometd_that_acknowledges() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let mut client = LongPollClient::new(&server);
    let reply = client.try_handshake(json!({ "ext": { "ack": true } }));
    assert_eq!(reply["ext"], json!({ "ack": true }));
    let reply = client.try_connect(json!({ "ext": { "ack": 0 } }));
    assert_eq!(reply["ext"], json!({ "ack": 1 }));
    client.subscribe("/numbers");

    let hold = |client: &mut LongPollClient| {
        let connect =
            json!({ "channel": "/meta/connect", "connectionType": "long-polling", "ext": { "ack": 1 } });
        client.send(connect)
    };
    let _ = hold(&mut client);
    server.until_held(1);
    publish(&server, 0..3);
    until_delivered(&server, 1);
    client.wire.drop_poll();

    let reply = client.try_connect(json!({ "ext": { "ack": 1 } }));
    let mut received: Vec<_> = client.waiting_events().drain(..).map(|event| number(&event)).collect();
    assert_eq!(received, [0, 1, 2], "at once, and in order");
    assert_eq!(reply["ext"], json!({ "ack": 3 }));
    publish(&server, 3..5);
    let reply = client.try_connect(json!({ "ext": { "ack": 3 } }));
    received.extend(client.waiting_events().drain(..).map(|event| number(&event)));
    assert_eq!(received, [0, 1, 2, 3, 4]);
    assert_eq!(reply["ext"], json!({ "ack": 4 }));
}

#[test]
fn a_client_that_acknowledges_gets_events_on_a_socket_with_the_replies_to_its_connects() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let mut client = WebSocketClient::new(&server);
    client.try_handshake(json!({ "ext": { "ack": true } }));
    client.try_connect(json!({ "ext": { "ack": 0 } }));
    client.subscribe("/numbers");
    publish(&server, 0..2);
    let connect = client.try_connect(json!({ "ext": { "ack": 1 } }));
    assert_eq!(connect["ext"], json!({ "ack": 2 }));
    assert_eq!(client.events(2).iter().map(number).collect::<Vec<_>>(), [0, 1]);

    let again = json!({ "channel": "/meta/connect", "connectionType": "websocket", "ext": { "ack": 2 } });
    let id = client.send(again);
    server.until_held(1);
    publish(&server, 2..3);
    let batch = client.wire.socket.batch();
    assert_eq!(
        (&batch[0]["data"], &batch[1]["id"], &batch[1]["ext"]["ack"]),
        (&json!(2), &json!(id), &json!(3))
    );
}
