//! Request heads and their paths.
//!
//! Any bytes are parsed whole and byte by byte, and both must end the same way; what is accepted must be
//! safe to ask. The input comes from the fuzzer, and a third of it is placed behind a good request line so
//! that fields are reached early.
#![no_main]

use comet_wire::http::{BodyFraming, HeadLimits, HeadScanner, Parsed, canonical_path, parse_head};
use comet_wire::poll::{Poll, count_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (mode, tail) = input;
    let mut bytes = match mode % 3 {
        0 => Vec::new(),
        1 => b"POST /cometd HTTP/1.1\r\nHost: h\r\n".to_vec(),
        _ => b"GET ".to_vec(),
    };
    bytes.extend_from_slice(tail);
    if mode % 3 == 2 {
        bytes.extend_from_slice(b" HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    let limits = HeadLimits { bytes: 2048, fields: 20, target_bytes: 512 };
    let whole = parse_head(&bytes, &limits);

    let mut scanner = HeadScanner::new();
    let dripped = (1..=bytes.len())
        .map(|end| scanner.parse(&bytes[..end], &limits))
        .find(|result| !matches!(result, Ok(Parsed::Partial)))
        .unwrap_or(Ok(Parsed::Partial));
    assert_eq!(format!("{whole:?}"), format!("{dripped:?}"));

    let Ok(Parsed::Complete { head, length }) = whole else { return };
    assert!(length <= limits.bytes && head.all_fields().len() <= limits.fields);
    assert!(head.target.len() <= limits.target_bytes && head.target.is_ascii());
    assert!(head.version11 || head.framing() != BodyFraming::Chunked);
    assert!(!bytes[..length].contains(&0));
    let _ = (head.accepts("text/event-stream"), head.asks_for("a/b"), head.cookie("a"), head.content_type());
    let _ = (head.keep_alive(), head.upgrade(), head.expects_continue(), head.body_is_coded());
    if let Some(Poll { client_id, received: Some(received) }) = Poll::of(&head) {
        assert!(!client_id.contains(['\r', '\n', '\0']));
        assert_eq!(count_of(format!("\"{received}\"").as_bytes()), Some(received));
    }
    if let Ok(path) = canonical_path(head.path()) {
        assert!(
            path.starts_with('/') && !path.contains("//") && !path.contains(['\\', ';', '\0', '\r', '\n'])
        );
        assert!(path.split('/').all(|segment| segment != "." && segment != ".."));
    }
});
