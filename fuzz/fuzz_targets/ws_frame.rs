//! WebSocket frames of clients and servers.
//!
//! The same bytes are decoded whole and in pieces; both must say the same and fail the same, and memory
//! must follow what has arrived. The input comes from the fuzzer; the limits are small so that they are
//! reached.
#![no_main]

use comet_wire::websocket::{Decoded, Decoder, Event, FrameError, FrameLimits};
use libfuzzer_sys::fuzz_target;

const LIMITS: FrameLimits = FrameLimits { message_bytes: 512, fragments: 8 };

fn decode(mut decoder: Decoder, input: &[u8], step: usize) -> (Vec<String>, Option<FrameError>) {
    let mut said = Vec::new();
    let mut buffer = Vec::new();
    for piece in input.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            let held = buffer.len();
            match decoder.decode(&mut buffer, &LIMITS) {
                Ok(Decoded::NeedMore { at_least }) => {
                    assert!(at_least > held && at_least <= 131);
                    break;
                }
                Ok(Decoded::Frame { event, consumed }) => {
                    said.extend(event.map(|event| describe(&event)));
                    assert!(consumed > 0);
                    buffer.drain(..consumed);
                }
                Err(error) => return (said, Some(error)),
            }
            assert!(decoder.held_bytes() <= 2 * LIMITS.message_bytes + 256);
        }
    }
    (said, None)
}

fn describe(event: &Event<'_>) -> String {
    match event {
        Event::Text(text) => assert!(text.len() <= LIMITS.message_bytes),
        Event::Binary(bytes) => assert!(bytes.len() <= LIMITS.message_bytes),
        Event::Ping(bytes) | Event::Pong(bytes) => assert!(bytes.len() <= 125),
        Event::Close { reason, .. } => assert!(reason.len() <= 123),
    }
    match event {
        // A whole message is borrowed, a gathered one is not; they are the same message.
        Event::Text(text) => format!("text {text}"),
        Event::Binary(bytes) => format!("binary {bytes:?}"),
        other => format!("{other:?}"),
    }
}

fuzz_target!(|input: (u8, &[u8])| {
    let (step, bytes) = input;
    let step = usize::from(step).max(1);
    assert_eq!(decode(Decoder::new(), bytes, step), decode(Decoder::new(), bytes, usize::MAX));
    assert_eq!(decode(Decoder::for_client(), bytes, step), decode(Decoder::for_client(), bytes, usize::MAX));
});
