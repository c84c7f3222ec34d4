//! Persistent frames: pages that never end, each script in them one batch. What a hostile page or a hostile message could
//! make of them is here as well (E2, E4 and E5 of the attacks).

use comet::{Call, Code, Refusal, Reply};
use comet_testkit::{LongPollClient, PATIENCE, Response, StreamReader, Streamed, TestServer, Wire};
use serde_json::{Value, json};

const PARTNER: &str = "https://shop.example";

/// A session that listens to `/a` and has no wire.
fn listening(server: &TestServer) -> LongPollClient {
    let mut client = LongPollClient::connected(server);
    client.subscribe("/a");
    client
}

/// The reply to a connect that asks for a frame like this, sent by a page of this origin.
fn connect(server: &TestServer, client: &LongPollClient, frame: &Value, origin: Option<&str>) -> Value {
    answer(server, client, frame, origin).pop().expect("the reply comes last")
}

/// The same with the events that come with it.
fn answer(server: &TestServer, client: &LongPollClient, frame: &Value, origin: Option<&str>) -> Vec<Value> {
    let cookie = client.wire.cookie().expect("a cookie was set");
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    let connect = json!([{ "channel": "/meta/connect", "connectionType": "iframe", "clientId": client.id(), "id": "c", "ext": { "frame": frame } }]);
    let mut stream = StreamReader::connect(server.address());
    stream.post(&format!("{origin}Cookie: {cookie}\r\n"), &connect);
    let Streamed::Answer(answer) = stream.next(PATIENCE) else { panic!("the connect is answered at once") };
    answer.messages()
}

/// The page for a ticket.
fn page_of(server: &TestServer, client: &LongPollClient, ticket: &str) -> StreamReader {
    let mut page = StreamReader::connect(server.address());
    let cookie = client.wire.cookie().expect("a cookie was set");
    page.get_page(&format!("/cometd?ticket={ticket}"), &format!("Cookie: {cookie}\r\n"));
    page
}

/// The page that a frame like this is opened with, and its head once something has come.
fn framed(server: &TestServer, frame: &Value, origin: Option<&str>) -> (StreamReader, Response) {
    let client = listening(server);
    let reply = connect(server, &client, frame, origin);
    let mut page = page_of(server, &client, reply["ext"]["ticket"].as_str().expect("a ticket"));
    server.publish("/a", "first");
    assert_eq!(page.batch()[0]["data"], "first");
    let head = page.head().expect("it goes on").clone();
    (page, head)
}

fn letting_in_a_partner() -> TestServer {
    TestServer::with(|config| {
        config.allowed_origins = vec![PARTNER.into()];
        config.frame_domains = vec!["shop.example".into()];
    })
}

#[test]
fn a_connect_is_answered_with_a_ticket_that_opens_a_page_once() {
    let server = TestServer::start();
    let mut client = LongPollClient::new(&server);
    let reply = client.try_handshake(json!({}));
    assert!(reply["supportedConnectionTypes"].as_array().expect("a list").contains(&json!("iframe")));
    let client = listening(&server);
    let reply = connect(&server, &client, &json!({ "mode": "call" }), None);
    assert_eq!((&reply["successful"], &reply["advice"]["interval"]), (&json!(true), &json!(25_000)));
    let ticket = reply["ext"]["ticket"].as_str().expect("a ticket");
    server.publish("/a", "waited");
    let mut page = page_of(&server, &client, ticket);
    assert_eq!(page.batch()[0]["data"], "waited");
    for n in 0..3 {
        server.publish("/a", &n);
        assert_eq!(page.batch()[0]["data"], json!(n));
    }
    let mut again = page_of(&server, &client, ticket);
    let Streamed::Answer(refusal) = again.next(PATIENCE) else { panic!("it is good once") };
    assert_eq!((refusal.status, refusal.body.len()), (403, 0));
    assert_eq!(refusal.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(server.endings(Code::TicketInvalid), 1);
    server.publish("/a", "still here");
    assert_eq!(page.batch()[0]["data"], "still here");
}

#[test]
fn only_pages_of_the_origin_that_has_asked_may_show_it_and_only_scripts_with_its_nonce_run() {
    let server = letting_in_a_partner();
    for (mode, origin, around) in [("call", None, "'self'"), ("message", Some(PARTNER), PARTNER)] {
        let (_page, head) = framed(&server, &json!({ "mode": mode }), origin);
        let (_another, other) = framed(&server, &json!({ "mode": mode }), origin);
        let policy = head.field("content-security-policy").expect("a policy");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
        assert_eq!(nonce.len(), 32);
        let expected = format!(
            "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'nonce-{nonce}'; frame-ancestors {around}"
        );
        assert_eq!(policy, expected);
        assert_ne!(other.field("content-security-policy"), Some(policy), "each page has its own");
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store, no-transform"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(head.field(name), Some(value));
        }
        assert_eq!(head.field("access-control-allow-origin"), None);
    }
}

#[test]
fn messages_that_would_end_the_script_or_the_page_come_as_they_were() {
    let server = TestServer::start();
    let client = listening(&server);
    let reply = connect(&server, &client, &json!({ "mode": "call" }), None);
    let mut page = page_of(&server, &client, reply["ext"]["ticket"].as_str().expect("a ticket"));
    for text in [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]>",
        "\u{2028}\u{2029}\0",
        "\"]);alert(1);//",
    ] {
        server.publish("/a", text);
        assert_eq!(page.batch()[0]["data"], json!(text));
    }
}

