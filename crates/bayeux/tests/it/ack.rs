//! CometD's ack extension: connect replies are numbered, connects acknowledge them.

use bayeux::{Answer, Code, Settings, Step};
use serde_json::{Value, json};

use crate::stage::{CALLBACK, HTTP, Stage, WEBSOCKET, error, value};

const ACKNOWLEDGING: &str = r#"{"ack":true}"#;

/// A client of CometD with the extension.
fn acknowledging() -> Stage {
    Stage::asking(ACKNOWLEDGING, Settings::default())
}

/// What leaves with the answer to a connect that acknowledges this batch, and the number of the answer.
fn answer(stage: &mut Stage, batch: i64) -> (Vec<u64>, Value) {
    let connect = stage.connect_saying(HTTP, &json!({ "ack": batch }).to_string());
    stage.answer(connect)
}

fn hold(stage: &mut Stage, batch: i64) {
    let connect = stage.connect_saying(HTTP, &json!({ "ack": batch }).to_string());
    assert!(matches!(connect.answer, Answer::Hold { .. }), "{connect:?}");
    stage.hold_connect(connect);
}

/// Answers the held connect.
fn release(stage: &mut Stage) -> (Vec<u64>, Value) {
    let (_, mut reply) = stage.release().expect("a connect is held");
    let taken = stage.take_all();
    stage.session.number_reply(&mut reply);
    (taken, value(&reply)["ext"]["ack"].clone())
}

#[test]
fn replies_to_connects_are_numbered_from_one() {
    let mut stage = acknowledging();
    assert_eq!(answer(&mut stage, 0), (vec![], json!(1)));
    hold(&mut stage, 1);
    stage.push(0);
    assert_eq!(release(&mut stage), (vec![0], json!(2)));
    stage.push(1);
    assert_eq!(answer(&mut stage, 2), (vec![1], json!(3)));
    hold(&mut stage, 3);
    assert_eq!(release(&mut stage), (vec![], json!(4)), "a heartbeat too");
    assert_eq!(stage.session.unconfirmed(), 0);
}

