//! Before and at the handshake.

use bayeux::{
    Code, ConnectionType, Error, HandshakeRequest, Reconnect, Reply, Session, Settings, Unidentified,
};

use crate::stage::{Note, Stage, message, value};

fn ask(text: &str) -> Result<HandshakeRequest, Box<Reply>> {
    Unidentified.on_message(message(text), &Settings::default())
}

fn refusal(text: &str) -> serde_json::Value {
    value(&ask(text).unwrap_err())
}

#[test]
fn a_handshake_opens_a_session_and_tells_everything_a_client_needs() {
    let request = ask(
        r#"{"channel":"/meta/handshake","id":"1","version":"1.0","supportedConnectionTypes":["long-polling","websocket","x"],
        "advice":{"timeout":60000,"interval":0},"clientId":"mine"}"#,
    )
    .unwrap();
    assert_eq!(request.connection_types, [ConnectionType::WebSocket, ConnectionType::LongPolling]);
    let (session, reply): (Session<Note>, _) = request.accept("secret".into(), &Settings::default(), 0);
    assert_eq!(session.client_id(), "secret", "an id proposed by the client means nothing");
    let reply = value(&reply);
    assert_eq!(reply["successful"], true);
    assert_eq!(reply["id"], "1");
    assert_eq!(reply["clientId"], "secret");
    assert_eq!(reply["version"], "1.0");
    assert_eq!(reply["minimumVersion"], "1.0");
    assert_eq!(reply["supportedConnectionTypes"].as_array().unwrap().len(), ConnectionType::ALL.len());
    assert_eq!(reply["advice"]["reconnect"], "retry");
    assert_eq!(reply["advice"]["interval"], 0);
    assert_eq!(reply["advice"]["timeout"], 25_000);
}

#[test]
fn the_policy_reads_the_application_fields_of_a_handshake() {
    let request = ask(r#"{"channel":"/meta/handshake","user":"bob","ext":{"token":"t"}}"#).unwrap();
    assert!(request.message.raw.unwrap().get().contains("bob"));
    assert_eq!(request.message.ext.unwrap().get(), r#"{"token":"t"}"#);
}

#[test]
fn a_denied_client_is_told_to_stop() {
    let request = ask(r#"{"channel":"/meta/handshake","id":5}"#).unwrap();
    let reply = value(&request.deny(Error::new(Code::HandshakeDenied, "no"), None));
    assert_eq!(reply["error"], "403:no:handshake_denied");
    assert_eq!(reply["advice"]["reconnect"], "none");
    assert_eq!(reply["id"], 5);
    assert!(reply["supportedConnectionTypes"].is_array() && reply.get("clientId").is_none());
}

#[test]
fn an_overloaded_server_asks_to_come_back_after_a_pause() {
    let reply = value(&ask(r#"{"channel":"/meta/handshake"}"#).unwrap().deny(Code::TooManySessions, None));
    assert_eq!(
        reply["advice"]["reconnect"], "handshake",
        "there is no session whose connect could be retried"
    );
    assert!(reply["advice"]["interval"].as_u64().unwrap() > 0);
}

#[test]
fn a_policy_can_give_its_own_advice() {
    let mut advice = Settings::default().advice(Reconnect::Handshake);
    advice.interval_ms = 77;
    let reply = ask(r#"{"channel":"/meta/handshake"}"#).unwrap().deny(Code::TokenExpired, Some(advice));
    assert_eq!(reply.advice, Some(advice));
}

#[test]
fn only_connects_of_unknown_sessions_are_advised_to_handshake() {
    let connect = refusal(r#"{"channel":"/meta/connect","clientId":"gone","id":"2"}"#);
    assert_eq!(connect["error"], "402::session_unknown");
    assert_eq!(connect["advice"]["reconnect"], "handshake");
    assert_eq!(connect["advice"]["interval"], 0);
    assert_eq!(connect["id"], "2");
    for channel in ["/meta/subscribe", "/meta/disconnect", "/meta/what", "/chat", "/service/x", "bad"] {
        let reply = refusal(&format!(r#"{{"channel":"{channel}","clientId":"gone","data":1}}"#));
        assert_eq!(reply["error"], "402::session_unknown", "{channel}");
        assert!(reply.get("advice").is_none(), "{channel}");
    }
}

#[test]
fn a_spoiled_handshake_is_refused_with_advice() {
    let reply = refusal(r#"{"channel":"/meta/handshake","supportedConnectionTypes":1}"#);
    assert_eq!(reply["error"], "400::message_invalid");
    assert_eq!(reply["advice"]["reconnect"], "handshake");
}

#[test]
fn only_enabled_kinds_of_wire_are_offered() {
    let settings = Settings { connection_types: vec![ConnectionType::LongPolling], ..Settings::default() };
    let ask = |text| Unidentified.on_message(message(text), &settings);
    let refused =
        ask(r#"{"channel":"/meta/handshake","supportedConnectionTypes":["websocket"]}"#).unwrap_err();
    assert_eq!(value(&refused)["supportedConnectionTypes"], serde_json::json!(["long-polling"]));
    assert!(ask(r#"{"channel":"/meta/handshake"}"#).is_ok());
}

#[test]
fn a_handshake_inside_a_session_is_refused_and_changes_nothing() {
    let mut stage = Stage::handshaken();
    let reply = stage.reply_to(r#"{"channel":"/meta/handshake","id":1}"#);
    assert_eq!(reply["error"], "400::handshake_misplaced");
    assert_eq!(stage.session.client_id(), "alice");
    assert!(!stage.session.has_ended());
}

#[test]
fn an_idle_session_is_small() {
    assert!(
        size_of::<Session<std::sync::Arc<[u8]>>>() <= 160,
        "{}",
        size_of::<Session<std::sync::Arc<[u8]>>>()
    );
}

#[test]
fn any_refusal_of_a_connect_or_handshake_says_what_to_do_next() {
    let settings = Settings::default();
    for (channel, next) in [("/meta/connect", Reconnect::Retry), ("/meta/handshake", Reconnect::Handshake)] {
        let request = message(&format!(r#"{{"channel":"{channel}","id":3}}"#));
        let reply = settings.refuse(&request, Code::RateLimited);
        let advice = reply.advice.unwrap();
        assert_eq!((advice.reconnect, advice.interval_ms), (next, 2_000));
        assert_eq!(reply.supported.is_some(), channel == "/meta/handshake");
    }
    assert!(settings.refuse(&message(r#"{"channel":"/a"}"#), Code::RateLimited).advice.is_none());
}
