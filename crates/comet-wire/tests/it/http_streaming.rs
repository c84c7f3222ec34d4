//! Streams of lines: one chunk a line, whatever the JSON holds.

use comet_wire::http::response::LAST_CHUNK;
use comet_wire::http_streaming::{HEARTBEAT, MEDIA, write_line};
use comet_wire::stream::write_stream_head;

fn line(bodies: &[&str]) -> String {
    let mut out = Vec::new();
    write_line(&mut out, bodies.iter().map(|body| body.as_bytes()));
    String::from_utf8(out).unwrap()
}

/// The body of a chunked answer that ends in the last chunk.
pub(crate) fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        let data = &bytes[end + 2..];
        body.extend_from_slice(&data[..size]);
        assert_eq!(&data[size..size + 2], b"\r\n");
        bytes = &data[size + 2..];
        if size == 0 {
            assert!(bytes.is_empty());
            return body;
        }
    }
}

#[test]
fn a_line_is_one_chunk_with_one_array() {
    assert_eq!(line(&[r#"{"a":1}"#]), "a\r\n[{\"a\":1}]\n\r\n");
    assert_eq!(line(&["1", "2"]), "6\r\n[1,2]\n\r\n");
    assert_eq!(line(&[]), "3\r\n[]\n\r\n");
}

#[test]
fn line_ends_between_tokens_become_spaces_and_the_value_stays() {
    let spread = "{\"a\":\r\n[1,\n2],\"b\":\"x\\ny\"}";
    let line = line(&[spread]);
    let body = unchunked(&[line.as_bytes(), LAST_CHUNK].concat());
    assert_eq!(body.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count(), 1);
    let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(read[0], serde_json::from_str::<serde_json::Value>(spread).unwrap());
}

#[test]
fn lines_and_heartbeats_of_any_length_are_a_chunked_body() {
    let mut out = Vec::new();
    let mut wanted = Vec::new();
    for length in [0, 1, 12, 13, 14, 250, 251, 252, 4_091, 4_092, 70_000] {
        let text = format!("\"{}\"", "x".repeat(length));
        write_line(&mut out, std::iter::once(text.as_bytes()));
        out.extend_from_slice(HEARTBEAT);
        wanted.extend_from_slice(format!("[{text}]\n\n").as_bytes());
    }
    out.extend_from_slice(LAST_CHUNK);
    assert!(unchunked(&out) == wanted);
}

#[test]
fn a_head_names_a_type_that_no_browser_guesses_at_and_forbids_buffers() {
    let mut out = Vec::new();
    write_stream_head(&mut out, MEDIA, Some("https://shop.example"), false).unwrap();
    let head = String::from_utf8(out).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for field in [
        "Content-Type: application/x-ndjson",
        "Cache-Control: no-store, no-transform",
        "X-Content-Type-Options: nosniff",
        "X-Accel-Buffering: no",
        "Vary: Origin",
        "Access-Control-Allow-Origin: https://shop.example",
        "Access-Control-Allow-Credentials: true",
        "Connection: close",
        "Transfer-Encoding: chunked",
    ] {
        assert!(head.contains(&format!("\r\n{field}\r\n")), "{field} is missing in {head}");
    }
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    assert!(!head.contains("Content-Length"), "{head}");
}

#[test]
fn an_origin_cannot_add_fields_to_a_head() {
    let mut out = Vec::new();
    assert!(write_stream_head(&mut out, MEDIA, Some("https://a\r\nX: y"), true).is_err());
    assert!(out.is_empty());
    write_stream_head(&mut out, MEDIA, None, true).unwrap();
    let head = String::from_utf8(out).unwrap();
    assert!(!head.contains("Access-Control") && !head.contains("Connection"), "{head}");
}
