//! Request bodies: both framings, their budgets, and that nothing past the end is touched.

use comet_wire::http::response::{LAST_CHUNK, write_chunk};
use comet_wire::http::{Body, BodyError, BodyFraming, Progress};
use proptest::prelude::*;

use crate::split::{cuts, pieces};

fn decode(
    framing: BodyFraming,
    max_bytes: usize,
    pieces: &[&[u8]],
) -> Result<(Vec<u8>, usize, bool), BodyError> {
    let mut body = Body::new(framing, max_bytes);
    let mut out = Vec::new();
    let mut consumed = 0;
    for piece in pieces {
        let progress = body.push(piece, &mut out)?;
        assert!(progress.done || progress.consumed == piece.len());
        assert_eq!(progress.done, body.is_done());
        consumed += progress.consumed;
        if progress.done {
            break;
        }
    }
    assert!(out.len() <= max_bytes);
    Ok((out, consumed, body.is_done()))
}

fn chunked(text: &str) -> Result<(Vec<u8>, usize, bool), BodyError> {
    decode(BodyFraming::Chunked, 1 << 20, &[text.as_bytes()])
}

#[test]
fn a_body_of_a_known_length_ends_there() {
    assert_eq!(decode(BodyFraming::Length(5), 5, &[b"he", b"", b"lloGET"]), Ok((b"hello".to_vec(), 5, true)));
    assert_eq!(decode(BodyFraming::Length(5), 5, &[b"hell"]), Ok((b"hell".to_vec(), 4, false)));
}

#[test]
fn no_body_is_done_at_once() {
    for framing in [BodyFraming::None, BodyFraming::Length(0)] {
        let mut body = Body::new(framing, 0);
        assert!(body.is_done());
        assert_eq!(body.push(b"GET", &mut Vec::new()), Ok(Progress { consumed: 0, done: true }));
    }
}

#[test]
fn an_announced_length_over_the_limit_fails_before_any_byte() {
    for length in [6, u64::MAX] {
        let mut body = Body::new(BodyFraming::Length(length), 5);
        assert_eq!(body.push(b"", &mut Vec::new()), Err(BodyError::TooLarge));
    }
    assert_eq!(BodyError::TooLarge.status(), 413);
}

#[test]
fn chunks_are_joined_and_the_rest_is_left() {
    let text = "5\r\nhello\r\n00001;a=\"b;\\\"c\" ; d\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n";
    let with_rest = format!("{text}GET / HTTP/1.1\r\n");
    assert_eq!(chunked(&with_rest), Ok((b"hello!".to_vec(), text.len(), true)));
}

#[test]
fn a_malformed_chunk_size_is_refused() {
    for size in
        ["", " 5", "5 ", "+5", "-5", "0x5", "g", "5_0", "FFFFFFFFFFFFFFFFF", "00000000000000005", "\u{e9}"]
    {
        let error = chunked(&format!("{size}\r\nhello\r\n0\r\n\r\n")).unwrap_err();
        assert_eq!((error, error.status()), (BodyError::ChunkSize, 400), "{size:?}");
    }
    assert_eq!(chunked("FFFFFFFFFFFFFFFF\r\n"), Err(BodyError::TooLarge));
    assert_eq!(chunked("8000000000000000\r\n"), Err(BodyError::TooLarge));
}

#[test]
fn a_chunk_that_does_not_end_where_it_must_is_refused() {
    for text in ["5\rhello\r\n", "5\r\nhelloo\r\n", "5\r\nhello\rX", "1\r\na\r\n0\r\n\rX", "5\r\nhello\n"] {
        assert_eq!(chunked(text), Err(BodyError::ChunkEnd), "{text:?}");
    }
    assert_eq!(chunked("5\nhello\r\n0\r\n\r\n"), Err(BodyError::ChunkSize));
}

#[test]
fn an_extension_cannot_hide_a_line_end() {
    for text in [
        "1;ext=\"val\r\nX\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "5;a\0\r\nhello\r\n",
        "5;\"\\\r\n",
        "5;\u{e9}\r\n",
    ] {
        assert_eq!(chunked(text), Err(BodyError::ChunkExtension), "{text:?}");
    }
}

