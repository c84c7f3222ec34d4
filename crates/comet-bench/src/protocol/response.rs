//! Cuts HTTP responses out of a stream: status and body, by length or in chunks.
//! What the body means is read elsewhere. Input is all bytes not yet consumed; nothing is kept between calls.

use std::borrow::Cow;

use super::Fault;

/// Largest head and largest body taken from a server, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
const BODY_BYTES: usize = 1024 * 1024;

/// One whole response.
#[derive(Debug, PartialEq)]
pub struct Response<'a> {
    /// The status of the answer, such as 200.
    pub status: u16,
    /// The body without its framing.
    pub body: Cow<'a, [u8]>,
    /// Bytes of the input this response took.
    pub length: usize,
}

/// The response at the start of `input`, or `None` while a part of it is still to come.
///
/// # Errors
/// When the head is malformed or too large, or the body has no bounded end on a connection that stays open.
pub fn parse(input: &[u8]) -> Result<Option<Response<'_>>, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; 48];
    let mut head = httparse::Response::new(&mut fields);
    let start = match head.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if input.len() <= HEAD_BYTES => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(Fault::new("response head too large")),
        Err(error) => return Err(Fault::new(format!("response head: {error}"))),
    };
    let status = head.code.unwrap_or(0);
    let field = |name: &str| {
        let field = head.headers.iter().find(|f| f.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(field.value).ok()
    };
    // These have no body, whatever their fields say.
    if status == 101 || status == 204 || status == 304 {
        return Ok(Some(Response { status, body: Cow::Borrowed(&[]), length: start }));
    }
    if field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        let body = unchunk(&input[start..])?;
        return Ok(body.map(|(body, length)| Response {
            status,
            body: Cow::Owned(body),
            length: start + length,
        }));
    }
    let length: usize = field("content-length")
        .and_then(|value| value.parse().ok())
        .filter(|&length| length <= BODY_BYTES)
        .ok_or_else(|| Fault::new(format!("response {status} has no usable length")))?;
    let body = input.get(start..start + length);
    Ok(body.map(|body| Response { status, body: Cow::Borrowed(body), length: start + length }))
}

/// The chunks at the start of `input` joined, and how many bytes they took with their framing.
fn unchunk(input: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Fault> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (line, size) = match httparse::parse_chunk_size(&input[at..]) {
            Ok(httparse::Status::Complete((line, size))) => (line, size as usize),
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Fault::new("chunk size malformed")),
        };
        at += line;
        if size > BODY_BYTES - body.len() {
            return Err(Fault::new("response body too large"));
        }
        let Some(chunk) = input.get(at..at + size + 2) else { return Ok(None) };
        if !chunk.ends_with(b"\r\n") {
            return Err(Fault::new(if size == 0 {
                "trailers are not expected"
            } else {
                "chunk end malformed"
            }));
        }
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]";
    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[{\r\n2\r\n}]\r\n0\r\n\r\n";

    #[test]
    fn a_response_is_whole_only_with_its_last_byte() {
        for whole in [LENGTH, CHUNKED] {
            for end in 0..whole.len() {
                assert_eq!(parse(&whole[..end]), Ok(None), "{end} bytes");
            }
            let response = parse(whole).unwrap().unwrap();
            assert_eq!((response.status, &*response.body, response.length), (200, &b"[{}]"[..], whole.len()));
        }
    }

    #[test]
    fn the_next_response_is_left_in_the_input() {
        let two = [CHUNKED, LENGTH].concat();
        let first = parse(&two).unwrap().unwrap();
        assert_eq!(first.length, CHUNKED.len());
        assert_eq!(parse(&two[first.length..]).unwrap().unwrap().length, LENGTH.len());
    }

    #[test]
    fn a_switch_of_protocols_has_no_body() {
        let response = parse(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x00").unwrap().unwrap();
        assert_eq!((response.status, response.length), (101, 36));
    }

    #[test]
    fn bodies_without_a_bounded_end_are_refused() {
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd").is_err());
    }

    #[test]
    fn an_endless_head_is_refused() {
        let endless = [&b"HTTP/1.1 200 OK\r\nX: "[..], &vec![b'a'; HEAD_BYTES]].concat();
        assert!(parse(&endless).is_err());
    }
}
