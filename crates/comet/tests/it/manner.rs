//! The manner in which messages come to slow readers: what gives way, how often something comes, what is gathered.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use comet::{ApiAccess, ChannelOptions, Code, Config, Deliver, Pattern, PublishOptions, Slow};
use comet_testkit::{Client, LongPollClient, Socket, TestServer, WebSocket, WebSocketClient, Wire, Witness};
use serde_json::{Value, json};

/// Subscribes with a wish; the reply.
fn wish<W: Wire>(client: &mut Client<W>, name: &str, deliver: Value) -> Value {
    client.request("/meta/subscribe", json!({ "subscription": name, "ext": { "deliver": deliver } }))
}

fn conflated(server: &TestServer, channel: &str, key: &str, data: &Value) {
    let publisher = server.publisher();
    server.runtime().block_on(publisher.publish_conflated(channel, data, key)).expect("it is published");
}

fn manner(slow: Slow, every_ms: u64, batch_ms: u64) -> ChannelOptions {
    ChannelOptions { deliver: Deliver { slow, every_ms, batch_ms }, ..ChannelOptions::default() }
}

fn ruled(name: &str, options: ChannelOptions) -> TestServer {
    TestServer::with(|config: &mut Config| {
        config.channels.rules.push((Pattern::parse(name).expect("a pattern"), options));
    })
}

/// The pages of memory that this process has.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or_default() * 4_096
}

