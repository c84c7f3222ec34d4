//! A first walk over the text of a batch, before anything is parsed.
//!
//! Found here, without recursion, is what a parser would find too late or not at all: nesting, the number of messages,
//! halves of surrogate pairs and numbers that no client can hold. Whether the text is JSON is left to the parser.

use crate::code::Code;
use crate::json::BatchLimits;

/// The longest number, in bytes. Longer than any exact double; some clients refuse numbers of some thousand digits.
const MAX_NUMBER_BYTES: usize = 1024;

/// A number below this length without exponent is always finite.
const FINITE_NUMBER_BYTES: usize = 300;

/// What the walk found.
pub(super) struct Scanned {
    /// Line breaks stand between tokens.
    pub(super) line_breaks: bool,
}

/// Walks over the text once.
pub(super) fn scan(text: &str, limits: &BatchLimits) -> Result<Scanned, Code> {
    let bytes = text.as_bytes();
    let in_array = text.trim_ascii_start().starts_with('[');
    let (mut depth, mut messages) = (0_usize, 1_usize);
    let mut scanned = Scanned { line_breaks: false };
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = skip_string(bytes, at)?,
            b'[' | b'{' => {
                depth += 1;
                if depth > limits.depth {
                    return Err(Code::DepthExceeded);
                }
            }
            b']' | b'}' => depth = depth.checked_sub(1).ok_or(Code::JsonInvalid)?,
            b',' if depth == 1 && in_array => {
                messages += 1;
                if messages > limits.messages {
                    return Err(Code::BatchTooLong);
                }
            }
            b'\n' | b'\r' => scanned.line_breaks = true,
            b'-' | b'0'..=b'9' => at = skip_number(text, at - 1)?,
            _ => {}
        }
    }
    Ok(scanned)
}

/// Walks to behind the closing quote of a string whose first byte is at `at`.
fn skip_string(bytes: &[u8], mut at: usize) -> Result<usize, Code> {
    loop {
        at += plain(&bytes[at.min(bytes.len())..]);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') if bytes.get(at + 1) == Some(&b'u') => at = skip_escape(bytes, at)?,
            Some(b'\\') => at += 2,
            Some(0..0x20) | None => return Err(Code::JsonInvalid),
            Some(_) => at += 1,
        }
    }
}

/// Bytes at the start that are neither a quote nor a backslash nor a control, found eight at a time; up to seven more may
/// follow at the end of the text.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // The highest bit of a byte is set where that is zero; a borrow makes marks only behind the first true one.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, _) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let marks = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | control;
        if marks & HIGH != 0 {
            return index * 8 + (marks & HIGH).trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8
}

/// Walks over an escape such as `\u00e9`, and over both halves of a surrogate pair.
fn skip_escape(bytes: &[u8], at: usize) -> Result<usize, Code> {
    match code_unit(bytes, at) {
        Some(0xD800..=0xDBFF) => match code_unit(bytes, at + 6) {
            Some(0xDC00..=0xDFFF) => Ok(at + 12),
            _ => Err(Code::JsonInvalid),
        },
        Some(0xDC00..=0xDFFF) | None => Err(Code::JsonInvalid),
        Some(_) => Ok(at + 6),
    }
}

fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
    digits.iter().try_fold(0, |unit, &digit| {
        let value = char::from(digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(value).ok()?)
    })
}

/// Walks to behind a number, refusing what overflows a double.
fn skip_number(text: &str, at: usize) -> Result<usize, Code> {
    let rest = &text[at..];
    let length =
        rest.bytes().take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count();
    let number = &rest[..length];
    if length > MAX_NUMBER_BYTES {
        return Err(Code::JsonInvalid);
    }
    if length > FINITE_NUMBER_BYTES || number.contains(['e', 'E']) {
        let value: f64 = number.parse().map_err(|_| Code::JsonInvalid)?;
        if !value.is_finite() {
            return Err(Code::JsonInvalid);
        }
    }
    Ok(at + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_or_escapes_a_string_is_found_wherever_it_stands() {
        for length in 0..40 {
            for mark in [b'"', b'\\', b'\n', 0, 0x1f] {
                for other in [b'a', b'!', b'#', b'[', b']', b' ', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
                    let mut bytes = vec![other; length];
                    bytes.extend([mark; 10]);
                    assert_eq!(plain(&bytes), length, "{mark} behind {length} of {other}");
                }
            }
            assert_eq!(plain(&vec![b'a'; length]), length / 8 * 8);
        }
    }
}
