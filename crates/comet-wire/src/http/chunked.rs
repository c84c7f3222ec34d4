//! The chunked coding, read strictly.
//!
//! Sizes are hexadecimal digits and nothing else, lines end in CR LF, extensions and trailers are read and
//! thrown away within budgets. The state machine takes single bytes for the framing and slices for the
//! data; it is driven by `body`.

use super::body::BodyError;
use super::field::is_token_byte;

/// Hexadecimal digits of one chunk size: what fits 64 bits.
const SIZE_DIGITS: u8 = 16;
/// Bytes of the extensions of one chunk.
const EXTENSION_BYTES: u16 = 256;
/// Bytes of the extensions of all chunks.
const ALL_EXTENSION_BYTES: u16 = 16 * 1024;
/// Chunks of one body, the last one included.
const CHUNKS: u16 = 4096;
/// Bytes of all trailers with their line ends.
const TRAILER_BYTES: u16 = 4 * 1024;

/// Decodes one chunked body and counts what it has spent.
#[derive(Debug, Clone)]
pub(super) struct Chunked {
    step: Step,
    /// The size being read, then the data still to come.
    size: u64,
    chunks: u16,
    extension_bytes: u16,
    trailer_bytes: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Size { digits: u8 },
    Extension { bytes: u16, quote: Quote },
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    Outside,
    Inside,
    Escaped,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self { step: Step::Size { digits: 0 }, size: 0, chunks: 0, extension_bytes: 0, trailer_bytes: 0 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    /// Decodes `input` onto `out`, taking decoded bytes from `room`; answers the bytes consumed.
    pub(super) fn push(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        room: &mut usize,
    ) -> Result<usize, BodyError> {
        let mut at = 0;
        while at < input.len() && self.step != Step::Done {
            if self.step == Step::Data {
                let length = usize::try_from(self.size).unwrap_or(usize::MAX).min(input.len() - at);
                out.extend_from_slice(&input[at..at + length]);
                at += length;
                self.size -= length as u64;
                if self.size == 0 {
                    self.step = Step::DataCr;
                }
            } else {
                self.step = self.on_byte(input[at], room)?;
                at += 1;
            }
        }
        Ok(at)
    }

    fn on_byte(&mut self, byte: u8, room: &mut usize) -> Result<Step, BodyError> {
        match (self.step, byte) {
            (Step::Size { digits }, byte) => self.on_size_byte(digits, byte),
            (Step::Extension { bytes, quote }, byte) => self.on_extension_byte(bytes, quote, byte),
            (Step::SizeLf, b'\n') => self.on_size(room),
            (Step::DataCr, b'\r') => Ok(Step::DataLf),
            (Step::DataLf, b'\n') => Ok(Step::Size { digits: 0 }),
            (Step::TrailerStart, b'\r') => Ok(Step::LastLf),
            (Step::LastLf, b'\n') => Ok(Step::Done),
            (Step::SizeLf | Step::DataCr | Step::DataLf | Step::LastLf, _) => Err(BodyError::ChunkEnd),
            (Step::TrailerStart | Step::TrailerName | Step::TrailerValue | Step::TrailerLf, byte) => {
                self.on_trailer_byte(byte)
            }
            // Data is copied in slices and nothing is read past the end.
            (Step::Data | Step::Done, _) => Ok(self.step),
        }
    }

    fn on_size_byte(&mut self, digits: u8, byte: u8) -> Result<Step, BodyError> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b';' if digits > 0 => return Ok(Step::Extension { bytes: 0, quote: Quote::Outside }),
            b'\r' if digits > 0 => return Ok(Step::SizeLf),
            _ => return Err(BodyError::ChunkSize),
        };
        if digits == SIZE_DIGITS {
            return Err(BodyError::ChunkSize);
        }
        self.size = self.size << 4 | u64::from(digit);
        Ok(Step::Size { digits: digits + 1 })
    }

    fn on_extension_byte(&mut self, bytes: u16, quote: Quote, byte: u8) -> Result<Step, BodyError> {
        let quote = match (quote, byte) {
            (Quote::Outside, b'\r') => return Ok(Step::SizeLf),
            (_, b'\t' | b' '..=b'~') => match (quote, byte) {
                (Quote::Outside, b'"') | (Quote::Escaped, _) => Quote::Inside,
                (Quote::Inside, b'"') => Quote::Outside,
                (Quote::Inside, b'\\') => Quote::Escaped,
                (quote, _) => quote,
            },
            // A line end inside a quoted string is where two readers part ways.
            _ => return Err(BodyError::ChunkExtension),
        };
        self.extension_bytes += 1;
        if bytes == EXTENSION_BYTES || self.extension_bytes > ALL_EXTENSION_BYTES {
            return Err(BodyError::ChunkExtension);
        }
        Ok(Step::Extension { bytes: bytes + 1, quote })
    }

    fn on_size(&mut self, room: &mut usize) -> Result<Step, BodyError> {
        self.chunks += 1;
        if self.chunks > CHUNKS {
            return Err(BodyError::TooManyChunks);
        }
        if self.size == 0 {
            return Ok(Step::TrailerStart);
        }
        *room = usize::try_from(self.size)
            .ok()
            .and_then(|size| room.checked_sub(size))
            .ok_or(BodyError::TooLarge)?;
        Ok(Step::Data)
    }

    fn on_trailer_byte(&mut self, byte: u8) -> Result<Step, BodyError> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > TRAILER_BYTES {
            return Err(BodyError::Trailer);
        }
        match (self.step, byte) {
            (Step::TrailerStart | Step::TrailerName, byte) if is_token_byte(byte) => Ok(Step::TrailerName),
            (Step::TrailerName, b':') => Ok(Step::TrailerValue),
            (Step::TrailerValue, b'\r') => Ok(Step::TrailerLf),
            (Step::TrailerValue, byte) if byte == b'\t' || (byte >= b' ' && byte != 0x7f) => {
                Ok(Step::TrailerValue)
            }
            (Step::TrailerLf, b'\n') => Ok(Step::TrailerStart),
            _ => Err(BodyError::Trailer),
        }
    }
}
