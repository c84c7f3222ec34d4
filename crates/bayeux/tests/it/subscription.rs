//! Subscribing and unsubscribing.

use bayeux::{Pattern, Settings, Step};

use crate::stage::{Stage, value};

fn subscribe(stage: &mut Stage, names: &str) -> Step {
    stage.say(&format!(
        r#"{{"channel":"/meta/subscribe","clientId":"alice","id":"1","subscription":{names}}}"#
    ))
}

fn patterns(step: &Step) -> Vec<&str> {
    match step {
        Step::Subscribe { patterns, .. } | Step::Unsubscribe { patterns, .. } => {
            patterns.iter().map(Pattern::as_str).collect()
        }
        other => panic!("no patterns: {other:?}"),
    }
}

fn refused(stage: &mut Stage, names: &str) -> String {
    match subscribe(stage, names) {
        Step::Reply(reply) => crate::stage::error(&value(&reply)),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn one_name_or_many_become_distinct_patterns() {
    let mut stage = Stage::connected(crate::stage::HTTP);
    assert_eq!(patterns(&subscribe(&mut stage, r#""/a""#)), ["/a"]);
    assert_eq!(patterns(&subscribe(&mut stage, r#"["/a","/b/*","/a","/**"]"#)), ["/a", "/b/*", "/**"]);
}

#[test]
fn a_request_hands_its_extensions_on() {
    let mut stage = Stage::handshaken();
    let step =
        stage.say(r#"{"channel":"/meta/subscribe","clientId":"alice","subscription":"/a","ext":{"mine":7}}"#);
    let Step::Subscribe { ext, .. } = step else { panic!("{step:?}") };
    assert_eq!(ext.unwrap().get(), r#"{"mine":7}"#);
}

#[test]
fn every_element_is_checked_before_any_takes_effect() {
    let mut stage = Stage::handshaken();
    assert_eq!(refused(&mut stage, r#"["/ok","bad"]"#), "403:bad:subscription_invalid");
    assert_eq!(refused(&mut stage, r#"["/ok","/a/*/b"]"#), "405:/a/*/b:channel_invalid");
    assert_eq!(refused(&mut stage, r#"["/ok","/meta/connect"]"#), "403:/meta/connect:subscribe_denied");
    assert_eq!(refused(&mut stage, r#"["/service/x","/a//b"]"#), "403:/a//b:subscription_invalid");
}

#[test]
fn protocol_channels_cannot_be_listened_to() {
    let mut stage = Stage::handshaken();
    for name in
        ["/meta/connect", "/meta/*", "/meta/**", "/meta/what", "/meta", "/META/**", "/meta/handshake/x"]
    {
        let error = refused(&mut stage, &format!("\"{name}\""));
        assert_eq!(error, format!("403:{name}:subscribe_denied"));
    }
}

#[test]
fn nothing_to_subscribe_to_is_an_error() {
    let mut stage = Stage::handshaken();
    assert_eq!(refused(&mut stage, "null"), "403::subscription_missing");
    assert_eq!(refused(&mut stage, "[]"), "403::subscription_missing");
    assert_eq!(refused(&mut stage, r#""""#), "403::subscription_invalid");
}

#[test]
fn the_names_of_one_message_are_bounded() {
    let mut stage = Stage::handshaken();
    let names = |count: usize| format!("[{}]", vec![r#""/a""#; count].join(","));
    assert_eq!(patterns(&subscribe(&mut stage, &names(128))), ["/a"]);
    assert_eq!(refused(&mut stage, &names(129)), "429::subscriptions_too_many");
}

#[test]
fn the_subscriptions_of_a_session_are_bounded_and_repeating_one_is_free() {
    let mut stage = Stage::with(Settings { subscriptions: 2, ..Settings::default() });
    stage.subscribed = vec!["/a".into()];
    assert_eq!(refused(&mut stage, r#"["/b","/c"]"#), "429::subscriptions_too_many");
    assert_eq!(patterns(&subscribe(&mut stage, r#"["/a","/b"]"#)), ["/a", "/b"]);
    stage.subscribed.push("/b".into());
    assert_eq!(patterns(&subscribe(&mut stage, r#""/b""#)), ["/b"]);
    assert_eq!(refused(&mut stage, r#""/c""#), "429::subscriptions_too_many");
}

#[test]
fn a_lowered_bound_does_not_break_sessions_above_it() {
    let mut stage = Stage::with(Settings { subscriptions: 1, ..Settings::default() });
    stage.subscribed = vec!["/a".into(), "/b".into()];
    assert_eq!(refused(&mut stage, r#""/c""#), "429::subscriptions_too_many");
    assert_eq!(patterns(&subscribe(&mut stage, r#""/a""#)), ["/a"]);
}

#[test]
fn service_names_are_left_out_of_a_mixed_list() {
    let mut stage = Stage::handshaken();
    let step = subscribe(&mut stage, r#"["/service/x","/a"]"#);
    assert_eq!(patterns(&step), ["/a"]);
    let Step::Subscribe { reply, .. } = step else { unreachable!() };
    assert_eq!(value(&reply)["subscription"], serde_json::json!(["/service/x", "/a"]));
}

#[test]
fn a_policy_denies_a_subscription_in_the_shape_it_was_asked() {
    let mut stage = Stage::handshaken();
    let Step::Subscribe { reply, .. } = subscribe(&mut stage, r#""/a""#) else { unreachable!() };
    let reply = value(&reply.deny(bayeux::Code::SubscribeDenied));
    assert_eq!(reply["error"], "403::subscribe_denied");
    assert_eq!(reply["subscription"], "/a");
    assert_eq!(reply["id"], "1");
}

#[test]
fn unsubscribing_is_lenient_about_what_was_never_subscribed_but_not_about_names() {
    let mut stage = Stage::handshaken();
    let mut ask = |names: &str| {
        stage.say(&format!(r#"{{"channel":"/meta/unsubscribe","clientId":"alice","subscription":{names}}}"#))
    };
    assert_eq!(patterns(&ask(r#"["/a","/b/**"]"#)), ["/a", "/b/**"]);
    assert!(matches!(ask(r#""/service/x""#), Step::Reply(reply) if reply.is_successful()));
    assert!(matches!(ask(r#""bad""#), Step::Reply(reply) if !reply.is_successful()));
    assert!(matches!(ask("null"), Step::Reply(reply) if !reply.is_successful()));
}
