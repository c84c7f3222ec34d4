//! Batches of callback polling that one address cannot hold, and come in parts.

use comet::Code;
use comet_testkit::{CallbackClient, Response, Socket, TestServer, WebSocketClient};
use serde_json::{Value, json};

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn part(server: &TestServer, client: &str, place: &str, piece: &str) -> Response {
    let fields = format!("Referer: http://{}/page\r\n", server.address());
    let query = format!("jsonp=f&client={client}&part={place}&message={}", encode(piece));
    Socket::connect(server.address()).get(&format!("/cometd?{query}"), &fields)
}

/// The array the page's function is called with.
fn called(answer: &Response) -> Value {
    let json =
        answer.text().strip_prefix("/**/f(").and_then(|rest| rest.strip_suffix(");")).expect("one call");
    serde_json::from_str(json).expect("JSON")
}

fn publication(client: &str, data: &str) -> String {
    json!([{ "channel": "/a", "id": "p", "clientId": client, "data": data }]).to_string()
}

/// A listener, and a client of scripts.
fn two(server: &TestServer) -> (WebSocketClient, CallbackClient) {
    let mut listener = WebSocketClient::connected(server);
    listener.subscribe("/a");
    (listener, CallbackClient::connected(server))
}

#[test]
fn a_long_message_comes_in_parts_and_is_answered_when_it_is_whole() {
    let server = TestServer::with(|config| config.shards = 2);
    let (mut listener, client) = two(&server);
    let data = "a \u{2028} \u{1F600} \u{0} </script>".repeat(38_000);
    let text = publication(client.id(), &data);
    assert!(text.len() > 1_000_000);
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(2_500));
        pieces.push(piece);
        rest = behind;
    }
    let mut socket = Socket::connect(server.address());
    let fields = format!("Referer: http://{}/page\r\n", server.address());
    for (index, piece) in pieces.iter().enumerate() {
        let (client, count) = (client.id(), pieces.len());
        let query = format!("jsonp=f&client={client}&part=1.{index}.{count}&message={}", encode(piece));
        let answer = socket.get(&format!("/cometd?{query}"), &fields);
        assert_eq!(answer.status, 200, "{}", answer.text());
        if index + 1 < count {
            assert_eq!(called(&answer), json!([{ "parts": index + 1 }]));
        } else {
            assert_eq!(called(&answer)[0]["successful"], true);
        }
    }
    listener.expect_event("/a", data);
}

#[test]
fn a_part_that_comes_again_changes_nothing_and_a_batch_is_taken_once() {
    let server = TestServer::start();
    let (mut listener, client) = two(&server);
    let text = publication(client.id(), "once");
    let (front, back) = text.split_at(20);
    for _ in 0..2 {
        assert_eq!(called(&part(&server, client.id(), "1.0.2", front)), json!([{ "parts": 1 }]));
    }
    assert_eq!(called(&part(&server, client.id(), "1.1.2", back))[0]["id"], "p");
    for (place, piece) in [("1.1.2", back), ("1.0.2", front)] {
        let again = part(&server, client.id(), place, piece);
        assert_eq!((again.status, again.code().as_str()), (400, "parts_invalid"));
    }
    listener.expect_event("/a", "once");
    server.publish("/a", "the next");
    listener.expect_event("/a", "the next");
    assert_eq!(server.endings(Code::PartsInvalid), 2);
}

#[test]
fn a_part_that_is_lost_costs_its_batch_and_no_other() {
    let server = TestServer::start();
    let (mut listener, client) = two(&server);
    let text = publication(client.id(), "whole");
    assert_eq!(part(&server, client.id(), "1.0.3", &text[..20]).status, 200);
    assert_eq!(part(&server, client.id(), "1.2.3", &text[40..]).code(), "parts_invalid");
    assert_eq!(part(&server, client.id(), "1.1.4", &text[20..]).code(), "parts_invalid");
    // The client gives it up and sends it as another one.
    assert_eq!(part(&server, client.id(), "2.0.2", &text[..20]).status, 200);
    assert_eq!(part(&server, client.id(), "1.1.3", &text[20..40]).code(), "parts_invalid");
    assert_eq!(called(&part(&server, client.id(), "2.1.2", &text[20..]))[0]["successful"], true);
    listener.expect_event("/a", "whole");
    assert!(listener.waiting_events().is_empty());
}

