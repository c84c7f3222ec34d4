//! The checker convicts each kind of fault, and nothing else.

use comet_testkit::{Checker, Fault, Note};

const CHANNEL: &str = "/a";

fn note(number: u64) -> Note {
    Note::new("p", number)
}

/// A run in which 1 to 5 were acknowledged and `alice`, who listened throughout, saw these.
fn run(seen: &[u64]) -> Checker {
    let mut checker = Checker::new();
    (1..=5).for_each(|number| checker.acknowledged(CHANNEL, &note(number)));
    checker.listens_throughout("alice", CHANNEL);
    seen.iter().for_each(|number| checker.saw("alice", CHANNEL, &note(*number)));
    checker
}

fn lost(number: u64) -> Fault {
    Fault::Lost { subscriber: "alice".into(), channel: CHANNEL.into(), note: note(number) }
}

#[test]
fn a_complete_run_is_clean() {
    run(&[1, 2, 3, 4, 5]).assert_clean();
}

#[test]
fn a_message_missing_in_the_middle_is_lost() {
    assert_eq!(run(&[1, 2, 4, 5]).faults(), [lost(3)]);
}

#[test]
fn acknowledged_messages_missing_at_either_end_are_lost() {
    assert_eq!(run(&[2, 3, 4]).faults(), [lost(1), lost(5)]);
    assert_eq!(run(&[]).faults().len(), 5);
}

#[test]
fn a_late_listener_need_not_see_the_beginning() {
    let mut checker = run(&[1, 2, 3, 4, 5]);
    checker.saw("late", CHANNEL, &note(4));
    checker.assert_clean();
}

#[test]
fn a_gap_that_was_told_excuses_what_is_missing_there_and_nothing_else() {
    let mut checker = run(&[1]);
    checker.told_of_gap("alice", CHANNEL);
    checker.saw("alice", CHANNEL, &note(3));
    checker.assert_clean();
    checker.saw("alice", CHANNEL, &note(5));
    assert_eq!(checker.faults(), [lost(4)]);
}

#[test]
fn a_message_seen_twice_is_repeated() {
    let repeated = Fault::Repeated { subscriber: "alice".into(), channel: CHANNEL.into(), note: note(2) };
    assert_eq!(run(&[1, 2, 2, 3, 4, 5]).faults(), [repeated]);
}

#[test]
fn a_message_seen_after_its_successor_is_late() {
    let late = Fault::Late { subscriber: "alice".into(), channel: CHANNEL.into(), note: note(2) };
    assert!(run(&[1, 3, 2, 4, 5]).faults().contains(&late));
}

#[test]
fn a_message_nobody_published_is_invented() {
    let invented = Fault::Invented { subscriber: "alice".into(), channel: CHANNEL.into(), note: note(6) };
    assert_eq!(run(&[1, 2, 3, 4, 5, 6]).faults(), [invented]);
}

#[test]
fn subscribers_who_saw_different_orders_disagree() {
    let mut checker = Checker::new();
    let (p, q) = (Note::new("p", 1), Note::new("q", 1));
    for note in [&p, &q] {
        checker.published(CHANNEL, note);
    }
    for (subscriber, order) in [("alice", [&p, &q]), ("bob", [&q, &p])] {
        order.iter().for_each(|note| checker.saw(subscriber, CHANNEL, note));
    }
    let faults = checker.faults();
    assert!(matches!(&faults[..], [Fault::Disagreement { channel, .. }] if channel == CHANNEL), "{faults:?}");
}

#[test]
fn a_publication_without_acknowledgement_may_be_missing() {
    let mut checker = run(&[1, 2, 3, 4, 5]);
    checker.published(CHANNEL, &note(6));
    checker.assert_clean();
}
