//! Timed polling: what a poll says, and its answers.

use comet_wire::http::{HeadLimits, Parsed, ResponseError, parse_head};
use comet_wire::poll::{Poll, count_of, write_batch, write_unchanged};

/// What a request with these fields says, in words of its own.
fn said(fields: &str) -> Option<(String, Option<u64>)> {
    let text = format!("GET /cometd HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    match parse_head(text.as_bytes(), &HeadLimits::default()).unwrap() {
        Parsed::Complete { head, .. } => {
            Poll::of(&head).map(|poll| (poll.client_id.to_owned(), poll.received))
        }
        Parsed::Partial => panic!("the head is whole"),
    }
}

#[test]
fn a_poll_names_its_session_and_its_count() {
    assert_eq!(said("If-None-Match: \"3\"\r\n"), None, "without a session it is no poll");
    assert_eq!(said("comet-client: a1\r\nif-none-match: \"3\"\r\n"), Some(("a1".into(), Some(3))));
    assert_eq!(said("Comet-Client: a1\r\n"), Some(("a1".into(), None)));
    assert_eq!(said("Comet-Client: a1\r\nIf-None-Match: *\r\n"), Some(("a1".into(), None)));
}

#[test]
fn a_count_is_digits_in_quotes() {
    assert_eq!(count_of(b"\"0\""), Some(0));
    assert_eq!(count_of(b"W/\"12\""), Some(12), "whoever stands between may have weakened it");
    assert_eq!(count_of(format!("\"{}\"", u64::MAX).as_bytes()), Some(u64::MAX));
    let bad: [&[u8]; 14] = [
        b"",
        b"3",
        b"\"",
        b"\"\"",
        b"\"3",
        b"3\"",
        b"\"-3\"",
        b"\"+3\"",
        b"\" 3\"",
        b"\"3\", \"4\"",
        b"*",
        b"w/\"3\"",
        b"\"18446744073709551616\"",
        b"\"\xff\"",
    ];
    for bad in bad {
        assert_eq!(count_of(bad), None, "{}", String::from_utf8_lossy(bad));
    }
    assert_eq!(count_of(format!("\"{}\"", "0".repeat(4_000)).as_bytes()), None);
}

#[test]
fn what_is_new_comes_as_one_array_that_nobody_keeps() {
    let mut out = Vec::new();
    let bodies = [&b"{}"[..], b"1"];
    write_batch(&mut out, bodies.into_iter(), Some(7), Some("https://a.example"), false).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n\
        Cache-Control: no-store\r\nVary: Origin, Comet-Client\r\nETag: \"7\"\r\n\
        Access-Control-Allow-Origin: https://a.example\r\nAccess-Control-Allow-Credentials: true\r\n\
        Access-Control-Expose-Headers: Comet-Time, ETag\r\nConnection: close\r\nContent-Length: 6\r\n\r\n[{},1]"
    );
}

#[test]
fn where_there_is_nothing_new_there_is_no_body() {
    let mut out = Vec::new();
    write_unchanged(&mut out, 7, Some(1_700_000_000_000), None, true).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 304 Not Modified\r\nCache-Control: no-store\r\nVary: Origin, Comet-Client\r\nETag: \"7\"\r\n\
        Comet-Time: 1700000000000\r\n\r\n"
    );
}

#[test]
fn an_answer_without_a_count_has_no_validator() {
    let mut out = Vec::new();
    write_batch(&mut out, [&b"{}"[..]].into_iter(), None, None, true).unwrap();
    assert!(!String::from_utf8(out).unwrap().contains("ETag"));
}

#[test]
fn no_origin_begins_another_line() {
    let mut out = Vec::new();
    let origin = Some("https://a.example\r\nX: y");
    assert_eq!(write_unchanged(&mut out, 0, None, origin, true), Err(ResponseError::Value));
    let nothing = std::iter::empty();
    assert_eq!(write_batch(&mut out, nothing, None, origin, true), Err(ResponseError::Value));
    assert!(out.is_empty());
}