#[test]
fn extensions_have_a_budget_each_and_together() {
    let extended = |length: usize| format!("1;{}\r\na\r\n", "e".repeat(length));
    assert_eq!(chunked(&format!("{}0\r\n\r\n", extended(256))).map(|(out, ..)| out), Ok(b"a".to_vec()));
    assert_eq!(chunked(&extended(257)), Err(BodyError::ChunkExtension));
    assert!(chunked(&extended(256).repeat(64)).is_ok());
    assert_eq!(chunked(&extended(256).repeat(65)), Err(BodyError::ChunkExtension));
}

#[test]
fn a_body_of_very_many_chunks_is_refused() {
    let chunks = |count: usize| format!("{}0\r\n\r\n", "1\r\na\r\n".repeat(count));
    assert_eq!(chunked(&chunks(4095)).map(|(out, ..)| out.len()), Ok(4095));
    assert_eq!(chunked(&chunks(4096)), Err(BodyError::TooManyChunks));
    assert_eq!(chunked(&chunks(10_000)), Err(BodyError::TooManyChunks));
}

#[test]
fn chunks_together_cannot_pass_the_limit() {
    let decode = |text: &str| decode(BodyFraming::Chunked, 6, &[text.as_bytes()]);
    assert!(decode("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n").is_ok());
    assert_eq!(decode("3\r\nabc\r\n4\r\n"), Err(BodyError::TooLarge));
    let lines = format!("800000\r\n{}", "\n".repeat(100));
    assert_eq!(decode(&lines), Err(BodyError::TooLarge));
}

#[test]
fn trailers_are_read_strictly_and_thrown_away() {
    assert_eq!(chunked("0\r\nA: b\r\nC:\r\n\r\n"), Ok((Vec::new(), 15, true)));
    for trailer in ["A b\r\n", ": b\r\n", " A: b\r\n", "A : b\r\n", "A\r\n", "A: \0\r\n", "A: b\n", "A: b\rX"]
    {
        assert_eq!(chunked(&format!("0\r\n{trailer}\r\n")), Err(BodyError::Trailer), "{trailer:?}");
    }
    assert!(chunked(&format!("0\r\nA:{}\r\n\r\n", "b".repeat(4092))).is_ok());
    assert_eq!(chunked(&format!("0\r\nA:{}\r\n\r\n", "b".repeat(4093))), Err(BodyError::Trailer));
    assert_eq!(chunked(&format!("0\r\n{}\r\n", "A: b\r\n".repeat(700))), Err(BodyError::Trailer));
}

#[test]
fn a_body_that_failed_stays_failed() {
    let mut body = Body::new(BodyFraming::Chunked, 10);
    assert_eq!(body.push(b"x", &mut Vec::new()), Err(BodyError::ChunkSize));
    assert_eq!(body.push(b"0\r\n\r\n", &mut Vec::new()), Err(BodyError::ChunkSize));
    assert!(!body.is_done());
}

proptest! {
    #[test]
    fn chunks_written_are_chunks_read(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        cuts in cuts(),
    ) {
        let mut wire = Vec::new();
        for part in &parts {
            write_chunk(&mut wire, part);
        }
        wire.extend_from_slice(LAST_CHUNK);
        let length = wire.len();
        wire.extend_from_slice(b"next");
        let decoded = decode(BodyFraming::Chunked, 4096, &pieces(&wire, &cuts));
        prop_assert_eq!(decoded, Ok((parts.concat(), length, true)));
    }

    #[test]
    fn a_chunked_body_reads_the_same_however_it_is_cut(
        text in "([0-3;a\r\n\":]|1\r\na\r\n|0\r\n|;a=\"b\"){0,12}",
        cuts in cuts(),
    ) {
        let whole = decode(BodyFraming::Chunked, 8, &[text.as_bytes()]);
        let cut = decode(BodyFraming::Chunked, 8, &pieces(text.as_bytes(), &cuts));
        prop_assert_eq!(cut, whole);
    }
}
