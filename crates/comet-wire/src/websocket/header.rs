//! Frame headers: two to fourteen bytes that say what follows.
//!
//! A header is judged byte by byte as far as it has arrived, so that nonsense is refused before its end is
//! there. The payload and the order of frames are the decoder's business.

use super::close::FrameError;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the opcode of its name")]
pub enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    fn of(byte: u8) -> Result<Self, FrameError> {
        Ok(match byte & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return Err(FrameError::Opcode),
        })
    }

    /// Whether frames of this kind may stand between the fragments of a message.
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A whole frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    pub(super) payload: u64,
    /// The mask key of a client frame; zero, which changes nothing, for a server frame.
    pub(super) key: [u8; 4],
    /// Bytes of the header itself.
    pub(super) length: usize,
}

/// A header, or the bytes a buffer must hold to get on.
pub(super) enum Start {
    Header(Header),
    NeedMore { at_least: usize },
}

impl Header {
    /// Reads the header at the start of `bytes`; `masked` says which side of the connection sends it.
    pub(super) fn read(bytes: &[u8], masked: bool) -> Result<Start, FrameError> {
        let Some(&first) = bytes.first() else { return Ok(Start::NeedMore { at_least: 2 }) };
        if first & 0x70 != 0 {
            return Err(FrameError::ReservedBit);
        }
        let opcode = Opcode::of(first)?;
        let fin = first & 0x80 != 0;
        if opcode.is_control() && !fin {
            return Err(FrameError::Control);
        }
        let Some(&second) = bytes.get(1) else { return Ok(Start::NeedMore { at_least: 2 }) };
        if (second & 0x80 != 0) != masked {
            return Err(FrameError::Mask);
        }
        let short = second & 0x7f;
        if opcode.is_control() && short > 125 {
            return Err(FrameError::Control);
        }
        let wide = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let length = 2 + wide + if masked { 4 } else { 0 };
        let Some(rest) = bytes.get(2..length) else { return Ok(Start::NeedMore { at_least: length }) };
        let (extended, key) = rest.split_at(wide);
        let payload = match short {
            126 | 127 => {
                let value = extended.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
                let least = if short == 126 { 126 } else { 0x1_0000 };
                if value < least || value > i64::MAX as u64 {
                    return Err(FrameError::Length);
                }
                value
            }
            short => u64::from(short),
        };
        let key = key.try_into().unwrap_or_default();
        Ok(Start::Header(Self { fin, opcode, payload, key, length }))
    }
}
