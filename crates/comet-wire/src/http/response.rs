//! Response heads and chunks, written straight into the buffer that will be sent.
//!
//! Every value is checked on its way out: no line end reaches the wire inside a field, whoever supplied it.
//! The fixed answers of the delivery path are in `long_poll` and `callback`; this file writes all the
//! others.

use super::field::{is_sendable_value, is_token};

/// The interim answer to a client that waits before it sends a body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The chunk that ends a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Why a head is not written. The buffer is left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The status has not three digits.
    #[error("the status is not a number of three digits")]
    Status,
    /// A field name is not a token, or one that the writer sets itself.
    #[error("a field name is not allowed")]
    Name,
    /// A field value holds a control character.
    #[error("a field value holds a control character")]
    Value,
}

/// Appends a response head to `out`.
///
/// `content_length` is left out for statuses that have no body (1xx, 204); a head without it needs a
/// `Transfer-Encoding` field or the end of the connection to delimit the body. `keep_alive` false adds
/// `Connection: close`.
///
/// # Errors
/// [`ResponseError`] when a name or value may not be sent; `Content-Length` and `Connection` are not
/// accepted as fields.
pub fn write_head(
    out: &mut Vec<u8>,
    status: u16,
    fields: &[(&str, &str)],
    content_length: Option<usize>,
    keep_alive: bool,
) -> Result<(), ResponseError> {
    if !(100..=999).contains(&status) {
        return Err(ResponseError::Status);
    }
    check_fields(fields)?;
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
    write_fields(out, fields);
    if !keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    match content_length {
        Some(length) if status >= 200 && status != 204 => write_length(out, length),
        _ => out.extend_from_slice(b"\r\n"),
    }
    Ok(())
}

/// Appends one chunk of a chunked body; an empty `data` writes nothing, because an empty chunk would end
/// the body.
pub fn write_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    out.reserve(data.len() + 20);
    write_chunk_size(out, data.len());
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Appends the line that says how long a chunk is. A chunk of 0 bytes ends the body.
pub(crate) fn write_chunk_size(out: &mut Vec<u8>, length: usize) {
    let mut digits = [b'0'; 16];
    let mut rest = length;
    let mut start = digits.len();
    while rest > 0 || start == digits.len() {
        start -= 1;
        digits[start] = b"0123456789abcdef"[rest & 15];
        rest >>= 4;
    }
    out.extend_from_slice(&digits[start..]);
    out.extend_from_slice(b"\r\n");
}

/// Judges fields that somebody else supplied.
pub(crate) fn check_fields(fields: &[(&str, &str)]) -> Result<(), ResponseError> {
    for (name, value) in fields {
        let ours = name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("connection");
        if ours || !is_token(name.as_bytes()) {
            return Err(ResponseError::Name);
        }
        check_value(value)?;
    }
    Ok(())
}

/// Judges one value that somebody else supplied.
pub(crate) fn check_value(value: &str) -> Result<(), ResponseError> {
    if is_sendable_value(value.as_bytes()) { Ok(()) } else { Err(ResponseError::Value) }
}

/// Appends fields that [`check_fields`] has passed.
pub(crate) fn write_fields(out: &mut Vec<u8>, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends `Content-Length` as the last field, with the empty line that ends the head.
pub(crate) fn write_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(b"Content-Length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
}

/// The reason phrase of a status; empty for those that have none here.
pub const fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
