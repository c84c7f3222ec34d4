//! Batches of messages.
//!
//! Whatever is read keeps to the limits, and what a message carries as raw JSON is JSON again in the event
//! and the reply made of it. The input comes from the fuzzer.
#![no_main]

use bayeux::event::Rendering;
use bayeux::json::{BatchLimits, decode_batch};
use bayeux::{Code, Reply, event};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|bytes: &[u8]| {
    let limits = BatchLimits::default();
    let Ok(messages) = decode_batch(bytes, &limits) else { return };
    assert!((1..=limits.messages).contains(&messages.len()));
    for message in messages {
        let mut out = Vec::new();
        let mut reply = Reply::refuse(&message, Code::Internal);
        reply.on_leaving(5, 5, true);
        reply.write(&mut out);
        serde_json::from_slice::<Value>(&out).expect("a reply is JSON");
        if let Some(data) = &message.data {
            out.clear();
            event::write_event("/a", data.get(), message.ext.as_ref().map(|ext| ext.get()), &mut out);
            let event: Value = serde_json::from_slice(&out).expect("an event is JSON");
            assert_eq!(event["data"], serde_json::from_str::<Value>(data.get()).expect("data is JSON"));
            assert!(!out.contains(&b'\n') && !out.contains(&b'\r'));
            let ext = message.ext.as_ref().map(|ext| ext.get());
            out.clear();
            event::write_numbered_event("/a", data.get(), ext, None, |out| out.push(b'7'), &mut out);
            let event: Map<String, Value> = serde_json::from_slice(&out).expect("a numbered event is JSON");
            let mut expected: Map<String, Value> = ext.map_or_else(Map::new, |ext| serde_json::from_str(ext).expect("ext is an object"));
            expected.insert("position".into(), 7.into());
            assert_eq!(event["ext"], Value::Object(expected));
            let (both, mut rendered) = (Rendering { replay_ids: true, timestamps: true }, Vec::new());
            both.write(&out, Some(9), 0, &mut rendered);
            let rendered: Map<String, Value> = serde_json::from_slice(&rendered).expect("a rendered event is JSON");
            assert_eq!((&rendered["data"]["event"]["replayId"], &rendered["ext"]), (&Value::from(9), &event["ext"]));
            assert!(rendered["data"]["event"]["createdDate"].is_string() && rendered["timestamp"].is_string());
        }
    }
});
