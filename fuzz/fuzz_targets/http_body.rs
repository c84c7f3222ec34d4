//! Request bodies in both framings.
//!
//! The same bytes are decoded whole and in pieces, and both must give the same body, end and error. The
//! input comes from the fuzzer; the limit is small so that it is reached.
#![no_main]

use comet_wire::http::{Body, BodyError, BodyFraming};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 256;

fn decode(framing: BodyFraming, input: &[u8], step: usize) -> (Result<bool, BodyError>, usize, Vec<u8>) {
    let mut body = Body::new(framing, LIMIT);
    let mut out = Vec::new();
    let mut consumed = 0;
    for piece in input.chunks(step) {
        match body.push(piece, &mut out) {
            Ok(progress) => {
                assert!(progress.done || progress.consumed == piece.len());
                consumed += progress.consumed;
            }
            Err(error) => return (Err(error), 0, Vec::new()),
        }
        if body.is_done() {
            break;
        }
    }
    assert!(out.len() <= LIMIT);
    (Ok(body.is_done()), consumed, out)
}

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (step, length, bytes) = input;
    let step = usize::from(step).max(1);
    for framing in [BodyFraming::Chunked, BodyFraming::Length(length.into()), BodyFraming::None] {
        assert_eq!(decode(framing, bytes, step), decode(framing, bytes, usize::MAX));
    }
});
