//! The client's side of RFC 6455 framing: unmasked frames in, masked frames out.
//! What a text means is read in `batch`. Fragmented messages are refused: no server under test sends any.

use super::Fault;

/// The key of every upgrade (the one of the RFC) and the answer it must get.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Largest message taken from a server, in bytes.
const MESSAGE_BYTES: u64 = 1024 * 1024;

/// What kind of frame it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Opcode {
    /// A whole text message.
    Text,
    /// The server ends the connection.
    Close,
    /// To be answered by a pong with the same payload.
    Ping,
    /// An answer to a ping.
    Pong,
}

/// One whole frame.
#[derive(Debug, PartialEq)]
pub struct Frame<'a> {
    /// What kind it is.
    pub opcode: Opcode,
    /// What it carries.
    pub payload: &'a [u8],
    /// Bytes of the input this frame took.
    pub length: usize,
}

/// The answer to an upgrade at the start of `input`: how many bytes it took, or `None` while it is not whole.
///
/// # Errors
/// When the server does not switch, or answers with another key than the one asked for.
pub fn parse_switch(input: &[u8]) -> Result<Option<usize>, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; 48];
    let mut head = httparse::Response::new(&mut fields);
    let length = match head.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if input.len() <= 16 * 1024 => return Ok(None),
        _ => return Err(Fault::new("answer to the upgrade malformed")),
    };
    if head.code != Some(101) {
        return Err(Fault::new(format!("upgrade answered {}", head.code.unwrap_or(0))));
    }
    let accept = head.headers.iter().find(|f| f.name.eq_ignore_ascii_case("sec-websocket-accept"));
    if accept.map(|field| field.value) != Some(ACCEPT) {
        return Err(Fault::new("upgrade answered with a wrong Sec-WebSocket-Accept"));
    }
    Ok(Some(length))
}

/// The frame at the start of `input`, or `None` while a part of it is still to come.
///
/// # Errors
/// When the frame is masked, fragmented, binary, uses an extension, or is too large.
pub fn parse_frame(input: &[u8]) -> Result<Option<Frame<'_>>, Fault> {
    let &[first, second, ref rest @ ..] = input else { return Ok(None) };
    let opcode = match first {
        0x81 => Opcode::Text,
        0x88 => Opcode::Close,
        0x89 => Opcode::Ping,
        0x8a => Opcode::Pong,
        _ => return Err(Fault::new(format!("frame starts with 0x{first:02x}"))),
    };
    let (start, length) = match (second, rest) {
        (0..=125, _) => (2, u64::from(second)),
        (126, &[a, b, ..]) => (4, u64::from(u16::from_be_bytes([a, b]))),
        (127, &[a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        (126 | 127, _) => return Ok(None),
        _ => return Err(Fault::new("masked frame from a server")),
    };
    if length > MESSAGE_BYTES {
        return Err(Fault::new(format!("frame of {length} bytes")));
    }
    let end = start + length as usize;
    Ok(input.get(start..end).map(|payload| Frame { opcode, payload, length: end }))
}

/// Appends a masked text frame. The mask key is fixed: nothing between the two ends needs protection here.
pub fn write_text(payload: &[u8], out: &mut Vec<u8>) {
    write_masked(0x81, payload, out);
}

/// Appends a masked pong.
pub fn write_pong(payload: &[u8], out: &mut Vec<u8>) {
    write_masked(0x8a, payload, out);
}

fn write_masked(first: u8, payload: &[u8], out: &mut Vec<u8>) {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    out.push(first);
    match payload.len() {
        length @ 0..=125 => out.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Vec<u8> {
        let mut out = vec![0x81];
        match length {
            0..=125 => out.push(length as u8),
            126..=0xffff => out.extend_from_slice(&[126, (length >> 8) as u8, length as u8]),
            _ => out.extend([127].into_iter().chain((length as u64).to_be_bytes())),
        }
        out.resize(out.len() + length, b'x');
        out
    }

    #[test]
    fn frames_of_every_length_form_are_whole_only_with_their_last_byte() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let whole = frame(length);
            for end in [0, 1, 2, 5, whole.len() - 1].into_iter().filter(|&end| end < whole.len()) {
                assert_eq!(parse_frame(&whole[..end]), Ok(None), "{end} of {length}");
            }
            let parsed = parse_frame(&whole).unwrap().unwrap();
            assert_eq!(
                (parsed.opcode, parsed.payload.len(), parsed.length),
                (Opcode::Text, length, whole.len())
            );
        }
    }

    #[test]
    fn frames_no_server_may_send_are_refused() {
        for start in [[0x01, 0], [0x82, 0], [0xc1, 0], [0x81, 0x80]] {
            assert!(parse_frame(&start).is_err(), "{start:x?}");
        }
        assert!(parse_frame(&[0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255]).is_err());
    }

    #[test]
    fn the_example_of_the_rfc_is_written_as_printed_there() {
        let mut out = Vec::new();
        write_text(b"Hello", &mut out);
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn a_switch_needs_the_right_key() {
        let good = format!(
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {}\r\n\r\n",
            std::str::from_utf8(ACCEPT).unwrap()
        );
        assert_eq!(parse_switch(good.as_bytes()), Ok(Some(good.len())));
        assert_eq!(parse_switch(&good.as_bytes()[..good.len() - 1]), Ok(None));
        assert!(parse_switch(good.replace("s3pP", "xxxx").as_bytes()).is_err());
        assert!(parse_switch(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap_err().0.contains("403"));
    }
}
