//! One spelling for each path.
//!
//! A path is decoded once and refused when another reader could take it for a different one, so that a rule
//! written for a path holds for every way to write it. Paths come from a request head; which of them exist
//! is the caller's business.

use std::borrow::Cow;

use crate::percent;

/// Why a path has no single meaning. The caller answers 400, or 404 where it would rather not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path does not begin with a slash.
    #[error("the path does not begin with a slash")]
    Relative,
    /// A percent escape is malformed, or what it decodes to is not UTF-8 or is itself an escape.
    #[error("the path holds a malformed or double escape")]
    Escape,
    /// A segment is empty, `.` or `..`.
    #[error("the path holds an empty or dotted segment")]
    Segment,
    /// A control character, backslash, semicolon or an escaped slash.
    #[error("the path holds a character that is not allowed")]
    Character,
}

/// Decodes `path` once and makes sure that no one else can read it as another path. The case of letters is
/// kept.
///
/// A slash at the end is allowed. The answer borrows from `path` when nothing was escaped.
///
/// # Errors
/// [`PathError`] names what makes the path ambiguous.
pub fn canonical_path(path: &str) -> Result<Cow<'_, str>, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::Relative);
    }
    let decoded = match percent::decode(path.as_bytes(), false).map_err(|_| PathError::Escape)? {
        Cow::Borrowed(_) => Cow::Borrowed(path),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).map_err(|_| PathError::Escape)?),
    };
    let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
    if slashes(&decoded) != slashes(path)
        || decoded.contains(|c: char| c.is_control() || matches!(c, '\\' | ';'))
    {
        return Err(PathError::Character);
    }
    if holds_escape(decoded.as_bytes()) {
        return Err(PathError::Escape);
    }
    let mut segments = decoded[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if matches!(segment, "." | "..") || (segment.is_empty() && !last) {
            return Err(PathError::Segment);
        }
    }
    Ok(decoded)
}

/// Whether a second decoding would change `text`.
fn holds_escape(text: &[u8]) -> bool {
    text.windows(3)
        .any(|window| window[0] == b'%' && window[1].is_ascii_hexdigit() && window[2].is_ascii_hexdigit())
}
