//! Marks of feeds, as browsers send them back in `Last-Event-ID` and pages in `since`.
//!
//! A mark that is accepted holds nothing that could end a line or begin a field, and is the same when it is written again;
//! what is written as an event stays one event. The input comes from the fuzzer.
#![no_main]

use comet_wire::feed::{Mark, write_event};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(read) = Mark::parse(bytes) {
        let mut out = Vec::new();
        read.write(&mut out);
        assert_eq!(out, bytes);
        assert!(out.iter().all(u8::is_ascii_graphic));
    }
    let name = String::from_utf8_lossy(bytes);
    let mut out = Vec::new();
    write_event(&mut out, b"1", &name, name.as_bytes());
    let body = out.split(|byte| *byte == b'\n').skip(1);
    let fields: Vec<_> = body.take_while(|line| !line.is_empty()).collect();
    assert_eq!(fields.len(), 3);
});
