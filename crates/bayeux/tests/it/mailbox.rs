//! The room of a session: live, sent again, recovered.

use bayeux::{Pushed, Settings};

use crate::stage::{HTTP, Note, Stage};

fn small() -> Settings {
    Settings {
        mailbox_messages: 4,
        mailbox_bytes: 100,
        retained_messages: 6,
        retained_bytes: 1_000,
        recovery_messages: 5,
        recovery_bytes: 60,
        ..Settings::default()
    }
}

fn push(stage: &mut Stage, number: u64) -> Pushed {
    stage.session.push(Note(number, 10), &stage.settings)
}

fn recover(stage: &mut Stage, number: u64) -> Pushed {
    stage.session.push_recovered(Note(number, 10), &stage.settings)
}

/// Pushes until the queue is full; how many there was room for.
fn room(stage: &mut Stage, first: u64) -> usize {
    (first..first + 100).take_while(|number| push(stage, *number) == Pushed::Queued).count()
}

#[test]
fn recovered_deliveries_leave_live_ones_their_full_room() {
    let mut stage = Stage::with(small());
    for number in 0..5 {
        assert_eq!(recover(&mut stage, number), Pushed::Queued);
    }
    assert_eq!(recover(&mut stage, 5), Pushed::Overflow, "they have a bound of their own");
    assert_eq!(room(&mut stage, 5), 4);
    assert_eq!(stage.take_all(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(room(&mut stage, 9), 4, "and room for more than that does not stay");
}

#[test]
fn the_room_of_recovered_deliveries_is_bounded_in_bytes() {
    let mut stage = Stage::with(small());
    assert_eq!(stage.session.push_recovered(Note(0, 61), &stage.settings), Pushed::Overflow);
    assert_eq!(stage.session.push_recovered(Note(0, 60), &stage.settings), Pushed::Queued);
    assert_eq!(stage.session.push_recovered(Note(1, 1), &stage.settings), Pushed::Overflow);
    assert_eq!(stage.session.push(Note(1, 101), &stage.settings), Pushed::Overflow);
    assert_eq!(stage.session.push(Note(1, 100), &stage.settings), Pushed::Queued);
    assert_eq!(stage.session.pending_bytes(), 160);
}

#[test]
fn the_room_for_the_past_shrinks_as_the_queue_drains() {
    let mut stage = Stage::with(small());
    (0..5).for_each(|number| assert_eq!(recover(&mut stage, number), Pushed::Queued));
    assert_eq!(stage.session.take(3, 1_000).count(), 3);
    assert_eq!(room(&mut stage, 5), 4);
    assert_eq!(stage.session.pending(), 6);
    assert_eq!(stage.take_all().len(), 6);
    (0..5).for_each(|number| assert_eq!(recover(&mut stage, number), Pushed::Queued, "recovered anew"));
}

#[test]
fn what_is_sent_again_takes_no_room_of_live_ones_however_often() {
    let mut stage = Stage::asking(r#"{"received":true}"#, small());
    stage.connect_saying(HTTP, r#"{"received":0}"#);
    let mut next = 0;
    for _ in 0..10 {
        next += room(&mut stage, next) as u64;
        assert!(stage.session.pending() <= 4 + 6 && stage.session.pending_bytes() <= 100 + 60);
        stage.session.take(4, 1_000).for_each(drop);
        assert!(stage.session.unconfirmed() <= 6);
        stage.connect_saying(HTTP, r#"{"received":0}"#);
    }
    assert_eq!(next, 8, "four at first, and four when those were kept");
    assert_eq!(room(&mut stage, next), 0);
}

#[test]
fn memory_of_a_burst_is_given_back_when_it_is_confirmed() {
    let mut stage = Stage::asking(r#"{"received":true}"#, Settings::default());
    stage.connect_saying(HTTP, r#"{"received":0}"#);
    (0..500).for_each(|number| stage.push(number));
    stage.take_all();
    assert_eq!((stage.session.unconfirmed(), stage.session.unconfirmed_bytes()), (500, 5_000));
    stage.connect_saying(HTTP, r#"{"received":500}"#);
    assert_eq!((stage.session.unconfirmed(), stage.session.unconfirmed_bytes()), (0, 0));
    let text = format!("{:?}", stage.session);
    assert!(text.contains("kept: []") && text.contains("queue: []"), "{text}");
}

#[test]
fn a_lowered_bound_holds_from_the_next_connect_on() {
    let mut stage = Stage::asking(r#"{"received":true}"#, Settings::default());
    stage.connect_saying(HTTP, r#"{"received":0}"#);
    stage.settings.retained_messages = 2;
    stage.settings.retained_bytes = 15;
    stage.connect_saying(HTTP, r#"{"received":0}"#);
    (0..5).for_each(|number| stage.push(number));
    stage.take_all();
    assert_eq!(stage.session.unconfirmed(), 1);
}

#[test]
fn what_is_discarded_leaves_its_room() {
    let mut stage = Stage::with(small());
    assert_eq!(room(&mut stage, 0), 4);
    assert_eq!(stage.session.discard(|Note(number, _)| number % 2 == 0), 2);
    assert_eq!(room(&mut stage, 4), 2);
    assert_eq!(stage.take_all(), [1, 3, 4, 5]);
    (0..5).for_each(|number| assert_eq!(recover(&mut stage, number), Pushed::Queued));
    assert_eq!(stage.session.discard(|_| true), 5);
    assert_eq!(room(&mut stage, 6), 4, "the room for the past goes with it");
    stage.take_all();
    assert_eq!(stage.session.pending_bytes(), 0);
}
