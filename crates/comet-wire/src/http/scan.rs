//! Finding the end of a request head while it trickles in.
//!
//! The scanner remembers how far it has looked, so a head sent byte by byte costs one pass over its bytes
//! and not one pass for each byte. It judges line ends and the size limit only; the meaning of the lines is
//! the parser's in `head`.

use super::head::{Head, HeadError, HeadLimits, Parsed};

/// Looks for the end of a request head and resumes where it stopped. One scanner serves one connection: it
/// is ready for the next head as soon as it has found the end of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeadScanner {
    scanned: usize,
}

impl HeadScanner {
    /// A scanner that has seen nothing.
    pub const fn new() -> Self {
        Self { scanned: 0 }
    }

    /// Parses the head at the start of `bytes`, which must begin with all bytes given before.
    ///
    /// Bytes already searched are not searched again while the answer is `Partial`.
    ///
    /// # Errors
    /// [`HeadError`] names what is wrong; the connection cannot be used any longer.
    pub fn parse<'a>(&mut self, bytes: &'a [u8], limits: &HeadLimits) -> Result<Parsed<'a>, HeadError> {
        let Some(length) = self.find_end(bytes, limits)? else { return Ok(Parsed::Partial) };
        let head = Head::read(&bytes[..length], limits)?;
        Ok(Parsed::Complete { head, length })
    }

    /// The length of the head at the start of `bytes`, with its closing empty line, once it is all there.
    ///
    /// # Errors
    /// [`HeadError::Line`] for a line feed without carriage return, [`HeadError::TooLong`] past the limit.
    pub fn find_end(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<Option<usize>, HeadError> {
        // Nothing past the limit is looked at, so the answer does not hang on how the bytes were cut.
        let bytes = &bytes[..bytes.len().min(limits.bytes)];
        let from = self.scanned.min(bytes.len());
        for offset in memchr::memchr_iter(b'\n', &bytes[from..]) {
            let at = from + offset;
            if at == 0 || bytes[at - 1] != b'\r' {
                return Err(HeadError::Line);
            }
            match at {
                // One empty line before the request line is what some clients leave behind a body.
                1 => continue,
                3 if bytes[1] == b'\n' => return Err(HeadError::Line),
                _ if bytes[at - 2] != b'\n' => continue,
                _ => {
                    self.scanned = 0;
                    return Ok(Some(at + 1));
                }
            }
        }
        if bytes.len() >= limits.bytes {
            return Err(HeadError::TooLong);
        }
        self.scanned = bytes.len();
        Ok(None)
    }
}
