//! Ids of server-sent events, as browsers send them back.
//!
//! An id that is accepted holds nothing that could end a line or begin a field, and means the same when it is written and
//! read again. The input comes from the fuzzer.
#![no_main]

use comet_wire::event_stream::EventId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|id: &[u8]| {
    let Some(read) = EventId::parse(id) else { return };
    assert!(id.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.'));
    let mut out = Vec::new();
    read.write(&mut out);
    let text = String::from_utf8(out).expect("a field is text");
    let field = text.split("\r\n").nth(1).expect("a chunk has data");
    let value = field.strip_prefix("id: ").and_then(|rest| rest.strip_suffix('\n')).expect("one field");
    assert!(!value.contains(['\n', '\r', '\0']));
    assert_eq!(EventId::parse(value.as_bytes()), Some(read));
});
