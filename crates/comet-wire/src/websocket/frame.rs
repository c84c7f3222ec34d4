//! Frames in: the decoder of one WebSocket connection.
//!
//! A message that is whole in the caller's buffer is unmasked there and handed out without a copy; what
//! arrives in parts is gathered in one box that exists only meanwhile. Bytes come from the connection,
//! events go to the engine, which answers pings and closes.

use std::borrow::Cow;

use super::close::{FrameError, is_close_code};
use super::header::{Header, Opcode, Start};
use super::mask::apply_mask;
use super::message::{Message, admit};

/// How large a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// Bytes of payload of one message, all fragments together.
    pub message_bytes: usize,
    /// Frames of one message, empty ones counted.
    pub fragments: u32,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { message_bytes: 64 * 1024, fragments: 1024 }
    }
}

/// What a peer has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(Cow<'a, str>),
    /// A whole binary message.
    Binary(Cow<'a, [u8]>),
    /// A ping, at most 125 bytes; to be answered with a pong of the same bytes.
    Ping(&'a [u8]),
    /// A pong, at most 125 bytes.
    Pong(&'a [u8]),
    /// The end. What follows on the connection is ignored.
    Close {
        /// The code, if one was sent; always one that may be sent back.
        code: Option<u16>,
        /// The reason, at most 123 bytes.
        reason: &'a str,
    },
}

/// What one call of [`Decoder::decode`] has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// Nothing can be done before the buffer holds this many bytes, at most 131 (a control frame with its
    /// header).
    NeedMore {
        /// Bytes the buffer must hold, those it holds already included.
        at_least: usize,
    },
    /// The first `consumed` bytes, at least one, are used up.
    Frame {
        /// What they said, if they complete something.
        event: Option<Event<'a>>,
        /// Bytes of the buffer that must not be given again.
        consumed: usize,
    },
}

/// Decodes the frames of one connection. Between messages it owns no memory.
///
/// The caller gives a buffer that begins with the first byte not yet consumed and calls again while the
/// answer is [`Decoded::Frame`]. Payload that arrives in parts is consumed at once, so that what stays in
/// the buffer is never more than a header or a control frame and nothing is looked at twice.
#[derive(Debug)]
pub struct Decoder {
    message: Option<Box<Message>>,
    masked: bool,
    ended: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// The decoder of a server, whose peers must mask their frames.
    pub const fn new() -> Self {
        Self { message: None, masked: true, ended: false }
    }

    /// The decoder of a client, whose server must not mask its frames.
    pub const fn for_client() -> Self {
        Self { message: None, masked: false, ended: false }
    }

    /// Whether a message has begun and is not complete; such a connection is not idle.
    pub fn is_inside_message(&self) -> bool {
        self.message.is_some()
    }

    /// Bytes of memory held for a message that is not complete; they follow what has arrived, not what was
    /// announced.
    pub fn held_bytes(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.held_bytes())
    }

    /// Whether the peer has said its last word: a close frame or an error. Everything after it is consumed
    /// and ignored.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Decodes what stands at the start of `buffer`, unmasking it in place.
    ///
    /// # Errors
    /// [`FrameError`] as early as the bytes allow; the decoder has then ended.
    pub fn decode<'a>(
        &mut self,
        buffer: &'a mut [u8],
        limits: &FrameLimits,
    ) -> Result<Decoded<'a>, FrameError> {
        let result = self.step(buffer, limits);
        if result.is_err() {
            self.end();
        }
        result
    }

    fn end(&mut self) {
        self.ended = true;
        self.message = None;
    }

    fn step<'a>(&mut self, buffer: &'a mut [u8], limits: &FrameLimits) -> Result<Decoded<'a>, FrameError> {
        if buffer.is_empty() {
            let inside = self.message.as_ref().is_some_and(|message| message.is_inside_frame());
            return Ok(Decoded::NeedMore { at_least: if inside || self.ended { 1 } else { 2 } });
        }
        if self.ended {
            return Ok(Decoded::Frame { event: None, consumed: buffer.len() });
        }
        if self.message.as_ref().is_some_and(|message| message.is_inside_frame()) {
            return self.gather(buffer, 0);
        }
        let header = match Header::read(buffer, self.masked)? {
            Start::Header(header) => header,
            Start::NeedMore { at_least } => return Ok(Decoded::NeedMore { at_least }),
        };
        match (header.opcode, &mut self.message) {
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => self.control(buffer, &header),
            (Opcode::Continuation, Some(message)) => {
                message.begin(&header, limits)?;
                self.gather(buffer, header.length)
            }
            (Opcode::Continuation, None) | (_, Some(_)) => Err(FrameError::Continuation),
            (opcode, None) => self.data(buffer, &header, opcode == Opcode::Text, limits),
        }
    }

    /// The first frame of a message, which is mostly the whole of it.
    fn data<'a>(
        &mut self,
        buffer: &'a mut [u8],
        header: &Header,
        text: bool,
        limits: &FrameLimits,
    ) -> Result<Decoded<'a>, FrameError> {
        let payload = admit(0, header.payload, limits)?;
        let consumed = header.length + payload;
        if !header.fin || buffer.len() < consumed {
            self.message = Some(Box::new(Message::new(text, header, limits)?));
            return self.gather(buffer, header.length);
        }
        let payload = &mut buffer[header.length..consumed];
        apply_mask(payload, header.key, 0);
        let event = if text {
            Event::Text(Cow::Borrowed(std::str::from_utf8(payload).map_err(|_| FrameError::Utf8)?))
        } else {
            Event::Binary(Cow::Borrowed(payload))
        };
        Ok(Decoded::Frame { event: Some(event), consumed })
    }

    /// Moves payload of the current frame, which begins at `start`, into the message.
    fn gather<'a>(&mut self, buffer: &'a mut [u8], start: usize) -> Result<Decoded<'a>, FrameError> {
        let message = self.message.as_mut().expect("payload is gathered only while a message is open");
        let consumed = start + message.push(&mut buffer[start..])?;
        if !message.is_complete() {
            return Ok(Decoded::Frame { event: None, consumed });
        }
        let message = self.message.take().expect("the message is open until it is complete");
        Ok(Decoded::Frame { event: Some(message.finish()?), consumed })
    }

    fn control<'a>(&mut self, buffer: &'a mut [u8], header: &Header) -> Result<Decoded<'a>, FrameError> {
        // A control frame has at most 125 bytes, so the conversion is exact.
        let consumed = header.length + header.payload as usize;
        if buffer.len() < consumed {
            return Ok(Decoded::NeedMore { at_least: consumed });
        }
        let payload = &mut buffer[header.length..consumed];
        apply_mask(payload, header.key, 0);
        let event = match header.opcode {
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            _ => {
                let event = close_event(payload)?;
                self.end();
                event
            }
        };
        Ok(Decoded::Frame { event: Some(event), consumed })
    }
}

fn close_event(payload: &[u8]) -> Result<Event<'_>, FrameError> {
    match *payload {
        [] => Ok(Event::Close { code: None, reason: "" }),
        [_] => Err(FrameError::Close),
        [high, low, ref reason @ ..] => {
            let code = u16::from_be_bytes([high, low]);
            if !is_close_code(code) {
                return Err(FrameError::Close);
            }
            let reason = std::str::from_utf8(reason).map_err(|_| FrameError::Utf8)?;
            Ok(Event::Close { code: Some(code), reason })
        }
    }
}
