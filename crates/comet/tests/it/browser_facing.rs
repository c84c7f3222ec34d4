//! What a hostile page could make of the server: origins, cookies, scripts, caches and addresses.
//!
//! `docs/security-tests.md` lists these stories beside those of other files.

use comet_testkit::{FeedReader, LongPollClient, Response, Socket, TestServer, WebSocket, Wire};
use serde_json::json;

const HELLO: &str = "%5B%7B%22channel%22%3A%22%2Fmeta%2Fhandshake%22%7D%5D";
const PARTNER: &str = "https://partner.example";
/// Origins that look like a listed one or like none.
const FOREIGN: [&str; 10] = [
    "https://evil.example",
    "null",
    "",
    "https://partner.example.evil",
    "https://xpartner.example",
    "https://partner.example:8443",
    "http://partner.example",
    "https://partner.example/",
    "https://PARTNER.example.",
    "file://",
];

fn partners() -> TestServer {
    TestServer::with(|config| config.allowed_origins = vec![PARTNER.into()])
}

/// An answer says whose pages may read it to those alone, and caches keep no such answer for others.
fn names_nobody(answer: &Response, origin: &str) {
    assert_eq!(answer.field("access-control-allow-origin"), None, "{origin}");
    assert_eq!(answer.field("access-control-allow-credentials"), None, "{origin}");
}

