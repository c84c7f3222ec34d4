//! Extensions that clients of other servers bring along: clocks, timestamps, ids to replay from, bytes, idleness.

use std::time::{Duration, Instant};

use comet::{Binary, Call, Code, Refusal, Reply};
use comet_testkit::{CallbackClient, Client, LongPollClient, TestServer, WebSocketClient, Wire};
use serde_json::{Value, json};

/// A session that has asked for something in the `ext` of its handshake, and listens to `/a`.
fn asking<W: Wire>(server: &TestServer, ext: Value) -> Client<W> {
    let mut client = Client::new(server);
    assert_eq!(client.try_handshake(json!({ "ext": ext }))["successful"], true);
    client.connect_at_once();
    client.subscribe("/a");
    client
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("it is later than 1970").as_millis() as u64
}

fn a_clock_is_compared<W: Wire>() {
    let server = TestServer::with(|config| config.session.timeout_ms = 400);
    let mut client = Client::<W>::new(&server);
    let measure = json!({ "timesync": { "tc": 1_000, "l": 0, "o": 0 } });
    let before = now_ms();
    let reply = client.try_handshake(json!({ "ext": measure }));
    let answer = &reply["ext"]["timesync"];
    assert_eq!((&answer["tc"], &answer["p"]), (&json!(1_000), &json!(0)), "{reply}");
    let arrived = answer["ts"].as_u64().expect("the server's time");
    assert!(before.abs_diff(arrived) < 1_000, "{arrived} is about {before}");
    assert_eq!(answer["a"], 1_000 - arrived as i64);
    client.connect_at_once();

    let began = Instant::now();
    let reply = client.try_connect(json!({ "ext": measure }));
    let held_ms = reply["ext"]["timesync"]["p"].as_u64().expect("how long it was held");
    // Two clocks that count whole milliseconds.
    assert!((390..=began.elapsed().as_millis() as u64 + 5).contains(&held_ms), "{reply}");

    for (channel, fields) in [
        ("/meta/subscribe", json!({ "subscription": "/a", "ext": measure })),
        ("/meta/subscribe", json!({ "subscription": "nonsense", "ext": measure })),
        ("/meta/unsubscribe", json!({ "subscription": "/a", "ext": measure })),
        ("/meta/disconnect", json!({ "ext": measure })),
    ] {
        let reply = client.request(channel, fields);
        assert!(reply["ext"]["timesync"]["ts"].as_u64() >= Some(arrived), "{reply}");
    }
}

#[test]
fn a_clock_is_compared_with_every_meta_message_on_every_wire() {
    a_clock_is_compared::<comet_testkit::WebSocketWire>();
    a_clock_is_compared::<comet_testkit::LongPollWire>();
    a_clock_is_compared::<comet_testkit::CallbackWire>();
}

#[test]
fn each_session_gets_the_same_event_in_the_form_it_asked_for() {
    for shards in [1, 3] {
        let server = TestServer::with(|config| config.shards = shards);
        let mut plain = asking::<comet_testkit::WebSocketWire>(&server, json!({}));
        let mut dated = asking::<comet_testkit::LongPollWire>(&server, json!({ "timestamp": true }));
        let mut replaying = asking::<comet_testkit::WebSocketWire>(&server, json!({ "replay": true }));
        let mut both: CallbackClient = asking(&server, json!({ "replay": true, "timestamp": true }));
        let mut late = WebSocketClient::connected(&server);
        late.request("/meta/subscribe", json!({ "subscription": "/a", "ext": { "replay": { "/a": -1 } } }));
        for n in 1..=5 {
            server.publish("/a", &json!({ "n": n }));
        }
        for n in 1..=5 {
            let event = plain.event();
            assert_eq!(event["data"], json!({ "n": n }));
            assert_eq!(event.get("timestamp"), None);

            let timed = dated.event();
            assert_eq!(timed["data"], json!({ "n": n }));
            assert!(timed["timestamp"].as_str().expect("a date").ends_with(" GMT"), "{timed}");

            for event in [replaying.event(), late.event()] {
                assert_eq!(
                    (&event["data"]["n"], &event["data"]["event"]["replayId"]),
                    (&json!(n), &json!(n))
                );
                assert!(event["data"]["event"]["createdDate"].as_str().expect("a date").ends_with('Z'));
                assert_eq!((&event["ext"], event.get("timestamp")), (&timed["ext"], None));
            }
            let event = both.event();
            assert_eq!(
                (&event["data"]["event"]["replayId"], &event["timestamp"]),
                (&json!(n), &timed["timestamp"])
            );
        }
        let reply = dated.request("/a", json!({ "data": 1 }));
        assert!(reply["timestamp"].is_string(), "{reply}");
        assert_eq!(plain.request("/a", json!({ "data": 1 })).get("timestamp"), None);
    }
}

