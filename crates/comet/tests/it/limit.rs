//! Every other bound, reached and not exceeded: what lies within is served, what goes beyond gets its code.

use std::time::Duration;

use comet::{Code, Comet, Config};
use comet_testkit::{
    LongPollClient, Received, Socket, TestServer, WebSocket, WebSocketClient, Wire, Witness,
};
use comet_wire::websocket::Opcode;
use serde_json::{Value, json};

use crate::door::closed_door;

const HELLO: &str = r#"[{"channel":"/meta/handshake"}]"#;

fn limited(change: impl FnOnce(&mut Config)) -> (TestServer, Witness) {
    let server = TestServer::with(change);
    let witness = Witness::beside(&server);
    (server, witness)
}

fn post(server: &TestServer, body: &str) -> comet_testkit::Response {
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", "", body);
    socket.response()
}

#[test]
fn connections_in_all_are_bounded() {
    let (server, mut witness) = limited(|config| config.limits.connections = 4);
    let kept: Vec<_> = (0..3).map(|_| WebSocketClient::connected(&server)).collect();
    let mut refused = Socket::connect(server.address());
    let answer = refused.response();
    assert_eq!(answer.status, 503);
    assert!(answer.field("retry-after").is_some());
    refused.expect_end();
    assert_eq!(server.endings(Code::TooManyConnections), 1);
    witness.still_hears(&server);
    drop(kept);
    server.until("there is room again", |counts| counts.connections_open == 1);
    WebSocketClient::connected(&server);
}

#[test]
fn connections_per_address_are_bounded_and_pages_count() {
    let (server, mut witness) = limited(|config| config.limits.connections_per_address = 3);
    let mut page = Socket::connect(server.address());
    assert_eq!(page.get("/handed/over", "").status, 404);
    let mut poll = Socket::connect(server.address());
    poll.send_post("/cometd", "", HELLO);
    assert_eq!(poll.response().status, 200);
    assert_eq!(Socket::connect(server.address()).response().status, 503);
    witness.still_hears(&server);
    drop(page);
    comet_testkit::eventually("the page's connection makes room", || {
        let mut socket = Socket::connect(server.address());
        // Who is refused hears so without asking.
        if socket.try_response(Duration::from_millis(50)).is_some() {
            return false;
        }
        socket.send_post("/cometd", "", HELLO);
        socket.response().status == 200
    });
}

#[test]
fn sessions_are_bounded() {
    let (server, mut witness) = limited(|config| {
        config.limits.sessions = 3;
        // They count in all, wherever they live.
        config.shards = 2;
    });
    let mut first = LongPollClient::connected(&server);
    let _second = LongPollClient::connected(&server);
    let reply = LongPollClient::new(&server).try_handshake(json!({}));
    assert_eq!(
        (&reply["error"], &reply["advice"]["reconnect"]),
        (&json!("503::too_many_sessions"), &json!("handshake"))
    );
    assert_eq!(server.endings(Code::TooManySessions), 1);
    witness.still_hears(&server);
    first.disconnect();
    LongPollClient::connected(&server);
}

#[test]
fn channels_per_shard_are_bounded() {
    let (server, mut witness) = limited(|config| config.limits.channels_per_shard = 5);
    witness.still_hears(&server);
    let heard: Vec<String> = (0..4).map(|n| format!("/heard/{n}")).collect();
    let mut client = LongPollClient::connected(&server);
    client.subscribe(&heard[0]);
    let first = server.publish(&heard[0], &1);
    client.expect_event(&heard[0], 1);
    // Whoever invents names takes the place of invented names alone.
    let invented = server.publish("/n/0", &0);
    for n in 1..50 {
        server.publish(&format!("/n/{n}"), &n);
    }
    assert_eq!(server.publish(&heard[0], &2), comet::Position { offset: 2, ..first });
    client.expect_event(&heard[0], 2);
    let since = json!({ "epoch": format!("{:x}", invented.epoch), "offset": invented.offset });
    let reply =
        client.request("/meta/subscribe", json!({ "subscription": "/n/0", "ext": { "since": since } }));
    assert_eq!(reply["ext"]["recovered"], false, "what went with a name is told: {reply}");
    // Where all are in use there is no room.
    for name in &heard[1..] {
        client.subscribe(name);
        server.publish(name, &1);
        client.expect_event(name, 1);
    }
    assert_eq!(client.request("/n/50", json!({ "data": 1 }))["error"], "503::overloaded");
    client.publish(&heard[3], 2);
    client.expect_event(&heard[3], 2);
    witness.still_hears(&server);
}

