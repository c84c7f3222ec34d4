//! The opening handshake from both sides, and what must never become a WebSocket.

use comet_wire::http::{Head, HeadLimits, Parsed, ResponseError, parse_head};
use comet_wire::websocket::client::{Answer, AnswerError, Handshake, MOST_ANSWER_BYTES};
use comet_wire::websocket::extension::{MOST_OFFERS, OfferError, offers};
use comet_wire::websocket::handshake::write_refusal;
use comet_wire::websocket::{Accept, UpgradeError, accept, write_accept};
use proptest::prelude::*;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const DIGEST: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn with_head<T>(text: &str, then: impl FnOnce(&Head<'_>) -> T) -> T {
    match parse_head(text.as_bytes(), &HeadLimits::default()).unwrap() {
        Parsed::Complete { head, .. } => then(&head),
        Parsed::Partial => panic!("{text:?} is partial"),
    }
}

fn request(more: &str) -> String {
    format!(
        "GET /cometd HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n"
    )
}

fn judge(text: &str) -> Result<Accept<'static>, UpgradeError> {
    with_head(text, |head| accept(head, None))
}

#[test]
fn the_example_of_the_standard_is_answered_with_its_digest() {
    let accepted = judge(&request("")).unwrap();
    assert_eq!(accepted.key_digest, DIGEST.as_bytes());
    let mut out = Vec::new();
    write_accept(&mut out, &accepted, &[("Set-Cookie", "a=b")]).unwrap();
    let expected = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {DIGEST}\r\nSet-Cookie: a=b\r\n\r\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_handshake_with_a_body_is_refused() {
    for field in ["Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"] {
        let error = judge(&request(field)).unwrap_err();
        assert_eq!((error, error.status()), (UpgradeError::Body, 400), "{field:?}");
    }
    assert!(judge(&request("Content-Length: 0\r\n")).is_ok());
}

#[test]
fn another_method_or_version_of_http_is_refused() {
    assert_eq!(judge(&request("").replace("GET", "POST")), Err(UpgradeError::Method));
    assert_eq!(judge(&request("").replace("HTTP/1.1", "HTTP/1.0")), Err(UpgradeError::Method));
    assert_eq!(UpgradeError::Method.status(), 400);
}

#[test]
fn a_wrong_version_is_told_the_right_one() {
    for version in
        ["Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 013", "Sec-WebSocket-Version: 13, 8", "X: y"]
    {
        let error = judge(&request("").replace("Sec-WebSocket-Version: 13", version)).unwrap_err();
        assert_eq!((error, error.status()), (UpgradeError::Version, 426), "{version:?}");
    }
    assert_eq!(judge(&request("Sec-WebSocket-Version: 13\r\n")), Err(UpgradeError::Version));
    let mut out = Vec::new();
    write_refusal(&mut out, UpgradeError::Version);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn a_refusal_is_never_a_success_and_always_the_end() {
    for error in [
        UpgradeError::NotAsked,
        UpgradeError::Method,
        UpgradeError::Body,
        UpgradeError::Version,
        UpgradeError::Key,
        UpgradeError::Protocol,
        UpgradeError::Extension,
    ] {
        let mut out = Vec::new();
        write_refusal(&mut out, error);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("HTTP/1.1 4") && text.contains("\r\nConnection: close\r\n"), "{text}");
    }
}

#[test]
fn a_wrong_key_is_refused() {
    for key in [
        "",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "c2hvcnQ=",
        "!GhlIHNhbXBsZSBub25jZQ==",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let error = judge(&request("").replace(KEY, key)).unwrap_err();
        assert_eq!((error, error.status()), (UpgradeError::Key, 400), "{key:?}");
    }
    assert_eq!(judge(&request(&format!("Sec-WebSocket-Key: {KEY}\r\n"))), Err(UpgradeError::Key));
}

#[test]
fn a_request_that_asks_for_something_else_is_not_accepted() {
    for (from, to) in [
        ("Upgrade: WebSocket", "Upgrade: h2c"),
        ("keep-alive, Upgrade", "keep-alive"),
        ("Upgrade: WebSocket", "X: y"),
    ] {
        let error = judge(&request("").replace(from, to)).unwrap_err();
        assert_eq!((error, error.status()), (UpgradeError::NotAsked, 426), "{to:?}");
    }
}

#[test]
fn a_protocol_the_server_insists_on_must_be_offered() {
    let offering =
        request("Sec-WebSocket-Protocol: constructor, bayeux\r\nSec-WebSocket-Protocol: other\r\n");
    with_head(&offering, |head| {
        let accepted = accept(head, Some("bayeux")).unwrap();
        let mut out = Vec::new();
        write_accept(&mut out, &accepted, &[]).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("\r\nSec-WebSocket-Protocol: bayeux\r\n"));
        assert_eq!(accept(head, Some("Bayeux")), Err(UpgradeError::Protocol));
        assert_eq!(accept(head, None).unwrap().protocol, None);
    });
    with_head(&request(""), |head| assert_eq!(accept(head, Some("bayeux")), Err(UpgradeError::Protocol)));
}

