//! Answers of the callback-polling transport (JSONP): a script that calls a function the page has named.
//!
//! The name is the only text of a request that comes back in a script, so its grammar is narrow and the
//! body begins with a comment; the JSON is escaped until no character of it can end a script. Whether a
//! page may ask at all is decided elsewhere.

use std::fmt;

use crate::http::response::write_length;
use crate::json_array::{json_array_length, write_json_array};

/// Bytes of the longest callback name.
pub const MOST_NAME_BYTES: usize = 64;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: text/javascript; charset=utf-8\r\n\
    Content-Disposition: attachment; filename=f.txt\r\n\
    Cache-Control: no-store\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Vary: Origin\r\n";

/// The name of a function of the page: JavaScript identifiers of ASCII joined by dots, at most
/// [`MOST_NAME_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Callback(Box<str>);

/// A callback name that is not allowed; the status is 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the callback is not a dotted name of at most {MOST_NAME_BYTES} letters, digits, `_` and `$`")]
pub struct CallbackError;

impl Callback {
    /// Reads a name that has been decoded from a query.
    ///
    /// # Errors
    /// [`CallbackError`] for everything but `^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$` of at most 64 bytes.
    pub fn parse(name: &str) -> Result<Self, CallbackError> {
        let identifier = |part: &str| {
            let mut bytes = part.bytes();
            bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'))
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
        };
        if name.len() <= MOST_NAME_BYTES && name.split('.').all(identifier) {
            Ok(Self(name.into()))
        } else {
            Err(CallbackError)
        }
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Appends a whole answer: the head and a script that calls `callback` with all bodies as one array.
///
/// No cookie is set and no origin is named: a script of another origin must not depend on either.
pub fn write_response<'a>(
    out: &mut Vec<u8>,
    callback: &Callback,
    bodies: impl Iterator<Item = &'a [u8]> + Clone,
    keep_alive: bool,
) {
    let mut json = Vec::with_capacity(json_array_length(bodies.clone()));
    write_json_array(&mut json, bodies);
    let mut script = Vec::with_capacity(json.len() + json.len() / 16 + MOST_NAME_BYTES + 8);
    script.extend_from_slice(b"/**/");
    script.extend_from_slice(callback.0.as_bytes());
    script.push(b'(');
    escape_json(&mut script, &json);
    script.extend_from_slice(b");");

    out.reserve(HEAD.len() + 64 + script.len());
    out.extend_from_slice(HEAD);
    if !keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    write_length(out, script.len());
    out.extend_from_slice(&script);
}

/// Appends an expression that means the same as `json` inside a script of an HTML or XML page: `<`, `>`, U+2028
/// and U+2029 become escapes. In JSON these characters stand in strings only, where an escape is the same character.
///
/// A member of the name `__proto__` is one like others in JSON, but in a script it would choose what the object
/// inherits from, and two of them would spoil the whole script. Where one may be, the script parses a text.
pub fn escape_json(out: &mut Vec<u8>, json: &[u8]) {
    if !may_name_proto(json) {
        return escape_markup(out, json);
    }
    out.extend_from_slice(b"JSON.parse(\"");
    for part in json.split_inclusive(|byte| matches!(byte, b'"' | b'\\' | b'\t' | b'\r' | b'\n')) {
        let (last, plain) = part.split_last().expect("no part is empty");
        match last {
            b'"' | b'\\' => {
                escape_markup(out, plain);
                out.extend_from_slice(&[b'\\', *last]);
            }
            // These stand in no string, and between two tokens nobody needs them.
            b'\t' | b'\r' | b'\n' => escape_markup(out, plain),
            _ => escape_markup(out, part),
        }
    }
    out.extend_from_slice(b"\")");
}

/// Whether a member may be called `__proto__`, in whatever way its letters are written. Nobody but who wants to hide
/// them writes letters as escapes.
fn may_name_proto(json: &[u8]) -> bool {
    let hides = |at: usize| matches!(json.get(at + 4), Some(b'5' | b'6' | b'7'));
    memchr::memmem::find(json, b"__proto__").is_some() || memchr::memmem::find_iter(json, b"\\u00").any(hides)
}

fn escape_markup(out: &mut Vec<u8>, json: &[u8]) {
    let mut rest = json;
    while let Some(at) = memchr::memchr3(b'<', b'>', 0xe2, rest) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let (escape, length): (&[u8], usize) = match special {
            [b'<', ..] => (b"\\u003c", 1),
            [b'>', ..] => (b"\\u003e", 1),
            [0xe2, 0x80, 0xa8, ..] => (b"\\u2028", 3),
            [0xe2, 0x80, 0xa9, ..] => (b"\\u2029", 3),
            _ => (&special[..1], 1),
        };
        out.extend_from_slice(escape);
        rest = &special[length..];
    }
    out.extend_from_slice(rest);
}
