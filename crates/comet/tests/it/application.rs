//! What applications rely on: starting with the server, channels of their own, the end of sessions, files.

use std::borrow::Cow;
use std::sync::mpsc;
use std::time::Duration;

use comet::{Call, Files, Refusal, Reply};
use comet_testkit::{PATIENCE, Response, Socket, TestServer, WebSocketClient};
use serde_json::json;

#[test]
fn an_application_publishes_as_soon_as_the_server_starts() {
    let (told, telling) = mpsc::channel();
    let builder = TestServer::builder().on_start(move |publisher| {
        tokio::spawn(async move { told.send(publisher.publish("/clock", &1).await.is_ok()) });
    });
    let _server = TestServer::run(builder);
    assert_eq!(telling.recv_timeout(PATIENCE), Ok(true));
}

#[test]
fn on_a_reserved_channel_only_the_server_publishes() {
    let server = TestServer::run(TestServer::builder().reserve("/game/**"));
    let mut client = WebSocketClient::connected(&server);
    client.subscribe("/game/1");
    let reply = client.request("/game/1", json!({ "data": 1 }));
    assert_eq!(reply["error"], "403:only the server publishes here:publish_denied");
    client.publish("/game", 2);
    server.publish("/game/1", &3);
    client.expect_event("/game/1", 3);
}

#[test]
fn what_is_never_published_to_cannot_be_reserved() {
    for name in ["/service/a", "/meta/connect", "no channel"] {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _entered = runtime.enter();
        let built = TestServer::builder().reserve(name).build();
        assert_eq!(
            built.map(drop).map_err(|error| error.kind()),
            Err(std::io::ErrorKind::InvalidInput),
            "{name}"
        );
    }
}

#[test]
fn a_call_that_is_served_late_sees_that_its_session_has_ended() {
    let (told, telling) = mpsc::channel();
    let (seen, seeing) = mpsc::channel();
    let builder = TestServer::builder()
        .service("/service/slow", move |call: Call| {
            let seen = seen.clone();
            async move {
                let _ = seen.send(call.client.has_ended());
                while !call.client.has_ended() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                let _ = seen.send(true);
                Ok::<_, Refusal>(Reply::none())
            }
        })
        .on_session_end(move |client, _| told.send(client.has_ended()).unwrap());
    let server = TestServer::run(builder);
    let mut client = WebSocketClient::connected(&server);
    client.request("/service/slow", json!({ "data": 1 }));
    assert_eq!(seeing.recv_timeout(PATIENCE), Ok(false), "the call came before the end");
    client.disconnect();
    assert_eq!(telling.recv_timeout(PATIENCE), Ok(true), "the end is known when it is told");
    assert_eq!(seeing.recv_timeout(PATIENCE), Ok(true), "the call has seen the end");
}

fn files() -> TestServer {
    let find = |name: &str| -> Option<Cow<'static, [u8]>> {
        match name {
            "index.html" => Some(b"<!doctype html>".into()),
            "a/shop.js" => Some(b"let shop;".into()),
            _ => None,
        }
    };
    let inner = |name: &str| (name == "index.html").then(|| Cow::Borrowed(&b"inner"[..]));
    let policy = http::HeaderValue::from_static("default-src 'self'");
    let files = Files::new()
        .folder("/shop/", find)
        .folder("/shop/inner/", inner)
        .header(http::header::CONTENT_SECURITY_POLICY, policy);
    TestServer::run(TestServer::builder().http(files))
}

fn get(server: &TestServer, path: &str, fields: &str) -> Response {
    Socket::connect(server.address()).get(path, fields)
}

#[test]
fn a_folder_serves_its_index_its_files_and_nothing_else() {
    let server = files();
    let index = get(&server, "/shop/?a=b", "");
    assert_eq!((index.status, index.text()), (200, "<!doctype html>"));
    assert_eq!(index.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(index.field("x-content-type-options"), Some("nosniff"));
    let script = get(&server, "/shop/a/shop.js", "");
    assert_eq!(
        (script.text(), script.field("content-type")),
        ("let shop;", Some("text/javascript; charset=utf-8"))
    );
    assert_eq!(get(&server, "/shop/inner/", "").text(), "inner");
    for path in ["/", "/shop/b", "/shop/a/", "/shop/%61/shop.js"] {
        let missing = get(&server, path, "");
        assert_eq!((missing.status, missing.code()), (404, "path_unknown".into()), "{path}");
        assert_eq!(missing.field("content-security-policy"), Some("default-src 'self'"));
    }
}

#[test]
fn a_folder_without_its_last_slash_leads_to_it() {
    let server = files();
    let answer = get(&server, "/shop", "");
    assert_eq!((answer.status, answer.field("location")), (308, Some("/shop/")));
}

#[test]
fn a_file_the_browser_has_is_not_sent_again() {
    let server = files();
    let tag = get(&server, "/shop/", "").field("etag").unwrap().to_owned();
    for known in [tag.clone(), format!("\"other\", W/{tag}")] {
        let answer = get(&server, "/shop/", &format!("If-None-Match: {known}\r\n"));
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
    }
    assert_eq!(get(&server, "/shop/", "If-None-Match: \"other\"\r\n").status, 200);
}

#[test]
fn a_file_is_only_read() {
    let server = files();
    let mut socket = Socket::connect(server.address());
    socket.send_post("/shop/", "", "a=b");
    let answer = socket.response();
    assert_eq!((answer.status, answer.code()), (405, "method_unsupported".into()));
    assert_eq!(answer.field("allow"), Some("GET, HEAD"));
}
