//! Sessions of the server's own code: a robot in the chat room, that misses nothing.

use std::time::Duration;

use comet::{
    ApiAccess, Call, ChannelOptions, Code, Comet, Event, Events, Message, Operation, Pattern, PublishOptions,
    Refusal, Reply, Rule, Since, Whom,
};
use comet_testkit::{LongPollClient, PATIENCE, TestServer, WebSocketClient};
use serde_json::{Value, json};

fn sharded(shards: usize) -> TestServer {
    TestServer::with(|config| config.shards = shards)
}

/// The next event, which has to come.
fn next(server: &TestServer, events: &mut Events) -> Event {
    let waiting = async { tokio::time::timeout(PATIENCE, events.next()).await };
    server.runtime().block_on(waiting).expect("an event comes in time").expect("the session lives")
}

fn message(server: &TestServer, events: &mut Events) -> Message {
    match next(server, events) {
        Event::Message(message) => message,
        other => panic!("no message: {other:?}"),
    }
}

fn number(message: &Message) -> u64 {
    message.data().expect("a number")
}

fn publish(server: &TestServer, channel: &str, numbers: std::ops::Range<u64>) {
    for number in numbers {
        server.publish(channel, &number);
    }
}

/// What is there without waiting.
fn nothing_waits(server: &TestServer, events: &mut Events) {
    let waiting = async { tokio::time::timeout(Duration::from_millis(50), events.next()).await };
    assert!(server.runtime().block_on(waiting).is_err(), "an event came");
}