#[test]
fn a_server_may_give_everybody_times_and_ids() {
    let server = TestServer::with(|config| {
        config.session.timestamps = true;
        config.session.replay_ids = true;
    });
    let mut client = WebSocketClient::new(&server);
    let reply = client.handshake();
    assert!(reply["timestamp"].is_string() && reply["ext"]["replay"] == true, "{reply}");
    client.connect();
    client.subscribe("/a");
    client.publish("/a", json!({}));
    let event = client.event();
    assert!(event["timestamp"].is_string() && event["data"]["event"]["replayId"] == 1, "{event}");
    let stranger = client.request("/a", json!({ "data": 1, "clientId": "nobody" }));
    assert!(stranger["timestamp"].is_string(), "{stranger}");
}

#[test]
fn a_session_that_confirms_gets_its_own_form_once_more() {
    let server = TestServer::start();
    let mut client: LongPollClient = asking(&server, json!({ "ack": true, "replay": true }));
    server.publish("/a", &json!({ "n": 1 }));
    for batch in [0, 0] {
        let reply = client.try_connect(json!({ "ext": { "ack": batch } }));
        assert_eq!(reply["successful"], true, "{reply}");
        assert_eq!(client.event()["data"]["event"]["replayId"], 1);
    }
}

#[test]
fn a_session_that_does_nothing_but_connect_is_ended() {
    let server = TestServer::with(|config| {
        config.session.timeout_ms = 100;
        config.session.max_inactivity_ms = 600;
    });
    let mut idle = WebSocketClient::connected(&server);
    let mut busy = LongPollClient::connected(&server);
    let began = Instant::now();
    let refused = loop {
        busy.publish("/a", 1);
        assert_eq!(busy.try_connect(json!({ "advice": { "timeout": 0 } }))["successful"], true);
        let reply = idle.try_connect(json!({}));
        if reply["successful"] == false {
            break reply;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "nobody ends the idle session");
    };
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(refused["error"], "403::session_inactive");
    assert_eq!(refused["advice"]["reconnect"], "none");
    server.until("the session is gone", |counts| counts.sessions_open == 1);
    assert_eq!(server.endings(Code::SessionInactive), 1);
    busy.publish("/a", "still there");
}

#[test]
fn events_keep_a_listener_where_the_server_says_so() {
    let server = TestServer::with(|config| {
        config.session.timeout_ms = 100;
        config.session.max_inactivity_ms = 500;
        config.session.events_are_activity = true;
    });
    let mut listener: LongPollClient = asking(&server, json!({}));
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1_200) {
        server.publish("/a", &1);
        assert_eq!(listener.try_connect(json!({}))["successful"], true);
    }
    let end = Instant::now() + Duration::from_secs(10);
    while listener.try_connect(json!({}))["successful"] == true {
        assert!(Instant::now() < end, "silence does not end it");
    }
}

