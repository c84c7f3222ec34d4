//! Strict percent decoding, shared by paths, queries and forms.
//!
//! An escape that is not two hexadecimal digits is refused rather than passed through, so that a text has
//! one meaning. Bytes come from request targets and form bodies; splitting them and judging the result is
//! left to the callers.

use std::borrow::Cow;

/// An escape that is cut off or not hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadEscape;

/// Decodes every `%xx` of `input` once, and `+` to a space when `plus` is set. Borrows when nothing is
/// escaped.
pub(crate) fn decode(input: &[u8], plus: bool) -> Result<Cow<'_, [u8]>, BadEscape> {
    let escaped = |byte: &u8| *byte == b'%' || (plus && *byte == b'+');
    let Some(first) = input.iter().position(escaped) else { return Ok(Cow::Borrowed(input)) };
    let mut decoded = Vec::with_capacity(input.len());
    decoded.extend_from_slice(&input[..first]);
    let mut rest = &input[first..];
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'%' => {
                let &[high, low, ..] = after else { return Err(BadEscape) };
                decoded.push(digit(high)? << 4 | digit(low)?);
                rest = &after[2..];
            }
            b'+' if plus => {
                decoded.push(b' ');
                rest = after;
            }
            other => {
                decoded.push(other);
                rest = after;
            }
        }
    }
    Ok(Cow::Owned(decoded))
}

fn digit(byte: u8) -> Result<u8, BadEscape> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(BadEscape),
    }
}