#[test]
fn keys_and_keys_per_publisher_bound_what_is_remembered_and_nobody_takes_the_room_of_others() {
    let (server, mut witness) = limited(|config| {
        config.limits.keys = 4;
        config.limits.keys_per_publisher = 2;
    });
    let mut clients: Vec<LongPollClient> = (0..3).map(|_| LongPollClient::connected(&server)).collect();
    witness.still_hears(&server);
    let count = || server.counts().publications;
    let mut once = |client: usize, key: &str| {
        let (before, data) = (count(), json!({ "data": 1, "ext": { "key": key } }));
        let reply = clients[client].request("/a", data);
        reply["error"].as_str().map_or(Ok(count() - before), |error| Err(error.to_owned()))
    };
    assert_eq!((once(0, "other 1"), once(0, "other 2")), (Ok(1), Ok(1)));
    for n in 0..10 {
        assert_eq!(once(1, &format!("many {n}")), Ok(1));
    }
    assert_eq!((once(1, "many 8"), once(1, "many 9")), (Ok(0), Ok(0)));
    assert_eq!(once(1, "many 7"), Ok(1), "its own oldest is forgotten");
    assert_eq!((once(0, "other 1"), once(0, "other 2")), (Ok(0), Ok(0)), "and nothing of others");
    assert_eq!(once(2, "third"), Err("503::overloaded".into()));
    let publisher = server.publisher();
    for key in ["a", "b", "c", "d", "a"] {
        let published = publisher.publish_once("/a", &1, key);
        server.runtime().block_on(published).expect("the server has room of its own");
    }
    clients[2].publish("/a", 1);
    witness.still_hears(&server);
}

