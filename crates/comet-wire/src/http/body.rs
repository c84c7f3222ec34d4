//! Request bodies: the incremental decoder for both framings.
//!
//! The decoder is fed whatever has arrived and appends the decoded bytes to a buffer of the caller, never
//! more than the limit it was made with. What bounds a chunked body is in `chunked`; what the bytes mean is
//! none of its business.

use super::chunked::Chunked;

/// How the body of a request is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is no body.
    None,
    /// Exactly this many bytes.
    Length(u64),
    /// Chunks up to the last one and its trailers.
    Chunked,
}

/// Why a body is refused. The connection is answered with [`BodyError::status`] and closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More bytes than the limit, received or announced.
    #[error("the body is too large")]
    TooLarge,
    /// A chunk size is missing, malformed or longer than 16 digits.
    #[error("a chunk size is malformed")]
    ChunkSize,
    /// A chunk extension is malformed, or extensions are too long.
    #[error("a chunk extension is malformed or too long")]
    ChunkExtension,
    /// A line of the chunked framing does not end in CR LF where it must.
    #[error("a chunk does not end where it must")]
    ChunkEnd,
    /// More chunks than a body needs.
    #[error("the body has too many chunks")]
    TooManyChunks,
    /// A trailer is malformed, or the trailers are too long.
    #[error("a trailer is malformed or the trailers are too long")]
    Trailer,
}

impl BodyError {
    /// The HTTP status that tells the peer: 413 or 400.
    pub const fn status(self) -> u16 {
        match self {
            Self::TooLarge => 413,
            _ => 400,
        }
    }
}

/// What one call of [`Body::push`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that belong to the body and are used up.
    pub consumed: usize,
    /// Whether the body is complete; input past `consumed` belongs to the next request.
    pub done: bool,
}

/// Decodes one request body.
#[derive(Debug, Clone)]
pub struct Body {
    state: State,
    /// Decoded bytes that may still come.
    room: usize,
}

#[derive(Debug, Clone)]
enum State {
    Length { left: u64 },
    Chunked(Chunked),
    Failed(BodyError),
}

impl Body {
    /// A decoder for a body of this framing that hands out at most `max_bytes` decoded bytes.
    pub fn new(framing: BodyFraming, max_bytes: usize) -> Self {
        let state = match framing {
            BodyFraming::None => State::Length { left: 0 },
            BodyFraming::Length(length) if length > max_bytes as u64 => State::Failed(BodyError::TooLarge),
            BodyFraming::Length(length) => State::Length { left: length },
            BodyFraming::Chunked => State::Chunked(Chunked::new()),
        };
        Self { state, room: max_bytes }
    }

    /// Whether the whole body has been decoded; true from the start when there is none.
    pub fn is_done(&self) -> bool {
        match &self.state {
            State::Length { left } => *left == 0,
            State::Chunked(chunked) => chunked.is_done(),
            State::Failed(_) => false,
        }
    }

    /// Takes the next bytes of the connection and appends what they decode to onto `out`.
    ///
    /// Everything that belongs to the body is consumed at once; nothing after its end is.
    ///
    /// # Errors
    /// [`BodyError`]; a body that has failed keeps answering with the same error. An announced length above
    /// the limit fails at the first call, with or without input, so that a client waiting for `100
    /// Continue` can be refused.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Progress, BodyError> {
        let result = match &mut self.state {
            State::Length { left } => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                out.extend_from_slice(&input[..length]);
                *left -= length as u64;
                Ok(length)
            }
            State::Chunked(chunked) => chunked.push(input, out, &mut self.room),
            State::Failed(error) => Err(*error),
        };
        match result {
            Ok(consumed) => Ok(Progress { consumed, done: self.is_done() }),
            Err(error) => {
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }
}