#[test]
fn hostile_protocol_lists_are_refused_in_one_pass() {
    for list in ["a b".to_owned(), "\"a\"".to_owned(), vec!["a"; 33].join(","), "a/b".to_owned()] {
        assert_eq!(
            judge(&request(&format!("Sec-WebSocket-Protocol: {list}\r\n"))),
            Err(UpgradeError::Protocol)
        );
    }
    let blanks = " ".repeat(15_000);
    assert!(judge(&request(&format!("Sec-WebSocket-Protocol: a,{blanks}b\r\n"))).is_ok());
    assert_eq!(
        judge(&request(&format!("Sec-WebSocket-Protocol: a{blanks}b\r\n"))),
        Err(UpgradeError::Protocol)
    );
}

#[test]
fn extension_offers_are_read_and_none_is_agreed_to() {
    let list = "permessage-deflate; client_max_window_bits=\"10\"; server_no_context_takeover, x-other;a\r\nSec-WebSocket-Extensions:";
    let text = request(&format!("Sec-WebSocket-Extensions: {list}\r\n"));
    with_head(&text, |head| {
        let offers = offers(head).unwrap();
        assert_eq!(offers.len(), 2);
        assert_eq!(offers[0].name, "permessage-deflate");
        assert_eq!(
            offers[0].parameters,
            [("client_max_window_bits", Some("10")), ("server_no_context_takeover", None)]
        );
        assert_eq!((offers[1].name, &offers[1].parameters[..]), ("x-other", &[("a", None)][..]));
        let mut out = Vec::new();
        write_accept(&mut out, &accept(head, None).unwrap(), &[]).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains("Extensions"));
    });
}

#[test]
fn odd_window_bits_are_declined_or_refused() {
    for bits in ["7", "16", "x", "\"\"", "", "999999999999"] {
        let text = request(&format!(
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits={bits}\r\n"
        ));
        match judge(&text) {
            Ok(_) => assert!(!bits.is_empty() && bits != "\"\"", "{bits:?}"),
            Err(error) => assert_eq!((error, bits.trim_matches('"')), (UpgradeError::Extension, "")),
        }
    }
}

#[test]
fn hostile_extension_lists_are_refused_in_one_pass() {
    let many = vec!["a"; MOST_OFFERS + 1].join(",");
    let parameters = (0..17).map(|n| format!("; p{n}")).collect::<String>();
    let blanks = format!("a;{}b{}c", " ".repeat(7_000), " ".repeat(7_000));
    for list in [
        "a; b=\"c",
        "a; b=\"c\\\"",
        "a; b; B",
        "a; b=",
        "a b",
        "=",
        ";",
        "a,,b",
        &many,
        &blanks,
        &format!("a{parameters}"),
    ] {
        let text = request(&format!("Sec-WebSocket-Extensions: {list}\r\n"));
        with_head(&text, |head| assert_eq!(offers(head), Err(OfferError), "{list:?}"));
        let error = judge(&text).unwrap_err();
        assert_eq!((error, error.status()), (UpgradeError::Extension, 400));
    }
}

