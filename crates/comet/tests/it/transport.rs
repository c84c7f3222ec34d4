//! What every transport has to do, told once and played on each.

use comet_testkit::{Checker, Client, Note, TestServer, Wire};
use serde_json::{Value, json};

macro_rules! on_every_transport {
    ($($story:ident),+; while_a_connect_is_held: $($held:ident),+ $(,)?) => {
        mod http_streaming {
            $(#[test] fn $story() { super::$story::<comet_testkit::StreamWire>(); })+
        }
        on_every_transport!($($story,)+ $($held),+);
    };
    ($($story:ident),+ $(,)?) => {
        mod websocket {
            $(#[test] fn $story() { super::$story::<comet_testkit::WebSocketWire>(); })+
        }
        mod long_polling {
            $(#[test] fn $story() { super::$story::<comet_testkit::LongPollWire>(); })+
        }
        mod callback_polling {
            $(#[test] fn $story() { super::$story::<comet_testkit::CallbackWire>(); })+
        }
    };
}

on_every_transport! {
    a_handshake_tells_id_and_transports,
    the_first_connect_is_answered_at_once_with_advice,
    a_thousand_messages_arrive_once_and_in_order,
    two_publishers_are_seen_in_the_same_order_by_all,
    a_pattern_hears_what_it_covers_and_nothing_else,
    two_matching_subscriptions_bring_an_event_once,
    after_an_unsubscribe_nothing_more_comes,
    a_call_is_answered_with_its_id_and_data,
    a_publisher_hears_itself_once,
    data_comes_back_as_it_went,
    what_was_published_between_two_connects_is_kept,
    a_client_can_be_sent_something_alone;
    while_a_connect_is_held:
    a_held_connect_wakes_on_a_publication,
    a_held_connect_is_answered_when_its_time_is_up,
    a_disconnect_answers_the_held_connect_first,
    a_client_can_be_sent_away,
}

fn a_handshake_tells_id_and_transports<W: Wire>() {
    let server = TestServer::start();
    let reply = Client::<W>::new(&server).handshake();
    assert_eq!((&reply["channel"], &reply["version"]), (&json!("/meta/handshake"), &json!("1.0")));
    assert!(reply["clientId"].as_str().is_some_and(|id| id.len() >= 32), "{reply}");
    let supported = reply["supportedConnectionTypes"].as_array().expect("a list");
    assert!(supported.contains(&json!(W::CONNECTION_TYPE)), "{reply}");
    assert_eq!(reply["advice"], json!({ "reconnect": "retry", "interval": 0, "timeout": 25_000 }));
}

fn the_first_connect_is_answered_at_once_with_advice<W: Wire>() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let mut client = Client::<W>::new(&server);
    client.handshake();
    let reply = client.connect();
    assert_eq!(reply["advice"]["reconnect"], "retry");
    assert_eq!(server.counts().connects_held, 0);
}

fn a_held_connect_wakes_on_a_publication<W: Wire>() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let mut client = Client::<W>::connected(&server);
    client.subscribe("/news");
    client.hold();
    server.until_held(1);
    server.publish("/news", "wake up");
    client.expect_event("/news", "wake up");
}

fn a_held_connect_is_answered_when_its_time_is_up<W: Wire>() {
    let server = TestServer::with(|config| config.session.timeout_ms = 200);
    let mut client = Client::<W>::connected(&server);
    client.hold();
    server.until_held(1);
    assert_eq!(client.held_reply()["successful"], true);
    client.hold();
    server.until_held(2);
    assert_eq!(client.held_reply()["successful"], true);
}

fn a_thousand_messages_arrive_once_and_in_order<W: Wire>() {
    let server = TestServer::start();
    let mut checker = Checker::new();
    let mut listener = Client::<W>::connected(&server);
    listener.subscribe("/numbers");
    checker.listens_throughout("listener", "/numbers");
    let mut publisher = Client::<W>::connected(&server);
    for hundred in 0..10 {
        let notes: Vec<_> = (0..100).map(|n| Note::new("p", hundred * 100 + n)).collect();
        // A URL has no room for many messages.
        for few in notes.chunks(if W::CONNECTION_TYPE == "callback-polling" { 20 } else { 100 }) {
            let batch =
                few.iter().map(|note| json!({ "channel": "/numbers", "data": note.data() })).collect();
            for (id, note) in publisher.send_all(batch).iter().zip(few) {
                assert_eq!(publisher.reply(id)["successful"], true);
                checker.acknowledged("/numbers", note);
            }
        }
        for event in listener.events(100) {
            checker.saw_event("listener", &event);
        }
    }
    checker.assert_clean();
    assert_eq!(server.counts().deliveries, 1_000);
}

fn two_publishers_are_seen_in_the_same_order_by_all<W: Wire>() {
    const EACH: u64 = 150;
    let server = TestServer::start();
    let mut listeners: Vec<_> = (0..3).map(|_| Client::<W>::connected(&server)).collect();
    let mut checker = Checker::new();
    for (n, listener) in listeners.iter_mut().enumerate() {
        listener.subscribe("/talk/**");
        checker.listens_throughout(&n.to_string(), "/talk/a");
    }
    std::thread::scope(|scope| {
        let publish = |name: &'static str| {
            let mut client = Client::<W>::connected(&server);
            move || (0..EACH).for_each(|n| client.publish("/talk/a", Note::new(name, n).data()))
        };
        scope.spawn(publish("p"));
        scope.spawn(publish("q"));
        for (n, listener) in listeners.iter_mut().enumerate() {
            for event in listener.events(2 * EACH as usize) {
                checker.saw_event(&n.to_string(), &event);
            }
        }
    });
    for name in ["p", "q"] {
        (0..EACH).for_each(|n| checker.acknowledged("/talk/a", &Note::new(name, n)));
    }
    checker.assert_clean();
}

fn a_pattern_hears_what_it_covers_and_nothing_else<W: Wire>() {
    let server = TestServer::start();
    let (mut one, mut all) = (Client::<W>::connected(&server), Client::<W>::connected(&server));
    one.subscribe("/a/*");
    all.subscribe("/a/**");
    for channel in ["/a", "/b/x", "/ab/x", "/a/x", "/a/x/y", "/a/z"] {
        server.publish(channel, channel);
    }
    for channel in ["/a/x", "/a/z"] {
        one.expect_event(channel, channel);
    }
    for channel in ["/a/x", "/a/x/y", "/a/z"] {
        all.expect_event(channel, channel);
    }
}

fn two_matching_subscriptions_bring_an_event_once<W: Wire>() {
    let server = TestServer::start();
    let mut client = Client::<W>::connected(&server);
    for name in ["/a/b", "/a/*", "/a/**", "/**", "/a/b"] {
        client.subscribe(name);
    }
    server.publish("/a/b", &1);
    server.publish("/a/b", &2);
    client.expect_event("/a/b", 1);
    client.expect_event("/a/b", 2);
}

fn after_an_unsubscribe_nothing_more_comes<W: Wire>() {
    let server = TestServer::start();
    let mut client = Client::<W>::connected(&server);
    client.subscribe("/a");
    client.subscribe("/end");
    server.publish("/a", "heard");
    client.expect_event("/a", "heard");
    client.unsubscribe("/a");
    server.publish("/a", "not heard");
    server.publish("/end", "the next thing heard");
    client.expect_event("/end", "the next thing heard");
}

fn a_call_is_answered_with_its_id_and_data<W: Wire>() {
    use comet::{Call, Reply};
    let add = async |call: Call| {
        let numbers: Vec<i64> = call.data()?;
        Reply::json(&numbers.iter().sum::<i64>())
    };
    let server = TestServer::run(TestServer::builder().service("/service/add", add));
    let mut client = Client::<W>::connected(&server);
    let answer = client.call("/service/add", json!([1, 2, 39]));
    assert_eq!(answer["data"], 42);
    assert_eq!((&answer["channel"], &answer["successful"]), (&json!("/service/add"), &json!(true)));
    let answer = client.call("/service/add", "no list");
    assert_eq!(answer["successful"], false);
    assert!(answer["error"].as_str().is_some_and(|error| error.starts_with("400:")), "{answer}");
}

fn a_publisher_hears_itself_once<W: Wire>() {
    let server = TestServer::start();
    let mut client = Client::<W>::connected(&server);
    client.subscribe("/own");
    for n in 0..20 {
        client.publish("/own", n);
        client.expect_event("/own", n);
    }
}

fn data_comes_back_as_it_went<W: Wire>() {
    let server = TestServer::start();
    let mut client = Client::<W>::connected(&server);
    client.subscribe("/data");
    let every = [
        Value::Null,
        json!(false),
        json!(""),
        json!("</script><script>alert(1)</script>"),
        json!("\u{2028}\u{2029} \u{0} \\ \" \r\n \u{1f980} ü"),
        json!({ "deep": [1, [2, { "three": null }]], "channel": "/meta/connect", "clientId": "me" }),
        json!(12_345_678_901_234_567_u64),
    ];
    for data in every {
        client.publish("/data", data.clone());
        client.expect_event("/data", data);
    }
}

fn a_disconnect_answers_the_held_connect_first<W: Wire>() {
    let server = TestServer::with(|config| config.session.timeout_ms = 3_600_000);
    let mut client = Client::<W>::connected(&server);
    client.hold();
    server.until_held(1);
    let id = client.send(json!({ "channel": "/meta/disconnect" }));
    let connect = client.held_reply();
    assert_eq!((&connect["successful"], &connect["advice"]["reconnect"]), (&json!(true), &json!("none")));
    assert_eq!(client.reply(&id)["successful"], true);
    server.until("the session is gone", |counts| counts.sessions_open == 0);
}

fn what_was_published_between_two_connects_is_kept<W: Wire>() {
    let server = TestServer::start();
    let mut client = Client::<W>::connected(&server);
    client.subscribe("/kept");
    for n in 0..50 {
        server.publish("/kept", &n);
    }
    for n in 0..50 {
        client.expect_event("/kept", n);
    }
}

fn a_client_can_be_sent_something_alone<W: Wire>() {
    use comet::{Call, Channel, Refusal, Reply};
    let whisper = async |call: Call| {
        let channel = Channel::parse("/whisper").expect("a good name");
        for n in 0..3 {
            call.client.send(&channel, &n).expect("a number is JSON");
        }
        Ok::<_, Refusal>(Reply::none())
    };
    let server = TestServer::run(TestServer::builder().service("/service/whisper", whisper));
    let (mut alice, mut bob) = (Client::<W>::connected(&server), Client::<W>::connected(&server));
    bob.subscribe("/**");
    alice.publish("/service/whisper", "please");
    for n in 0..3 {
        alice.expect_event("/whisper", n);
    }
    server.publish("/end", "all bob hears");
    bob.expect_event("/end", "all bob hears");
}

fn a_client_can_be_sent_away<W: Wire>() {
    use comet::{Call, Refusal, Reply};
    let leave = async |call: Call| {
        call.client.disconnect();
        Ok::<_, Refusal>(Reply::none())
    };
    let server = TestServer::run(TestServer::builder().service("/service/leave", leave));
    let mut client = Client::<W>::connected(&server);
    client.hold();
    server.until_held(1);
    let _ = client.send(json!({ "channel": "/service/leave", "data": 1 }));
    let reply = client.held_reply();
    assert_eq!(reply["advice"]["reconnect"], "none", "{reply}");
    server.until("the session is gone", |counts| counts.sessions_open == 0);
}
