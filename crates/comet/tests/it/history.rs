//! What a channel remembers, asked for by back ends and by the server's own code.

use comet::{ApiAccess, Config, HistoryError, Since};
use comet_testkit::{LongPollClient, Response, Socket, TestServer};
use serde_json::{Value, json};

fn server(shards: usize, change: impl FnOnce(&mut Config)) -> TestServer {
    let mut config = Config { shards, ..TestServer::config() };
    change(&mut config);
    TestServer::run(comet::Comet::builder().config(config).api(ApiAccess::Open))
}

fn asked(server: &TestServer, key: &str, question: &Value) -> Response {
    let mut socket = Socket::connect(server.address());
    socket.send_post("/api/history", &format!("Authorization: Bearer {key}\r\n"), question.to_string());
    socket.response()
}

fn ask(server: &TestServer, question: Value) -> Value {
    let answer = asked(server, "", &question);
    assert_eq!(answer.status, 200, "{question}: {}", answer.text());
    answer.json()
}

fn data(page: &Value) -> Vec<Value> {
    let messages = page["messages"].as_array().expect("a page lists messages");
    messages.iter().map(|message| message["data"].clone()).collect()
}

#[test]
fn a_back_end_reads_page_by_page_wherever_the_channel_has_its_home() {
    let server = server(3, |_| {});
    for channel in (0..6).map(|n| format!("/n/{n}")) {
        (1..=7).for_each(|n| assert_eq!(server.publish(&channel, &n).offset, n));
        let (mut read, mut since, mut pages) = (Vec::new(), json!(null), 0);
        loop {
            let page = ask(&server, json!({ "channel": channel, "since": since, "limit": 3 }));
            assert_eq!((&page["channel"], &page["recovered"]), (&json!(channel), &json!(true)));
            assert_eq!(page["position"]["offset"], 7, "where the channel stands");
            pages += 1;
            read.extend(data(&page));
            since = page["next"].clone();
            if since.is_null() {
                break;
            }
        }
        assert_eq!((read, pages), ((1..=7).map(|n| json!(n)).collect(), 3));
    }
}

#[test]
fn messages_are_those_that_subscribers_got_with_their_time() {
    let server = server(2, |_| {});
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    client.request("/a", json!({ "data": { "text": "with \"quotes\"" }, "ext": { "colour": "red" } }));
    let heard = client.event();
    let page = ask(&server, json!({ "channel": "/a" }));
    let mut message = page["messages"][0].clone();
    let time = message.as_object_mut().expect("it is an object").remove("time");
    assert!(time.is_some_and(|time| time.as_u64() > Some(1_600_000_000_000)), "{page}");
    assert_eq!((&message, &message["ext"]["position"]), (&heard, &page["position"]));
}

#[test]
fn a_back_end_asks_from_a_position_a_time_or_the_newest_so_many() {
    let server = server(2, |_| {});
    (1..=5).for_each(|n| assert_eq!(server.publish("/a", &n).offset, n));
    let all = ask(&server, json!({ "channel": "/a" }));
    assert_eq!(data(&all), [1, 2, 3, 4, 5].map(|n| json!(n)));
    let third = all["messages"][2]["ext"]["position"].clone();
    let page = ask(&server, json!({ "channel": "/a", "since": third }));
    assert_eq!(data(&page), [json!(4), json!(5)]);
    let page = ask(&server, json!({ "channel": "/a", "since": { "last": 2 } }));
    assert_eq!(data(&page), [json!(4), json!(5)]);
    let page = ask(&server, json!({ "channel": "/a", "since": { "last": 3 }, "limit": 2 }));
    assert_eq!((data(&page), &page["next"]["offset"]), (vec![json!(3), json!(4)], &json!(4)));
    let last = all["messages"][4]["time"].clone();
    let page = ask(&server, json!({ "channel": "/a", "since": { "time": last } }));
    assert_eq!((data(&page), &page["recovered"]), (vec![], &json!(true)), "nothing is newer");
    let head = ask(&server, json!({ "channel": "/a", "limit": 0 }));
    assert_eq!((data(&head), &head["position"]["offset"]), (vec![], &json!(5)));
    let current = ask(&server, json!({ "channel": "/a", "since": head["position"] }));
    assert_eq!((data(&current), &current["recovered"]), (vec![], &json!(true)));
}

