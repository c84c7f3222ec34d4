//! The bytes of the floor programs: a request head taken apart with `httparse`, the answers, one WebSocket frame.
//! Sockets and subscriber lists live in `reactor`. Input is what a read returned, output is appended to a vector.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// One request, and how many bytes of the input it took (an upgrade: all of it).
pub(crate) enum Request<'a> {
    /// A WebSocket upgrade with this `Sec-WebSocket-Key`.
    Upgrade { key: &'a [u8] },
    /// `GET /poll`: to be answered by the next publication.
    Poll { length: usize },
    /// `POST /pub` with this payload.
    Publish { payload: &'a [u8], length: usize },
}

/// What the start of `input` is: a whole request, a part of one (`Ok(None)`), or nothing this program serves.
pub(crate) fn parse_request(input: &[u8]) -> Result<Option<Request<'_>>, &'static str> {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if input.len() < 16 * 1024 => return Ok(None),
        _ => return Err("request head refused"),
    };
    let field = |name: &str| head.headers.iter().find(|f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value);
    match (head.method, head.path) {
        (Some("GET"), Some("/poll")) => Ok(Some(Request::Poll { length })),
        (Some("GET"), _) => {
            let key = field("sec-websocket-key").ok_or("not an upgrade")?;
            Ok(Some(Request::Upgrade { key }))
        }
        (Some("POST"), Some("/pub")) => {
            let body: usize = field("content-length")
                .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok())
                .filter(|&bytes| bytes <= 64 * 1024)
                .ok_or("body length refused")?;
            match input.get(length..length + body) {
                Some(payload) => Ok(Some(Request::Publish { payload, length: length + body })),
                None => Ok(None),
            }
        }
        _ => Err("route unknown"),
    }
}

/// Appends the answer that turns a connection into a WebSocket.
pub(crate) fn write_switch(key: &[u8], out: &mut Vec<u8>) {
    let mut digest = Sha1::new();
    digest.update(key);
    digest.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
    );
    out.extend_from_slice(STANDARD.encode(digest.finalize()).as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
}

/// Appends one event as it stands inside a batch.
pub(crate) fn write_event(payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"channel":"/bench/fan","data":"#);
    out.extend_from_slice(payload);
    out.push(b'}');
}

/// Appends one unmasked text frame that holds `[event]`.
pub(crate) fn write_frame(event: &[u8], out: &mut Vec<u8>) {
    let length = event.len() + 2;
    out.push(0x81);
    if length < 126 {
        out.push(length as u8);
    } else if length <= usize::from(u16::MAX) {
        out.push(126);
        out.extend_from_slice(&(length as u16).to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
    out.push(b'[');
    out.extend_from_slice(event);
    out.push(b']');
}

/// Appends the answer to a parked poll: the events of one coalesced publication, already joined by commas.
pub(crate) fn write_poll_answer(events: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ");
    out.extend_from_slice((events.len() + 2).to_string().as_bytes());
    out.extend_from_slice(b"\r\n\r\n[");
    out.extend_from_slice(events);
    out.push(b']');
}

/// The answer to an accepted publication.
pub(crate) const PUBLISHED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pipelined_publications_are_cut_apart() {
        let one = b"POST /pub HTTP/1.1\r\nContent-Length: 3\r\n\r\n{1}";
        let input = [&one[..], &one[..]].concat();
        let Ok(Some(Request::Publish { payload, length })) = parse_request(&input) else {
            panic!("a publication")
        };
        assert_eq!((payload, length), (&b"{1}"[..], one.len()));
        assert!(matches!(parse_request(&input[..one.len() - 1]), Ok(None)));
    }

    #[test]
    fn the_key_of_the_rfc_gives_the_answer_of_the_rfc() {
        let mut out = Vec::new();
        write_switch(b"dGhlIHNhbXBsZSBub25jZQ==", &mut out);
        assert!(out.ends_with(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
    }

    #[test]
    fn a_frame_of_126_bytes_takes_the_longer_length() {
        let mut out = Vec::new();
        write_frame(&[b'x'; 124], &mut out);
        assert_eq!(&out[..4], &[0x81, 126, 0, 126]);
        out.clear();
        write_frame(&[b'x'; 123], &mut out);
        assert_eq!(&out[..2], &[0x81, 125]);
    }
}