#[test]
fn head_bytes_and_head_fields_are_bounded() {
    let (server, mut witness) = limited(|config| {
        config.limits.head_bytes = 2_000;
        config.limits.head_fields = 10;
    });
    let mut socket = Socket::connect(server.address());
    let fields: String = (0..8).map(|n| format!("X-{n}: y\r\n")).collect();
    assert_eq!(socket.get("/x", &fields).status, 404);
    for fields in [
        (0..12).map(|n| format!("X-{n}: y\r\n")).collect(),
        format!("X: {}\r\n", "y".repeat(2_000)),
        format!("X: {}\r\n", "y".repeat(200_000)),
    ] {
        let mut socket = Socket::connect(server.address());
        let _ = socket.try_send(format!("POST /cometd HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
        let answer = socket.response();
        assert_eq!((answer.status, answer.code().as_str()), (431, "headers_too_large"));
    }
    witness.still_hears(&server);
}

#[test]
fn batch_bytes_bound_bodies_and_messages_of_known_sessions() {
    let (server, mut witness) = limited(|config| config.limits.batch_bytes = 100_000);
    let padded = |length: usize| format!("{}{HELLO}", " ".repeat(length - HELLO.len()));
    assert_eq!(post(&server, &padded(100_000)).status, 200);
    assert_eq!(post(&server, &padded(100_001)).code(), "body_too_large");
    let mut socket = Socket::connect(server.address());
    let chunk = format!("{:x}\r\n{}\r\n", 60_000, " ".repeat(60_000));
    let _ = socket.try_send(format!(
        "POST /cometd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}"
    ));
    assert_eq!(socket.response().status, 413);

    let mut client = WebSocketClient::connected(&server);
    client.publish("/a", "x".repeat(90_000));
    let _ = client.send(json!({ "channel": "/a", "data": "x".repeat(100_000) }));
    assert_eq!(client.wire.socket.expect_close(), 1009);
    witness.still_hears(&server);
}

#[test]
fn unidentified_bytes_bound_what_a_stranger_may_send_over_a_websocket() {
    let (server, mut witness) = limited(|config| config.limits.unidentified_bytes = 10_000);
    let padded = |length: usize| format!("{}{HELLO}", " ".repeat(length - HELLO.len()));
    let mut socket = WebSocket::open(server.address(), "/cometd");
    socket.send_text(&padded(10_000));
    assert_eq!(socket.batch()[0]["successful"], true);
    socket.send_text(&padded(50_000));
    assert_eq!(socket.batch()[0]["successful"], true, "who has a session may send more");
    let mut socket = WebSocket::open(server.address(), "/cometd");
    socket.send_text(&padded(10_001));
    assert_eq!(socket.expect_close(), 1009);
    witness.still_hears(&server);
}

#[test]
fn unidentified_pool_bytes_bound_the_bodies_of_all_strangers_together() {
    let (server, mut witness) = limited(|config| {
        config.limits.unidentified_bytes = 1_000;
        config.limits.unidentified_pool_bytes = 100_000;
    });
    let begin = |socket: &mut Socket| {
        socket.send("POST /cometd HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n");
        socket.send(" ".repeat(80_000));
    };
    let mut first = Socket::connect(server.address());
    begin(&mut first);
    let mut second = Socket::connect(server.address());
    begin(&mut second);
    // Whichever comes second finds no room; the other goes on.
    let refused = second.try_response(Duration::from_secs(5)).unwrap_or_else(|| {
        std::mem::swap(&mut first, &mut second);
        second.response()
    });
    assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
    let rest = format!("{}{HELLO}", " ".repeat(10_000 - HELLO.len()));
    first.send(rest);
    assert_eq!(first.response().messages()[0]["successful"], true);
    // What it had drawn from the pool is there again.
    let mut third = Socket::connect(server.address());
    begin(&mut third);
    third.send(format!("{}{HELLO}", " ".repeat(10_000 - HELLO.len())));
    assert_eq!(third.response().status, 200);
    witness.still_hears(&server);
}

#[test]
fn batch_messages_and_json_depth_are_bounded() {
    let (server, mut witness) = limited(|config| {
        config.limits.batch_messages = 3;
        config.limits.json_depth = 5;
    });
    assert_eq!(post(&server, &json!(vec![json!({}); 3]).to_string()).status, 200);
    assert_eq!(post(&server, &json!(vec![json!({}); 4]).to_string()).code(), "batch_too_long");
    let nested = |depth: usize| format!("[{{\"data\":{}{}}}]", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(post(&server, &nested(3)).status, 200);
    assert_eq!(post(&server, &nested(4)).code(), "depth_exceeded");
    witness.still_hears(&server);
}

#[test]
fn fragments_of_one_message_are_bounded() {
    let (server, mut witness) = limited(|_| {});
    for (fragments, payload, kept) in [(1_000, &b" "[..], true), (10_000, b" ", false), (10_000, b"", false)]
    {
        let mut socket = WebSocket::open(server.address(), "/cometd");
        let mut bytes = WebSocket::frame(0x01, HELLO.as_bytes());
        for _ in 2..fragments {
            bytes.extend(WebSocket::frame(0x00, payload));
        }
        bytes.extend(WebSocket::frame(0x80, payload));
        let _ = socket.socket().try_send(bytes);
        if kept {
            assert_eq!(socket.batch()[0]["successful"], true);
        } else {
            assert_eq!(socket.expect_close(), 1008);
        }
    }
    assert_eq!(server.endings(Code::TooManyFragments), 2);
    witness.still_hears(&server);
}

#[test]
fn pings_per_second_are_bounded() {
    let (server, mut witness) = limited(|config| config.limits.pings_per_second = 20);
    let mut client = WebSocketClient::connected(&server);
    let flood: Vec<u8> = (0..2_000).flat_map(|_| WebSocket::frame(0x89, b"")).collect();
    let _ = client.wire.socket.socket().try_send(flood);
    let mut pongs = 0;
    while client.wire.socket.receive() == Received::Pong(Vec::new()) {
        pongs += 1;
    }
    // At the turn of a second as many may be answered again.
    assert!((20..=40).contains(&pongs), "{pongs}");
    assert_eq!(server.endings(Code::PingFlood), 1);
    witness.still_hears(&server);

    let mut moderate = WebSocketClient::connected(&server);
    for _ in 0..20 {
        moderate.wire.socket.send_frame(Opcode::Ping, b"p");
        assert_eq!(moderate.wire.socket.receive(), Received::Pong(b"p".to_vec()));
    }
}

#[test]
fn exchanges_per_connection_bound_what_waits_for_other_shards() {
    // Behind the bound messages wait in the socket, in their order; none is refused.
    let (server, mut witness) = limited(|config| {
        config.shards = 2;
        config.limits.exchanges_per_connection = 2;
    });
    let mut client = WebSocketClient::connected(&server);
    client.subscribe("/n");
    let ids: Vec<_> = (0..500).map(|n| client.send(json!({ "channel": "/n", "data": n }))).collect();
    for id in &ids {
        assert_eq!(client.reply(id)["successful"], true);
    }
    for n in 0..500 {
        client.expect_event("/n", n);
    }
    witness.still_hears(&server);
}

#[test]
fn output_bytes_bound_the_replies_that_nobody_reads() {
    let (server, mut witness) = limited(|config| config.limits.output_bytes = 200_000);
    let socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    let mut socket = WebSocket::open_on(socket, "/cometd", &[]).expect("it is let in");
    socket.send_text(HELLO);
    let id = socket.batch()[0]["clientId"].clone();
    // The reply repeats the names of the message.
    let names: Vec<_> = (0..100).map(|n| format!("/{n}/{}", "x".repeat(200))).collect();
    let message =
        json!([{ "channel": "/meta/subscribe", "subscription": names, "clientId": id }]).to_string();
    let frame = WebSocket::frame(0x81, message.as_bytes());
    comet_testkit::eventually("it is ended", || {
        let _ = socket.socket().try_send(&frame);
        server.endings(Code::SlowConsumer) == 1
    });
    witness.still_hears(&server);
}

#[test]
fn pipelined_bytes_bound_what_lies_behind_a_held_connect() {
    const BODY: usize = 1 << 20;
    let (server, mut witness) = limited(|config| {
        config.limits.pipelined_bytes = 1_000;
        config.session.timeout_ms = 3_600_000;
    });
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    let cookie = format!("Cookie: {}\r\n", client.wire.cookie().expect("a cookie was set"));
    let mut socket = Socket::connect(server.address());
    let connect = json!([{ "channel": "/meta/connect", "clientId": client.id(), "id": "c" }]).to_string();
    socket.send_post("/cometd", &cookie, connect);
    server.until_held(1);
    let hello = format!("{}{HELLO}", " ".repeat(BODY - HELLO.len()));
    let request =
        format!("POST /cometd HTTP/1.1\r\nHost: x\r\n{cookie}Content-Length: {BODY}\r\n\r\n{hello}");
    let requests = request.repeat(32);
    let sent = socket.send_until_stuck(requests.as_bytes(), Duration::from_secs(1));
    assert!(sent < requests.len(), "the server took 32 MiB that it cannot look at yet");
    witness.still_hears(&server);
    // When the connect is answered, the rest is taken and answered too.
    server.publish("/a", "wake");
    assert_eq!(socket.response().messages()[0]["data"], "wake");
    let rest = requests.as_bytes()[sent..].to_vec();
    let mut answers = 0;
    for part in rest.chunks(BODY / 2) {
        socket.send(part);
        while let Some(answer) = socket.try_response(Duration::from_millis(1)) {
            assert_eq!(answer.messages()[0]["successful"], true);
            answers += 1;
        }
    }
    for _ in answers..32 {
        assert_eq!(socket.response().messages()[0]["successful"], true);
    }
}

#[test]
fn messages_per_write_and_bytes_per_write_bound_one_answer() {
    let (server, _witness) = limited(|config| {
        config.limits.messages_per_write = 4;
        config.limits.bytes_per_write = 10_000;
    });
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    let connect = |client: &mut LongPollClient| -> Vec<Value> {
        client.connect();
        client.waiting_events().drain(..).collect()
    };
    for n in 0..10 {
        server.publish("/a", &n);
    }
    let lengths: Vec<_> = (0..3).map(|_| connect(&mut client).len()).collect();
    assert_eq!(lengths, [4, 4, 2]);
    for length in [6_000, 6_000, 30_000, 10] {
        server.publish("/a", &"x".repeat(length));
    }
    let lengths: Vec<_> = (0..4).map(|_| connect(&mut client).len()).collect();
    assert_eq!(lengths, [1, 1, 1, 1], "one message may exceed the bound, alone");
}

#[test]
fn sends_per_turn_delay_and_lose_nothing() {
    let (server, mut witness) = limited(|config| {
        config.limits.sends_per_turn = 1;
        config.limits.messages_per_write = 1;
    });
    let mut clients: Vec<_> = (0..10).map(|_| WebSocketClient::connected(&server)).collect();
    clients.iter_mut().for_each(|client| client.subscribe("/a"));
    for n in 0..30 {
        server.publish("/a", &n);
    }
    for client in &mut clients {
        for n in 0..30 {
            client.expect_event("/a", n);
        }
    }
    witness.still_hears(&server);
}

#[test]
fn subscriptions_of_a_session_are_bounded() {
    let (server, mut witness) = limited(|config| {
        config.session.subscriptions = 10;
        config.session.subscription_names_per_message = 6;
    });
    let mut client = LongPollClient::connected(&server);
    let names = |from: usize, to: usize| json!({ "subscription": (from..to).map(|n| format!("/n/{n}")).collect::<Vec<_>>() });
    let error = json!("429::subscriptions_too_many");
    assert_eq!(client.request("/meta/subscribe", names(0, 7))["error"], error);
    assert_eq!(client.request("/meta/subscribe", names(0, 6))["successful"], true);
    assert_eq!(
        client.request("/meta/subscribe", names(6, 11))["error"],
        error,
        "all of a message or nothing"
    );
    assert_eq!(client.request("/meta/subscribe", names(4, 10))["successful"], true, "known names are free");
    assert_eq!(client.request("/meta/subscribe", names(10, 11))["error"], error);
    client.unsubscribe("/n/0");
    client.subscribe("/n/10");
    for n in 0..11 {
        server.publish(&format!("/n/{n}"), &n);
    }
    for n in 1..11 {
        client.expect_event(&format!("/n/{n}"), n);
    }
    witness.still_hears(&server);
}

#[test]
fn mailbox_bytes_of_a_session_are_bounded() {
    let (server, mut witness) = limited(|config| config.session.mailbox_bytes = 10_000);
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    server.publish("/a", &"x".repeat(9_000));
    client.expect_event("/a", "x".repeat(9_000));
    server.publish("/a", &"x".repeat(9_000));
    server.publish("/a", &"x".repeat(2_000));
    assert_eq!(server.counts().messages_withheld, 1, "the second one found no room");
    client.expect_event("/a", "x".repeat(9_000));
    client.expect_event("/a", "x".repeat(2_000));
    witness.still_hears(&server);
}

#[test]
fn calls_per_session_and_calls_in_all_are_bounded_until_they_are_answered() {
    let (door, slow) = closed_door(|_| {});
    let mut config = TestServer::config();
    config.limits.calls_per_session = 2;
    config.limits.calls = 3;
    let server = TestServer::run(Comet::builder().config(config).service("/service/slow", slow));
    let mut witness = Witness::beside(&server);
    let mut greedy = WebSocketClient::connected(&server);
    let mut other = LongPollClient::connected(&server);
    let call = || json!({ "data": 1 });
    for _ in 0..2 {
        assert_eq!(greedy.request("/service/slow", call())["successful"], true);
    }
    assert_eq!(greedy.request("/service/slow", call())["error"], "429::rate_limited");
    assert_eq!(other.request("/service/slow", call())["successful"], true);
    assert_eq!(other.request("/service/slow", call())["error"], "503::overloaded");
    witness.still_hears(&server);
    door.add_permits(3);
    greedy.events(2);
    other.event();
    door.add_permits(1);
    assert_eq!(greedy.call("/service/slow", 2)["data"], 2);
}

#[test]
fn call_bytes_bound_the_data_of_open_calls() {
    let (door, slow) = closed_door(|_| {});
    let mut config = TestServer::config();
    config.limits.call_bytes = 5_000;
    let server = TestServer::run(Comet::builder().config(config).service("/service/slow", slow));
    let mut client = WebSocketClient::connected(&server);
    let call = || json!({ "data": "x".repeat(3_000) });
    assert_eq!(client.request("/service/slow", call())["successful"], true);
    assert_eq!(client.request("/service/slow", call())["error"], "503::overloaded");
    door.add_permits(2);
    client.event();
    assert_eq!(client.request("/service/slow", call())["successful"], true);
    client.event();
}

#[test]
fn a_message_that_fits_no_queue_is_refused_and_ends_nobody() {
    let mut config = Config { shards: 2, ..TestServer::config() };
    config.session.mailbox_bytes = 10_000;
    let large = async |_: comet::Call| comet::Reply::json(&"x".repeat(20_000));
    let server = TestServer::run(Comet::builder().config(config).service("/service/large", large));
    let mut listeners: Vec<_> = (0..4).map(|_| WebSocketClient::connected(&server)).collect();
    listeners.iter_mut().for_each(|listener| listener.subscribe("/a"));
    let mut publisher = LongPollClient::connected(&server);
    let reply = publisher.request("/a", json!({ "data": "x".repeat(10_000) }));
    assert_eq!(reply["error"], "413::data_too_large");
    assert!(server.try_publish("/a", &"x".repeat(10_000)).is_err());
    assert_eq!(publisher.call("/service/large", 1)["error"], "413::data_too_large");
    publisher.publish("/a", "x".repeat(9_800));
    for listener in &mut listeners {
        assert_eq!(listener.event()["data"].as_str().map(str::len), Some(9_800));
    }
    assert_eq!(server.endings(Code::SlowConsumer), 0);
}