#[test]
fn what_is_lost_is_a_gap_and_what_is_left_can_be_had() {
    let server = server(2, |config| config.channels.default.history.messages = 3);
    let first = server.publish("/a", &1);
    (2..=6).for_each(|n| assert_eq!(server.publish("/a", &n).offset, n));
    let place = |epoch: u64, offset: u64| json!({ "epoch": format!("{epoch:x}"), "offset": offset });
    for since in [
        place(first.epoch, 1),
        place(first.epoch, 7),
        place(first.epoch ^ 1, 5),
        json!({ "epoch": "no epoch", "offset": 5 }),
        json!({ "time": 1 }),
    ] {
        let page = ask(&server, json!({ "channel": "/a", "since": since }));
        assert_eq!((&page["recovered"], data(&page)), (&json!(false), vec![]), "{since}");
        assert_eq!(page["position"], place(first.epoch, 6), "what follows is live from here");
        assert_eq!(page["next"], json!(null));
    }
    for question in [
        json!({ "channel": "/a", "since": place(first.epoch, 3) }),
        json!({ "channel": "/a", "since": { "last": 99 } }),
        json!({ "channel": "/a" }),
    ] {
        let page = ask(&server, question.clone());
        assert_eq!((&page["recovered"], data(&page)), (&json!(true), [4, 5, 6].map(|n| json!(n)).into()));
    }
    let unknown = ask(&server, json!({ "channel": "/never/used" }));
    assert_eq!((data(&unknown), &unknown["position"]["offset"]), (vec![], &json!(0)));
    server.publish("/never/used", &1);
    let since = unknown["position"].clone();
    let page = ask(&server, json!({ "channel": "/never/used", "since": since }));
    assert_eq!((&page["recovered"], data(&page)), (&json!(true), vec![json!(1)]));
}

#[test]
fn a_page_is_bounded_whatever_is_asked() {
    let server = server(1, |config| {
        config.channels.default.history.messages = 2_000;
        config.channels.default.history.bytes = 16 << 20;
    });
    let publisher = server.publisher();
    server.runtime().block_on(async {
        for n in 0..1_200 {
            publisher.publish("/many", &n).await.expect("it is published");
        }
        for _ in 0..4 {
            publisher.publish("/long", &"x".repeat(400_000)).await.expect("it is published");
        }
    });
    let many = ask(&server, json!({ "channel": "/many", "limit": 100_000 }));
    assert_eq!((data(&many).len(), &many["next"]["offset"]), (1_000, &json!(1_000)));
    let some = ask(&server, json!({ "channel": "/many" }));
    assert_eq!((data(&some).len(), &some["next"]["offset"]), (100, &json!(100)));
    let long = ask(&server, json!({ "channel": "/long" }));
    assert_eq!((data(&long).len(), &long["next"]["offset"]), (2, &json!(2)));
}

#[test]
fn a_back_end_that_asks_wrongly_is_told_so() {
    let server = server(1, |_| {});
    for (question, code) in [
        (json!({ "channel": "/a/*" }), "channel_invalid"),
        (json!({ "channel": "/meta/connect" }), "channel_invalid"),
        (json!({ "channel": "/service/a" }), "channel_invalid"),
        (json!({ "channel": "/a", "since": {} }), "message_invalid"),
        (json!({ "channel": "/a", "since": { "epoch": "1" } }), "message_invalid"),
        (json!({ "channel": "/a", "since": { "last": 1, "time": 2 } }), "message_invalid"),
        (json!({ "channel": "/a", "since": { "last": -1 } }), "json_invalid"),
        (json!({ "channel": "/a", "until": 1 }), "json_invalid"),
        (json!({}), "json_invalid"),
    ] {
        let answer = asked(&server, "", &question);
        assert!(answer.status >= 400 && answer.code() == code, "{question}: {}", answer.text());
    }
    assert_eq!(Socket::connect(server.address()).get("/api/history", "").status, 405);
}

#[test]
fn only_who_has_the_key_reads() {
    let access = ApiAccess::Keys(vec!["secret".into()]);
    let server = TestServer::run(TestServer::builder().api(access));
    let question = json!({ "channel": "/a" });
    assert_eq!(asked(&server, "wrong", &question).code(), "token_invalid");
    assert_eq!(asked(&server, "secret", &question).status, 200);
}

#[test]
fn the_programs_own_code_reads_messages() {
    let server = server(3, |_| {});
    let first = server.publish("/a", &1);
    (2..=4).for_each(|n| assert_eq!(server.publish("/a", &n).offset, n));
    let histories = server.histories();
    let page = |since, count| server.runtime().block_on(histories.page("/a", since, count));
    let known = (comet::Channel::parse("/a").expect("a channel"), first);
    let since = Since::Positions { time_ms: u64::MAX, positions: vec![known] };
    let two = page(since, 2).expect("it is answered");
    let numbers: Vec<u64> = two.messages.iter().flat_map(|one| one.message.data()).collect();
    assert_eq!((numbers, two.recovered, two.head.offset), (vec![2, 3], true, 4));
    assert_eq!(two.next, two.messages[1].message.position);
    let rest = page(Since::Position(two.next.expect("more follows")), 2).expect("it is answered");
    assert_eq!((rest.messages.len(), rest.next), (1, None));
    let lost = page(Since::Time(1), 2).expect("it is answered");
    assert_eq!((lost.recovered, lost.messages.len()), (false, 0));
    let wrong = server.runtime().block_on(histories.page("/meta/connect", Since::Last(1), 1));
    assert!(matches!(wrong, Err(HistoryError::Name(..))), "{wrong:?}");
}
