//! Cuts answers that go on: their head, and one chunk after the other.
//! What a chunk means is read elsewhere. Input is all bytes not yet consumed; nothing is kept between calls.

use super::Fault;

/// Largest head and largest chunk taken from a server, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
const CHUNK_BYTES: usize = 1024 * 1024;

/// The length of the head at the start of `input`, or `None` while a part of it is still to come.
///
/// # Errors
/// When it is no head of a chunked answer with status 200.
pub fn parse_head(input: &[u8]) -> Result<Option<usize>, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; 48];
    let mut head = httparse::Response::new(&mut fields);
    let length = match head.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if input.len() <= HEAD_BYTES => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(Fault::new("stream head too large")),
        Err(error) => return Err(Fault::new(format!("stream head: {error}"))),
    };
    let is_chunked = head.headers.iter().any(|field| {
        field.name.eq_ignore_ascii_case("transfer-encoding") && field.value.eq_ignore_ascii_case(b"chunked")
    });
    if head.code != Some(200) || !is_chunked {
        let text = String::from_utf8_lossy(&input[..input.len().min(400)]);
        return Err(Fault::new(format!("no stream: {text}")));
    }
    Ok(Some(length))
}

/// One chunk.
#[derive(Debug, PartialEq)]
pub struct Chunk<'a> {
    /// What is in it.
    pub data: &'a [u8],
    /// Bytes of the input it took.
    pub length: usize,
}

/// The chunk at the start of `input`, or `None` while a part of it is still to come.
///
/// # Errors
/// When it is malformed or too large, or the last one: no stream ends while it is measured.
pub fn parse_chunk(input: &[u8]) -> Result<Option<Chunk<'_>>, Fault> {
    let (line, size) = match httparse::parse_chunk_size(input) {
        Ok(httparse::Status::Complete((line, size))) => (line, size as usize),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Fault::new("chunk size malformed")),
    };
    if size == 0 || size > CHUNK_BYTES {
        return Err(Fault::new(if size == 0 { "the stream has ended" } else { "chunk too large" }));
    }
    let Some(chunk) = input.get(line..line + size + 2) else { return Ok(None) };
    let data = chunk.strip_suffix(b"\r\n").ok_or_else(|| Fault::new("chunk end malformed"))?;
    Ok(Some(Chunk { data, length: line + size + 2 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    #[test]
    fn a_head_and_a_chunk_are_whole_only_with_their_last_byte() {
        for end in 0..HEAD.len() {
            assert_eq!(parse_head(&HEAD[..end]), Ok(None), "{end} bytes");
        }
        assert_eq!(parse_head(HEAD), Ok(Some(HEAD.len())));
        let chunk = b"3\r\n[]\n\r\n";
        for end in 0..chunk.len() {
            assert_eq!(parse_chunk(&chunk[..end]), Ok(None), "{end} bytes");
        }
        assert_eq!(parse_chunk(b"3\r\n[]\n\r\n1\r\n"), Ok(Some(Chunk { data: b"[]\n", length: 8 })));
    }

    #[test]
    fn what_is_no_stream_is_a_fault() {
        assert!(parse_head(b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n").is_err());
        for bad in [&b"0\r\n\r\n"[..], b"ffffffffffffffff\r\n", b"zz\r\n", b"1\r\nabc"] {
            assert!(parse_chunk(bad).is_err(), "{bad:?}");
        }
    }
}
