//! Connects whose answers go on as streams.

use bayeux::{Answer, Code, Due};

use crate::stage::{CALLBACK, HTTP, Stage, error, value};

const STREAM: &str = r#"{"channel":"/meta/connect","clientId":"alice","connectionType":"http-streaming"}"#;

/// A session on a stream that ends at 100,000.
fn streaming() -> Stage {
    let mut stage = Stage::handshaken();
    open(&mut stage, STREAM);
    stage
}

fn open(stage: &mut Stage, text: &str) {
    assert_eq!(stage.connect_as(HTTP, text).answer, Answer::Stream);
    stage.session.attach_stream(&stage.settings, 100_000);
}

/// A connect of a stream with these fields besides the usual ones.
fn with(fields: &str) -> String {
    STREAM.replace('}', &format!(",{fields}}}"))
}

#[test]
fn a_lone_connect_of_a_stream_opens_one_the_first_as_well() {
    let mut stage = Stage::handshaken();
    let connect = stage.connect_as(HTTP, STREAM);
    assert_eq!(connect.answer, Answer::Stream);
    assert!(connect.reply.advice.is_some());
}

#[test]
fn one_that_is_not_to_be_held_or_has_company_or_comes_by_a_script_is_answered_as_a_poll() {
    let mut stage = Stage::connected(HTTP);
    assert_eq!(stage.connect_as(HTTP, &with(r#""advice":{"timeout":0}"#)).answer, Answer::Now);
    stage.lone = false;
    assert_eq!(stage.connect_as(HTTP, STREAM).answer, Answer::Now);
    stage.lone = true;
    assert!(matches!(stage.connect_as(CALLBACK, STREAM).answer, Answer::Hold { .. }));
    stage.other_polls = true;
    let connect = stage.connect_as(HTTP, STREAM);
    assert!(connect.answer == Answer::Now && connect.reply.advice.unwrap().multiple_clients);
}

#[test]
fn a_client_that_acknowledges_connect_replies_polls_instead() {
    let mut stage = Stage::asking(r#"{"ack":true}"#, Default::default());
    let text = with(r#""ext":{"ack":0}"#);
    assert_eq!(stage.connect_as(HTTP, &text).answer, Answer::Now);
    assert!(matches!(stage.connect_as(HTTP, &text).answer, Answer::Hold { .. }));
}

#[test]
fn events_leave_on_the_stream_and_with_nothing_else() {
    let mut stage = streaming();
    stage.push(1);
    assert!(stage.session.may_push_now() && !stage.session.may_ride_on_connect());
    assert_eq!(stage.take_all(), [1]);
}

#[test]
fn a_stream_stands_for_the_connects_of_its_client_and_its_end_starts_the_clock() {
    let mut stage = streaming();
    assert_eq!(stage.wait(98_000), Due::NotYet);
    stage.session.detach(&stage.settings, stage.now);
    assert_eq!(stage.session.deadline(), stage.now + 10_000, "not that of the whole stream");
    assert_eq!(stage.wait(9_999), Due::NotYet);
    assert_eq!(stage.wait(1), Due::Expired);
}

#[test]
fn an_older_answer_that_is_written_late_does_not_shorten_the_time_of_a_stream() {
    let mut stage = streaming();
    stage.session.on_connect_written(&stage.settings, stage.now);
    assert_eq!(stage.wait(98_000), Due::NotYet);
}

#[test]
fn a_session_whose_stream_nobody_ends_ends_all_the_same() {
    let mut stage = streaming();
    assert_eq!(stage.wait(99_000 + 9_999), Due::NotYet);
    assert_eq!(stage.wait(1), Due::Expired);
}

#[test]
fn a_stream_is_a_new_beginning_for_a_client_that_counts() {
    let mut stage = Stage::asking(r#"{"received":true}"#, Default::default());
    let count = |count: u64| with(&format!(r#""ext":{{"received":{count}}}"#));
    open(&mut stage, &count(0));
    (1..=5).for_each(|number| stage.push(number));
    assert_eq!(stage.take_all(), [1, 2, 3, 4, 5]);
    // The wire breaks after the second; the next stream begins before anybody has noticed.
    stage.push(6);
    let connect = stage.connect_as(HTTP, &count(2));
    assert_eq!(connect.answer, Answer::Stream);
    stage.session.detach(&stage.settings, stage.now);
    stage.session.attach_stream(&stage.settings, 100_000);
    assert!(stage.session.may_push_now());
    assert_eq!(stage.take_all(), [3, 4, 5, 6]);
}

#[test]
fn without_a_count_a_stream_carries_nothing_to_a_client_that_counts() {
    let mut stage = Stage::asking(r#"{"received":true}"#, Default::default());
    open(&mut stage, STREAM);
    stage.push(1);
    assert!(!stage.session.may_push_now());
    open(&mut stage, &with(r#""ext":{"received":0}"#));
    assert!(stage.session.may_push_now());
}

#[test]
fn a_count_that_cannot_be_opens_no_stream() {
    let mut stage = Stage::asking(r#"{"received":true}"#, Default::default());
    let step = stage.say(&with(r#""ext":{"received":9}"#));
    let bayeux::Step::Reply(reply) = step else { panic!("{step:?}") };
    assert!(error(&value(&reply)).ends_with(Code::MessageInvalid.name()));
}

#[test]
fn a_poll_after_a_stream_gets_what_is_queued() {
    let mut stage = streaming();
    stage.push(1);
    let connect = stage.connect_as(HTTP, r#"{"channel":"/meta/connect","clientId":"alice","connectionType":"long-polling","advice":{"timeout":0}}"#);
    stage.session.detach(&stage.settings, stage.now);
    assert_eq!(connect.answer, Answer::Now);
    assert!(stage.session.may_ride_on_turn(connect.turn));
}

/// A connect of an event stream with this `ext`.
fn for_ticket(stage: &mut Stage, ext: &str) -> bayeux::Connect {
    stage.connect_as(
        HTTP,
        &STREAM.replace("http-streaming", "eventsource").replace('}', &format!(r#","ext":{ext}}}"#)),
    )
}

#[test]
fn a_connect_of_an_event_stream_wants_a_ticket_and_has_time_to_use_it() {
    let mut stage = Stage::handshaken();
    let connect = for_ticket(&mut stage, "{}");
    assert!(connect.wants_ticket && connect.answer == Answer::Now);
    stage.session.on_connect_written(&stage.settings, stage.now);
    assert_eq!(stage.session.deadline(), stage.now + 35_000);
    assert!(!stage.connect_as(HTTP, STREAM).wants_ticket);
    stage.other_polls = true;
    assert!(!for_ticket(&mut stage, "{}").wants_ticket);
}

#[test]
fn who_opens_with_the_ticket_has_everything_that_came_with_it() {
    let mut stage = Stage::asking(r#"{"received":true}"#, Default::default());
    stage.push(1);
    let connect = for_ticket(&mut stage, r#"{"received":0}"#);
    assert_eq!(stage.answer(connect).0, [1]);
    stage.push(2);
    assert_eq!(stage.session.resume_stream(None, &stage.settings), Ok(()));
    stage.session.attach_stream(&stage.settings, 100_000);
    assert!(stage.session.may_push_now());
    assert_eq!(stage.take_all(), [2]);
    assert_eq!((stage.session.sent(), stage.session.unconfirmed()), (Some(2), 2));
}

#[test]
fn who_opens_with_a_count_gets_what_is_above_it_again() {
    let mut stage = Stage::asking(r#"{"received":true}"#, Default::default());
    let connect = for_ticket(&mut stage, r#"{"received":0}"#);
    stage.answer(connect);
    stage.session.resume_stream(None, &stage.settings).unwrap();
    stage.session.attach_stream(&stage.settings, 100_000);
    (1..=4).for_each(|number| stage.push(number));
    assert_eq!(stage.take_all(), [1, 2, 3, 4]);
    stage.session.detach(&stage.settings, stage.now);
    assert_eq!(stage.session.resume_stream(Some(9), &stage.settings).unwrap_err().code, Code::MessageInvalid);
    stage.session.resume_stream(Some(2), &stage.settings).unwrap();
    stage.session.attach_stream(&stage.settings, 100_000);
    assert_eq!(stage.session.sent(), Some(2));
    assert_eq!(stage.take_all(), [3, 4]);
}

#[test]
fn a_connect_that_is_on_its_way_while_a_stream_opens_or_comes_back_may_know_of_less() {
    let mut stage = Stage::asking(r#"{"received":true}"#, Default::default());
    stage.push(1);
    let connect = for_ticket(&mut stage, r#"{"received":0}"#);
    assert_eq!(stage.answer(connect).0, [1]);
    stage.session.resume_stream(None, &stage.settings).unwrap();
    stage.session.attach_stream(&stage.settings, 100_000);
    stage.push(2);
    assert_eq!(stage.take_all(), [2]);
    stage.session.detach(&stage.settings, stage.now);
    stage.session.resume_stream(Some(2), &stage.settings).unwrap();
    // It left before the client had any of these.
    let connect = stage.connect_as(HTTP, &with(r#""advice":{"timeout":0},"ext":{"received":0}"#));
    assert_eq!(stage.answer(connect).0, [1, 2]);
}

#[test]
fn without_any_count_an_event_stream_carries_nothing_to_a_client_that_counts() {
    let mut stage = Stage::asking(r#"{"received":true}"#, Default::default());
    let connect = for_ticket(&mut stage, "{}");
    stage.answer(connect);
    stage.session.resume_stream(None, &stage.settings).unwrap();
    stage.session.attach_stream(&stage.settings, 100_000);
    stage.push(1);
    assert!(!stage.session.may_push_now());
}