#[test]
fn a_robot_answers_what_people_write() {
    for shards in [1, 3] {
        let server = sharded(shards);
        let (robot, mut events) = server.session("robot");
        server.runtime().block_on(robot.subscribe("/chat/*")).unwrap();
        let mut alice = WebSocketClient::connected(&server);
        for room in ["/chat/1", "/chat/2", "/chat/3"] {
            alice.subscribe(room);
            alice.publish(room, json!({ "text": "hello" }));
            alice.expect_event(room, json!({ "text": "hello" }));
            let heard = message(&server, &mut events);
            assert_eq!((heard.channel.as_str(), heard.data.get()), (room, r#"{"text":"hello"}"#));
            assert_eq!(heard.position.map(|position| position.offset), Some(1));
            server.runtime().block_on(robot.publish_to_others(room, "hello yourself")).unwrap();
            alice.expect_event(room, "hello yourself");
        }
        nothing_waits(&server, &mut events);
        server.runtime().block_on(robot.publish("/chat/1", &7)).unwrap();
        assert_eq!(number(&message(&server, &mut events)), 7, "it hears itself unless it says no");
        robot.unsubscribe("/chat/*").unwrap();
        server.runtime().block_on(robot.subscribe("/elsewhere")).unwrap();
        server.publish("/chat/1", &8);
        server.publish("/elsewhere", &9);
        assert_eq!(number(&message(&server, &mut events)), 9);
    }
}

#[test]
fn it_gets_the_past_before_the_present_and_is_told_of_a_gap() {
    for shards in [1, 3] {
        let server = TestServer::with(|config| {
            config.shards = shards;
            let short = comet::Retention { messages: 2, ..comet::Retention::default() };
            let short = ChannelOptions { history: short, ..ChannelOptions::default() };
            config.channels.rules = vec![(Pattern::parse("/short").unwrap(), short)];
        });
        let first = server.publish("/a", &0);
        publish(&server, "/a", 1..5);
        let lost = server.publish("/short", &0);
        publish(&server, "/short", 1..5);
        let (robot, mut events) = server.session("robot");
        let since = |name: &str, since: Since| {
            server.runtime().block_on(robot.subscribe_since(name, since)).unwrap_or_else(|no| panic!("{no}"))
        };
        assert_eq!(since("/a", Since::Position(first)), []);
        server.publish("/a", &5);
        let numbers: Vec<_> = (0..5).map(|_| number(&message(&server, &mut events))).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        let gaps = since("/short", Since::Position(lost));
        assert_eq!((gaps.len(), gaps[0].name.as_str()), (1, "/short"));
        assert_eq!(gaps[0].head.map(|head| head.offset), Some(5));
        server.publish("/short", &6);
        let Event::Gap(gap) = next(&server, &mut events) else { panic!("the gap stands in its place") };
        assert_eq!(gap, gaps[0]);
        assert_eq!(number(&message(&server, &mut events)), 6);
        assert_eq!(since("/short", Since::Last(1)), [], "what it listens to it may ask for again");
        assert_eq!(number(&message(&server, &mut events)), 6);
    }
}

#[test]
fn a_robot_that_sleeps_catches_up_and_loses_nothing_the_history_has() {
    for shards in [1, 3] {
        let server = TestServer::with(|config| {
            config.shards = shards;
            config.session.mailbox_messages = 50;
            config.channels.default.history.messages = 10_000;
        });
        let (robot, mut events) = server.session("robot");
        server.runtime().block_on(robot.subscribe("/numbers")).unwrap();
        let mut witness = LongPollClient::connected(&server);
        publish(&server, "/numbers", 0..3_000);
        server.until("it has fallen behind", |counts| counts.sessions_behind == 1);
        witness.subscribe("/still/served");
        for n in 0..3_000 {
            assert_eq!(number(&message(&server, &mut events)), n);
        }
        server.publish("/numbers", &3_000);
        assert_eq!(number(&message(&server, &mut events)), 3_000);
    }
}

#[test]
fn a_robot_that_slept_too_long_is_told_what_it_cannot_have() {
    let server = TestServer::with(|config| {
        config.session.mailbox_messages = 50;
        config.channels.default.history.messages = 100;
    });
    let (robot, mut events) = server.session("robot");
    server.runtime().block_on(robot.subscribe("/numbers")).unwrap();
    publish(&server, "/numbers", 0..3_000);
    let mut expected = 0;
    let gap = loop {
        match next(&server, &mut events) {
            Event::Message(message) => assert_eq!(number(&message), expected),
            Event::Gap(gap) => break gap,
            other => panic!("{other:?}"),
        }
        expected += 1;
    };
    assert_eq!(gap.name, "/numbers");
    let head = gap.head.expect("the head is known").offset;
    server.publish("/numbers", &json!(3_000));
    let after = message(&server, &mut events);
    assert_eq!(after.position.map(|position| position.offset), Some(head + 1), "live from the head on");
}

#[test]
fn it_is_somebody_where_channels_say_who_publishes() {
    let mut config = TestServer::config();
    config.channels.default.identity = true;
    let nobody = Rule::default().deny(Operation::Publish, [Whom::Everyone]);
    let builder = Comet::builder().config(config).reserve("/prices/*").authorize("/**", nobody);
    let server = TestServer::run(builder);
    let mut reader = LongPollClient::connected(&server);
    reader.subscribe("/**");
    let (robot, _events) = server.session("robot");
    server.runtime().block_on(robot.publish("/prices/gold", &1)).expect("it is the server itself");
    let publisher = reader.event()["ext"]["publisher"].clone();
    assert_eq!(publisher, json!({ "subject": "robot", "session": robot.client().public_id() }));
    let other = comet::Identity { subject: "the owner".into(), ..comet::Identity::default() };
    let options = PublishOptions { publisher: Some(other), ..PublishOptions::default() };
    server.runtime().block_on(robot.publish_with("/news", &1, options)).unwrap();
    assert_eq!(reader.event()["ext"]["publisher"], json!({ "subject": "the owner" }));
    assert_eq!(robot.client().identity().subject, "robot");
}

#[test]
fn it_calls_services_and_is_called_by_its_name() {
    let whoami = async |call: Call| match call.data.get() {
        "null" => Err(Refusal::because("say something")),
        "0" => Ok(Reply::none()),
        _ => Reply::json(&call.client.identity().subject),
    };
    let server = TestServer::run(TestServer::builder().service("/service/whoami", whoami).service(
        "/service/greet",
        async |call: Call| {
            let greeting = comet::Channel::parse("/service/greetings").expect("a channel");
            call.client.send(&greeting, "hello").expect("it fits");
            Ok(Reply::none())
        },
    ));
    let (robot, mut events) = server.session("robot");
    let call = |channel: &str, data: Value| server.runtime().block_on(robot.call(channel, &data));
    assert_eq!(call("/service/whoami", json!(1)).unwrap().unwrap().get(), r#""robot""#);
    assert!(call("/service/whoami", json!(0)).unwrap().is_none());
    assert_eq!(call("/service/whoami", Value::Null).unwrap_err(), Refusal::because("say something"));
    assert_eq!(call("/service/nothing", json!(1)).unwrap_err().code, Code::ServiceUnknown);
    call("/service/greet", json!(1)).unwrap();
    let heard = message(&server, &mut events);
    assert_eq!((heard.channel.as_str(), heard.position), ("/service/greetings", None));
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let server = TestServer::with(|config| config.session.subscriptions = 2);
    let (robot, _events) = server.session("robot");
    let run = server.runtime();
    for name in ["", "chat", "/meta/connect", "/service/x", "/a//b"] {
        assert_eq!(
            run.block_on(robot.subscribe(name)).unwrap_err().code,
            Code::SubscriptionInvalid,
            "{name}"
        );
        assert!(run.block_on(robot.publish(name, &1)).is_err(), "{name}");
    }
    let refused = run.block_on(robot.subscribe_since("/a/*", Since::Last(3))).unwrap_err();
    assert_eq!(refused.code, Code::MessageInvalid, "{refused}");
    run.block_on(robot.subscribe("/a")).unwrap();
    run.block_on(robot.subscribe("/b")).unwrap();
    assert_eq!(run.block_on(robot.subscribe("/c")).unwrap_err().code, Code::SubscriptionsTooMany);
}

#[test]
fn a_session_ends_with_its_events_by_its_own_wish_or_with_the_server() {
    let ended = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = ended.clone();
    let mut config = TestServer::config();
    config.limits.sessions = 2;
    let builder = Comet::builder().config(config).api(ApiAccess::Open).on_session_end(move |client, code| {
        told.lock().expect("no test panics in it").push((client.identity().subject.clone(), code));
    });
    let server = TestServer::run(builder);
    let (_, events) = server.session("dropped");
    let (closed, mut rest) = server.session("closed");
    drop(events);
    server.until("one is gone", |counts| counts.sessions_open == 1);
    server.runtime().block_on(closed.subscribe("/a")).unwrap();
    server.publish("/a", &1);
    server.publish("/a", &2);
    assert_eq!(number(&message(&server, &mut rest)), 1);
    closed.close();
    assert_eq!(number(&message(&server, &mut rest)), 2, "what was queued is still there");
    assert!(server.runtime().block_on(rest.next()).is_none());
    assert_eq!(rest.ended(), Some(Code::Disconnected));
    assert_eq!(server.runtime().block_on(closed.subscribe("/b")).unwrap_err().code, Code::SessionUnknown);
    let names = || ended.lock().unwrap().iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(), ["dropped", "closed"]);
    let (_last, mut events) = server.session("last");
    assert_eq!(events.ended(), None);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    server.drain();
    assert!(runtime.block_on(events.next()).is_none());
    assert_eq!(events.ended(), Some(Code::Draining));
}

#[test]
fn what_was_published_before_a_session_closes_still_comes() {
    for shards in [1, 3] {
        let server = sharded(shards);
        for round in 0..40 {
            let (robot, mut events) = server.session("robot");
            server.runtime().block_on(robot.subscribe("/numbers/*")).unwrap();
            for n in 0..6 {
                server.publish(&format!("/numbers/{n}"), &n);
            }
            robot.close();
            let mut heard: Vec<_> = (0..6).map(|_| number(&message(&server, &mut events))).collect();
            heard.sort_unstable();
            assert_eq!(heard, [0, 1, 2, 3, 4, 5], "round {round}");
            assert!(server.runtime().block_on(events.next()).is_none());
            assert_eq!(events.ended(), Some(Code::Disconnected));
        }
    }
}

#[test]
fn a_robot_gets_what_is_gathered_or_may_come_only_so_often() {
    for deliver in [
        comet::Deliver { batch_ms: 60, ..comet::Deliver::default() },
        comet::Deliver { every_ms: 60, ..comet::Deliver::default() },
    ] {
        let server = TestServer::with(|config| config.channels.default.deliver = deliver);
        let (robot, mut events) = server.session("robot");
        server.runtime().block_on(robot.subscribe("/ticks")).unwrap();
        for round in 1..=3 {
            publish(&server, "/ticks", 0..round * 10);
            while number(&message(&server, &mut events)) != round * 10 - 1 {}
        }
        nothing_waits(&server, &mut events);
    }
}
