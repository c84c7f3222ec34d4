//! Answers of the long-polling transport.
//!
//! The head is on the delivery path, so its fixed part is a constant and its length is written as an
//! integer; nothing is formatted. Bodies come encoded from the engine and leave in the buffer that is sent;
//! the same head serves every JSON answer of the mount.

use crate::http::response::{ResponseError, check_value, write_length};
use crate::json_array::{json_array_length, write_json_array};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: application/json\r\n\
    Cache-Control: no-store\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Vary: Origin\r\n";

/// Bytes that the variable fields need besides their values, at most.
const FIELD_ROOM: usize = 192;

/// Appends a whole answer: the head and all bodies as one JSON array. Without bodies the array is empty,
/// which official clients take for a failed request.
///
/// `cors` is the origin that may read the answer, already checked against the allowed ones. `set_cookie` is
/// the value of a `Set-Cookie` field.
///
/// # Errors
/// [`ResponseError::Value`] when the origin or the cookie holds a control character; nothing is written.
pub fn write_json_response<'a>(
    out: &mut Vec<u8>,
    bodies: impl Iterator<Item = &'a [u8]> + Clone,
    cors: Option<&str>,
    set_cookie: Option<&str>,
    keep_alive: bool,
) -> Result<(), ResponseError> {
    let length = json_array_length(bodies.clone());
    let values = cors.map_or(0, str::len) + set_cookie.map_or(0, str::len);
    out.reserve(HEAD.len() + FIELD_ROOM + values + length);
    write_json_head(out, length, cors, set_cookie, keep_alive)?;
    write_json_array(out, bodies);
    Ok(())
}

/// Appends only the head, for an answer of `length` bytes whose body is sent from elsewhere.
///
/// # Errors
/// [`ResponseError::Value`] when the origin or the cookie holds a control character; nothing is written.
pub fn write_json_head(
    out: &mut Vec<u8>,
    length: usize,
    cors: Option<&str>,
    set_cookie: Option<&str>,
    keep_alive: bool,
) -> Result<(), ResponseError> {
    for value in [cors, set_cookie].into_iter().flatten() {
        check_value(value)?;
    }
    out.extend_from_slice(HEAD);
    if let Some(origin) = cors {
        out.extend_from_slice(b"Access-Control-Allow-Origin: ");
        out.extend_from_slice(origin.as_bytes());
        out.extend_from_slice(b"\r\nAccess-Control-Allow-Credentials: true\r\n");
    }
    if let Some(cookie) = set_cookie {
        out.extend_from_slice(b"Set-Cookie: ");
        out.extend_from_slice(cookie.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if !keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    write_length(out, length);
    Ok(())
}
