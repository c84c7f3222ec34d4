//! The graceful stop: everyone is sent away, and nothing that was accepted is lost.

use std::time::Duration;

use comet::Code;
use comet_testkit::{LongPollClient, PATIENCE, Received, Socket, TestServer, WebSocketClient, Wire};
use serde_json::json;

#[test]
fn held_polls_are_answered_and_told_when_to_come_back() {
    let mut server = TestServer::start();
    let mut clients: Vec<_> = (0..10).map(|_| LongPollClient::connected(&server)).collect();
    clients.iter_mut().for_each(LongPollClient::hold);
    server.until_held(10);
    let stop = server.begin_drain();
    let intervals: Vec<_> = clients
        .iter_mut()
        .map(|client| {
            let reply = client.held_reply();
            assert_eq!(
                (&reply["successful"], &reply["advice"]["reconnect"]),
                (&json!(true), &json!("retry"))
            );
            reply["advice"]["interval"].as_u64().expect("a number")
        })
        .collect();
    assert!(
        intervals.iter().any(|interval| *interval != intervals[0]),
        "they would all come at once: {intervals:?}"
    );
    assert!(server.finish(stop) < Duration::from_secs(8));
}

#[test]
fn websockets_get_what_is_queued_and_are_closed_with_1012() {
    let mut server = TestServer::start();
    let mut clients: Vec<_> = (0..5).map(|_| WebSocketClient::connected(&server)).collect();
    for client in &mut clients {
        client.subscribe("/a");
        client.hold();
    }
    server.until_held(5);
    for n in 0..500 {
        server.publish("/a", &json!([n, "x".repeat(1_000)]));
    }
    let stop = server.begin_drain();
    for client in &mut clients {
        for n in 0..500 {
            assert_eq!(client.event()["data"][0], n);
        }
        assert_eq!(client.wire.socket.expect_close(), 1012);
    }
    assert!(server.finish(stop) < Duration::from_secs(8));
}

#[test]
fn a_client_between_two_polls_gets_its_messages_before_the_end() {
    let mut server = TestServer::start();
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    for n in 0..20 {
        server.publish("/a", &n);
    }
    let stop = server.begin_drain();
    for n in 0..20 {
        client.expect_event("/a", n);
    }
    assert!(server.finish(stop) < Duration::from_secs(8), "the stop waits no longer than needed");
}

#[test]
fn a_stop_ends_though_a_client_never_comes_for_its_messages() {
    let server = TestServer::with(|config| config.limits.drain_ms = 400);
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    server.publish("/a", "never fetched");
    let took = server.drain();
    assert!(took >= Duration::from_millis(350), "it did not wait: {took:?}");
    assert!(took < Duration::from_secs(8), "it waited too long: {took:?}");
}

#[test]
fn new_sessions_and_websockets_are_refused_while_stopping() {
    let mut server = TestServer::start();
    let mut waited_for = LongPollClient::connected(&server);
    waited_for.subscribe("/a");
    server.publish("/a", "keeps the stop waiting");
    let mut idle = WebSocketClient::new(&server);
    let stop = server.begin_drain();
    assert_eq!(idle.wire.socket.receive(), Received::Close(Some(1012), "draining".into()));
    let reply = LongPollClient::new(&server).try_handshake(json!({}));
    assert_eq!(reply["error"], "503::draining");
    assert_eq!(reply["advice"]["reconnect"], "handshake");
    // A WebSocket is let in for the sake of those whose sessions live here; who names none is sent away.
    let mut stranger = WebSocketClient::new(&server);
    assert_eq!(stranger.try_handshake(json!({}))["error"], "503::draining");
    assert_eq!(stranger.wire.socket.receive(), Received::Close(Some(1012), "draining".into()));
    waited_for.expect_event("/a", "keeps the stop waiting");
    assert!(server.finish(stop) < Duration::from_secs(8));
    assert_eq!(server.endings(Code::Draining), 4);
}

#[test]
fn idle_connections_are_closed_and_a_page_in_progress_is_finished() {
    use http::{Request, Response};
    let (begun, begins) = std::sync::mpsc::channel();
    let page = move |_: Request<comet::Body>| {
        let begun = begun.clone();
        async move {
            begun.send(()).expect("the test waits");
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok::<_, std::convert::Infallible>(Response::new(comet::Body::full("finished")))
        }
    };
    let mut server = TestServer::run(TestServer::builder().http(tower::service_fn(page)));
    let mut idle = Socket::connect(server.address());
    idle.send_post("/cometd", "", "[]");
    idle.response();
    let mut socket = Socket::connect(server.address());
    socket.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    begins.recv_timeout(PATIENCE).expect("the page begins");
    let stop = server.begin_drain();
    let answer = socket.response();
    assert_eq!((answer.text(), answer.closes()), ("finished", true));
    idle.expect_end();
    assert!(server.finish(stop) < Duration::from_secs(8));
}