#[test]
fn nothing_of_a_request_is_reflected() {
    let server = letting_in_a_partner();
    let client = listening(&server);
    let evil = "\"><script>alert(1)</script>";
    for frame in [
        json!({ "mode": evil }),
        json!({ "mode": "domain", "domain": evil }),
        json!({ "mode": "domain", "domain": "evil.example" }),
        json!({ "mode": "domain" }),
        json!({ "mode": "call", "domain": "shop.example" }),
        json!({}),
        json!(evil),
    ] {
        let reply = connect(&server, &client, &frame, None);
        let error = reply["error"].as_str().unwrap_or_else(|| panic!("{frame} is refused: {reply}"));
        let expected =
            if frame["domain"] == "evil.example" || frame["domain"] == evil { "403" } else { "400" };
        assert!(error.starts_with(expected) && !error.contains(evil), "{frame}: {error}");
        assert_eq!(reply["ext"].get("ticket"), None, "{frame}");
    }
    // A page of another origin could not be called.
    let reply = connect(&server, &client, &json!({ "mode": "call" }), Some(PARTNER));
    assert_eq!(reply["successful"], false, "{reply}");
    for query in ["?ticket=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", "?ticket=x&c=alert(1)&domain=%22%3E"] {
        let mut page = StreamReader::connect(server.address());
        page.get_page(&format!("/cometd{query}"), "");
        let Streamed::Answer(refusal) = page.next(PATIENCE) else { panic!("{query} opens nothing") };
        assert_eq!((refusal.status, refusal.body.len()), (403, 0), "{query}");
        assert!(
            refusal
                .field("content-security-policy")
                .is_some_and(|policy| policy.starts_with("default-src 'none'"))
        );
    }
}

#[test]
fn a_page_of_the_partner_may_call_a_listed_domain_its_own() {
    let server = letting_in_a_partner();
    let frame = json!({ "mode": "domain", "domain": "Shop.example" });
    let (_page, head) = framed(&server, &frame, Some(PARTNER));
    assert_eq!(head.field("origin-agent-cluster"), Some("?0"));
    let (_page, head) = framed(&server, &json!({ "mode": "message" }), Some(PARTNER));
    assert_eq!(head.field("origin-agent-cluster"), None);
}

#[test]
fn who_does_not_say_how_gets_what_suits_the_page() {
    let server = letting_in_a_partner();
    for origin in [None, Some(PARTNER)] {
        let (_page, head) = framed(&server, &Value::Null, origin);
        let policy = head.field("content-security-policy").expect("a policy");
        assert!(policy.ends_with(origin.unwrap_or("'self'")), "{policy}");
    }
}

#[test]
fn a_silent_page_beats_with_empty_batches() {
    let server = TestServer::with(|config| config.limits.stream_heartbeat_ms = 50);
    let (mut page, _) = framed(&server, &json!({ "mode": "message" }), None);
    for _ in 0..3 {
        assert!(matches!(page.next(PATIENCE), Streamed::Heartbeat));
    }
}

#[test]
fn padding_comes_before_the_first_batch() {
    let server = TestServer::with(|config| config.limits.frame_padding = 2_048);
    let (mut page, _) = framed(&server, &json!({ "mode": "call" }), None);
    server.publish("/a", &1);
    assert_eq!(page.batch()[0]["data"], 1);
}

#[test]
fn a_client_that_the_server_sends_away_is_told_in_its_page_behind_the_last_event() {
    let builder = TestServer::builder().service("/service/leave", |call: Call| async move {
        call.client.disconnect();
        Ok::<_, Refusal>(Reply::none())
    });
    let server = TestServer::run(builder);
    let mut client = listening(&server);
    let reply = connect(&server, &client, &json!({ "mode": "call" }), None);
    let mut page = page_of(&server, &client, reply["ext"]["ticket"].as_str().expect("a ticket"));
    server.publish("/a", "first");
    client.request("/service/leave", json!({ "data": 1 }));
    let told = page.rest().concat();
    let channels: Vec<_> = told.iter().filter_map(|message| message["channel"].as_str()).collect();
    assert_eq!(channels, ["/a", "/meta/disconnect", "/meta/connect"], "{told:?}");
    assert_eq!(told[2]["advice"]["reconnect"], "none", "{told:?}");
}

#[test]
fn a_page_that_has_carried_enough_ends_with_a_last_word_and_the_next_goes_on() {
    let server = TestServer::with(|config| config.limits.stream_bytes = 400);
    let client = listening(&server);
    let open = |seen: &mut Vec<u64>| {
        let answer = answer(&server, &client, &json!({ "mode": "call" }), None);
        seen.extend(answer.iter().filter_map(|message| message["data"].as_u64()));
        let reply = answer.last().expect("a reply");
        page_of(&server, &client, reply["ext"]["ticket"].as_str().expect("a ticket"))
    };
    let mut seen = Vec::new();
    let (mut page, mut pages) = (open(&mut seen), 1);
    for n in 0..20 {
        server.publish("/a", &n);
        while seen.len() <= n {
            match page.next(PATIENCE) {
                Streamed::Batch(batch) if batch[0]["channel"] == "/meta/connect" => {
                    assert_eq!((&batch[0]["successful"], batch.len()), (&json!(true), 1), "{batch:?}");
                    assert!(matches!(page.next(PATIENCE), Streamed::End), "nothing follows the last word");
                    (page, pages) = (open(&mut seen), pages + 1);
                }
                Streamed::Batch(batch) => seen.extend(batch.iter().filter_map(|one| one["data"].as_u64())),
                Streamed::Heartbeat => {}
                other => panic!("{other:?} behind {seen:?}"),
            }
        }
    }
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
    assert!(pages > 2, "{pages} pages");
}
