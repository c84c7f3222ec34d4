//! Frames out, as a server sends them: one frame a message, never masked.
//!
//! A text frame is made once for all subscribers, so its header can be written apart from its payload.
//! Payloads come encoded from the engine, frames go back to it as bytes; masked frames are in `client`.

use super::header::Opcode;
use crate::json_array::{json_array_length, write_json_array};

/// Bytes of payload of the longest control frame.
pub const MOST_CONTROL_BYTES: usize = 125;

/// Bytes of the longest header of a server frame.
pub const MOST_HEADER_BYTES: usize = 10;

/// Appends the header of an unfragmented, unmasked text frame of `length` bytes of payload.
pub fn write_text_frame_header(length: usize, out: &mut Vec<u8>) {
    write_header(out, Opcode::Text, length, 0);
}

/// Appends the header of an unfragmented, unmasked binary frame of `length` bytes of payload.
pub fn write_binary_frame_header(length: usize, out: &mut Vec<u8>) {
    write_header(out, Opcode::Binary, length, 0);
}

/// A whole text frame whose payload is the given parts one after another; together they must be UTF-8.
pub fn text_frame(parts: &[&[u8]]) -> Vec<u8> {
    frame(Opcode::Text, parts)
}

/// A whole binary frame whose payload is the given parts one after another.
pub fn binary_frame(parts: &[&[u8]]) -> Vec<u8> {
    frame(Opcode::Binary, parts)
}

/// Appends a whole text frame that holds all bodies, each one JSON value, as one JSON array.
pub fn write_json_array_frame<'a>(out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]> + Clone) {
    let length = json_array_length(bodies.clone());
    out.reserve(length + MOST_HEADER_BYTES);
    write_text_frame_header(length, out);
    write_json_array(out, bodies);
}

/// A close frame. The reason is cut at a character when it has more than 123 bytes.
pub fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    frame(Opcode::Close, &[&code.to_be_bytes(), close_reason(reason).as_bytes()])
}

/// A ping of at most 125 bytes; what is more is cut off.
pub fn ping_frame(payload: &[u8]) -> Vec<u8> {
    frame(Opcode::Ping, &[&payload[..payload.len().min(MOST_CONTROL_BYTES)]])
}

/// A pong of at most 125 bytes, which a received ping never exceeds; what is more is cut off.
pub fn pong_frame(payload: &[u8]) -> Vec<u8> {
    frame(Opcode::Pong, &[&payload[..payload.len().min(MOST_CONTROL_BYTES)]])
}

/// The part of a close reason that fits a close frame.
pub(super) fn close_reason(reason: &str) -> &str {
    let mut end = reason.len().min(MOST_CONTROL_BYTES - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

fn frame(opcode: Opcode, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + MOST_HEADER_BYTES);
    write_header(&mut out, opcode, length, 0);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Appends a header with the final bit; `mask_bit` is 0x80 for the frames of a client.
pub(super) fn write_header(out: &mut Vec<u8>, opcode: Opcode, length: usize, mask_bit: u8) {
    out.push(0x80 | opcode as u8);
    // The first arm holds less than 126, the second less than 65,536.
    match length {
        0..126 => out.push(mask_bit | length as u8),
        126..0x1_0000 => {
            out.push(mask_bit | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(mask_bit | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}
