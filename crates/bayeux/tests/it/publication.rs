//! What a publisher asks of the server, and what travels on.

use bayeux::Step;

use crate::stage::{HTTP, Stage, error, value};

fn publish(ext: &str) -> Step {
    let text = format!(r#"{{"channel":"/a","clientId":"alice","data":1,"ext":{ext}}}"#);
    Stage::connected(HTTP).say(&text)
}

/// The key, the echo and what travels.
fn published(ext: &str) -> (Option<String>, bool, Option<String>) {
    match publish(ext) {
        Step::Publish { key, echo, ext, .. } => {
            (key.map(Into::into), echo, ext.map(|ext| ext.get().to_owned()))
        }
        other => panic!("{ext} is refused: {other:?}"),
    }
}

#[test]
fn what_the_publisher_adds_travels_as_it_was_written() {
    for ext in [r#"{ "b" : 1, "a":[ {"key":1} ], "b":2 }"#, "{}", r#"{"keys":1,"Echo":2}"#] {
        assert_eq!(published(ext), (None, true, Some(ext.into())), "{ext}");
    }
    let step = Stage::connected(HTTP).say(r#"{"channel":"/a","clientId":"alice","data":1}"#);
    assert!(matches!(step, Step::Publish { key: None, echo: true, ext: None, .. }));
}

#[test]
fn a_key_and_a_wish_for_no_echo_are_read_and_do_not_travel() {
    assert_eq!(published(r#"{"key":"k-1"}"#), (Some("k-1".into()), true, None));
    assert_eq!(published(r#"{"echo":false}"#), (None, false, None));
    assert_eq!(published(r#"{"echo":true,"key":null}"#), (None, true, None));
    let mixed = r#"{"z":"\u0061\"","key":"k","a": [1, 2],"echo":false}"#;
    assert_eq!(published(mixed), (Some("k".into()), false, Some(r#"{"z":"\u0061\"","a":[1, 2]}"#.into())));
    assert_eq!(published(r#"{"\u006bey":"k"}"#), (Some("k".into()), true, None), "however it is written");
}

#[test]
fn nobody_claims_a_position_of_its_own_or_to_be_somebody() {
    assert_eq!(published(r#"{"publisher":{"subject":"admin"}}"#), (None, true, None));
    assert_eq!(published(r#"{"position":{"epoch":"x","offset":1}}"#), (None, true, None));
    assert_eq!(published(r#"{"position":1,"x":2}"#), (None, true, Some(r#"{"x":2}"#.into())));
}

#[test]
fn a_key_has_one_to_sixty_four_bytes() {
    let key = |bytes: usize| format!(r#"{{"key":"{}"}}"#, "k".repeat(bytes));
    assert_eq!(published(&key(64)).0, Some("k".repeat(64)));
    for ext in [&key(65), &key(0), &format!(r#"{{"key":"{}"}}"#, "\u{e9}".repeat(33))] {
        let Step::Reply(reply) = publish(ext) else { panic!("{ext} is refused") };
        assert!(error(&value(&reply)).starts_with("400:ext.key "), "{ext}");
    }
}

#[test]
fn a_wish_that_cannot_be_read_is_refused() {
    for ext in [
        r#"{"key":7}"#,
        r#"{"key":["k"]}"#,
        r#"{"echo":"no"}"#,
        r#"{"echo":0}"#,
        r#"{"receipt":"yes"}"#,
        r#"{"receipt":1}"#,
        r#"{"key":"a","key":"b"}"#,
        r#"{"position":1,"position":2}"#,
    ] {
        let Step::Reply(reply) = publish(ext) else { panic!("{ext} is refused") };
        assert!(error(&value(&reply)).ends_with(":message_invalid"), "{ext}");
    }
}

#[test]
fn a_call_takes_all_its_fields_along() {
    let text = r#"{"channel":"/service/a","clientId":"alice","data":1,"ext":{"key":7,"position":1}}"#;
    let Step::Call { ext, .. } = Stage::connected(HTTP).say(text) else { panic!("a call") };
    assert_eq!(ext.unwrap().get(), r#"{"key":7,"position":1}"#);
}

#[test]
fn a_message_may_lose_its_meaning_with_time() {
    let age = |ext: &str| match publish(ext) {
        Step::Publish { expires_ms, ext: None, .. } => Ok(expires_ms),
        Step::Reply(reply) => Err(error(&value(&reply))),
        other => panic!("{ext}: {other:?}"),
    };
    assert_eq!(age(r#"{"expires_ms":1500}"#), Ok(Some(1_500)));
    assert_eq!(age(r#"{"expires_ms":null}"#), Ok(None));
    assert_eq!(age(&format!(r#"{{"expires_ms":{}}}"#, u64::MAX)), Ok(Some(u64::MAX)));
    for bad in ["0", "-1", "1.5", "\"1s\"", "true", "1e30"] {
        let refused = age(&format!(r#"{{"expires_ms":{bad}}}"#)).unwrap_err();
        assert_eq!(
            refused, "400:ext.expires_ms is no number of milliseconds above 0:message_invalid",
            "{bad}"
        );
    }
}

#[test]
fn a_receipt_is_asked_for_and_does_not_travel() {
    let wish = |ext: &str| match publish(ext) {
        Step::Publish { receipt, ext, .. } => (receipt, ext.map(|ext| ext.get().to_owned())),
        other => panic!("{ext}: {other:?}"),
    };
    assert_eq!(wish(r#"{"receipt":true,"x":1}"#), (true, Some(r#"{"x":1}"#.into())));
    assert_eq!(wish(r#"{"receipt":false}"#), (false, None));
    assert_eq!(wish(r#"{"receipt":null}"#), (false, None));
    assert!(!wish(r#"{"x":{"receipt":true}}"#).0);
}
