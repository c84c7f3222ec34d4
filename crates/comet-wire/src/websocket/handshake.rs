//! The opening handshake, server side.
//!
//! A request becomes a WebSocket only when every condition of RFC 6455 section 4.2 holds and it has no
//! body, so that no byte after it can be taken for something else. Whether this origin and this person may
//! open one is decided before; no extension is agreed to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::extension;
use crate::http::body::BodyFraming;
use crate::http::head::{Head, Method};
use crate::http::response::{ResponseError, check_fields, check_value, write_fields, write_head};
use crate::http::{is_token, list_members};

/// Protocols a client may offer in one handshake.
pub const MOST_PROTOCOLS: usize = 32;

const VERSION: &str = "13";
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A handshake that can be answered with 101.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept<'a> {
    /// The value of `Sec-WebSocket-Accept`, base64.
    pub key_digest: [u8; 28],
    /// The subprotocol agreed on.
    pub protocol: Option<&'a str>,
}

/// Why a handshake is refused. [`write_refusal`] answers it; the connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    /// The request does not ask for a WebSocket.
    #[error("the request does not ask for a WebSocket")]
    NotAsked,
    /// The method is not GET, or the version not HTTP/1.1.
    #[error("a WebSocket is opened with GET and HTTP/1.1")]
    Method,
    /// The request has a body.
    #[error("a request with a body cannot become a WebSocket")]
    Body,
    /// The version of the protocol is missing or not 13.
    #[error("the WebSocket version is not 13")]
    Version,
    /// The key is missing, repeated or not 16 bytes in base64.
    #[error("the WebSocket key is malformed")]
    Key,
    /// The protocol list is malformed, too long, or does not offer the one that is needed.
    #[error("the subprotocol is malformed or not offered")]
    Protocol,
    /// The extension offers are malformed or too many.
    #[error("the extension offers are malformed")]
    Extension,
}

impl UpgradeError {
    /// The HTTP status that tells the peer: 426 when another handshake would help, otherwise 400.
    pub const fn status(self) -> u16 {
        match self {
            Self::NotAsked | Self::Version => 426,
            _ => 400,
        }
    }
}

/// Judges a handshake. `protocol` is the subprotocol the server insists on; without one, offers are ignored.
///
/// # Errors
/// [`UpgradeError`] names the first condition that fails.
pub fn accept<'a>(head: &Head<'_>, protocol: Option<&'a str>) -> Result<Accept<'a>, UpgradeError> {
    if !asks_for_websocket(head) {
        return Err(UpgradeError::NotAsked);
    }
    if head.method != Method::Get || !head.version11 {
        return Err(UpgradeError::Method);
    }
    if !matches!(head.framing(), BodyFraming::None | BodyFraming::Length(0)) {
        return Err(UpgradeError::Body);
    }
    if only(head, "sec-websocket-version") != Some(VERSION.as_bytes()) {
        return Err(UpgradeError::Version);
    }
    let key = only(head, "sec-websocket-key").filter(|key| is_key(key)).ok_or(UpgradeError::Key)?;
    let offered = offers_protocol(head, protocol)?;
    extension::offers(head).map_err(|_| UpgradeError::Extension)?;
    match protocol {
        Some(_) if !offered => Err(UpgradeError::Protocol),
        protocol => Ok(Accept { key_digest: key_digest(key), protocol }),
    }
}

/// Appends the 101 answer. `fields` are added to the fixed ones.
///
/// # Errors
/// [`ResponseError`] when a field or the protocol may not be sent; nothing is written.
pub fn write_accept(
    out: &mut Vec<u8>,
    accept: &Accept<'_>,
    fields: &[(&str, &str)],
) -> Result<(), ResponseError> {
    check_fields(fields)?;
    check_value(accept.protocol.unwrap_or_default())?;
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
    );
    out.extend_from_slice(&accept.key_digest);
    out.extend_from_slice(b"\r\n");
    if let Some(protocol) = accept.protocol {
        write_fields(out, &[("Sec-WebSocket-Protocol", protocol)]);
    }
    write_fields(out, fields);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Appends the answer to a refused handshake: its status, the version that would be taken, no body, and the
/// end of the connection.
pub fn write_refusal(out: &mut Vec<u8>, error: UpgradeError) {
    let fields = [("Sec-WebSocket-Version", VERSION), ("Upgrade", "websocket")];
    // `Upgrade` belongs to 426 alone; it comes last so that the others leave it out.
    let count = if error.status() == 426 { 2 } else { 1 };
    write_head(out, error.status(), &fields[..count], Some(0), false)
        .expect("the fields are constants that may be sent");
}

/// The `Sec-WebSocket-Accept` that proves a server has read `key`.
pub(super) fn key_digest(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(KEY_SUFFIX).finalize();
    let mut text = [0; 28];
    let length = STANDARD.encode_slice(digest, &mut text).expect("20 bytes are 28 characters of base64");
    debug_assert_eq!(length, text.len());
    text
}

fn asks_for_websocket(head: &Head<'_>) -> bool {
    head.upgrade().is_some()
        && head
            .fields("upgrade")
            .flat_map(list_members)
            .any(|member| member.eq_ignore_ascii_case(b"websocket"))
}

/// The value of a field that stands exactly once.
fn only<'a>(head: &Head<'a>, name: &str) -> Option<&'a [u8]> {
    let mut values = head.fields(name);
    values.next().filter(|_| values.next().is_none())
}

fn is_key(key: &[u8]) -> bool {
    let mut bytes = [0; 18];
    key.len() == 24 && STANDARD.decode_slice(key, &mut bytes) == Ok(16)
}

fn offers_protocol(head: &Head<'_>, wanted: Option<&str>) -> Result<bool, UpgradeError> {
    let mut offered = false;
    for (count, member) in head.fields("sec-websocket-protocol").flat_map(list_members).enumerate() {
        if count == MOST_PROTOCOLS || !is_token(member) {
            return Err(UpgradeError::Protocol);
        }
        offered |= wanted.is_some_and(|wanted| wanted.as_bytes() == member);
    }
    Ok(offered)
}
