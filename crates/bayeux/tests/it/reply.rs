//! The JSON of replies, advice and events.

use bayeux::event::{write_answer, write_event};
use bayeux::{Advice, Code, ConnectionType, Error, Reconnect, Reply};

use crate::stage::message;

fn text(reply: &Reply) -> String {
    let mut out = Vec::new();
    reply.write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_plain_acknowledgement_is_short() {
    let reply = Reply::accept(&message(r#"{"channel":"/a","id":"1","clientId":"c","data":1}"#));
    assert_eq!(text(&reply), r#"{"channel":"/a","id":"1","successful":true}"#);
}

#[test]
fn ids_are_echoed_exactly() {
    for id in ["1", "1.0", "\"a-b\"", "\"\\u0061\"", "null", "true", "12345678901234567890123"] {
        let reply = Reply::accept(&message(&format!(r#"{{"channel":"/a","id":{id}}}"#)));
        assert_eq!(text(&reply), format!(r#"{{"channel":"/a","id":{id},"successful":true}}"#));
    }
}

#[test]
fn a_subscription_is_echoed_in_its_own_shape() {
    for names in [r#""/a""#, r#"["/a"]"#, r#"["/a","/b"]"#] {
        let request = format!(r#"{{"channel":"/meta/subscribe","subscription":{names}}}"#);
        let wanted = format!(r#"{{"channel":"/meta/subscribe","successful":true,"subscription":{names}}}"#);
        assert_eq!(text(&Reply::accept(&message(&request))), wanted);
    }
}

#[test]
fn a_stray_subscription_is_not_echoed() {
    let reply = Reply::accept(&message(r#"{"channel":"/a","subscription":"/b","data":1}"#));
    assert_eq!(text(&reply), r#"{"channel":"/a","successful":true}"#);
}

#[test]
fn a_refusal_says_why_and_keeps_hostile_text_inside_its_string() {
    let request = message(r#"{"channel":"/\"}<\u0000","id":1}"#);
    let reply = Reply::refuse(&request, Error::new(Code::ChannelInvalid, "\"},\"x"));
    let value: serde_json::Value = serde_json::from_str(&text(&reply)).unwrap();
    assert_eq!(value["channel"], "/\"}<\u{0}");
    assert_eq!(value["error"], "405:\"},\"x:channel_invalid");
    assert_eq!(value["successful"], false);
}

#[test]
fn a_message_without_channel_is_refused_without_channel() {
    let reply = Reply::refuse(&message(r#"{"id":1}"#), Code::ChannelMissing);
    assert_eq!(text(&reply), r#"{"id":1,"successful":false,"error":"400::channel_missing"}"#);
}

#[test]
fn a_denied_acceptance_gives_away_no_client_id() {
    let mut reply = Reply::accept(&message(r#"{"channel":"/meta/handshake"}"#));
    reply.client_id = Some("secret".into());
    let reply = reply.deny(Code::HandshakeDenied);
    assert!(!reply.is_successful() && !text(&reply).contains("secret"));
}

#[test]
fn advice_is_written_whole() {
    let mut advice = Advice {
        reconnect: Reconnect::Retry,
        interval_ms: 0,
        timeout_ms: 25_000,
        max_interval_ms: None,
        multiple_clients: false,
    };
    let written = |advice: &Advice| {
        let mut out = Vec::new();
        advice.write(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(&advice), r#"{"reconnect":"retry","interval":0,"timeout":25000}"#);
    advice.max_interval_ms = Some(9);
    advice.multiple_clients = true;
    advice.reconnect = Reconnect::None;
    assert_eq!(
        written(&advice),
        r#"{"reconnect":"none","interval":0,"timeout":25000,"maxInterval":9,"multiple-clients":true}"#
    );
}

#[test]
fn a_farewell_is_a_disconnect_nobody_asked_for() {
    let advice = bayeux::Settings::default().advice(Reconnect::None);
    assert_eq!(
        text(&Reply::farewell(advice)),
        r#"{"channel":"/meta/disconnect","successful":true,"advice":{"reconnect":"none","interval":0,"timeout":25000}}"#
    );
}

#[test]
fn an_event_is_channel_data_and_ext() {
    let mut out = Vec::new();
    write_event("/a", r#"{"x":1}"#, None, &mut out);
    write_event("/a", "null", Some(r#"{"t":2}"#), &mut out);
    let wanted = r#"{"channel":"/a","data":{"x":1}}{"channel":"/a","data":null,"ext":{"t":2}}"#;
    assert_eq!(String::from_utf8(out).unwrap(), wanted);
}

#[test]
fn the_answer_of_a_service_has_the_id_of_the_call_and_data() {
    let id = message(r#"{"id":7}"#).id;
    let error = Error::new(Code::ServiceFailed, "stock");
    let mut out = Vec::new();
    write_answer("/service/x", id.as_deref(), true, "[1]", None, None, &mut out);
    write_answer("/service/x", None, false, "null", Some(&error), Some(r#"{"binary":{}}"#), &mut out);
    let wanted = concat!(
        r#"{"channel":"/service/x","id":7,"successful":true,"data":[1]}"#,
        r#"{"channel":"/service/x","successful":false,"error":"500:stock:service_failed","data":null,"ext":{"binary":{}}}"#
    );
    assert_eq!(String::from_utf8(out).unwrap(), wanted);
}

#[test]
fn every_connection_type_is_found_by_its_name_and_pushes_or_polls() {
    for kind in ConnectionType::ALL {
        assert_eq!(ConnectionType::parse(kind.name()), Some(kind));
        assert_ne!(kind.pushes(), kind.polls());
        assert!(!kind.one_way() || kind.pushes(), "a one-way stream pushes");
        assert!(!kind.connect_only() || kind.polls());
    }
    assert_eq!(ConnectionType::parse("WebSocket"), None);
}
