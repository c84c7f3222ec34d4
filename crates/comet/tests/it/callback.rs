//! The rules of callback polling: what a script may be asked to call, and what may stand in it.

use comet_testkit::{CallbackClient, Response, Socket, TestServer, Wire};
use serde_json::json;

const HELLO: &str = "%5B%7B%22channel%22%3A%22%2Fmeta%2Fhandshake%22%2C%22id%22%3A%221%22%7D%5D";

fn get(server: &TestServer, query: &str) -> Response {
    let fields = format!("Referer: http://{}/page\r\n", server.address());
    Socket::connect(server.address()).get(&format!("/cometd?{query}"), &fields)
}

#[test]
fn the_answer_is_a_script_that_calls_the_page_s_function() {
    let server = TestServer::start();
    for name in ["jsonp", "callback"] {
        let answer = get(&server, &format!("{name}=org.cometd._c1&message={HELLO}"));
        assert_eq!(answer.status, 200);
        assert!(answer.text().starts_with("/**/org.cometd._c1([{"), "{}", answer.text());
        assert!(answer.text().ends_with("}]);"));
        assert_eq!(answer.field("content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.field("set-cookie"), None);
    }
}

#[test]
fn a_name_that_is_no_function_s_is_refused_and_never_repeated() {
    let server = TestServer::start();
    for name in
        ["", "alert(1)", "a%3Cscript%3E", "a.", ".a", "1a", "a%0d%0aX:%20y", "a%20b", "a%27", &"a".repeat(65)]
    {
        let answer = get(&server, &format!("jsonp={name}&message={HELLO}"));
        assert_eq!((answer.status, answer.code().as_str()), (400, "callback_invalid"), "{name}");
        assert!(!answer.text().contains("alert") && !answer.text().contains('<'));
        assert_eq!(answer.field("x"), None);
    }
    assert_eq!(get(&server, &format!("jsonp=a&jsonp=b&message={HELLO}")).status, 400);
    assert_eq!(server.counts().sessions_made, 0);
}

#[test]
fn a_get_without_callback_is_no_transport() {
    let server = TestServer::start();
    for query in ["", "message=%5B%5D", &format!("message={HELLO}")] {
        assert_eq!(get(&server, query).code(), "method_unsupported", "{query}");
    }
}

#[test]
fn a_callback_without_a_good_batch_is_refused() {
    let server = TestServer::start();
    for (message, code) in [
        ("", "batch_empty"),
        ("&message=", "json_invalid"),
        ("&message=%5B%5D", "batch_empty"),
        ("&message=%5B%7B", "json_invalid"),
        ("&message=%FF", "request_invalid"),
        ("&message=%5", "request_invalid"),
    ] {
        assert_eq!(get(&server, &format!("jsonp=f{message}")).code(), code, "{message}");
    }
}

#[test]
fn nothing_in_the_data_can_end_the_script() {
    let server = TestServer::start();
    let mut client = CallbackClient::connected(&server);
    client.subscribe("/a");
    let data = "</script><!-- \u{2028}\u{2029} ]]> */ alert(1) //";
    server.publish("/a", data);
    let connect = json!([{ "channel": "/meta/connect", "clientId": client.id(), "id": "c" }]).to_string();
    let message: String = connect.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answer = get(&server, &format!("jsonp=f&message={message}"));
    let text = answer.text();
    assert!(!text.contains(['<', '>', '\u{2028}', '\u{2029}']), "{text}");
    let json = text.strip_prefix("/**/f(").and_then(|rest| rest.strip_suffix(");")).expect("one call");
    let messages: serde_json::Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(messages[0]["data"], data);
}

#[test]
fn events_wait_for_the_connect_and_never_ride_on_another_answer() {
    let server = TestServer::with(|config| config.session.early_delivery = true);
    let mut client = CallbackClient::connected(&server);
    client.subscribe("/a");
    client.publish("/a", "own");
    client.publish("/b", "nobody's");
    assert!(client.waiting_events().is_empty(), "an answer that may overtake others carried an event");
    client.expect_event("/a", "own");
}

#[test]
fn a_session_of_scripts_is_bound_to_no_cookie() {
    // Scripts' answers set none, but another tab of the browser may come by one meanwhile.
    let server = TestServer::start();
    let mut client = CallbackClient::connected(&server);
    let cookie = format!("BAYEUX_BROWSER=00{:032x}", 7);
    client.wire.set_cookie(&cookie);
    client.subscribe("/a");
    server.publish("/a", "still heard");
    client.expect_event("/a", "still heard");
}