#[test]
fn a_field_of_the_answer_cannot_split_it() {
    let accepted = judge(&request("")).unwrap();
    let mut out = Vec::new();
    assert_eq!(write_accept(&mut out, &accepted, &[("X", "a\r\nb")]), Err(ResponseError::Value));
    let foreign = Accept { protocol: Some("a\r\nb"), ..accepted };
    assert_eq!(write_accept(&mut out, &foreign, &[]), Err(ResponseError::Value));
    assert!(out.is_empty());
}

fn answer_to(handshake: &Handshake) -> Vec<u8> {
    let mut wire = Vec::new();
    handshake.write_request(&mut wire, "h:80", "/cometd?x", &[("Origin", "http://h:80")]).unwrap();
    let mut out = Vec::new();
    with_head(std::str::from_utf8(&wire).unwrap(), |head| {
        assert_eq!((head.path(), head.origin()), ("/cometd", Some("http://h:80")));
        write_accept(&mut out, &accept(head, None).unwrap(), &[]).unwrap();
    });
    out
}

#[test]
fn our_client_and_our_server_agree() {
    let handshake = Handshake::new([7; 16]);
    let mut answer = answer_to(&handshake);
    let length = answer.len();
    answer.extend_from_slice(&[0x81, 0]);
    assert_eq!(handshake.read_answer(&answer), Ok(Answer::Open { length }));
    for end in 0..length {
        assert_eq!(handshake.read_answer(&answer[..end]), Ok(Answer::Partial), "{end}");
    }
}

#[test]
fn a_client_trusts_no_answer_to_another_handshake() {
    let handshake = Handshake::new([7; 16]);
    assert_eq!(Handshake::new([8; 16]).read_answer(&answer_to(&handshake)), Err(AnswerError::Foreign));
    let text = String::from_utf8(answer_to(&handshake)).unwrap();
    for (from, to) in [
        ("Upgrade: websocket", "Upgrade: other"),
        ("Connection: Upgrade", "Connection: close"),
        ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
    ] {
        assert_eq!(
            handshake.read_answer(text.replace(from, to).as_bytes()),
            Err(AnswerError::Foreign),
            "{to:?}"
        );
    }
    let refused = b"HTTP/1.1 403 Forbidden\r\n\r\n";
    assert_eq!(handshake.read_answer(refused), Ok(Answer::Refused { status: 403 }));
    assert_eq!(handshake.read_answer(b"SSH-2.0\r\n"), Err(AnswerError::Malformed));
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(MOST_ANSWER_BYTES));
    assert_eq!(handshake.read_answer(endless.as_bytes()), Err(AnswerError::Malformed));
}

#[test]
fn a_client_sends_no_target_that_splits_its_request() {
    let handshake = Handshake::new([0; 16]);
    let mut out = Vec::new();
    for (host, target) in [("h", "/a b"), ("h", ""), ("h", "/\r\nX: y"), ("h\r\nX: y", "/")] {
        assert_eq!(handshake.write_request(&mut out, host, target, &[]), Err(ResponseError::Value));
    }
    assert!(out.is_empty());
}

proptest! {
    #[test]
    fn the_digest_is_the_one_another_implementation_makes(random in any::<[u8; 16]>()) {
        let answer = String::from_utf8(answer_to(&Handshake::new(random))).unwrap();
        let mut wire = Vec::new();
        Handshake::new(random).write_request(&mut wire, "h", "/", &[]).unwrap();
        let text = String::from_utf8(wire).unwrap();
        let key = text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let digest = tungstenite::handshake::derive_accept_key(key.as_bytes());
        let line = format!("Sec-WebSocket-Accept: {digest}\r\n");
        prop_assert!(answer.contains(&line));
    }

    #[test]
    fn no_handshake_field_makes_the_parser_panic(value in "[ -~\t]{0,60}") {
        let _ = judge(&request(&format!("Sec-WebSocket-Extensions: {value}\r\nSec-WebSocket-Protocol: {value}\r\n")));
    }
}
