//! What all streams have in common: an answer in chunks whose end is not known when it begins.
//!
//! The head forbids whoever stands between to keep, change or hold back anything, and browsers to guess at the type. The
//! chunks are those of each form of stream; when a stream begins and ends is decided by the engine.

use crate::http::response::{ResponseError, check_value};

/// The status, up to the media type.
const STATUS: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: ";

const FIELDS: &[u8] = b"\r\n\
    Cache-Control: no-store, no-transform\r\n\
    X-Content-Type-Options: nosniff\r\n\
    X-Accel-Buffering: no\r\n\
    Vary: Origin\r\n";

/// Appends the head of a stream of this media type, one of our own. `cors` is the origin that may read it, already checked
/// against the allowed ones.
///
/// # Errors
/// [`ResponseError::Value`] when the type or the origin holds a control character; nothing is written.
pub fn write_stream_head(
    out: &mut Vec<u8>,
    media: &str,
    cors: Option<&str>,
    keep_alive: bool,
) -> Result<(), ResponseError> {
    for value in [Some(media), cors].into_iter().flatten() {
        check_value(value)?;
    }
    out.extend_from_slice(STATUS);
    out.extend_from_slice(media.as_bytes());
    out.extend_from_slice(FIELDS);
    if let Some(origin) = cors {
        out.extend_from_slice(b"Access-Control-Allow-Origin: ");
        out.extend_from_slice(origin.as_bytes());
        out.extend_from_slice(b"\r\nAccess-Control-Allow-Credentials: true\r\n");
    }
    if !keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    Ok(())
}

/// Appends all bodies, each one JSON value, as one JSON array on one line: line ends of JSON are white space wherever they
/// may stand, and become spaces.
pub(crate) fn write_array_on_one_line<'a>(out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]>) {
    let start = out.len();
    crate::json_array::write_json_array(out, bodies);
    let mut rest = &mut out[start..];
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
        rest[at] = b' ';
        rest = &mut rest[at + 1..];
    }
}
