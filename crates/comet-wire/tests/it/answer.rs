//! Answers: heads no value can split, the long-poll answer, the preflight.

use comet_wire::cors::write_preflight;
use comet_wire::http::response::{CONTINUE, write_chunk};
use comet_wire::http::{ResponseError, reason, write_head};
use comet_wire::json_array::{json_array_length, write_json_array};
use comet_wire::long_poll::{write_json_head, write_json_response};
use proptest::prelude::*;

fn head(
    status: u16,
    fields: &[(&str, &str)],
    length: Option<usize>,
    keep_alive: bool,
) -> Result<String, ResponseError> {
    let mut out = Vec::new();
    let result = write_head(&mut out, status, fields, length, keep_alive);
    assert!(result.is_ok() || out.is_empty(), "a refused head leaves nothing behind");
    result.map(|()| String::from_utf8(out).unwrap())
}

#[test]
fn a_head_is_written_in_full() {
    let text = head(404, &[("Content-Type", "text/plain"), ("X-A", "b\tc")], Some(7), false).unwrap();
    assert_eq!(
        text,
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-A: b\tc\r\nConnection: close\r\nContent-Length: 7\r\n\r\n"
    );
    assert_eq!(head(299, &[], None, true).unwrap(), "HTTP/1.1 299 \r\n\r\n");
    assert_eq!(head(204, &[], Some(0), true).unwrap(), "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(CONTINUE, head(100, &[], None, true).unwrap().as_bytes());
}

#[test]
fn a_value_cannot_end_its_line() {
    for value in ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "a\u{7f}b", "\r\n\r\n<script>"] {
        assert_eq!(head(200, &[("X-A", value)], Some(0), true), Err(ResponseError::Value), "{value:?}");
    }
    for name in ["", "a b", "a:", "a\r\n", "a\0", "\u{e9}", "content-length", "Connection"] {
        assert_eq!(head(200, &[(name, "v")], Some(0), true), Err(ResponseError::Name), "{name:?}");
    }
    for status in [0, 99, 1000, u16::MAX] {
        assert_eq!(head(status, &[], None, true), Err(ResponseError::Status));
    }
}

#[test]
fn every_status_of_ours_has_a_reason() {
    for status in
        [101, 200, 204, 400, 401, 403, 404, 405, 408, 413, 414, 415, 426, 429, 431, 500, 502, 503, 505]
    {
        assert!(!reason(status).is_empty(), "{status}");
    }
}

#[test]
fn a_chunk_says_its_length_in_hexadecimal() {
    let mut out = Vec::new();
    write_chunk(&mut out, b"");
    write_chunk(&mut out, &[b'x'; 0x1a]);
    assert_eq!(out, format!("1a\r\n{}\r\n", "x".repeat(26)).into_bytes());
}

fn poll(
    bodies: &[&[u8]],
    cors: Option<&str>,
    cookie: Option<&str>,
    keep_alive: bool,
) -> Result<String, ResponseError> {
    let mut out = Vec::new();
    let result = write_json_response(&mut out, bodies.iter().copied(), cors, cookie, keep_alive);
    assert!(result.is_ok() || out.is_empty());
    result.map(|()| String::from_utf8(out).unwrap())
}

#[test]
fn a_poll_is_answered_with_one_array() {
    let expected = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n\
        X-Content-Type-Options: nosniff\r\nVary: Origin\r\nContent-Length: 9\r\n\r\n[{},{},1]";
    assert_eq!(poll(&[b"{}", b"{}", b"1"], None, None, true).unwrap(), expected);
    assert!(poll(&[], None, None, true).unwrap().ends_with("Content-Length: 2\r\n\r\n[]"));
}

#[test]
fn a_poll_of_another_origin_may_read_the_answer_with_credentials() {
    let text =
        poll(&[b"{}"], Some("https://there:81"), Some("BAYEUX_BROWSER=x; Path=/; HttpOnly"), false).unwrap();
    for line in [
        "Access-Control-Allow-Origin: https://there:81",
        "Access-Control-Allow-Credentials: true",
        "Set-Cookie: BAYEUX_BROWSER=x; Path=/; HttpOnly",
        "Connection: close",
        "Vary: Origin",
    ] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{line}");
    }
    assert!(!poll(&[b"{}"], None, None, true).unwrap().contains("Access-Control"));
}

#[test]
fn an_origin_or_a_cookie_cannot_split_the_answer() {
    assert_eq!(poll(&[b"{}"], Some("https://a\r\nX: y"), None, true), Err(ResponseError::Value));
    assert_eq!(poll(&[b"{}"], None, Some("a=b\nX: y"), true), Err(ResponseError::Value));
}

#[test]
fn the_head_alone_is_the_head_of_the_whole() {
    let whole = poll(&[b"{\"a\":1}"], Some("http://a"), None, true).unwrap();
    let mut out = Vec::new();
    write_json_head(&mut out, 9, Some("http://a"), None, true).unwrap();
    assert_eq!(whole, format!("{}[{{\"a\":1}}]", String::from_utf8(out).unwrap()));
}

#[test]
fn a_preflight_names_what_an_allowed_origin_may_send() {
    let mut out = Vec::new();
    write_preflight(&mut out, Some("https://there"), true).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("Content-Length: 0\r\n\r\n"));
    for line in [
        "Vary: Origin",
        "Access-Control-Allow-Origin: https://there",
        "Access-Control-Allow-Credentials: true",
        "Access-Control-Allow-Methods: POST, GET",
        "Access-Control-Allow-Headers: Accept, Authorization, Comet-Client, Content-Type, If-None-Match, Last-Event-ID, Pragma, X-Requested-With",
        "Access-Control-Max-Age: 86400",
    ] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{line}");
    }
}

#[test]
fn a_preflight_of_a_stranger_allows_nothing() {
    let mut out = Vec::new();
    write_preflight(&mut out, None, true).unwrap();
    assert_eq!(out, b"HTTP/1.1 200 OK\r\nVary: Origin\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(write_preflight(&mut out, Some("a\r\nb"), true), Err(ResponseError::Value));
}

proptest! {
    #[test]
    fn no_field_breaks_out_of_its_line(name in ".{0,6}", value in "([\r\n\0:]|.){0,10}") {
        if let Ok(text) = head(200, &[(&name, &value)], Some(0), true) {
            let lines: Vec<_> = text.split("\r\n").collect();
            prop_assert_eq!(lines.len(), 5);
            prop_assert_eq!(lines[1], format!("{name}: {value}"));
        }
    }

    #[test]
    fn the_length_of_an_array_is_known_before_it_is_written(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..6),
    ) {
        let mut out = Vec::new();
        write_json_array(&mut out, bodies.iter().map(Vec::as_slice));
        prop_assert_eq!(out.len(), json_array_length(bodies.iter().map(Vec::as_slice)));
    }
}
