//! Services: called by one client, answered to that one, and unable to harm the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use comet::{Call, Code, Refusal, Reply};
use comet_testkit::{LongPollClient, Socket, TestServer, WebSocketClient, Witness};
use serde_json::json;

use crate::door::closed_door;

#[test]
fn a_slow_service_delays_nobody_and_is_answered_when_it_is_done() {
    let (door, slow) = closed_door(|_| {});
    let server = TestServer::run(TestServer::builder().service("/service/slow", slow));
    let mut witness = Witness::beside(&server);
    let mut client = WebSocketClient::connected(&server);
    client.subscribe("/a");
    let call = client.send(json!({ "channel": "/service/slow", "data": "later" }));
    assert_eq!(client.reply(&call)["successful"], true);
    client.publish("/a", "meanwhile");
    client.expect_event("/a", "meanwhile");
    witness.still_hears(&server);
    door.add_permits(1);
    let answer = client.event();
    assert_eq!((&answer["id"], &answer["data"]), (&json!(call), &json!("later")));
}

#[test]
fn a_service_that_panics_answers_that_it_failed() {
    let late = async |_: Call| -> Result<Reply, Refusal> { panic!("a service panics") };
    fn early(_: Call) -> std::future::Ready<Result<Reply, Refusal>> {
        panic!("a service panics before it has begun")
    }
    let server = TestServer::run(
        TestServer::builder().service("/service/late", late).service("/service/early", early),
    );
    let mut witness = Witness::beside(&server);
    let mut client = LongPollClient::connected(&server);
    for name in ["/service/late", "/service/early", "/service/late"] {
        let answer = client.call(name, 1);
        assert_eq!((&answer["successful"], &answer["error"]), (&json!(false), &json!("500::service_failed")));
    }
    witness.still_hears(&server);
}

#[test]
fn a_refusal_tells_the_service_s_own_code_and_words() {
    let no = async |_: Call| Err::<Reply, _>(Refusal::new(Code::RateLimited, "come: back\nlater"));
    let server = TestServer::run(TestServer::builder().service("/service/no", no));
    let answer = WebSocketClient::connected(&server).call("/service/no", 1);
    assert_eq!(answer["error"], "429:come backlater:rate_limited");
}

#[test]
fn only_clients_with_a_session_reach_a_service() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let service = move |_: Call| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(Reply::none()) }
    };
    let server = TestServer::run(TestServer::builder().service("/service/x", service));
    let mut socket = Socket::connect(server.address());
    for client_id in [json!(null), json!("guess"), json!("__proto__")] {
        let reply = socket.post(&json!([{ "channel": "/service/x", "data": {}, "clientId": client_id }]));
        assert_eq!(reply[0]["error"], "402::session_unknown");
    }
    let mut client = LongPollClient::connected(&server);
    client.publish("/service/x", json!({ "__proto__": 1 }));
    client.publish("/service/x", 2);
    comet_testkit::eventually("both calls arrive", || calls.load(Ordering::SeqCst) == 2);
}

#[test]
fn an_unknown_service_is_404_and_others_are_found_by_their_pattern() {
    let name = async |call: Call| Reply::json(call.channel.as_str());
    let server =
        TestServer::run(TestServer::builder().service("/service/room/*", name).service("/service/**", name));
    let mut client = WebSocketClient::connected(&server);
    assert_eq!(client.call("/service/room/7", 1)["data"], "/service/room/7");
    assert_eq!(client.call("/service/a/b/c", 1)["data"], "/service/a/b/c");
    let server = TestServer::start();
    let reply = WebSocketClient::connected(&server).request("/service/none", json!({ "data": 1 }));
    assert_eq!(reply["error"], "404:/service/none:service_unknown");
}

#[test]
fn what_is_said_to_a_service_is_heard_by_no_subscriber() {
    let server =
        TestServer::run(TestServer::builder().service("/service/x", async |_: Call| Ok(Reply::none())));
    let mut spy = WebSocketClient::connected(&server);
    for name in ["/service/x", "/service/*", "/**"] {
        spy.subscribe(name);
    }
    let mut client = LongPollClient::connected(&server);
    client.publish("/service/x", "secret");
    client.publish("/end", "the first thing heard");
    spy.expect_event("/end", "the first thing heard");
}

#[test]
fn answers_that_come_after_the_client_has_left_go_nowhere() {
    let (door, slow) = closed_door(|call| call.client.disconnect());
    let server = TestServer::run(TestServer::builder().service("/service/slow", slow));
    let mut witness = Witness::beside(&server);
    for _ in 0..10 {
        let mut client = WebSocketClient::connected(&server);
        client.publish("/service/slow", 1);
        client.disconnect();
    }
    // Their places are taken by others, who must not get the answers.
    let mut others: Vec<_> = (0..10).map(|_| WebSocketClient::connected(&server)).collect();
    door.add_permits(10);
    for other in &mut others {
        other.subscribe("/end");
    }
    witness.still_hears(&server);
    server.publish("/end", "the first thing heard");
    for other in &mut others {
        other.expect_event("/end", "the first thing heard");
    }
}

#[test]
fn a_service_outside_its_place_is_refused_when_the_server_is_built() {
    for name in ["/a", "/meta/x", "/service", "service/x", "/service/*/x"] {
        let builder = comet::Comet::builder().service(name, async |_: Call| Ok(Reply::none()));
        assert!(builder.build().is_err(), "{name}");
    }
}

#[test]
fn what_a_service_sends_before_it_ends_the_session_still_arrives_and_the_end_is_counted_once() {
    let goodbye = async |call: Call| {
        let channel = comet::Channel::parse("/private").expect("a channel");
        for word in ["farewell", "and thanks"] {
            call.client.send(&channel, word).expect("a text is JSON");
        }
        call.client.disconnect();
        call.client.disconnect();
        Ok::<_, Refusal>(Reply::none())
    };
    let server = TestServer::run(TestServer::builder().service("/service/goodbye", goodbye));
    let mut socket = WebSocketClient::connected(&server);
    socket.send(json!({ "channel": "/service/goodbye", "data": 1 }));
    socket.expect_event("/private", "farewell");
    socket.expect_event("/private", "and thanks");
    assert_eq!(socket.wire.socket.expect_close(), 4403);
    assert_eq!(server.endings(Code::DisconnectedByServer), 1);
}
