//! Events in the forms that some sessions want.

use bayeux::event::Rendering;
use bayeux::{Settings, event};
use serde_json::{Value, json};

use crate::stage::Stage;

const IDS: Rendering = Rendering { replay_ids: true, timestamps: false };
const TIMES: Rendering = Rendering { replay_ids: false, timestamps: true };
/// Sun, 06 Nov 1994 08:49:37.123 GMT
const AT_MS: u64 = 784_111_777_123;
const DATE: &str = "1994-11-06T08:49:37.123Z";

fn numbered(data: &str, ext: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    event::write_numbered_event("/a", data, ext, None, |out| out.extend_from_slice(b"[9]"), &mut out);
    out
}

fn rendered(rendering: Rendering, event: &[u8], offset: Option<u64>) -> Value {
    let mut out = Vec::new();
    rendering.write(event, offset, AT_MS, &mut out);
    serde_json::from_slice(&out).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&out)))
}

/// The data of an event whose publisher sent `data`, as a session that replays gets it.
fn replayed(data: &str) -> Value {
    let event = rendered(IDS, &numbered(data, Some(r#"{"x":1}"#)), Some(42));
    assert_eq!(event["channel"], "/a");
    assert_eq!(event["ext"], json!({ "x": 1, "position": [9] }), "everything else stays");
    assert_eq!(event.get("timestamp"), None);
    event["data"].clone()
}

#[test]
fn an_object_gets_its_id_and_its_date() {
    let mark = json!({ "createdDate": DATE, "replayId": 42 });
    assert_eq!(replayed(r#"{"text":"hello"}"#), json!({ "text": "hello", "event": mark }));
    assert_eq!(replayed("{}"), json!({ "event": mark }));
    assert_eq!(replayed(r#" { "a" : [1, {"event":2}] , "b":"}" } "#)["a"], json!([1, { "event": 2 }]));
}

#[test]
fn an_event_of_the_publishers_own_gets_the_servers_id() {
    assert_eq!(
        replayed(r#"{"sobject":{"Id":"1"},"event" : {"type":"created","replayId":7,"createdDate":"soon"}}"#),
        json!({
            "sobject": { "Id": "1" },
            "event": { "type": "created", "replayId": 42, "createdDate": "soon" },
        })
    );
    let escaped = r#"{"\u0065vent":{"replay\u0049d":7,"createdDate":5}}"#;
    assert_eq!(replayed(escaped), json!({ "event": { "replayId": 42, "createdDate": DATE } }));
    let twice = replayed(r#"{"event":{"replayId":1,"replayId":2,"createdDate":"a","createdDate":"b"}}"#);
    assert_eq!(twice, json!({ "event": { "replayId": 42, "createdDate": "a" } }));
}

#[test]
fn data_without_room_for_an_id_becomes_a_payload() {
    for data in ["7", r#""text""#, "null", "[1,2]", r#"{"event":"fire"}"#, r#"{"event":{},"event":{}}"#] {
        let replayed = replayed(data);
        assert_eq!(replayed["event"]["replayId"], 42, "{data}");
        assert_eq!(replayed["payload"], serde_json::from_str::<Value>(data).unwrap(), "{data}");
    }
}

#[test]
fn what_stands_in_no_channel_has_no_id() {
    let mut answer = Vec::new();
    event::write_answer("/service/x", None, true, r#"{"a":1}"#, None, None, &mut answer);
    let mut out = Vec::new();
    IDS.write(&answer, None, AT_MS, &mut out);
    assert_eq!(out, answer);
}

#[test]
fn events_and_answers_carry_a_timestamp_when_that_is_wanted() {
    let mut event = serde_json::from_slice::<Value>(&numbered("1", None)).unwrap();
    event["timestamp"] = json!("Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(rendered(TIMES, &numbered("1", None), Some(3)), event);
    let both = rendered(Rendering { replay_ids: true, timestamps: true }, &numbered("{}", None), Some(3));
    assert_eq!(both["data"]["event"]["replayId"], 3);
    assert_eq!(both["timestamp"], event["timestamp"]);
}

#[test]
fn a_handshake_or_the_settings_ask_for_timestamps() {
    let asked = |ext| Stage::asking(ext, Settings::default()).session.rendering();
    assert_eq!(asked(r#"{"timestamp":true}"#), TIMES);
    assert!(asked(r#"{"timestamp":false}"#).is_plain());
    assert!(asked(r#"{"timestamp":1,"timestamp":true}"#).is_plain());
    let settings = Settings { timestamps: true, ..Settings::default() };
    assert_eq!(Stage::with(settings).session.rendering(), TIMES);
}