#[test]
fn bytes_go_from_the_server_to_clients_and_back() {
    let sum = async |call: Call| -> Result<Reply, Refusal> {
        assert!(call.is_binary());
        let Binary { mut bytes, meta, .. } = call.binary()?;
        bytes.reverse();
        call.client.send_binary(&call.channel, &Binary::new(*b"aside")).expect("it is small");
        Ok(Reply::binary(&Binary { meta, ..Binary::new(bytes) }))
    };
    let server = TestServer::run(TestServer::builder().service("/service/reverse", sum));
    let mut client: WebSocketClient = asking(&server, json!({}));
    let binary = json!({ "binary": {} });
    let publish =
        async { server.publisher().publish_binary("/a", &Binary::new(vec![0x86, 0x4f, 0xd2, 0x6f])).await };
    server.runtime().block_on(publish).expect("it is published");
    let event = client.event();
    assert_eq!(event["data"], json!({ "data": "Hello", "last": true }));
    assert_eq!(event["ext"]["binary"], json!({}));

    let data = json!({ "data": "HelloWorld", "last": true, "meta": [1] });
    let id = client.send(json!({ "channel": "/service/reverse", "data": data, "ext": binary }));
    assert_eq!(client.reply(&id)["successful"], true);
    let aside = client.event();
    assert_eq!((&aside["ext"], &aside["data"]["last"]), (&binary, &json!(true)));
    let answer = client.event();
    assert_eq!((&answer["id"], &answer["ext"], &answer["data"]["meta"]), (&json!(id), &binary, &json!([1])));
    let reversed = serde_json::value::to_raw_value(&answer["data"]).expect("it was JSON");
    let reversed = Binary::decode(&reversed).expect("it is binary").bytes;
    assert_eq!(reversed, [0x5b, 0xf7, 0x59, 0xb5, 0x6f, 0xd2, 0x4f, 0x86]);

    let id = client.send(json!({ "channel": "/service/reverse", "data": { "data": "?" }, "ext": binary }));
    assert_eq!(client.reply(&id)["successful"], true);
    let refused = client.event();
    assert_eq!(refused["error"], "400:the binary data is not Z85:message_invalid", "{refused}");
    client.publish("/a", json!(null));
    assert_eq!(client.request("/a", json!({ "data": data, "ext": binary }))["successful"], true);
    assert_eq!(client.event()["data"], json!(null));
    let event = client.event();
    assert_eq!((&event["data"], &event["ext"]["binary"]), (&data, &json!({})), "it travels as it came");
}

fn nothing_strange_breaks_a_session<W: Wire>() {
    let server = TestServer::start();
    let strange = json!({
        "message-size": 4_096,
        "reload": true,
        "org.cometd.oort": { "oortURL": "x", "oortId": 1, "oortSecret": null },
        "ack": "perhaps", "received": [], "connect": "first", "timesync": "now", "timestamp": {}, "binary": 0,
        "auth": { "token": [{}] }, "": "", "deep": [[[[{ "a": null }]]]],
    });
    let mut client: Client<W> = Client::new(&server);
    let with = |mut fields: Value| {
        fields["ext"] = strange.clone();
        fields["timestamp"] = json!("Sun, 06 Nov 1994 08:49:37 GMT");
        fields["unheardOf"] = json!([1]);
        fields
    };
    let reply = client.try_handshake(with(json!({ "minimumVersion": "0.9" })));
    assert_eq!((&reply["successful"], reply.get("ext")), (&json!(true), None), "{reply}");
    let reply = client.try_connect(with(json!({ "advice": { "timeout": 0 } })));
    assert_eq!((&reply["successful"], reply.get("ext")), (&json!(true), None), "{reply}");
    for (channel, fields) in [
        ("/meta/subscribe", json!({ "subscription": "/a" })),
        ("/meta/subscribe", json!({ "subscription": ["/b", "/a"] })),
        ("/meta/unsubscribe", json!({ "subscription": "/b" })),
        ("/a", json!({ "data": 1 })),
    ] {
        let reply = client.request(channel, with(fields));
        assert_eq!((&reply["successful"], reply.get("ext")), (&json!(true), None), "{reply}");
    }
    let event = client.event();
    assert_eq!((&event["data"], event.get("timestamp")), (&json!(1), None));
    for (name, value) in strange.as_object().expect("it is an object") {
        assert_eq!(&event["ext"][name], value, "what means nothing to the server travels");
    }
    assert_eq!(client.request("/meta/disconnect", with(json!({})))["successful"], true);
}

#[test]
fn what_the_server_does_not_know_changes_nothing_and_travels() {
    nothing_strange_breaks_a_session::<comet_testkit::WebSocketWire>();
    nothing_strange_breaks_a_session::<comet_testkit::LongPollWire>();
    nothing_strange_breaks_a_session::<comet_testkit::CallbackWire>();
}
