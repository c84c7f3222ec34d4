//! Reading batches, good and bad.

use bayeux::json::{BatchLimits, decode_batch};
use bayeux::{Code, Message, RequestAdvice, Subscription};
use proptest::prelude::*;

fn decode(text: &str) -> Result<Vec<Message>, Code> {
    decode_batch(text.as_bytes(), &BatchLimits::default()).map_err(|error| error.code)
}

fn one(text: &str) -> Message {
    let mut batch = decode(text).unwrap();
    assert_eq!(batch.len(), 1);
    batch.remove(0)
}

fn refused(text: &str) -> Code {
    decode(text).expect_err(text)
}

#[test]
fn an_array_and_a_bare_object_are_batches() {
    assert_eq!(decode(r#"[{"channel":"/a"},{"channel":"/b"}]"#).unwrap().len(), 2);
    assert_eq!(one(" \r\n {\"channel\":\"/a\"} ").channel.as_deref(), Some("/a"));
}

#[test]
fn all_known_fields_are_read() {
    let message = one(
        r#"[{"channel":"/meta/connect","id":7,"clientId":"c","data":{"a":1},"ext":{"t":1},"subscription":["/a","/b"],
        "connectionType":"websocket","supportedConnectionTypes":["x","y"],"version":"1.0",
        "advice":{"timeout":0,"interval":500},"unknown":{"deep":[1]}}]"#,
    );
    assert_eq!(message.invalid, None);
    assert_eq!(message.id.unwrap().get(), "7");
    assert_eq!(message.client_id.as_deref(), Some("c"));
    assert_eq!(message.data.unwrap().get(), r#"{"a":1}"#);
    assert_eq!(message.ext.unwrap().get(), r#"{"t":1}"#);
    assert_eq!(message.subscription, Some(Subscription::Many(vec!["/a".into(), "/b".into()])));
    assert_eq!(message.connection_type.as_deref(), Some("websocket"));
    assert_eq!(message.supported_connection_types.unwrap().len(), 2);
    assert_eq!(message.version.as_deref(), Some("1.0"));
    assert_eq!(message.advice, RequestAdvice { timeout_ms: Some(0), interval_ms: Some(500) });
    assert!(message.raw.is_none(), "only handshakes keep the whole object");
}

#[test]
fn a_handshake_keeps_the_application_fields() {
    let message = one(r#"[{"channel":"/meta/handshake","login":{"user":"bob"}}]"#);
    assert!(message.raw.unwrap().get().contains(r#""login":{"user":"bob"}"#));
}

#[test]
fn null_is_data_but_no_other_field() {
    let message =
        one(r#"{"data":null,"channel":null,"clientId":null,"ext":null,"subscription":null,"advice":null}"#);
    assert_eq!(message.data.unwrap().get(), "null");
    assert!(message.channel.is_none() && message.client_id.is_none() && message.ext.is_none());
    assert!(message.subscription.is_none() && message.invalid.is_none() && message.advice.is_empty());
}

#[test]
fn data_comes_out_as_it_went_in() {
    for data in
        ["9007199254740993", "1.10", "-0", "\"\\u00e9\\/\"", "{\"b\":1,\"a\":1,\"b\":2}", "[ ]", "1e300"]
    {
        assert_eq!(one(&format!(r#"{{"data":{data}}}"#)).data.unwrap().get(), data);
    }
}

#[test]
fn line_breaks_between_tokens_become_spaces() {
    let message = one("{\"data\":{\r\n\"text\":\n\"a\\nb\"}}");
    assert_eq!(message.data.unwrap().get(), r#"{  "text": "a\nb"}"#);
}

#[test]
fn text_that_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "[",
        "{",
        "]",
        "[{}",
        "[{}]]",
        "[{},]",
        "{}{}",
        "[{}] x",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":1.}",
        "{\"a\":--1}",
        "{\"a\":nul}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"line\nbreak\"}",
        "{\"a\":\"open}",
        "{\"a\":\"open\\",
        "{\"a\":\"\\x\"}",
        "\u{feff}[{}]",
        "[}",
        "NaN",
    ] {
        assert_eq!(refused(text), Code::JsonInvalid, "{text}");
    }
    let broken = decode_batch(b"[{\"channel\":\"/\xff\"}]", &BatchLimits::default());
    assert_eq!(broken.unwrap_err().code, Code::JsonInvalid);
}

#[test]
fn half_surrogates_are_refused_wherever_they_stand() {
    for half in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\ud800", r"\ud800\n", r"\uD8", r"\ud83d\u"] {
        assert_eq!(refused(&format!(r#"{{"data":"{half}"}}"#)), Code::JsonInvalid, "{half}");
    }
    assert_eq!(one(r#"{"data":"\ud83d\ude00"}"#).data.unwrap().get(), r#""\ud83d\ude00""#);
    assert_eq!(one(r#"{"channel":"\\ud800"}"#).channel.as_deref(), Some("\\ud800"));
}

#[test]
fn numbers_no_client_can_hold_are_refused() {
    assert_eq!(refused(r#"{"data":1e999999}"#), Code::JsonInvalid);
    assert_eq!(refused(&format!(r#"{{"data":{}}}"#, "9".repeat(10_000))), Code::JsonInvalid);
    assert_eq!(refused(&format!(r#"{{"data":{}}}"#, "9".repeat(400))), Code::JsonInvalid);
    assert!(decode(&format!(r#"{{"data":{}}}"#, "9".repeat(300))).is_ok());
    assert!(decode(&format!(r#"{{"data":0.{}}}"#, "9".repeat(1_000))).is_ok());
}

#[test]
fn nesting_is_bounded_without_recursion() {
    let nested = |depth: usize| format!("[{{\"data\":{}{}}}]", "[".repeat(depth - 2), "]".repeat(depth - 2));
    assert!(decode(&nested(32)).is_ok());
    assert_eq!(refused(&nested(33)), Code::DepthExceeded);
    assert_eq!(refused(&"[".repeat(100_000)), Code::DepthExceeded);
    assert_eq!(refused(&"{\"a\":".repeat(100_000)), Code::DepthExceeded);
}

#[test]
fn brackets_in_strings_are_not_nesting() {
    let text = format!(r#"{{"data":"{}\"{}"}}"#, "[{".repeat(50), ",\\\\");
    assert!(decode(&text).is_ok());
}

#[test]
fn the_number_of_messages_is_bounded() {
    let batch = |count: usize| format!("[{}]", vec![r#"{"channel":"/a","data":[1,2,3]}"#; count].join(","));
    assert_eq!(decode(&batch(100)).unwrap().len(), 100);
    assert_eq!(refused(&batch(101)), Code::BatchTooLong);
}

#[test]
fn an_empty_batch_has_a_word_of_its_own() {
    assert_eq!(refused("[]"), Code::BatchEmpty);
    assert_eq!(refused(" [ ] "), Code::BatchEmpty);
}

#[test]
fn an_element_that_is_no_object_spoils_the_batch() {
    for text in ["[1]", "[null]", "[[]]", "[{\"channel\":\"/a\"},\"x\"]", "7", "\"text\"", "null", "true"] {
        assert_eq!(refused(text), Code::MessageInvalid, "{text}");
    }
}

#[test]
fn a_known_field_given_twice_is_refused_even_when_spelled_with_escapes() {
    for text in [
        r#"[{"channel":"/a","channel":"/b"}]"#,
        r#"[{"channel":"/a","\u0063hannel":"/b"}]"#,
        r#"[{"clientId":null,"clientId":"x"}]"#,
        r#"[{"data":null,"data":1}]"#,
    ] {
        assert_eq!(refused(text), Code::MessageInvalid, "{text}");
    }
    assert!(decode(r#"[{"other":1,"other":2}]"#).is_ok());
}

#[test]
fn a_field_of_the_wrong_type_spoils_only_its_message() {
    for field in [
        r#""channel":1"#,
        r#""id":{}"#,
        r#""id":[1]"#,
        r#""clientId":{}"#,
        r#""ext":1"#,
        r#""ext":[]"#,
        r#""subscription":1"#,
        r#""subscription":["/a",1]"#,
        r#""subscription":[["/a"]]"#,
        r#""connectionType":[]"#,
        r#""supportedConnectionTypes":"websocket""#,
        r#""supportedConnectionTypes":[1]"#,
        r#""version":{}"#,
        r#""advice":[]"#,
        r#""advice":1"#,
        r#""advice":{"timeout":1,"timeout":2}"#,
    ] {
        let batch = decode(&format!(r#"[{{{field}}},{{"channel":"/a"}}]"#)).unwrap();
        assert_eq!(batch[0].invalid, Some(Code::MessageInvalid), "{field}");
        assert_eq!(batch[1].invalid, None, "{field}");
    }
    let long = format!(r#"[{{"id":"{}"}}]"#, "x".repeat(255));
    assert_eq!(one(&long).invalid, Some(Code::MessageInvalid));
}

#[test]
fn odd_advice_asks_for_nothing_or_for_what_can_be_meant() {
    let advice = |text: &str| one(&format!(r#"{{"advice":{text}}}"#)).advice.timeout_ms;
    assert_eq!(advice(r#"{"timeout":-5}"#), None);
    assert_eq!(advice(r#"{"timeout":"x"}"#), None);
    assert_eq!(advice(r#"{"timeout":null}"#), None);
    assert_eq!(advice(r#"{"timeout":1.9}"#), Some(1));
    assert_eq!(advice(r#"{"timeout":1e300}"#), Some(u64::MAX));
}

#[test]
fn a_version_may_be_a_number() {
    assert_eq!(one(r#"{"version":1.0}"#).version.as_deref(), Some("1.0"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_batch(&bytes, &BatchLimits::default());
    }

    #[test]
    fn what_is_read_is_also_json_to_others(text in r#"[\[\]{}",:\\u d8c0-9.eE+\n-]{0,40}"#) {
        if let Ok(messages) = decode(&text) {
            prop_assert!(!messages.is_empty());
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }

    #[test]
    fn no_line_break_survives(gap in "[ \n\r\t]{0,5}") {
        let message = one(&format!("[{gap}{{\"data\":{gap}[{gap}1{gap},{gap}2{gap}]{gap}}}{gap}]"));
        prop_assert!(!message.data.unwrap().get().contains(['\n', '\r']));
    }
}
