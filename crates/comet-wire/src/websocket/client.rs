//! The client side of WebSocket: handshake out, answer in, masked frames out.
//!
//! Used by the Rust client, the load generator and tests; the server never needs it. Keys for the handshake
//! and for masks come from the caller, who owns the random source; frames of the server are read with
//! [`Decoder::for_client`](super::Decoder::for_client).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::encode::{MOST_CONTROL_BYTES, MOST_HEADER_BYTES, close_reason, write_header};
use super::handshake::key_digest;
use super::header::Opcode;
use super::mask::apply_mask;
use crate::http::list_members;
use crate::http::response::{ResponseError, check_fields, check_value, write_fields};

/// Bytes of the longest answer to a handshake.
pub const MOST_ANSWER_BYTES: usize = 16 * 1024;
/// Fields of the longest answer to a handshake.
pub const MOST_ANSWER_FIELDS: usize = 64;

/// The handshake of one connection: the key it sends and the answer it expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake {
    key: [u8; 24],
}

/// What a server has answered to a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The head of the answer is not complete.
    Partial,
    /// The connection is a WebSocket; frames begin after `length` bytes.
    Open {
        /// Bytes of the answer.
        length: usize,
    },
    /// The server refuses with this status.
    Refused {
        /// The HTTP status.
        status: u16,
    },
}

/// Why an answer cannot be understood or trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The answer is not an HTTP response, or too long.
    #[error("the answer is not an HTTP response")]
    Malformed,
    /// The answer says 101 but does not prove that the handshake was read, or agrees to something not
    /// offered.
    #[error("the answer does not belong to this handshake")]
    Foreign,
}

impl Handshake {
    /// A handshake whose key is made from 16 random bytes.
    pub fn new(random: [u8; 16]) -> Self {
        let mut key = [0; 24];
        let length = STANDARD.encode_slice(random, &mut key).expect("16 bytes are 24 characters of base64");
        debug_assert_eq!(length, key.len());
        Self { key }
    }

    /// Appends the request. `target` is the path with its query; `fields` are added to the fixed ones.
    ///
    /// # Errors
    /// [`ResponseError`] when the target, the host or a field may not be sent; nothing is written.
    pub fn write_request(
        &self,
        out: &mut Vec<u8>,
        host: &str,
        target: &str,
        fields: &[(&str, &str)],
    ) -> Result<(), ResponseError> {
        check_fields(fields)?;
        check_value(host)?;
        if target.is_empty() || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ResponseError::Value);
        }
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        write_fields(out, &[("Host", host), ("Upgrade", "websocket"), ("Connection", "Upgrade")]);
        out.extend_from_slice(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
        out.extend_from_slice(&self.key);
        out.extend_from_slice(b"\r\n");
        write_fields(out, fields);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Reads the answer at the start of `bytes`.
    ///
    /// # Errors
    /// [`AnswerError`]; the connection is of no use.
    pub fn read_answer(&self, bytes: &[u8]) -> Result<Answer, AnswerError> {
        let mut storage = [httparse::EMPTY_HEADER; MOST_ANSWER_FIELDS];
        let mut response = httparse::Response::new(&mut storage);
        let length = match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < MOST_ANSWER_BYTES => return Ok(Answer::Partial),
            _ => return Err(AnswerError::Malformed),
        };
        let status = response.code.ok_or(AnswerError::Malformed)?;
        if status != 101 {
            return Ok(Answer::Refused { status });
        }
        let mut proof = false;
        let (mut upgrade, mut connection) = (false, false);
        for field in response.headers.iter() {
            let names =
                |wanted: &[u8]| list_members(field.value).any(|member| member.eq_ignore_ascii_case(wanted));
            match field.name.to_ascii_lowercase().as_str() {
                "sec-websocket-accept" => proof = field.value == key_digest(&self.key),
                "sec-websocket-extensions" => return Err(AnswerError::Foreign),
                "upgrade" => upgrade |= names(b"websocket"),
                "connection" => connection |= names(b"upgrade"),
                _ => {}
            }
        }
        if proof && upgrade && connection { Ok(Answer::Open { length }) } else { Err(AnswerError::Foreign) }
    }
}

/// Appends a whole masked text frame.
pub fn write_text_frame(out: &mut Vec<u8>, text: &str, key: [u8; 4]) {
    write_frame(out, Opcode::Text, text.as_bytes(), key);
}

/// Appends a whole masked close frame. The reason is cut at a character when it has more than 123 bytes.
pub fn write_close_frame(out: &mut Vec<u8>, code: u16, reason: &str, key: [u8; 4]) {
    let reason = close_reason(reason).as_bytes();
    let mut payload = [0; MOST_CONTROL_BYTES];
    payload[..2].copy_from_slice(&code.to_be_bytes());
    payload[2..2 + reason.len()].copy_from_slice(reason);
    write_frame(out, Opcode::Close, &payload[..2 + reason.len()], key);
}

/// Appends a whole masked frame. What a control frame cannot hold (more than 125 bytes) is cut off.
pub fn write_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    let most = if opcode.is_control() { MOST_CONTROL_BYTES } else { payload.len() };
    let payload = &payload[..payload.len().min(most)];
    out.reserve(payload.len() + MOST_HEADER_BYTES + key.len());
    write_header(out, opcode, payload.len(), 0x80);
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], key, 0);
}
