//! CometD's timesync extension: what a client says of its clock, and what it is answered.

use bayeux::{Reply, Settings, Unidentified};
use serde_json::{Value, json};

use crate::stage::{HTTP, Stage, message, value};

/// The reply to a message with this timesync that comes at 1,000 and leaves `lay_ms` later, when the wall says 50,000.
fn answered(timesync: &str, lay_ms: u64) -> Value {
    let text = format!(r#"{{"channel":"/meta/subscribe","ext":{{"timesync":{timesync}}}}}"#);
    let mut message = message(&text);
    if let Some(timesync) = &mut message.timesync {
        timesync.on_arrival(1_000);
    }
    let mut reply = Reply::accept(&message);
    reply.on_leaving(1_000 + lay_ms, 50_000, false);
    value(&reply)["ext"]["timesync"].clone()
}

#[test]
fn a_first_measure_is_answered_with_both_times_and_how_far_it_was_off() {
    assert_eq!(
        answered(r#"{"tc":49000,"l":0,"o":0}"#, 0),
        json!({ "tc": 49_000, "ts": 50_000, "p": 0, "a": -1_000 })
    );
    assert_eq!(
        answered(r#"{"tc":49000,"l":0,"o":0}"#, 300),
        json!({ "tc": 49_000, "ts": 49_700, "p": 300, "a": -700 }),
        "the time of arrival is that before it lay here"
    );
}

#[test]
fn a_client_that_measures_well_is_not_answered_and_one_that_does_not_is() {
    assert_eq!(answered(r#"{"tc":49000,"l":10,"o":985}"#, 0), Value::Null);
    assert_eq!(answered(r#"{"tc":49000,"l":10,"o":1015}"#, 0)["a"], 25);
    assert_eq!(answered(r#"{"tc":49000,"l":10,"o":965}"#, 0)["a"], -25);
}

#[test]
fn an_old_client_that_tells_no_lag_is_always_answered() {
    assert_eq!(answered(r#"{"tc":49000}"#, 20), json!({ "tc": 49_000, "ts": 49_980, "p": 20 }));
}

#[test]
fn what_is_no_timesync_is_passed_over() {
    for strange in ["null", "1", "[]", "{}", r#"{"tc":"x"}"#, r#"{"tc":1,"l":"x"}"#, "[1,2,3]"] {
        assert_eq!(answered(strange, 0), Value::Null, "{strange}");
    }
    let far = answered(r#"{"tc":1e300,"l":0,"o":-1e300}"#, 0);
    assert_eq!(far["tc"], i64::MAX, "{far}");
}

#[test]
fn publications_are_not_asked_about_clocks() {
    let message = message(r#"{"channel":"/a","data":1,"ext":{"timesync":{"tc":1,"l":0,"o":0}}}"#);
    assert!(message.timesync.is_none());
}

#[test]
fn a_handshake_and_a_refusal_are_answered_too() {
    let settings = Settings::default();
    let text = r#"{"channel":"/meta/handshake","ext":{"timesync":{"tc":1,"l":0,"o":0}}}"#;
    let request = Unidentified.on_message(message(text), &settings).unwrap();
    let (_, mut reply) = request.accept::<crate::stage::Note>("alice".into(), &settings, 0);
    reply.on_leaving(0, 5, false);
    assert_eq!(value(&reply)["ext"]["timesync"]["ts"], 5);

    let text = r#"{"channel":"/meta/connect","clientId":"x","ext":{"timesync":{"tc":1,"l":0,"o":0}}}"#;
    let mut reply = Unidentified.on_message(message(text), &settings).unwrap_err();
    reply.on_leaving(0, 5, false);
    assert_eq!(value(&reply)["ext"]["timesync"]["ts"], 5);
    assert_eq!(value(&reply)["error"], "402::session_unknown");
}

#[test]
fn a_held_connect_is_answered_with_the_time_it_was_held() {
    let mut stage = Stage::connected(HTTP);
    let mut connect = stage.connect_saying(HTTP, r#"{"timesync":{"tc":7,"l":0,"o":0}}"#);
    connect.reply.timesync.as_mut().unwrap().on_arrival(stage.now);
    stage.hold_connect(connect);
    stage.push(1);
    let (_, mut reply) = stage.release().unwrap();
    reply.on_leaving(stage.now + 400, 90_000, false);
    assert_eq!(value(&reply)["ext"]["timesync"], json!({ "tc": 7, "ts": 89_600, "p": 400, "a": -89_593 }));

    stage.take_all();
    let connect = stage.connect_saying(HTTP, r#"{"timesync":{"tc":7,"l":0,"o":0}}"#);
    let abandoned = stage.hold_connect(connect);
    stage.session.abandon(abandoned, &stage.settings, stage.now);
    stage.hold(HTTP);
    let (_, mut reply) = stage.release().unwrap();
    reply.on_leaving(stage.now, 90_000, false);
    assert_eq!(value(&reply).get("ext"), None, "the next connect did not ask");
}

#[test]
fn a_reply_carries_its_time_when_that_is_wanted() {
    let mut reply = Reply::accept(&message(r#"{"channel":"/meta/connect"}"#));
    reply.on_leaving(0, 784_111_777_000, true);
    assert_eq!(value(&reply)["timestamp"], "Sun, 06 Nov 1994 08:49:37 GMT");
}
