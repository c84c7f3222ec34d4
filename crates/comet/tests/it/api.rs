//! The back ends' HTTP API.

use comet::{ApiAccess, PublishError};
use comet_testkit::{LongPollClient, Response, Socket, TestServer, Witness};
use serde_json::json;

fn api(access: ApiAccess) -> TestServer {
    TestServer::run(TestServer::builder().api(access))
}

fn call(server: &TestServer, path: &str, key: &str, body: &str) -> Response {
    let mut socket = Socket::connect(server.address());
    socket.send_post(path, &format!("Authorization: Bearer {key}\r\n"), body);
    socket.response()
}

#[test]
fn a_publication_through_the_api_reaches_subscribers_and_gets_its_place() {
    let server = api(ApiAccess::Open);
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    for n in 0..3 {
        let answer =
            call(&server, "/api/publish", "", &json!({ "channel": "/a", "data": { "n": n } }).to_string());
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["position"]["offset"], n + 1);
        client.expect_event("/a", json!({ "n": n }));
    }
}

#[test]
fn a_batch_is_published_in_order_and_each_has_its_outcome() {
    let server = api(ApiAccess::Open);
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/**");
    let batch = json!({ "messages": [
        { "channel": "/a", "data": 1 },
        { "channel": "/meta/connect", "data": 2 },
        { "channel": "/b/*", "data": 3 },
        { "channel": "/b", "data": 4 },
    ] });
    let results = call(&server, "/api/batch", "", &batch.to_string()).json()["results"].clone();
    assert_eq!(results[1]["error"]["code"], "publish_denied");
    assert_eq!(results[2]["error"]["code"], "channel_invalid");
    assert!(results[0]["position"].is_object() && results[3]["position"].is_object());
    client.expect_event("/a", 1);
    client.expect_event("/b", 4);
}

#[test]
fn a_batch_as_long_as_may_be_keeps_its_order() {
    let server = api(ApiAccess::Open);
    let messages: Vec<_> = (1..=1_000).map(|n| json!({ "channel": "/a", "data": n })).collect();
    let batch = json!({ "messages": messages }).to_string();
    let results = call(&server, "/api/batch", "", &batch).json()["results"].clone();
    let offsets = results.as_array().unwrap().iter().map(|result| result["position"]["offset"].as_u64());
    assert!(offsets.eq((1..=1_000).map(Some)));
}

#[test]
fn what_is_published_again_with_its_key_stands_where_it_stood() {
    let server = api(ApiAccess::Open);
    let mut client = LongPollClient::connected(&server);
    client.subscribe("/a");
    let publish = |n: u32, key: &str| {
        let body = json!({ "channel": "/a", "data": n, "key": key }).to_string();
        call(&server, "/api/publish", "", &body)
    };
    let first = publish(1, "order-1").json();
    assert_eq!((&first["position"]["offset"], &first["durability"]), (&json!(1), &json!("memory")));
    assert_eq!(publish(2, "order-1").json(), first);
    // A batch and the server's own code know the same keys.
    let batch = json!({ "messages": [{ "channel": "/a", "data": 3, "key": "order-1" }] }).to_string();
    assert_eq!(call(&server, "/api/batch", "", &batch).json()["results"][0], first);
    let publisher = server.publisher();
    let again = server.runtime().block_on(publisher.publish_once("/a", &4, "order-1")).unwrap();
    assert_eq!(again.position.offset, 1);
    let other = publish(5, &"k".repeat(64));
    assert_eq!(other.json()["position"]["offset"], 2);
    client.expect_event("/a", 1);
    client.expect_event("/a", 5);
    assert_eq!(server.counts().publications, 2);
}

#[test]
fn a_key_has_1_to_64_bytes() {
    let server = api(ApiAccess::Open);
    let publisher = server.publisher();
    for key in ["", &"k".repeat(65), &"ü".repeat(33)] {
        let body = json!({ "channel": "/a", "data": 1, "key": key }).to_string();
        let answer = call(&server, "/api/publish", "", &body);
        assert_eq!((answer.status, answer.code().as_str()), (400, "message_invalid"), "{key}");
        let refused = server.runtime().block_on(publisher.publish_once("/a", &1, key));
        assert!(matches!(refused, Err(PublishError::Key(bytes)) if bytes == key.len()), "{refused:?}");
    }
    assert_eq!(call(&server, "/api/publish", "", r#"{"channel":"/a","data":1,"key":7}"#).status, 400);
    assert_eq!(server.counts().publications, 0);
}

#[test]
fn without_a_good_key_nothing_is_done() {
    let server = api(ApiAccess::Keys(vec!["good".into(), "other".into()]));
    let body = json!({ "channel": "/a", "data": 1 }).to_string();
    for key in ["", "goo", "goodx", "Good", "good other"] {
        let answer = call(&server, "/api/publish", key, &body);
        assert_eq!((answer.status, answer.code().as_str()), (401, "token_invalid"), "{key}");
    }
    for key in ["good", "other"] {
        assert_eq!(call(&server, "/api/publish", key, &body).status, 200);
    }
    let closed = api(ApiAccess::Closed);
    assert_eq!(call(&closed, "/api/publish", "good", &body).status, 401);
    assert_eq!((server.counts().publications, closed.counts().publications), (2, 0));
}

#[test]
fn what_the_api_cannot_read_is_refused_with_a_status() {
    let server = api(ApiAccess::Open);
    let mut witness = Witness::beside(&server);
    for (path, body, status) in [
        ("/api/publish", "x", 400),
        ("/api/publish", "{}", 400),
        ("/api/publish", r#"{"channel":"/a"}"#, 400),
        ("/api/publish", r#"{"channel":"/a","data":1,"more":2}"#, 400),
        ("/api/publish", r#"{"channel":"a","data":1}"#, 400),
        ("/api/publish", r#"{"channel":"/meta/x","data":1}"#, 403),
        ("/api/publish", r#"{"channel":"/service/x","data":1}"#, 403),
        ("/api/nothing", "{}", 404),
    ] {
        assert_eq!(call(&server, path, "", body).status, status, "{path} {body}");
    }
    assert_eq!(Socket::connect(server.address()).get("/api/publish", "").status, 405);
    let huge = json!({ "channel": "/a", "data": "x".repeat(3 << 20) }).to_string();
    let mut socket = Socket::connect(server.address());
    socket.send(format!("POST /api/publish HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", huge.len()));
    let _ = socket.try_send(&huge);
    assert_eq!(socket.response().status, 413);
    let many = json!({ "messages": vec![json!({ "channel": "/a", "data": 1 }); 1_001] }).to_string();
    assert_eq!(call(&server, "/api/batch", "", &many).status, 413);
    let deep = format!("{{\"channel\":\"/a\",\"data\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(call(&server, "/api/publish", "", &deep).status, 400);
    witness.still_hears(&server);
}

#[test]
fn the_server_tells_about_itself() {
    let server = api(ApiAccess::Open);
    let _client = LongPollClient::connected(&server);
    let info = call(&server, "/api/info", "", "{}").json();
    assert_eq!((&info["sessions"], &info["shards"]), (&json!(1), &json!(1)));
    assert!(info["version"].is_string() && info["connections"].as_u64() >= Some(2), "{info}");
}

#[test]
fn an_open_api_and_the_transports_turn_the_same_pages_away() {
    let server = api(ApiAccess::Open);
    let own = server.address();
    for (fields, status) in [
        (String::new(), 200),
        (format!("Origin: http://{own}\r\n"), 200),
        ("Sec-Fetch-Site: same-origin\r\n".into(), 200),
        (format!("Sec-Fetch-Site: same-site\r\nReferer: http://{own}/page\r\n"), 200),
        ("Sec-Fetch-Site: cross-site\r\n".into(), 403),
        ("Origin: https://evil.example\r\n".into(), 403),
        ("Origin: null\r\n".into(), 403),
        (format!("Origin: ftp://{own}\r\n"), 403),
        (format!("Origin: http://{own}.evil.example\r\n"), 403),
    ] {
        for (path, body) in [
            ("/api/publish", r#"{"channel":"/a","data":1}"#),
            ("/cometd", r#"[{"channel":"/meta/handshake","id":"1"}]"#),
        ] {
            let mut socket = Socket::connect(own);
            let length = body.len();
            socket.send(format!(
                "POST {path} HTTP/1.1\r\nHost: {own}\r\n{fields}Content-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            ));
            assert_eq!(socket.response().status, status, "{path} {fields}");
        }
    }
}
