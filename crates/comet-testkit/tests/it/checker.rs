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
    checker.on_outage("alice", true);
    checker.told_of_gap("alice", CHANNEL);
    checker.saw("alice", CHANNEL, &note(3));
    assert_eq!(checker.faults(), [lost(4), lost(5)]);
    checker.saw("alice", CHANNEL, &note(5));
    assert_eq!(checker.faults(), [lost(4)]);
}

#[test]
fn a_gap_at_either_end_excuses_that_end() {
    let mut checker = run(&[]);
    checker.on_outage("alice", true);
    checker.told_of_gap("alice", CHANNEL);
    checker.assert_clean();
    checker.saw("alice", CHANNEL, &note(4));
    assert_eq!(checker.faults(), [lost(5)]);
    checker.allow_gap("alice", CHANNEL);
    checker.told_of_gap("alice", CHANNEL);
    checker.assert_clean();
}

#[test]
fn a_gap_needs_an_outage_longer_than_the_window_and_each_has_one() {
    let needless = Fault::NeedlessGap { subscriber: "alice".into(), channel: CHANNEL.into() };
    let gaps = |outages: &[bool]| {
        let mut checker = run(&[1, 2, 3, 4, 5]);
        outages.iter().for_each(|longer_than_window| checker.on_outage("alice", *longer_than_window));
        checker.told_of_gap("alice", CHANNEL);
        checker.told_of_gap("alice", CHANNEL);
        checker.faults()
    };
    assert_eq!(gaps(&[]), [needless.clone(), needless.clone()]);
    assert_eq!(gaps(&[false]), [needless.clone(), needless.clone()]);
    assert_eq!(gaps(&[true, false]), [needless]);
    assert_eq!(gaps(&[true, true]), []);
}

#[test]
fn what_comes_after_a_gap_is_later_than_all_before_it() {
    let mut checker = run(&[1, 4]);
    checker.on_outage("alice", true);
    checker.told_of_gap("alice", CHANNEL);
    [3, 5].iter().for_each(|number| checker.saw("alice", CHANNEL, &note(*number)));
    let late = Fault::Late { subscriber: "alice".into(), channel: CHANNEL.into(), note: note(3) };
    assert_eq!(checker.faults(), [lost(2), late]);
}

#[test]
fn an_excused_loss_is_no_fault_on_any_channel_and_later_ones_are() {
    let mut checker = run(&[1]);
    checker.excuse_loss("alice");
    checker.saw("alice", CHANNEL, &note(3));
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
    assert_eq!(run(&[1, 3, 2, 4, 5]).faults(), [late]);
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

#[test]
fn a_publication_without_acknowledgement_that_one_saw_is_lost_to_the_others() {
    let mut checker = run(&[1, 2, 3, 4, 5]);
    checker.published(CHANNEL, &note(6));
    checker.saw("bob", CHANNEL, &note(6));
    assert_eq!(checker.faults(), [lost(6)]);
}

#[test]
fn who_sees_messages_out_of_their_places_is_convicted_without_a_second_witness() {
    let mut checker = Checker::new();
    let (p, q, r) = (Note::new("p", 1), Note::new("q", 1), Note::new("r", 1));
    checker.acknowledged_at(CHANNEL, &p, "one", 8);
    checker.acknowledged_at(CHANNEL, &q, "one", 9);
    checker.acknowledged_at(CHANNEL, &r, "two", 1);
    [&q, &p, &r].into_iter().for_each(|note| checker.saw("alice", CHANNEL, note));
    let (subscriber, channel) = ("alice".to_owned(), CHANNEL.to_owned());
    assert_eq!(checker.faults(), [Fault::OutOfPlace { subscriber, channel, note: p }]);
}