#[test]
fn events_leave_only_with_connect_replies_on_any_wire() {
    for carrier in [HTTP, CALLBACK, WEBSOCKET] {
        let mut stage = acknowledging();
        stage.settings.early_delivery = true;
        stage.session.attach();
        let connect = stage.connect_saying(carrier, r#"{"ack":0}"#);
        stage.answer(connect);
        let connect = stage.connect_saying(carrier, r#"{"ack":1}"#);
        stage.hold_connect(connect);
        stage.push(0);
        assert!(!stage.session.may_push_now() && !stage.session.may_ride_on(HTTP, &stage.settings));
        assert!(stage.session.wakes_connect(), "{carrier:?}");
    }
}

#[test]
fn what_a_lost_reply_carried_comes_at_once_with_the_next() {
    let mut stage = acknowledging();
    answer(&mut stage, 0);
    hold(&mut stage, 1);
    stage.push(0);
    release(&mut stage);
    stage.push(1);
    assert_eq!(answer(&mut stage, 1), (vec![0, 1], json!(3)), "what was lost comes first");
    assert_eq!(answer(&mut stage, 1), (vec![0, 1], json!(4)), "until it is acknowledged");
    hold(&mut stage, 4);
    assert_eq!(stage.session.unconfirmed(), 0);
}

#[test]
fn a_reply_that_arrives_behind_the_connect_that_gave_it_up_is_still_acknowledged() {
    let mut stage = acknowledging();
    answer(&mut stage, 0);
    hold(&mut stage, 1);
    stage.push(0);
    stage.push(1);
    assert_eq!(release(&mut stage), (vec![0, 1], json!(2)));
    // The client gave up on the reply and connects again, but reads it before the next one.
    let overlapping = stage.connect_saying(HTTP, r#"{"ack":1}"#);
    assert_eq!(stage.session.pending(), 2);
    stage.push(2);
    assert_eq!(answer(&mut stage, 2), (vec![2], json!(3)), "nothing twice, nothing lost");
    assert_eq!(stage.answer(overlapping), (vec![], Value::Null), "and the older reply says nothing");
    hold(&mut stage, 3);
}

#[test]
fn the_older_of_two_connects_neither_carries_nor_confirms_what_the_newer_does() {
    let mut stage = acknowledging();
    answer(&mut stage, 0);
    stage.lone = false;
    let older = stage.connect_saying(HTTP, r#"{"ack":1}"#);
    stage.lone = true;
    stage.push(0);
    assert_eq!(answer(&mut stage, 1), (vec![0], json!(2)));
    stage.push(1);
    assert_eq!(stage.answer(older), (vec![], Value::Null));
    assert_eq!(answer(&mut stage, 1), (vec![0, 1], json!(3)), "the answer of the newer one was lost");
}

#[test]
fn a_held_connect_that_is_replaced_has_no_number() {
    let mut stage = acknowledging();
    answer(&mut stage, 0);
    hold(&mut stage, 1);
    hold(&mut stage, 1);
    stage.push(0);
    assert_eq!(release(&mut stage), (vec![0], json!(2)));
}

#[test]
fn an_old_number_confirms_nothing_and_takes_nothing_back() {
    let mut stage = acknowledging();
    answer(&mut stage, 0);
    for batch in 1..=3 {
        stage.push(batch);
        answer(&mut stage, batch as i64);
    }
    assert_eq!(stage.session.unconfirmed(), 1);
    assert_eq!(answer(&mut stage, 1), (vec![3], json!(5)), "one and two were acknowledged");
    assert_eq!(answer(&mut stage, 0), (vec![3], json!(6)));
}

#[test]
fn a_connect_without_a_number_confirms_nothing_and_carries_nothing() {
    let mut stage = acknowledging();
    answer(&mut stage, 0);
    stage.push(0);
    assert_eq!(answer(&mut stage, 1), (vec![0], json!(2)));
    stage.push(1);
    for ext in ["{}", r#"{"ack":null}"#, r#"{"ack":-1}"#, r#"{"ack":"2"}"#, r#"{"ack":true}"#] {
        let connect = stage.connect_saying(HTTP, ext);
        assert!(matches!(connect.answer, Answer::Hold { .. }), "{ext}");
        stage.hold_connect(connect);
        assert!(!stage.session.wakes_connect() && !stage.session.may_ride_on_connect(), "{ext}");
    }
    let (_, mut reply) = stage.release().unwrap();
    stage.session.number_reply(&mut reply);
    assert_eq!(value(&reply)["ext"], Value::Null, "its reply has no number either");
    assert_eq!(answer(&mut stage, 1), (vec![0, 1], json!(3)), "what was lost comes before what is new");
}

#[test]
fn a_number_that_was_never_given_is_refused() {
    let mut stage = acknowledging();
    answer(&mut stage, 0);
    stage.push(0);
    answer(&mut stage, 1);
    let text = r#"{"channel":"/meta/connect","clientId":"alice","ext":{"ack":3}}"#;
    let refused = stage.reply_to(text);
    assert_eq!(error(&refused), "400:ext.ack names a reply that was never sent:message_invalid");
    assert_eq!(stage.session.unconfirmed(), 1);
}

#[test]
fn a_client_behind_the_window_is_told_to_start_anew() {
    let settings = Settings { retained_messages: 2, ..Settings::default() };
    let mut stage = Stage::asking(ACKNOWLEDGING, settings);
    answer(&mut stage, 0);
    (0..3).for_each(|number| stage.push(number));
    answer(&mut stage, 1);
    let text = r#"{"channel":"/meta/connect","clientId":"alice","ext":{"ack":1}}"#;
    let Step::End { code: Code::ResumeFailed, reply, superseded: None } = stage.say(text) else {
        panic!("not told")
    };
    assert_eq!(value(&reply)["advice"]["reconnect"], "handshake");
    assert!(stage.session.has_ended());
}

#[test]
fn numbers_of_replies_long_gone_are_forgotten_without_loss() {
    let mut stage = acknowledging();
    answer(&mut stage, 0);
    // Every reply stands for another count, and none is ever acknowledged.
    for number in 0..100 {
        stage.push(number);
        answer(&mut stage, 1);
    }
    let everything: Vec<u64> = (0..100).collect();
    assert_eq!(answer(&mut stage, 2).0, everything, "an old number is a safe one");
    assert_eq!(answer(&mut stage, 100).0, [99]);
}

#[test]
fn deliveries_queued_before_the_first_connect_are_kept_too() {
    let mut stage = acknowledging();
    stage.push(0);
    assert_eq!(answer(&mut stage, 0), (vec![0], json!(1)));
    assert_eq!(answer(&mut stage, 0), (vec![0], json!(2)));
    hold(&mut stage, 2);
}
