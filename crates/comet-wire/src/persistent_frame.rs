//! The persistent frame: an HTML page that never ends, each script in it one batch.
//!
//! The page runs nothing but scripts that carry its nonce, shows nothing, and may stand in pages of one origin alone. Nothing
//! of a request is written into it; JSON is escaped until no character of it can end a script. Batches come encoded from the
//! engine; who may open a page, and when it ends, is decided there.

use crate::callback::escape_json;
use crate::http::response::{ResponseError, check_value, write_chunk};

/// The type of the page.
pub const MEDIA: &str = "text/html; charset=utf-8";
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 16;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Cache-Control: no-store, no-transform\r\n\
    X-Content-Type-Options: nosniff\r\n\
    X-Accel-Buffering: no\r\n\
    Referrer-Policy: no-referrer\r\n\
    Vary: Origin\r\n\
    Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; ";

/// What the scripts of one page carry, drawn by chance for each page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; NONCE_BYTES]);

impl Nonce {
    /// Of random bytes.
    pub fn new(random: [u8; NONCE_BYTES]) -> Nonce {
        Nonce(random)
    }

    /// 32 hexadecimal digits.
    fn digits(self) -> [u8; 2 * NONCE_BYTES] {
        let mut digits = [0; 2 * NONCE_BYTES];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[
                b"0123456789abcdef"[usize::from(byte >> 4)],
                b"0123456789abcdef"[usize::from(byte & 15)],
            ]);
        }
        digits
    }
}

/// How a page hands its batches over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner<'a> {
    /// It calls the function `comet` of its element, in a page of its own origin.
    Call,
    /// The same, when both pages have called this their domain.
    Domain(&'a str),
    /// It sends messages to the page around it.
    Message,
}

/// Why a page is not written. The buffer is left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the origin or the domain holds what no name of a host holds")]
pub struct NameError;

impl From<ResponseError> for NameError {
    fn from(_: ResponseError) -> NameError {
        NameError
    }
}

/// Appends the head of a page and what begins it: its one function, `p`, which takes away the script that calls it and
/// hands over what it is called with. `origin` is that of the page around it, where it is another one than its own; `padding`
/// is how many bytes of a comment follow, for whoever in between waits for so many.
///
/// # Errors
/// [`NameError`] when the origin or the domain is no plain name; nothing is written.
pub fn write_beginning(
    out: &mut Vec<u8>,
    nonce: Nonce,
    manner: Manner<'_>,
    origin: Option<&str>,
    padding: usize,
    keep_alive: bool,
) -> Result<(), NameError> {
    let domain = if let Manner::Domain(domain) = manner { Some(domain) } else { None };
    for name in [origin, domain].into_iter().flatten() {
        check_value(name)?;
        // Neither the policy nor the script may be made to say something else.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:/[]".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(NameError);
        }
    }
    let digits = nonce.digits();
    out.extend_from_slice(HEAD);
    out.extend_from_slice(b"script-src 'nonce-");
    out.extend_from_slice(&digits);
    out.extend_from_slice(b"'; frame-ancestors ");
    out.extend_from_slice(origin.unwrap_or("'self'").as_bytes());
    out.extend_from_slice(b"\r\n");
    if domain.is_some() {
        // Browsers keep pages of one origin apart from its siblings, unless they are asked not to.
        out.extend_from_slice(b"Origin-Agent-Cluster: ?0\r\n");
    }
    if !keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    let mut page = b"<!doctype html><meta charset=\"utf-8\"><script nonce=\"".to_vec();
    page.extend_from_slice(&digits);
    page.extend_from_slice(b"\">");
    if let Some(domain) = domain {
        page.extend_from_slice(b"document.domain=\"");
        page.extend_from_slice(domain.as_bytes());
        page.extend_from_slice(b"\";");
    }
    page.extend_from_slice(b"function p(b){document.currentScript.remove();");
    match (manner, origin) {
        (Manner::Message, origin) => {
            page.extend_from_slice(b"parent.postMessage({comet:b},");
            match origin {
                Some(origin) => page.extend_from_slice(format!("\"{origin}\"").as_bytes()),
                None => page.extend_from_slice(b"location.origin"),
            }
            page.extend_from_slice(b")");
        }
        // A client that has gone on elsewhere has taken its function away.
        _ => page.extend_from_slice(b"var f=frameElement&&frameElement.comet;f&&f(b)"),
    }
    page.extend_from_slice(b"}document.currentScript.remove()</script>");
    if padding > 0 {
        page.extend_from_slice(b"<!--");
        page.resize(page.len() + padding, b' ');
        page.extend_from_slice(b"-->");
    }
    write_chunk(out, &page);
    Ok(())
}

/// Appends bodies, each one JSON value, escaped and with commas between them: what scripts of any page can carry.
pub fn write_escaped<'a>(out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]>) {
    for (index, body) in bodies.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        escape_json(out, body);
    }
}

/// Appends one batch as a script of a page, as a chunk of its own; `escaped` is what [`write_escaped`] has written. Of none
/// it is a heartbeat: an empty array.
pub fn write_batch<'a>(out: &mut Vec<u8>, nonce: Nonce, escaped: impl Iterator<Item = &'a [u8]>) {
    let mut script = b"<script nonce=\"".to_vec();
    script.extend_from_slice(&nonce.digits());
    script.extend_from_slice(b"\">p([");
    for (index, body) in escaped.enumerate() {
        if index > 0 {
            script.push(b',');
        }
        script.extend_from_slice(body);
    }
    script.extend_from_slice(b"])</script>");
    write_chunk(out, &script);
}

/// Appends the answer to who may not open a page: a page with nothing in it, which shows its end to the page around it.
///
/// # Errors
/// [`ResponseError::Status`] when the status is none.
pub fn write_refusal(out: &mut Vec<u8>, status: u16) -> Result<(), ResponseError> {
    let fields = [
        ("Content-Type", MEDIA),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'"),
    ];
    crate::http::response::write_head(out, status, &fields, Some(0), false)
}
