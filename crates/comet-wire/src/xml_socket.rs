//! XMLSocket: text both ways over plain TCP, each message ended by one NUL.
//!
//! Here messages are cut out of a stream of bytes and written into one; the same stream may also travel in binary frames of a
//! WebSocket. What a player asks before it may connect is in `policy`. Bytes come from the engine's reads and go back to it
//! as text, or as bytes to send; what a message means is not known here.

pub mod policy;

use crate::json_array::{json_array_length, write_json_array};
use crate::websocket::encode::{MOST_HEADER_BYTES, write_binary_frame_header};

/// What ends a message.
const NUL: u8 = 0;

/// What was found at the start of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Cut<'a> {
    /// No whole message. So many bytes in front hold none and need not come again.
    NeedMore {
        /// Bytes that are done with.
        consumed: usize,
    },
    /// One message, without its NUL, never empty.
    Message {
        /// Its text.
        text: &'a str,
        /// Bytes that are done with: the message, its NUL, and empty messages in front.
        consumed: usize,
    },
}

/// Why the bytes are no messages. Nothing behind them can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// More bytes than a message may have.
    #[error("the message is too long")]
    TooLong,
    /// A message that is not UTF-8.
    #[error("the message is not UTF-8")]
    Text,
    /// A message that begins neither as JSON nor as a question for the policy. Pages can make a browser write to any port,
    /// and what it writes first is the head of a request: what they hide behind it must not be heard.
    #[error("the message is of another protocol")]
    Foreign,
}

/// Finds messages in what has arrived so far, and looks at no byte twice however it arrives.
#[derive(Debug, Default)]
pub struct Scanner {
    /// Bytes of the message in front that are known to hold no NUL.
    looked: usize,
}

impl Scanner {
    /// Cuts one message of at most `most` bytes from the start of `bytes`: those that the last call has not consumed, and
    /// what has arrived since. Empty messages mean nothing and are skipped.
    ///
    /// # Errors
    /// [`MessageError`] for what is no message; the stream is over.
    pub fn cut<'a>(&mut self, bytes: &'a [u8], most: usize) -> Result<Cut<'a>, MessageError> {
        let empty = match self.looked {
            0 => bytes.iter().take_while(|byte| **byte == NUL).count(),
            _ => 0,
        };
        let rest = &bytes[empty..];
        if !rest
            .first()
            .is_none_or(|first| matches!(first, b'[' | b'{' | b'<' | b' ' | b'\t' | b'\r' | b'\n'))
        {
            return Err(MessageError::Foreign);
        }
        let looked = std::mem::take(&mut self.looked).min(rest.len());
        let found = memchr::memchr(NUL, &rest[looked..]).map(|at| looked + at);
        if found.unwrap_or(rest.len()) > most {
            return Err(MessageError::TooLong);
        }
        let Some(length) = found else {
            self.looked = rest.len();
            return Ok(Cut::NeedMore { consumed: empty });
        };
        let text = std::str::from_utf8(&rest[..length]).map_err(|_| MessageError::Text)?;
        Ok(Cut::Message { text, consumed: empty + length + 1 })
    }
}

/// Appends one message: all bodies, each one JSON value, as one JSON array. JSON holds no NUL of its own.
pub fn write_message<'a>(out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]> + Clone) {
    out.reserve(json_array_length(bodies.clone()) + 1);
    write_json_array(out, bodies);
    out.push(NUL);
}

/// Appends the same as a binary frame of a WebSocket that carries the stream.
pub fn write_message_frame<'a>(out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]> + Clone) {
    let length = json_array_length(bodies.clone()) + 1;
    out.reserve(length + MOST_HEADER_BYTES);
    write_binary_frame_header(length, out);
    write_message(out, bodies);
}
