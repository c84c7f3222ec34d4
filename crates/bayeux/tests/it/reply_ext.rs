//! The extension fields of replies.

use bayeux::{Code, Reply, ReplyExt};

use crate::stage::{message, value};

fn written(fill: impl FnOnce(&mut ReplyExt)) -> String {
    let mut reply = Reply::accept(&message(r#"{"channel":"/a"}"#));
    fill(&mut reply.ext);
    value(&reply).get("ext").map(ToString::to_string).unwrap_or_default()
}

#[test]
fn a_reply_without_fields_has_no_ext() {
    assert_eq!(written(|ext| assert!(ext.is_empty())), "");
}

#[test]
fn several_parts_add_their_fields_to_one_object() {
    let both = written(|ext| {
        ext.ack(7);
        ext.time_ms(1_700_000_000_000);
        ext.raw("more", r#"{"a":[1]}"#);
    });
    assert_eq!(both, r#"{"ack":7,"more":{"a":[1]},"time":1700000000000}"#);
}

#[test]
fn a_publication_is_told_its_position_and_how_safe_it_is() {
    let text = written(|ext| {
        ext.position("1f\"", 42);
        ext.durability("memory");
    });
    assert_eq!(text, r#"{"durability":"memory","position":{"epoch":"1f\"","offset":42}}"#);
}

#[test]
fn a_subscription_is_told_what_it_missed() {
    assert_eq!(written(ReplyExt::recovered), r#"{"recovered":true}"#);
    assert_eq!(written(|ext| ext.cached([("/a", true)])), r#"{"cached":{"/a":true}}"#);
    let text = written(|ext| ext.gaps([("/chat/1", "a", 3), ("/chat/2", "b", 0)]));
    let wanted = concat!(
        r#"{"gaps":{"/chat/1":{"epoch":"a","offset":3},"/chat/2":{"epoch":"b","offset":0}},"#,
        r#""recovered":false}"#
    );
    assert_eq!(text, wanted);
    assert_eq!(written(|ext| ext.gaps([])), r#"{"gaps":{},"recovered":false}"#);
}

#[test]
fn a_denied_acceptance_promises_nothing() {
    let mut reply = Reply::accept(&message(r#"{"channel":"/a"}"#));
    reply.ext.received();
    assert!(value(&reply.deny(Code::PublishDenied)).get("ext").is_none());
}
