//! Timed polling: connects that are answered at once, and polls without a body that stand for them.

use bayeux::json::{BatchLimits, decode_batch};
use bayeux::{Answer, BatchContext, Code, Connect, Due, Message, Settings, Step};
use serde_json::{Value, json};

use crate::stage::{HTTP, Stage, value};

const POST: &str =
    r#"{"channel":"/meta/connect","clientId":"alice","connectionType":"polling","ext":{"received":0}}"#;

/// A session that counts and polls.
fn polling() -> Stage {
    let mut stage = Stage::asking(r#"{"received":true}"#, Settings::default());
    let connect = stage.connect_as(HTTP, POST);
    assert_eq!(value(&connect.reply)["advice"]["interval"], stage.settings.poll_interval_ms);
    assert_eq!(stage.answer(connect).0, Vec::<u64>::new());
    stage
}

fn poll(stage: &mut Stage, received: u64) -> Connect {
    assert_eq!(stage.session.admit_poll(received), Ok(()));
    let context = BatchContext {
        carrier: HTTP,
        lone: true,
        other_polls_of_browser: false,
        subscriptions: 0,
        is_subscribed: &|_| false,
    };
    match stage.session.on_message(Message::poll("alice", received), context, &stage.settings, stage.now) {
        Step::Connect(connect) => connect,
        other => panic!("expected a connect, got {other:?}"),
    }
}

#[test]
fn a_poll_is_the_connect_that_a_client_would_write() {
    let written = decode_batch(POST.replace(":0", ":7").as_bytes(), &BatchLimits::default());
    let written = written.unwrap().remove(0);
    let stands = Message::poll("alice", 7);
    assert_eq!(format!("{stands:?}"), format!("{written:?}"));
}

#[test]
fn a_poll_is_never_held_and_brings_what_is_above_its_count() {
    let mut stage = polling();
    let silent = poll(&mut stage, 0);
    assert_eq!((silent.answer, silent.reply.advice, silent.superseded), (Answer::Now, None, None));
    assert_eq!(stage.answer(silent).0, Vec::<u64>::new());
    (0..3).for_each(|number| stage.push(number));
    let connect = poll(&mut stage, 0);
    assert_eq!(stage.answer(connect).0, [0, 1, 2]);
    stage.push(3);
    let connect = poll(&mut stage, 1);
    assert_eq!(stage.answer(connect).0, [1, 2, 3], "an answer that was lost in part comes again");
    let connect = poll(&mut stage, 4);
    assert_eq!(stage.answer(connect).0, Vec::<u64>::new());
    assert_eq!(stage.session.unconfirmed(), 0);
}

#[test]
fn a_poll_keeps_its_session_alive_as_a_connect_does() {
    let mut stage = polling();
    let patience = stage.settings.poll_interval_ms + stage.settings.max_interval_ms;
    for _ in 0..5 {
        assert_eq!(stage.wait(patience - 1), Due::NotYet);
        let connect = poll(&mut stage, 0);
        stage.answer(connect);
    }
    assert_eq!(stage.wait(patience), Due::Expired);
}

#[test]
fn a_poll_that_was_overtaken_takes_nothing_back() {
    let mut stage = polling();
    (0..3).for_each(|number| stage.push(number));
    for count in [0, 3] {
        let connect = poll(&mut stage, count);
        stage.answer(connect);
    }
    assert_eq!(stage.session.admit_poll(2), Err(Code::Superseded), "more is confirmed since");
    assert_eq!(stage.session.admit_poll(3), Ok(()));
    let connect = stage.connect_saying(HTTP, r#"{"received":3}"#);
    assert!(matches!(connect.answer, Answer::Hold { .. }));
    assert_eq!(stage.session.admit_poll(3), Err(Code::Superseded), "the client has left polling behind");
}

#[test]
fn a_client_that_does_not_count_polls_with_connects_alone() {
    let mut stage = Stage::handshaken();
    let connect = stage.connect_as(HTTP, POST);
    assert_eq!(connect.answer, Answer::Now);
    stage.answer(connect);
    stage.push(0);
    assert_eq!(stage.session.admit_poll(0), Err(Code::RequestInvalid));
    let connect = stage.connect_as(HTTP, POST);
    assert_eq!(stage.answer(connect).0, [0]);
}

#[test]
fn a_poll_before_the_first_connect_is_refused() {
    let stage = Stage::asking(r#"{"received":true}"#, Settings::default());
    assert_eq!(stage.session.admit_poll(0), Err(Code::Superseded));
}

#[test]
fn a_client_for_whom_one_answer_is_too_small_is_told_to_come_at_once_and_then_to_rest_again() {
    let mut stage = polling();
    (0..3).for_each(|number| stage.push(number));
    let mut answers = Vec::new();
    for received in [0, 2, 3, 3] {
        let mut connect = poll(&mut stage, received);
        let taken = stage.session.take(2, usize::MAX).count();
        stage.session.hasten(&mut connect.reply, &stage.settings);
        stage.session.on_connect_written(&stage.settings, stage.now);
        answers.push((taken, value(&connect.reply)["advice"]["interval"].clone()));
    }
    let rest = json!(stage.settings.poll_interval_ms);
    assert_eq!(answers, [(2, json!(0)), (1, rest), (0, Value::Null), (0, Value::Null)]);
    // Who is held is woken by what is left, whatever it is told.
    stage.connect(HTTP);
    stage.push(3);
    let mut connect = stage.connect(HTTP);
    stage.session.hasten(&mut connect.reply, &stage.settings);
    assert_ne!(connect.reply.advice.map(|advice| advice.timeout_ms), Some(0));
}
