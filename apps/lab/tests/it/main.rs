//! The Lab on a real server: its counter, and what it answers to those who ask.

use comet::Files;
use comet_app_lab::{CHANNEL, LIKES, Lab, PICTURES};
use comet_testkit::{ImageReader, Response, Socket, TestServer, WebSocketClient, eventually};
use serde_json::{Value, json};

fn lab() -> TestServer {
    let lab = Lab::default();
    let builder = lab.install(TestServer::builder());
    TestServer::run(builder.http(lab.live(lab.pages(Files::new()))))
}

fn get(server: &TestServer, path: &str, fields: &str) -> Response {
    Socket::connect(server.address()).get(path, fields)
}

fn post(server: &TestServer, path: &str, fields: &str) -> Response {
    let mut socket = Socket::connect(server.address());
    socket.send_post(path, fields, "");
    socket.response()
}

fn number(server: &TestServer) -> Value {
    serde_json::from_str(get(server, "/lab/live/number.json", "").text()).expect("JSON")
}

#[test]
fn the_counter_is_told_to_subscribers_and_never_skips() {
    let server = lab();
    let mut client = WebSocketClient::connected(&server);
    client.subscribe(CHANNEL);
    let numbers: Vec<u64> =
        (0..4).map(|_| client.event()["data"]["number"].as_u64().expect("a number")).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    // Who asks may be a moment behind who is told.
    eventually("the newest number is read", || number(&server)["number"].as_u64() >= numbers.last().copied());
}

#[test]
fn the_counter_is_drawn_for_image_elements() {
    let server = lab();
    let target = format!("/images?channel={PICTURES}");
    let mut reader = ImageReader::open(server.address(), &target, "").unwrap_or_else(|_| panic!("refused"));
    let pictures: Vec<_> = (0..3).map(|_| reader.part().expect("the stream goes on").1).collect();
    assert!(pictures.iter().all(|picture| picture.starts_with(b"GIF89a")));
    assert!(pictures.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn clients_cannot_publish_in_the_counter_s_name() {
    let server = lab();
    let mut client = WebSocketClient::connected(&server);
    let refusal = client.request(CHANNEL, json!({ "data": 1 }));
    assert_eq!(refusal["successful"], false);
}

#[test]
fn whoever_asks_gets_the_number_or_the_word_that_there_is_no_other() {
    let server = lab();
    let first = get(&server, "/lab/live/number.json", "");
    assert_eq!((first.status, first.field("content-type")), (200, Some("application/json")));
    // The number may change between the two questions, but not every time.
    let unchanged = (0..20).any(|_| {
        let answer = get(&server, "/lab/live/number.json", "");
        let tag = answer.field("etag").expect("a tag");
        get(&server, "/lab/live/number.json", &format!("If-None-Match: {tag}\r\n")).status == 304
    });
    assert!(unchanged);
    let now: Value = serde_json::from_str(get(&server, "/lab/live/now.json", "").text()).expect("JSON");
    assert!(now["now_ms"].as_u64() > Some(1_600_000_000_000));
}

#[test]
fn the_page_that_is_loaded_again_runs_nothing_and_stands_in_our_frames_only() {
    let server = lab();
    let page = get(&server, "/lab/live/page.html", "");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("http-equiv=\"refresh\"") && page.text().contains("id=\"number\""));
    let policy = page.field("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'self'"), "{policy}");
    assert_eq!(get(&server, "/lab/live/other.html", "").status, 404);
}

#[test]
fn a_dynode_is_answered_with_operations_and_its_channel_hears_of_it() {
    let server = lab();
    let mut client = WebSocketClient::connected(&server);
    client.subscribe(LIKES);
    let answer = post(&server, "/lab/live/dynode/like?dynode-type=click", "Dynode: 1\r\n");
    assert_eq!(answer.status, 200);
    let operations: Value = serde_json::from_str(answer.text()).expect("JSON");
    assert_eq!(operations["operations"][0], json!({ "op": "setText", "text": "1" }));
    client.expect_event(LIKES, json!({ "operations": [{ "op": "setText", "text": "1" }] }));
    let script = get(&server, "/lab/live/dynode/look?dynode=d0123456789abcdef0123456789abcdef", "");
    assert_eq!(script.field("x-content-type-options"), Some("nosniff"));
    assert!(
        script.text().starts_with("/**/Dynode.apply(\"d0123456789abcdef0123456789abcdef\",{"),
        "{}",
        script.text()
    );
}

#[test]
fn a_dynode_s_wish_that_a_form_could_have_sent_changes_nothing() {
    let server = lab();
    assert_eq!(post(&server, "/lab/live/dynode/like", "").status, 403);
    assert_eq!(get(&server, "/lab/live/dynode/like", "Dynode: 1\r\n").status, 405);
    for token in ["", "?dynode=alert(1)", "?dynode=d1"] {
        assert_eq!(get(&server, &format!("/lab/live/dynode/look{token}"), "").status, 400, "{token}");
    }
    assert_eq!(get(&server, "/lab/live/dynode/other", "").status, 404);
}