#[test]
fn what_a_websocket_hears_up_to_its_close_frame_has_no_hole() {
    let mut server = TestServer::with(|config| config.shards = 2);
    let mut listeners: Vec<_> = (0..6).map(|_| WebSocketClient::connected(&server)).collect();
    for listener in &mut listeners {
        listener.subscribe("/n/**");
    }
    let publisher = server.publisher();
    let acknowledged = server.runtime().spawn(async move {
        let mut acknowledged = Vec::new();
        for n in 0..100_000 {
            match publisher.publish(&format!("/n/{}", n % 8), &n).await {
                Ok(_) => acknowledged.push(n),
                Err(_) => break,
            }
        }
        acknowledged
    });
    let mut heard: Vec<Vec<i64>> = listeners.iter_mut().map(|listener| vec![number(listener)]).collect();
    let stop = server.begin_drain();
    std::thread::scope(|scope| {
        for (listener, heard) in listeners.iter_mut().zip(&mut heard) {
            scope.spawn(move || {
                loop {
                    match listener.wire.socket.receive() {
                        Received::Text(text) => {
                            let batch: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a batch");
                            heard.extend(batch.iter().filter_map(|message| message["data"].as_i64()));
                        }
                        Received::Close(code, _) => return assert_eq!(code, Some(1012)),
                        other => panic!("expected messages and a close frame, got {other:?}"),
                    }
                }
            });
        }
    });
    server.finish(stop);
    let acknowledged = server.runtime().block_on(acknowledged).expect("the publisher ends");
    assert!(!acknowledged.is_empty());
    for heard in heard {
        let hole = heard.windows(2).find(|pair| pair[1] != pair[0] + 1);
        assert_eq!(hole, None);
    }

    fn number(listener: &mut WebSocketClient) -> i64 {
        listener.event()["data"].as_i64().expect("a number")
    }
}

#[test]
fn a_dropped_server_ends_every_connection() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", "[]");
    socket.response();
    drop(server);
    socket.expect_end();
}

#[test]
fn what_was_acknowledged_until_the_stop_reaches_those_who_poll() {
    // Shards must not stop one by one: the last acknowledged message may be for a poller of another shard.
    let mut server = TestServer::with(|config| {
        config.shards = 2;
        config.limits.drain_ms = 2_000;
    });
    let pollers: Vec<_> = (0..6)
        .map(|_| {
            let mut poller = LongPollClient::connected(&server);
            poller.subscribe("/n/**");
            poller
        })
        .collect();
    let publisher = server.publisher();
    let acknowledged = server.runtime().spawn(async move {
        let mut acknowledged = Vec::new();
        for n in 0..i64::MAX {
            match publisher.publish(&format!("/n/{}", n % 8), &n).await {
                Ok(_) => acknowledged.push(n),
                Err(_) => break,
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        acknowledged
    });
    let address = server.address();
    // They poll before, in and after the stop's beginning.
    server.until("much is published", |counts| counts.publications > 100);
    let stop = server.begin_drain();
    let heard: Vec<Vec<i64>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            pollers.iter().map(|poller| scope.spawn(|| poll_until_gone(address, poller))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a poller does not fail")).collect()
    });
    server.finish(stop);
    let acknowledged = server.runtime().block_on(acknowledged).expect("the publisher ends");
    assert!(acknowledged.len() >= 100, "only {} were published", acknowledged.len());
    for heard in heard {
        assert_eq!(heard, acknowledged);
    }
}

/// Polls until the server is no longer there; the numbers it heard.
fn poll_until_gone(address: std::net::SocketAddr, poller: &LongPollClient) -> Vec<i64> {
    let cookie = poller.wire.cookie().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
    let connect = json!([{ "channel": "/meta/connect", "connectionType": "long-polling",
        "clientId": poller.id() }]);
    let mut heard = Vec::new();
    while let Some(mut socket) = Socket::try_connect(address) {
        socket.send_post("/cometd", &cookie, connect.to_string());
        let Some(answer) = socket.try_response(PATIENCE) else { break };
        heard.extend(answer.messages().iter().filter_map(|message| message["data"].as_i64()));
    }
    heard
}