#[test]
fn parts_of_one_session_are_nobody_else_s_batch() {
    let server = TestServer::start();
    let (mut listener, client) = two(&server);
    let other = CallbackClient::connected(&server);
    let batches = [publication(other.id(), "stolen"), json!([{ "channel": "/meta/handshake" }]).to_string()];
    for (number, batch) in (1..).zip(batches) {
        assert_eq!(part(&server, client.id(), &format!("{number}.0.2"), &batch[..9]).status, 200);
        let answer = part(&server, client.id(), &format!("{number}.1.2"), &batch[9..]);
        assert_eq!(answer.code(), "parts_invalid");
    }
    server.publish("/a", "nothing before");
    listener.expect_event("/a", "nothing before");
    let unknown = "0".repeat(client.id().len());
    for nobody in [unknown.as_str(), "", "x"] {
        assert_eq!(part(&server, nobody, "1.0.2", "[").code(), "session_unknown", "{nobody}");
    }
}

#[test]
fn what_is_no_part_is_refused() {
    let server = TestServer::start();
    let client = CallbackClient::connected(&server);
    for place in ["", "1", "1.0", "1.0.1", "1.2.2", "0.0.2", "1.-1.2", "1.0.2.3", "1.0.99999999999", "a.b.c"]
    {
        assert_eq!(part(&server, client.id(), place, "[").code(), "parts_invalid", "{place}");
    }
    let bad = |pieces: [&str; 2], batch: u32| {
        assert_eq!(part(&server, client.id(), &format!("{batch}.0.2"), pieces[0]).status, 200);
        part(&server, client.id(), &format!("{batch}.1.2"), pieces[1]).code()
    };
    assert_eq!(bad(["[{", "}"], 1), "json_invalid");
    assert_eq!(bad(["[", "]"], 2), "batch_empty");
}

#[test]
fn parts_are_bounded_by_parts_per_batch_and_batch_bytes() {
    let server = TestServer::with(|config| {
        config.limits.parts_per_batch = 3;
        config.limits.batch_bytes = 2_000;
    });
    let client = CallbackClient::connected(&server);
    assert_eq!(part(&server, client.id(), "1.0.4", "[").code(), "parts_invalid");
    let piece = "x".repeat(900);
    assert_eq!(part(&server, client.id(), "2.0.3", &piece).status, 200);
    assert_eq!(part(&server, client.id(), "2.1.3", &piece).status, 200);
    let answer = part(&server, client.id(), "2.2.3", &piece);
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    assert_eq!(part(&server, client.id(), "2.2.3", "x").code(), "parts_invalid");
}

#[test]
fn parts_wait_for_parts_wait_ms_and_no_longer() {
    let server = TestServer::with(|config| config.limits.parts_wait_ms = 1);
    let client = CallbackClient::connected(&server);
    let text = publication(client.id(), "late");
    assert_eq!(part(&server, client.id(), "1.0.2", &text[..9]).status, 200);
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(part(&server, client.id(), "1.1.2", &text[9..]).code(), "parts_invalid");
}

#[test]
fn a_part_that_comes_again_does_not_keep_its_batch() {
    let server = TestServer::with(|config| config.limits.parts_wait_ms = 300);
    let client = CallbackClient::connected(&server);
    let text = publication(client.id(), "late");
    let began = std::time::Instant::now();
    assert_eq!(part(&server, client.id(), "1.0.2", &text[..9]).status, 200);
    while began.elapsed() < std::time::Duration::from_millis(400) {
        part(&server, client.id(), "1.0.2", &text[..9]);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(part(&server, client.id(), "1.1.2", &text[9..]).code(), "parts_invalid");
}

#[test]
fn parts_of_many_wait_within_parts_bytes_per_shard_and_leave_with_their_sessions() {
    let server = TestServer::with(|config| config.limits.parts_bytes_per_shard = 3_000);
    let mut first = CallbackClient::connected(&server);
    let second = CallbackClient::connected(&server);
    let piece = "x".repeat(2_000);
    assert_eq!(part(&server, first.id(), "1.0.2", &piece).status, 200);
    let answer = part(&server, second.id(), "1.0.2", &piece);
    assert_eq!((answer.status, answer.code().as_str()), (503, "overloaded"));
    first.disconnect();
    assert_eq!(part(&server, second.id(), "1.0.2", &piece).status, 200);
}
