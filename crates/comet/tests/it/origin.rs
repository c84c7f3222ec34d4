//! Pages of other sites: who may use the server, and how browsers are told.

use comet::Config;
use comet_testkit::{Response, Socket, TestServer, WebSocket};

const HELLO: &str = r#"[{"channel":"/meta/handshake","id":"1"}]"#;
const PARTNER: &str = "https://partner.example";

fn partners() -> TestServer {
    TestServer::with(|config: &mut Config| config.allowed_origins = vec![PARTNER.into()])
}

fn post(server: &TestServer, fields: &str) -> Response {
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", fields, HELLO);
    socket.response()
}

fn preflight(server: &TestServer, origin: &str) -> Response {
    let mut socket = Socket::connect(server.address());
    let question = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n";
    socket.send(format!("OPTIONS /cometd HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\n{question}\r\n"));
    socket.response()
}

#[test]
fn a_listed_site_may_and_its_browser_is_told() {
    let server = partners();
    let answer = post(&server, &format!("Origin: {PARTNER}\r\n"));
    assert_eq!(answer.messages()[0]["successful"], true);
    assert_eq!(answer.field("access-control-allow-origin"), Some(PARTNER));
    assert_eq!(answer.field("access-control-allow-credentials"), Some("true"));
    let answer = preflight(&server, PARTNER);
    assert_eq!((answer.status, answer.field("access-control-allow-origin")), (200, Some(PARTNER)));
    assert!(
        answer.field("access-control-allow-headers").is_some_and(|fields| fields.contains("Content-Type"))
    );
}

#[test]
fn a_refusal_can_be_read_by_the_listed_site_s_page() {
    let server = partners();
    let mut socket = Socket::connect(server.address());
    socket.send_post("/cometd", &format!("Origin: {PARTNER}\r\n"), "no JSON");
    let answer = socket.response();
    assert_eq!((answer.status, answer.code().as_str()), (400, "json_invalid"));
    assert_eq!(answer.field("access-control-allow-origin"), Some(PARTNER));
}

#[test]
fn any_other_site_may_not_on_any_transport() {
    let server = partners();
    for origin in ["https://evil.example", "null", "https://partner.example.evil", "http://partner.example"] {
        let answer = post(&server, &format!("Origin: {origin}\r\n"));
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden_origin"), "{origin}");
        assert_eq!(answer.field("access-control-allow-origin"), None);
        let answer = preflight(&server, origin);
        assert_eq!(answer.field("access-control-allow-origin"), None, "{origin}");
        let refused = WebSocket::open_on(Socket::connect(server.address()), "/cometd", &[("Origin", origin)]);
        assert_eq!(refused.err().expect("it is refused").status, 403, "{origin}");
    }
    assert_eq!(server.counts().sessions_made, 0);
}

#[test]
fn the_server_s_own_pages_need_no_permission() {
    let server = TestServer::start();
    let own = format!("http://{}", server.address());
    let answer = post(&server, &format!("Origin: {own}\r\n"));
    assert_eq!(answer.messages()[0]["successful"], true);
    assert!(WebSocket::open_on(Socket::connect(server.address()), "/cometd", &[("Origin", &own)]).is_ok());
}

#[test]
fn a_script_of_an_unknown_page_gets_nothing() {
    let server = partners();
    let target = "/cometd?jsonp=f&message=%5B%7B%22channel%22%3A%22%2Fmeta%2Fhandshake%22%7D%5D";
    for (fields, status) in [
        ("", 403),
        ("Referer: https://evil.example/page\r\n", 403),
        ("Referer: https://partner.example.evil/\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-origin\r\n", 200),
        ("Referer: https://partner.example/page?x\r\n", 200),
    ] {
        assert_eq!(Socket::connect(server.address()).get(target, fields).status, status, "{fields}");
    }
}
