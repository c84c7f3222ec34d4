//! Laws of the frame codec: round trips, independence of how bytes arrive, agreement with another
//! implementation.

use std::io::{self, Cursor, Read, Write};

use comet_wire::websocket::client::{write_close_frame, write_frame, write_text_frame};
use comet_wire::websocket::encode::{binary_frame, write_json_array_frame};
use comet_wire::websocket::{
    Decoder, FrameLimits, Opcode, apply_mask, close_frame, ping_frame, pong_frame, text_frame,
};
use proptest::prelude::*;
use tungstenite::protocol::{CloseFrame, Message, Role, WebSocket};

use crate::frame::{Said, drive, raw};
use crate::split::{cuts, pieces};

fn limits() -> FrameLimits {
    FrameLimits { message_bytes: 1 << 20, fragments: 8 }
}

fn said() -> impl Strategy<Value = Said> {
    let bytes = |most: usize| prop::collection::vec(any::<u8>(), 0..most);
    prop_oneof![
        "\\PC{0,200}".prop_map(Said::Text),
        bytes(300).prop_map(Said::Binary),
        bytes(126).prop_map(Said::Ping),
        bytes(126).prop_map(Said::Pong),
    ]
}

fn client_frame(out: &mut Vec<u8>, said: &Said, key: [u8; 4]) {
    match said {
        Said::Text(text) => write_text_frame(out, text, key),
        Said::Binary(bytes) => write_frame(out, Opcode::Binary, bytes, key),
        Said::Ping(bytes) => write_frame(out, Opcode::Ping, bytes, key),
        Said::Pong(bytes) => write_frame(out, Opcode::Pong, bytes, key),
        Said::Close(code, reason) => write_close_frame(out, code.unwrap_or(1000), reason, key),
    }
}

fn server_frame(said: &Said) -> Vec<u8> {
    match said {
        Said::Text(text) => text_frame(&[text.as_bytes()]),
        Said::Binary(bytes) => binary_frame(&[bytes]),
        Said::Ping(bytes) => ping_frame(bytes),
        Said::Pong(bytes) => pong_frame(bytes),
        Said::Close(code, reason) => close_frame(code.unwrap_or(1000), reason),
    }
}

/// A stream whose input is all there and whose output goes nowhere.
struct Tape(Cursor<Vec<u8>>);

impl Read for Tape {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Tape {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn heard_elsewhere(wire: Vec<u8>, role: Role) -> Vec<Said> {
    let mut socket = WebSocket::from_raw_socket(Tape(Cursor::new(wire)), role, None);
    let mut heard = Vec::new();
    while let Ok(message) = socket.read() {
        heard.push(match message {
            Message::Text(text) => Said::Text(text.to_string()),
            Message::Binary(bytes) => Said::Binary(bytes.to_vec()),
            Message::Ping(bytes) => Said::Ping(bytes.to_vec()),
            Message::Pong(bytes) => Said::Pong(bytes.to_vec()),
            Message::Close(Some(CloseFrame { code, reason })) => {
                Said::Close(Some(code.into()), reason.to_string())
            }
            Message::Close(None) => Said::Close(None, String::new()),
            Message::Frame(frame) => panic!("{frame:?}"),
        });
    }
    heard
}

proptest! {
    #[test]
    fn what_a_client_says_is_what_is_heard(
        messages in prop::collection::vec(said(), 0..6),
        key in any::<[u8; 4]>(),
        reason in "\\PC{0,30}",
        cuts in cuts(),
    ) {
        let mut messages = messages;
        messages.push(Said::Close(Some(4000), reason));
        let mut wire = Vec::new();
        for message in &messages {
            client_frame(&mut wire, message, key);
        }
        let heard = drive(&mut Decoder::new(), &pieces(&wire, &cuts), &limits());
        prop_assert_eq!(heard, (messages.clone(), None));
        prop_assert_eq!(heard_elsewhere(wire, Role::Server), messages);
    }

    #[test]
    fn what_a_server_says_is_what_is_heard(
        messages in prop::collection::vec(said(), 0..6),
        reason in "\\PC{0,30}",
        cuts in cuts(),
    ) {
        let mut messages = messages;
        messages.push(Said::Close(Some(1001), reason));
        let wire: Vec<u8> = messages.iter().flat_map(server_frame).collect();
        let heard = drive(&mut Decoder::for_client(), &pieces(&wire, &cuts), &limits());
        prop_assert_eq!(heard, (messages.clone(), None));
        prop_assert_eq!(heard_elsewhere(wire, Role::Client), messages);
    }

    #[test]
    fn frames_right_and_wrong_read_the_same_however_they_are_cut(
        frames in prop::collection::vec((any::<u8>(), "[a\u{e9}\u{20ac}]{0,5}", 0..3_usize), 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..8),
        cuts in cuts(),
    ) {
        let mut wire = Vec::new();
        for (first, text, lost) in frames {
            // Mostly the opcodes that mean something, and text that now and then ends inside a character.
            let usual = [0x01, 0x02, 0x00, 0x80, 0x81, 0x82, 0x89, 0x8a];
            let first = if first < 200 { usual[usize::from(first % 8)] } else { first };
            let kept = text.len().saturating_sub(lost);
            wire.extend(raw(first, &text.as_bytes()[..kept]));
        }
        wire.extend(tail);
        let whole = drive(&mut Decoder::new(), &[&wire], &limits());
        let cut = drive(&mut Decoder::new(), &pieces(&wire, &cuts), &limits());
        prop_assert_eq!(&cut, &whole);
        let bytes: Vec<&[u8]> = wire.chunks(1).collect();
        prop_assert_eq!(drive(&mut Decoder::new(), &bytes, &limits()), whole);
    }

    #[test]
    fn the_wide_mask_is_the_byte_wise_mask(
        payload in prop::collection::vec(any::<u8>(), 0..70),
        key in any::<[u8; 4]>(),
        offset in any::<usize>(),
        start in 0..9_usize,
    ) {
        let start = start.min(payload.len());
        let mut fast = payload.clone();
        apply_mask(&mut fast[start..], key, offset);
        let mut slow = payload;
        for (at, byte) in slow[start..].iter_mut().enumerate() {
            *byte ^= key[(at + offset % 4) % 4];
        }
        prop_assert_eq!(fast, slow);
    }

    #[test]
    fn a_batch_is_one_frame_with_one_array(bodies in prop::collection::vec("[0-9]{1,40}", 0..6)) {
        let mut wire = Vec::new();
        write_json_array_frame(&mut wire, bodies.iter().map(String::as_bytes));
        let array = format!("[{}]", bodies.join(","));
        prop_assert_eq!(wire, text_frame(&[array.as_bytes()]));
    }
}