#[test]
fn a_paused_reader_of_a_busy_ticker_costs_no_memory_and_goes_on_with_what_is_current() {
    const KEYS: usize = 100;
    const SECONDS: u64 = 10;
    let server = TestServer::with(|_| {});
    let mut other = WebSocketClient::connected(&server);
    other.subscribe("/ticker");
    let socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    let mut paused = WebSocket::open_on(socket, "/cometd", &[]).expect("it is let in");
    paused.send_text(r#"[{"channel":"/meta/handshake"}]"#);
    let id = paused.batch()[0]["clientId"].clone();
    let connect = json!([{ "channel": "/meta/connect", "connectionType": "websocket", "clientId": id }]);
    paused.send_batch(&connect);
    paused.batch();
    paused.send_batch(&json!([{
        "channel": "/meta/subscribe", "subscription": "/ticker", "clientId": id,
        "ext": { "deliver": { "slow": "conflate" } },
    }]));
    assert_eq!(paused.batch()[0]["ext"]["deliver"]["slow"], "conflate");

    paused.send_batch(&connect);

    let publisher = server.publisher();
    let publishing = server.runtime().spawn(async move {
        let started = Instant::now();
        let mut sent = 0;
        while started.elapsed() < Duration::from_secs(SECONDS) {
            let due = started.elapsed().as_millis() as usize;
            while sent < due {
                let (key, data) = (format!("k{}", sent % KEYS), json!([sent % KEYS, sent, "x".repeat(100)]));
                publisher.publish_conflated("/ticker", &data, &key).await.expect("it is published");
                sent += 1;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        sent
    });
    let started = Instant::now();
    let (mut heard_by_other, mut settled) = (0, 0);
    while !publishing.is_finished() || heard_by_other < server.counts().publications as usize {
        let Some(event) = other.try_event(Duration::from_millis(100)) else { continue };
        assert_eq!(event["data"][1], heard_by_other, "the other reader hears everything, in order");
        heard_by_other += 1;
        if settled == 0 && started.elapsed() > Duration::from_secs(2) {
            settled = resident_bytes();
        }
    }
    let sent = server.runtime().block_on(publishing).expect("the publisher ends");
    let grown = resident_bytes().saturating_sub(settled);
    assert!(grown < 4 << 20, "{grown} bytes more while one reader was paused");

    // It reads on: a little that had left before, then what gave way, then the newest of every key.
    let (mut heard, mut gave_way, mut newest) = (0, 0, HashMap::new());
    while newest.len() < KEYS || newest.values().any(|last| *last < sent - KEYS) {
        for event in paused.batch() {
            if event["channel"] == "/meta/gap" {
                assert!(
                    event["ext"].get("gaps").is_none() && event["ext"].get("dropped").is_none(),
                    "{event}"
                );
                gave_way += event["ext"]["conflated"]["/ticker"].as_u64().expect("a count") as usize;
                continue;
            }
            if event.get("data").is_none() {
                continue;
            }
            heard += 1;
            let (key, n) = (event["data"][0].as_u64(), event["data"][1].as_u64().expect("a number") as usize);
            assert!(newest.insert(key, n).is_none_or(|before| before < n), "{event}");
        }
    }
    assert_eq!(heard + gave_way, sent, "every message was heard or counted");
    assert!(gave_way > sent * 7 / 10, "{gave_way} of {sent} gave way");
    let counts = server.counts();
    assert_eq!((counts.messages_conflated as usize, counts.messages_dropped), (gave_way, 0));
    assert_eq!((counts.sessions_behind, server.endings(Code::SlowConsumer)), (0, 0));
}

#[test]
fn a_poller_that_was_away_gets_the_newest_of_each_key_and_how_many_gave_way() {
    for shards in [1, 3] {
        let server = TestServer::with(|config: &mut Config| config.shards = shards);
        let mut client = LongPollClient::connected(&server);
        let reply = wish(&mut client, "/ticker/*", json!({ "slow": "conflate" }));
        let in_force = json!({ "slow": "conflate", "every_ms": 0, "batch_ms": 0 });
        assert_eq!(reply["ext"]["deliver"], in_force, "{reply}");
        for n in 0..60 {
            conflated(&server, "/ticker/a", ["x", "y", "z"][n % 3], &json!(n));
            server.publish("/ticker/b", &n);
        }
        server.until("all have come to its shard", |counts| counts.messages_conflated == 116);
        let gap = client.event();
        assert_eq!(gap["channel"], "/meta/gap", "{gap}");
        assert_eq!(gap["ext"], json!({ "conflated": { "/ticker/a": 57, "/ticker/b": 59 } }));
        let mut heard: Vec<Value> = client.events(4).iter().map(|event| event["data"].clone()).collect();
        heard.sort_by_key(Value::as_u64);
        assert_eq!(heard, [57, 58, 59, 59]);
        server.publish("/ticker/b", "live");
        client.expect_event("/ticker/b", "live");
    }
}

#[test]
fn the_oldest_are_dropped_counted_and_told_when_the_queue_is_full() {
    let server = TestServer::with(|config: &mut Config| config.session.mailbox_messages = 10);
    let mut witness = Witness::beside(&server);
    let mut client = LongPollClient::connected(&server);
    wish(&mut client, "/news", json!({ "slow": "drop_oldest" }));
    for n in 0..123 {
        server.publish("/news", &n);
    }
    assert_eq!(client.event()["ext"], json!({ "dropped": { "/news": 113 } }));
    for n in 113..123 {
        client.expect_event("/news", n);
    }
    assert_eq!((server.counts().messages_dropped, server.counts().sessions_behind), (113, 0));
    witness.still_hears(&server);
}

/// What a client hears of a channel that counts up every few milliseconds: when, and which number.
fn listen(client: &mut WebSocketClient, within: Duration) -> Vec<(Instant, u64)> {
    let end = Instant::now() + within;
    let mut heard = Vec::new();
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        if let Some(event) = client.try_event(left)
            && let Some(n) = event["data"].as_u64()
        {
            heard.push((Instant::now(), n));
        }
    }
    heard
}

#[test]
fn a_frequency_cap_holds_changes_while_messages_come_and_is_taken_back() {
    let server = TestServer::with(|_| {});
    let mut client = WebSocketClient::connected(&server);
    let reply = wish(&mut client, "/tick", json!({ "every_ms": 400 }));
    let in_force = json!({ "slow": "conflate", "every_ms": 400, "batch_ms": 0 });
    assert_eq!(reply["ext"]["deliver"], in_force, "{reply}");
    let publisher = server.publisher();
    let publishing = server.runtime().spawn(async move {
        for n in 0.. {
            publisher.publish("/tick", &n).await.expect("it is published");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let pauses = |heard: &[(Instant, u64)]| -> Vec<Duration> {
        heard.windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    };
    let first = listen(&mut client, Duration::from_millis(1_700));
    assert!((3..=6).contains(&first.len()), "{first:?}");
    assert_eq!(first[0].1, 0, "the first one comes at once");
    assert!(first.windows(2).all(|pair| pair[0].1 + 1 < pair[1].1), "the newest comes: {first:?}");

    assert_eq!(wish(&mut client, "/tick", json!({ "every_ms": 100 }))["ext"]["deliver"]["every_ms"], 100);
    let second = listen(&mut client, Duration::from_millis(1_500));
    assert!((6..=16).contains(&second.len()), "{} {:?}", second.len(), pauses(&second));

    assert_eq!(wish(&mut client, "/tick", json!({}))["ext"]["deliver"]["every_ms"], 0);
    let third = listen(&mut client, Duration::from_millis(500));
    let gaps = third.windows(2).skip(1).filter(|pair| pair[0].1 + 1 != pair[1].1).count();
    assert_eq!((gaps, third.len() > 30), (0, true), "every message comes again: {third:?}");
    publishing.abort();
}

#[test]
fn the_first_of_a_burst_comes_at_once_and_the_rest_is_gathered_and_comes_whole() {
    let server = ruled("/burst", manner(Slow::Disconnect, 0, 600));
    let mut client = WebSocketClient::connected(&server);
    client.subscribe("/burst");
    server.publish("/burst", &0);
    let started = Instant::now();
    client.expect_event("/burst", 0);
    for n in 1..100 {
        server.publish("/burst", &n);
    }
    client.expect_event("/burst", 1);
    assert!(started.elapsed() > Duration::from_millis(500), "{:?}", started.elapsed());
    let came = Instant::now();
    for n in 2..100 {
        client.expect_event("/burst", n);
    }
    assert!(came.elapsed() < Duration::from_millis(300), "they come together: {:?}", came.elapsed());
    // After a silence the next one comes at once.
    std::thread::sleep(Duration::from_millis(800));
    let started = Instant::now();
    server.publish("/burst", &100);
    client.expect_event("/burst", 100);
    assert!(started.elapsed() < Duration::from_millis(400), "{:?}", started.elapsed());
}

#[test]
fn what_is_gathered_loses_nothing_however_much_comes() {
    let server = TestServer::with(|config: &mut Config| {
        config.session.mailbox_messages = 20;
        let gathered = manner(Slow::Disconnect, 0, 300);
        config.channels.rules.push((Pattern::parse("/burst").expect("a name"), gathered));
    });
    let mut clients = [WebSocketClient::connected(&server), WebSocketClient::connected(&server)];
    clients.iter_mut().for_each(|client| client.subscribe("/burst"));
    let mut poller = LongPollClient::connected(&server);
    poller.subscribe("/burst");
    for n in 0..500 {
        server.publish("/burst", &n);
    }
    for n in 0..500 {
        clients.iter_mut().for_each(|client| client.expect_event("/burst", n));
        poller.expect_event("/burst", n);
    }
    assert_eq!((server.counts().messages_dropped, server.counts().messages_lost), (0, 0));
}

#[test]
fn a_channel_says_for_all_how_its_messages_come_and_may_forbid_another_choice() {
    let fixed = ChannelOptions { deliver_choice: false, ..manner(Slow::Conflate, 0, 0) };
    let server = ruled("/state/**", fixed);
    let mut plain = LongPollClient::connected(&server);
    plain.subscribe("/state/*");
    let mut chooser = LongPollClient::connected(&server);
    let reply = wish(&mut chooser, "/state/a", json!({ "slow": "disconnect" }));
    assert_eq!(reply["ext"]["deliver"]["slow"], "conflate", "{reply}");
    let reply = wish(&mut chooser, "/other/*", json!({ "slow": "drop_oldest" }));
    assert_eq!(reply["ext"]["deliver"]["slow"], "drop_oldest", "{reply}");
    for n in 0..20 {
        server.publish("/state/a", &n);
    }
    plain.expect_event("/state/a", 19);
    assert_eq!(chooser.event()["ext"]["conflated"]["/state/a"], 19);
    chooser.expect_event("/state/a", 19);

    let server = ruled("/state/*", manner(Slow::Disconnect, 1_000, 0));
    let mut client = WebSocketClient::connected(&server);
    let reply = client.request(
        "/meta/subscribe",
        json!({ "subscription": ["/state/a", "/b"], "ext": { "deliver": { "every_ms": 50 } } }),
    );
    let every = |name: &str| reply["ext"]["deliver"][name]["every_ms"].clone();
    assert_eq!((every("/state/a"), every("/b")), (json!(1_000), json!(50)), "{reply}");
}

#[test]
fn a_wish_that_cannot_be_read_is_refused_and_changes_nothing() {
    let server = TestServer::with(|_| {});
    let mut client = WebSocketClient::connected(&server);
    for (deliver, reason) in [
        (json!("conflate"), "ext.deliver is no object, or a field of it is of the wrong type"),
        (json!({ "slow": "never" }), "ext.deliver.slow is none of the known words"),
        (json!({ "every_ms": "1s" }), "ext.deliver is no object, or a field of it is of the wrong type"),
        (json!({ "every_ms": -1 }), "ext.deliver is no object, or a field of it is of the wrong type"),
        (json!({ "batch_ms": 60_001 }), "a time in ext.deliver is longer than 60000 ms"),
    ] {
        let reply = wish(&mut client, "/a", deliver);
        assert_eq!(reply["error"], format!("400:{reason}:message_invalid"), "{reply}");
    }
    server.publish("/a", "unheard");
    let reply = client.request("/a", json!({ "data": 1, "ext": { "conflate": 7 } }));
    assert_eq!(reply["error"], "400:ext.conflate is no text:message_invalid");
    let reply = client.request("/a", json!({ "data": 1, "ext": { "conflate": "x".repeat(65) } }));
    assert_eq!(reply["error"], "400:ext.conflate is longer than 64 bytes:message_invalid");
    assert_eq!(client.try_event(Duration::from_millis(50)), None);
}

#[test]
fn a_publisher_names_over_bayeux_what_its_message_stands_for_and_subscribers_do_not_see_it() {
    let server = TestServer::with(|_| {});
    let mut publisher = WebSocketClient::connected(&server);
    let mut client = LongPollClient::connected(&server);
    wish(&mut client, "/a", json!({ "slow": "conflate" }));
    for n in 0..4 {
        let ext = json!({ "conflate": format!("k{}", n % 2), "mine": n });
        publisher.request("/a", json!({ "data": n, "ext": ext }));
    }
    assert_eq!(client.event()["ext"], json!({ "conflated": { "/a": 2 } }));
    for n in 2..4 {
        let event = client.event();
        assert_eq!((&event["data"], &event["ext"]["mine"]), (&json!(n), &json!(n)), "{event}");
        assert!(event["ext"].get("conflate").is_none(), "{event}");
    }
}

#[test]
fn what_left_for_a_counting_client_is_kept_as_it_was_and_only_the_rest_gives_way() {
    let server = TestServer::with(|_| {});
    let mut client = LongPollClient::new(&server);
    client.try_handshake(json!({ "ext": { "received": true } }));
    client.try_connect(json!({ "ext": { "received": 0 } }));
    wish(&mut client, "/a", json!({ "slow": "conflate" }));
    server.publish("/a", &1);
    client.try_connect(json!({ "ext": { "received": 0 } }));
    client.expect_event("/a", 1);
    for n in 2..6 {
        server.publish("/a", &n);
    }
    // The answer got lost: what left comes again, and what waits as the newest.
    let reply = client.try_connect(json!({ "ext": { "received": 0 } }));
    assert!(reply["ext"]["time"].is_u64(), "everything has been sent: {reply}");
    let heard: Vec<Value> = client.waiting_events().drain(..).collect();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert_eq!((&heard[0]["data"], &heard[2]["data"]), (&json!(1), &json!(5)));
    assert_eq!(heard[1]["ext"], json!({ "conflated": { "/a": 3 } }));
}

#[test]
fn a_subscription_that_ends_takes_its_wish_and_what_waits_along() {
    let server = TestServer::with(|_| {});
    let mut client = LongPollClient::connected(&server);
    wish(&mut client, "/a", json!({ "every_ms": 60_000 }));
    server.publish("/a", &0);
    client.expect_event("/a", 0);
    server.publish("/a", &1);
    client.unsubscribe("/a");
    client.subscribe("/a");
    server.publish("/a", &2);
    server.publish("/a", &3);
    client.expect_event("/a", 2);
    client.expect_event("/a", 3);
}

#[test]
fn a_stop_lets_out_what_was_gathered() {
    let mut server = ruled("/a", manner(Slow::Disconnect, 0, 60_000));
    let mut client = WebSocketClient::connected(&server);
    client.subscribe("/a");
    server.publish("/a", &0);
    client.expect_event("/a", 0);
    for n in 1..5 {
        server.publish("/a", &n);
    }
    assert_eq!(client.try_event(Duration::from_millis(50)), None);
    let draining = server.begin_drain();
    for n in 1..5 {
        client.expect_event("/a", n);
    }
    drop(client);
    server.finish(draining);
}

#[test]
fn what_expires_while_it_waits_does_not_come() {
    let server = TestServer::with(|_| {});
    let mut client = LongPollClient::connected(&server);
    wish(&mut client, "/a", json!({ "slow": "drop_oldest" }));
    let publisher = server.publisher();
    let options = PublishOptions { expires_ms: Some(20), ..PublishOptions::default() };
    let published = publisher.publish_with("/a", "brief", options);
    server.runtime().block_on(published).expect("it is published");
    server.publish("/a", "lasting");
    std::thread::sleep(Duration::from_millis(60));
    client.expect_event("/a", "lasting");
    assert_eq!(server.counts().messages_expired, 1);
}

#[test]
fn the_api_says_what_a_message_stands_for() {
    let server = TestServer::run(TestServer::builder().api(ApiAccess::Open));
    let mut client = LongPollClient::connected(&server);
    wish(&mut client, "/a", json!({ "slow": "conflate" }));
    let mut socket = Socket::connect(server.address());
    for (n, key) in ["x", "y", "x"].into_iter().enumerate() {
        let body = json!({ "channel": "/a", "data": n, "conflate": key });
        socket.send_post("/api/publish", "", body.to_string());
        assert_eq!(socket.response().status, 200);
    }
    assert_eq!(client.event()["ext"], json!({ "conflated": { "/a": 1 } }));
    client.expect_event("/a", 1);
    client.expect_event("/a", 2);
    let body = json!({ "channel": "/a", "data": 1, "conflate": "" });
    socket.send_post("/api/publish", "", body.to_string());
    assert_eq!(socket.response().status, 400);
}

#[test]
fn a_receipt_counts_nobody_for_whom_the_message_may_give_way() {
    let server = TestServer::with(|_| {});
    let counting = json!({ "ext": { "received": true } });
    let mut away = LongPollClient::new(&server);
    away.try_handshake(counting.clone());
    away.try_connect(json!({ "ext": { "received": 0 } }));
    wish(&mut away, "/a", json!({ "slow": "conflate" }));
    let mut reader = WebSocketClient::new(&server);
    reader.try_handshake(counting);
    reader.try_connect(json!({ "ext": { "received": 0 }, "advice": { "timeout": 0 } }));
    reader.subscribe("/a");
    let mut alice = WebSocketClient::connected(&server);
    alice.request("/a", json!({ "data": 1, "ext": { "receipt": true } }));
    away.try_connect(json!({ "ext": { "received": 0 } }));
    away.expect_event("/a", 1);
    away.try_connect(json!({ "ext": { "received": 1 }, "advice": { "timeout": 0 } }));
    assert_eq!(alice.try_event(Duration::from_millis(100)), None, "the reader has not confirmed");
    reader.expect_event("/a", 1);
    reader.send(json!({ "channel": "/meta/received", "ext": { "received": 1 } }));
    let receipt = alice.event()["data"].clone();
    let counts = json!([receipt["sent"], receipt["confirming"], receipt["received"], receipt["last"]]);
    assert_eq!(counts, json!([1, 1, 1, true]));
}
