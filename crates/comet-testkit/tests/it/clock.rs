//! The clock moved by hand drives the real rules of sessions.

use bayeux::{Carrier, Due, Settings};
use comet_testkit::{ManualClock, Rehearsal};

const HTTP: Carrier = Carrier::Http { connect_only: false };

#[test]
fn the_clock_stands_still_until_it_is_moved() {
    let mut clock = ManualClock::at(5);
    assert_eq!(clock.now(), 5);
    clock.advance(3_600_000);
    assert_eq!(clock.now(), 3_600_005);
}

#[test]
fn a_held_connect_is_answered_when_its_time_is_up_without_anybody_waiting() {
    let mut rehearsal = Rehearsal::begin(Settings::default(), HTTP);
    assert_eq!(rehearsal.connects().expect("the first is answered at once")["successful"], true);
    assert_eq!(rehearsal.connects(), None);
    assert_eq!(rehearsal.waits(24_999), Due::NotYet);
    assert_eq!(rehearsal.waits(1), Due::AnswerConnect);
    let (reply, taken) = rehearsal.answers().expect("a connect is held");
    assert_eq!((reply["successful"].as_bool(), taken), (Some(true), vec![]));
}

#[test]
fn a_silent_session_expires_and_a_delivery_leaves_with_the_held_connect() {
    let mut rehearsal = Rehearsal::begin(Settings::default(), HTTP);
    rehearsal.connects();
    rehearsal.connects();
    let _ = rehearsal.gets(7);
    assert!(rehearsal.session.wakes_connect());
    assert_eq!(rehearsal.answers().expect("a connect is held").1, [7]);
    assert_eq!(rehearsal.waits(9_999), Due::NotYet);
    assert_eq!(rehearsal.waits(1), Due::Expired);
}
