//! The queue of a session and the ways out of it.

use bayeux::{Answer, Due, Pushed, Settings};

use crate::stage::{CALLBACK, HTTP, Note, Stage, WEBSOCKET};

const CALLBACK_CONNECT: &str =
    r#"{"channel":"/meta/connect","clientId":"alice","connectionType":"callback-polling"}"#;

#[test]
fn deliveries_leave_in_the_order_they_came() {
    let mut stage = Stage::connected(HTTP);
    (0..5).for_each(|number| stage.push(number));
    assert_eq!((stage.session.pending(), stage.session.pending_bytes()), (5, 50));
    assert_eq!(stage.take_all(), [0, 1, 2, 3, 4]);
    assert_eq!((stage.session.pending(), stage.session.pending_bytes()), (0, 0));
}

#[test]
fn a_take_is_bounded_in_messages_and_bytes_but_never_stuck() {
    let mut stage = Stage::connected(HTTP);
    (0..6).for_each(|number| stage.push(number));
    let mut take =
        |messages, bytes| -> Vec<u64> { stage.session.take(messages, bytes).map(|note| note.0).collect() };
    assert_eq!(take(2, 1_000), [0, 1]);
    assert_eq!(take(10, 25), [2, 3]);
    assert_eq!(take(10, 1), [4], "one at least");
    assert_eq!(take(0, 1_000), [0_u64; 0]);
    assert_eq!(take(10, 1_000), [5]);
}

#[test]
fn a_delivery_above_the_bound_leaves_alone() {
    let mut stage = Stage::connected(HTTP);
    stage.push(0);
    assert_eq!(stage.session.push(Note(1, 0), &stage.settings), Pushed::Queued);
    let taken: Vec<_> = stage.session.take(10, 5).collect();
    assert_eq!(taken, [Note(0, 10)]);
}

#[test]
fn what_an_iterator_is_not_asked_for_stays() {
    let mut stage = Stage::connected(HTTP);
    (0..3).for_each(|number| stage.push(number));
    assert_eq!(stage.session.take(3, 1_000).next(), Some(Note(0, 10)));
    assert_eq!(stage.take_all(), [1, 2]);
}

#[test]
fn a_full_mailbox_stores_nothing_more() {
    let mut stage = Stage::connected(HTTP);
    stage.settings = Settings { mailbox_messages: 3, mailbox_bytes: 100, ..Settings::default() };
    stage.push(0);
    assert_eq!(stage.session.push(Note(1, 91), &stage.settings), Pushed::Overflow);
    assert_eq!(stage.session.push(Note(1, 90), &stage.settings), Pushed::Queued);
    assert_eq!(stage.session.push(Note(2, 1), &stage.settings), Pushed::Overflow);
    assert_eq!(stage.session.push(Note(2, 0), &stage.settings), Pushed::Queued);
    assert_eq!(stage.session.push(Note(3, 0), &stage.settings), Pushed::Overflow);
    assert_eq!(stage.session.push(Note(3, usize::MAX), &stage.settings), Pushed::Overflow);
    assert_eq!((stage.session.pending(), stage.session.pending_bytes()), (3, 100));
    assert_eq!(stage.take_all(), [0, 1, 2]);
}

#[test]
fn a_delivery_wakes_a_held_poll() {
    let (mut stage, ticket) = Stage::holding(HTTP);
    assert!(!stage.session.wakes_connect());
    stage.push(1);
    assert!(stage.session.wakes_connect() && stage.session.may_ride_on_connect());
    assert_eq!(stage.release().unwrap().0, ticket);
    assert!(!stage.session.wakes_connect());
    assert_eq!(stage.take_all(), [1]);
}

#[test]
fn a_delivery_on_an_open_wire_leaves_the_heartbeat_alone() {
    let (mut stage, _) = Stage::holding(WEBSOCKET);
    stage.push(1);
    assert!(stage.session.may_push_now());
    assert!(!stage.session.wakes_connect() && !stage.session.may_ride_on_connect());
    assert!(
        !stage.session.may_ride_on(WEBSOCKET, &stage.settings)
            && !stage.session.may_ride_on(HTTP, &stage.settings)
    );
}

#[test]
fn events_are_pushed_even_before_the_first_connect() {
    let mut stage = Stage::handshaken();
    stage.session.attach();
    stage.push(1);
    assert!(stage.session.may_push_now());
}

#[test]
fn a_queue_answers_the_next_poll_at_once() {
    let mut stage = Stage::connected(HTTP);
    stage.push(1);
    assert_eq!(stage.connect(HTTP).answer, Answer::Now);
    assert_eq!(stage.take_all(), [1]);
    assert!(matches!(stage.connect(HTTP).answer, Answer::Hold { .. }));
}

#[test]
fn a_queue_for_an_open_wire_does_not_answer_its_heartbeat() {
    let mut stage = Stage::connected(WEBSOCKET);
    stage.push(1);
    assert!(matches!(stage.connect(WEBSOCKET).answer, Answer::Hold { .. }));
}

#[test]
fn a_delivery_between_the_verdict_and_the_hold_does_not_sleep() {
    let mut stage = Stage::connected(HTTP);
    let connect = stage.connect(HTTP);
    stage.push(1);
    stage.hold_connect(connect);
    assert!(stage.session.wakes_connect());
    assert_eq!(stage.session.on_deadline(stage.now), Due::AnswerConnect);
}

#[test]
fn callback_polling_delivers_with_connects_only() {
    let mut stage = Stage::connected(CALLBACK);
    stage.connect_as(CALLBACK, CALLBACK_CONNECT);
    stage.push(1);
    assert!(
        !stage.session.may_ride_on(CALLBACK, &stage.settings)
            && !stage.session.may_ride_on(HTTP, &stage.settings)
    );
    assert!(stage.session.may_ride_on_connect());
    assert_eq!(stage.connect_as(CALLBACK, CALLBACK_CONNECT).answer, Answer::Now);
}

#[test]
fn events_of_polling_sessions_leave_with_connects_only_so_that_none_overtakes_another() {
    let (mut stage, _) = Stage::holding(HTTP);
    stage.push(1);
    assert!(!stage.session.may_ride_on(HTTP, &stage.settings));
    assert!(stage.session.wakes_connect());
}

#[test]
fn responses_to_plain_requests_carry_events_of_polling_sessions_where_haste_is_wanted() {
    let (mut stage, _) = Stage::holding(HTTP);
    stage.settings.early_delivery = true;
    assert!(stage.session.may_ride_on(HTTP, &stage.settings));
    assert!(!stage.session.may_ride_on(CALLBACK, &stage.settings));
}

#[test]
fn strict_order_sends_events_with_connects_on_any_wire() {
    let (mut stage, _) = Stage::holding(WEBSOCKET);
    stage.session.set_connect_only(true);
    stage.push(1);
    assert!(!stage.session.may_push_now() && !stage.session.may_ride_on(HTTP, &stage.settings));
    assert!(stage.session.wakes_connect());
    stage.session.set_connect_only(false);
    assert!(stage.session.may_push_now() && !stage.session.wakes_connect());
}

#[test]
fn a_change_of_wire_changes_the_way_out_and_loses_nothing() {
    let (mut stage, held) = Stage::holding(WEBSOCKET);
    stage.push(1);
    let connect = stage.connect(HTTP);
    assert_eq!(connect.superseded, Some(held));
    assert_eq!(connect.answer, Answer::Now, "what the old wire did not carry leaves with the poll");
    assert!(!stage.session.may_push_now(), "a wire left open after the change carries nothing more");
    assert_eq!(stage.take_all(), [1]);
}
