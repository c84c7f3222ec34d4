//! Bytes in the data of messages.
//!
//! What is read is what was written, and what is written again reads the same. The input comes from the fuzzer: bytes,
//! and the same as the text of data.
#![no_main]

use bayeux::Binary;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|bytes: &[u8]| {
    let written = Binary::new(bytes).encode();
    assert_eq!(Binary::decode(&written).expect("what was written is read").bytes, bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let quoted = serde_json::to_string(&serde_json::json!({ "data": text })).expect("text is JSON");
    for data in [quoted, text.to_owned()] {
        let Ok(data) = RawValue::from_string(data) else { continue };
        if let Ok(binary) = Binary::decode(&data) {
            let again = Binary::decode(&binary.encode()).expect("what was written is read");
            assert_eq!((again.bytes, again.last), (binary.bytes, binary.last));
        }
    }
});
