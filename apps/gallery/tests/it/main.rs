//! The gallery on a real server: its pages, what they may do, and what they share.

use comet_testkit::{Response, Socket, TestServer, WebSocketClient};
use serde_json::json;

fn gallery() -> TestServer {
    TestServer::run(comet_app_gallery::install(TestServer::builder()))
}

fn get(server: &TestServer, path: &str) -> Response {
    Socket::connect(server.address()).get(path, "")
}

/// Every value of these attributes in a page.
fn references(page: &str) -> Vec<String> {
    let of = |attribute: &str| {
        let opening = format!("{attribute}=\"");
        let pieces = page.split(&opening).skip(1);
        pieces.filter_map(|piece| Some(piece.split_once('"')?.0.to_owned())).collect::<Vec<_>>()
    };
    [of("src"), of("href")].concat()
}

#[test]
fn everything_the_front_page_names_is_there() {
    let server = gallery();
    let page = get(&server, "/");
    assert_eq!(page.status, 200);
    let named = references(page.text());
    assert!(
        named.contains(&"/chat/".to_owned())
            && named.contains(&"/lab/".to_owned())
            && named.contains(&"/shared/style.css".to_owned())
    );
    for path in named {
        assert_eq!(get(&server, &path).status, 200, "{path}");
    }
}

#[test]
fn no_page_runs_what_is_not_in_a_file_of_its_own() {
    let server = gallery();
    for path in ["/", "/chat/", "/lab/"] {
        let page = get(&server, path);
        let policy = page.field("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
        // Compiled code is no text that becomes code.
        assert!(!policy.replace("'wasm-unsafe-eval'", "").contains("unsafe"), "{policy}");
        let text = page.text();
        assert!(
            !text.contains("<style") && !text.contains(" style=") && !text.contains(" onclick="),
            "{path}"
        );
        assert!(
            text.matches("<script").count() == text.matches("<script type=\"module\" src=").count(),
            "{path}"
        );
    }
}

#[test]
fn a_path_nobody_knows_is_not_found_and_is_no_page() {
    let server = gallery();
    for path in ["/nothing", "/shared/", "/chat/page/index.html", "/chat/%63hat.js"] {
        let answer = get(&server, path);
        assert_eq!((answer.status, answer.code()), (404, "path_unknown".into()), "{path}");
    }
}

#[test]
fn the_ping_of_the_pages_is_answered() {
    let server = gallery();
    let mut client = WebSocketClient::connected(&server);
    assert_eq!(client.call("/service/gallery/ping", json!({}))["successful"], true);
}
