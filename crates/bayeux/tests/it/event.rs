//! Events that stand in a channel: whatever a publisher sends along, their position is the one of their home.

use bayeux::event::{self, write_numbered_event};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A numbered event with the publisher's ext; its position is 7.
fn numbered(ext: Option<&str>) -> String {
    published_by(None, ext)
}

/// The same, published by somebody the server names.
fn published_by(publisher: Option<&str>, ext: Option<&str>) -> String {
    let mut out = Vec::new();
    write_numbered_event("/a", "1", ext, publisher, |out| out.push(b'7'), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_server_says_who_published_and_nobody_says_it_of_himself() {
    let forged = r#"{"publisher":{"subject":"bob"},"a":1,"publ\u0069sher":2}"#;
    assert_eq!(numbered(Some(forged)), r#"{"channel":"/a","data":1,"ext":{"a":1,"position":7}}"#);
    let named = published_by(Some(r#"{"subject":"alice"}"#), Some(forged));
    assert_eq!(
        named,
        r#"{"channel":"/a","data":1,"ext":{"a":1,"publisher":{"subject":"alice"},"position":7}}"#
    );
    let bare = published_by(Some("{}"), None);
    assert_eq!(bare, r#"{"channel":"/a","data":1,"ext":{"publisher":{},"position":7}}"#);
}

#[test]
fn a_numbered_event_has_its_position_behind_the_fields_of_the_publisher() {
    assert_eq!(numbered(None), r#"{"channel":"/a","data":1,"ext":{"position":7}}"#);
    assert_eq!(
        numbered(Some(r#" { "t" : 2 , "u":[{"v":"},{"}] } "#)),
        r#"{"channel":"/a","data":1,"ext":{"t" : 2,"u":[{"v":"},{"}],"position":7}}"#
    );
}

#[test]
fn no_spelling_of_position_hides_one_that_the_publisher_made() {
    for forged in [
        r#"{"position":1}"#,
        r#"{"position":1,"position":{"a":[2]}}"#,
        r#"{"posit\u0069on":"\\"}"#,
        r#"{"\u0070\u006f\u0073\u0069\u0074\u0069\u006F\u006E":"\""}"#,
    ] {
        assert_eq!(numbered(Some(forged)), numbered(None), "{forged}");
    }
    let nested = r#"{"x":{"position":1},"\\position":2,"position\u0000":3}"#;
    assert!(numbered(Some(nested)).contains(nested.trim_end_matches('}')), "other fields stay");
}

#[test]
fn an_ext_that_is_no_object_has_no_fields() {
    for ext in ["", "null", "[1]", "{", "}", "{\"", "{\"a", "{\"a\\}", "{\"a\":\"}", "{,}", "{1}"] {
        let event = numbered(Some(ext));
        assert!(event.ends_with(r#""position":7}}"#), "{ext}: {event}");
    }
}

proptest! {
    #[test]
    fn a_numbered_event_is_json_with_all_other_fields(
        fields in prop::collection::vec(
            (r#"[a-c]|position|posi|["\\,:{}\[\]]{1,4}"#, "[ -~é]{0,12}", any::<bool>()),
            0..6,
        )
    ) {
        let mut ext = serde_json::Map::new();
        for (key, text, nested) in &fields {
            ext.insert(key.clone(), if *nested { json!([{ key.as_str(): text }]) } else { json!(text) });
        }
        let pretty = serde_json::to_string_pretty(&ext).unwrap();
        for text in [Value::Object(ext.clone()).to_string(), pretty] {
            let event: Value = serde_json::from_str(&numbered(Some(&text))).unwrap();
            let mut expected = ext.clone();
            expected.insert("position".into(), json!(7));
            prop_assert_eq!(&event["ext"], &Value::Object(expected));
        }
    }
}

#[test]
fn what_is_missing_is_said_without_what_is_not() {
    let written = |heads: &[(&str, &str, u64)], dropped: &[(&str, u64)], conflated: &[(&str, u64)]| {
        let mut out = Vec::new();
        let (heads, dropped) = (heads.iter().copied(), dropped.iter().copied());
        event::write_missed(heads, dropped, conflated.iter().copied(), &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        written(&[("/a", "e", 7)], &[("/a", 3)], &[]),
        r#"{"channel":"/meta/gap","ext":{"gaps":{"/a":{"epoch":"e","offset":7}},"dropped":{"/a":3}}}"#
    );
    assert_eq!(
        written(&[], &[("/b", 1)], &[("/a", 2), ("/b", 5)]),
        r#"{"channel":"/meta/gap","ext":{"dropped":{"/b":1},"conflated":{"/a":2,"/b":5}}}"#
    );
}