#[test]
fn a_callback_that_a_plugin_or_a_parser_could_run_begins_with_a_comment_or_is_refused() {
    let server = TestServer::start();
    let flash = "CWSMIKI0hCD0Up0IZUnnnnnnnnnnnnnnnnnnnUU5nnnnnn3Snn7iiudIbEAt33";
    assert!(flash.len() <= 64);
    let script = |callback: &str| {
        let target = format!("/cometd?message={HELLO}&jsonp={callback}");
        Socket::connect(server.address()).get(&target, "Sec-Fetch-Site: same-origin\r\n")
    };
    let answer = script(flash);
    assert!(answer.text().starts_with(&format!("/**/{flash}([")), "{}", answer.text());
    assert_eq!(answer.field("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.field("content-disposition"), Some("attachment; filename=f.txt"));
    for bad in
        ["alert(1)//", "a.b%5Bc%5D", "a%60", "%C3%BC", "%EF%BD%81", "a%00", "a%E2%80%A8", "", &"a".repeat(65)]
    {
        let answer = script(bad);
        assert_eq!((answer.status, answer.code().as_str()), (400, "callback_invalid"), "{bad}");
        assert_eq!(answer.field("content-type"), Some("application/json"));
    }
}

#[test]
fn a_script_element_of_another_site_reads_nothing_whatever_cookies_it_brings() {
    let server = TestServer::start();
    let mut client = LongPollClient::connected(&server);
    let cookie = format!("Cookie: {}\r\n", client.wire.cookie().expect("a cookie was set"));
    let connect = format!(
        "%5B%7B%22channel%22%3A%22%2Fmeta%2Fconnect%22%2C%22connectionType%22%3A%22callback-polling%22%2C%22clientId%22%3A%22{}%22%7D%5D",
        client.id()
    );
    for fields in [
        "",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Referer: https://evil.example/\r\n",
    ] {
        let target = format!("/cometd?jsonp=f&message={connect}");
        let answer = Socket::connect(server.address()).get(&target, &(fields.to_owned() + &cookie));
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden_origin"), "{fields}");
    }
    client.disconnect();
}

#[test]
fn no_foreign_origin_gets_a_websocket_or_is_named_in_an_answer() {
    let server = partners();
    for origin in FOREIGN {
        let upgrade = WebSocket::open_on(Socket::connect(server.address()), "/cometd", &[("Origin", origin)]);
        let answer = upgrade.err().expect("it is refused before it is a socket");
        assert_eq!(answer.status, 403, "{origin}");
        names_nobody(&answer, origin);
        let Err(answer) =
            FeedReader::open(server.address(), "/events?channel=/a", &format!("Origin: {origin}\r\n"))
        else {
            panic!("{origin} opens a feed");
        };
        assert_eq!(answer.code(), "forbidden_origin", "{origin}");
        names_nobody(&answer, origin);
        assert_eq!(answer.field("vary"), Some("Origin"));
        let mut socket = Socket::connect(server.address());
        socket.send(format!("OPTIONS /events HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\n\r\n"));
        names_nobody(&socket.response_to_head(), origin);
    }
    assert_eq!(server.counts().sessions_made, 0);
}

#[test]
fn a_form_of_another_site_does_nothing_with_a_visitors_cookie() {
    let server = TestServer::start();
    let mut client = LongPollClient::connected(&server);
    let cookie = format!("Cookie: {}\r\n", client.wire.cookie().expect("a cookie was set"));
    let batch = json!([{ "channel": "/a", "data": 1, "clientId": client.id() }]).to_string();
    let form = format!("message={}", batch.replace('"', "%22"));
    for (media, body) in [
        ("text/plain", &batch),
        ("text/plain;charset=UTF-8", &batch),
        ("application/x-www-form-urlencoded", &form),
        ("multipart/form-data; boundary=x", &batch),
        ("application/json", &batch),
    ] {
        for whose in
            ["Origin: https://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"]
        {
            let mut socket = Socket::connect(server.address());
            socket.send_post("/cometd", &format!("Content-Type: {media}\r\n{whose}{cookie}"), body);
            assert_eq!(socket.response().code(), "forbidden_origin", "{media} {whose}");
        }
    }
    assert_eq!(server.counts().publications, 0);
    client.disconnect();
}

#[test]
fn no_policy_file_lets_plugins_in_unless_one_is_configured() {
    let server = TestServer::start();
    for path in ["/crossdomain.xml", "/clientaccesspolicy.xml", "/cometd/crossdomain.xml"] {
        let answer = Socket::connect(server.address()).get(path, "");
        assert!(matches!(answer.status, 404 | 405), "{path}: {answer:?}");
        assert!(!answer.text().contains("allow-access-from"), "{path}");
    }
}

#[test]
fn answers_are_never_compressed_and_never_kept_by_caches() {
    let server = TestServer::start();
    let mut socket = Socket::connect(server.address());
    let coding = "Accept-Encoding: gzip, deflate, br, zstd\r\n";
    socket.send_post("/cometd", coding, r#"[{"channel":"/meta/handshake"}]"#);
    let poll = socket.response();
    let script = Socket::connect(server.address()).get(
        &format!("/cometd?jsonp=f&message={HELLO}"),
        &format!("Sec-Fetch-Site: same-origin\r\n{coding}"),
    );
    let feed = FeedReader::open(server.address(), "/events?channel=/a", coding).expect("a feed");
    let Err(refusal) = FeedReader::open(server.address(), "/events", coding) else { panic!("no channel") };
    for answer in [&poll, &script, feed.head(), &refusal] {
        assert_eq!(answer.field("content-encoding"), None, "{answer:?}");
        let cache = answer.field("cache-control").unwrap_or_default();
        assert!(cache.contains("no-store"), "{answer:?}");
    }
}

#[test]
fn no_answer_sends_a_browser_to_an_address_made_of_the_request() {
    let server = TestServer::start();
    for target in [
        "//evil.example",
        "//evil.example/",
        "/\\evil.example",
        "/%2f%2fevil.example",
        "/%5cevil.example",
        "/comet//evil.example",
        "///evil.example/%2e%2e",
    ] {
        let answer = Socket::connect(server.address()).get(target, "");
        assert!(answer.status >= 400, "{target}: {answer:?}");
        assert_eq!(answer.field("location"), None, "{target}");
        assert!(!answer.text().contains("evil"), "{target}: {answer:?}");
    }
}

#[test]
fn a_feed_takes_no_line_end_in_a_name_or_a_mark() {
    let server = TestServer::start();
    for end in ["%0A", "%0D", "%0D%0A", "%00", "%E2%80%A8"] {
        let target = format!("/events?channel=/a{end}event:%20x{end}{end}data:1");
        let Err(answer) = FeedReader::open(server.address(), &target, "") else { panic!("{target}") };
        assert_eq!((answer.status, answer.code().as_str()), (400, "subscription_invalid"), "{target}");
        let target = format!("/events?channel=/a&since=1.1/a{end}");
        let Err(answer) = FeedReader::open(server.address(), &target, "") else { panic!("{target}") };
        assert_eq!((answer.status, answer.code().as_str()), (400, "request_invalid"), "{target}");
    }
}
