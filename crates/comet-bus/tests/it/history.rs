//! Histories: what is kept, and what whoever comes back is told. The tests against a plain model are in `history_model`.

use std::sync::Arc;

use comet_bus::{Draft, History, Position, Publication, RecoveryLimits, Retention, Since};

use crate::stage::{AMPLE, channel, head, offsets};

const ALL: Retention = Retention { messages: usize::MAX, bytes: usize::MAX, age_ms: u64::MAX, newest: false };

fn at(offset: u64) -> Position {
    Position { epoch: 1, offset }
}

fn message(offset: u64, at_ms: u64, expires_at_ms: Option<u64>) -> Arc<Publication> {
    let draft = Draft { expires_at_ms, ..Draft::new(channel("/a"), "\"0123456789\"") };
    Arc::new(Publication::freeze(draft, at(offset), at_ms))
}

/// Offsets 1 to `count`, each numbered at ten times its offset.
fn filled(count: u64, retention: &Retention) -> History {
    let mut history = History::default();
    (1..=count).for_each(|offset| history.push(message(offset, offset * 10, None), retention, offset * 10));
    history
}

fn since(history: &History, since: Since, head: u64) -> Option<Vec<u64>> {
    offsets(&history.since(since, at(head), AMPLE))
}

#[test]
fn what_comes_after_a_position_is_recovered_in_order() {
    let history = filled(5, &ALL);
    assert_eq!(since(&history, Since::Position(at(0)), 5), Some(vec![1, 2, 3, 4, 5]));
    assert_eq!(since(&history, Since::Position(at(3)), 5), Some(vec![4, 5]));
    assert_eq!(since(&history, Since::Position(at(5)), 5), Some(vec![]));
    assert_eq!(head(&history.since(Since::Last(0), at(5), AMPLE)), at(5));
}

#[test]
fn the_newest_message_stays_where_it_is_wanted_whatever_its_age() {
    let newest = Retention { newest: true, ..Retention::NONE };
    assert!(!newest.is_none());
    let mut history = filled(3, &newest);
    history.trim(&newest, 1_000_000);
    assert_eq!(since(&history, Since::Last(9), 3), Some(vec![3]));
    assert_eq!(since(&history, Since::Position(at(1)), 3), None, "what was before it is a gap");
    history.push(message(4, 40, Some(50)), &newest, 40);
    history.trim(&newest, 60);
    assert!(history.is_empty(), "what has expired is no value");
    let mut history = filled(3, &newest);
    history.give_up(1_000_000);
    assert!(history.is_empty(), "all channels together have their bound");
}

#[test]
fn another_epoch_and_an_offset_beyond_the_head_are_gaps() {
    let history = filled(5, &ALL);
    assert_eq!(since(&history, Since::Position(Position { epoch: 2, offset: 5 }), 5), None);
    assert_eq!(since(&history, Since::Position(at(6)), 5), None);
}

#[test]
fn each_bound_of_the_retention_makes_a_gap_of_what_it_trims() {
    let size = message(1, 0, None).size_bytes();
    for retention in [
        Retention { messages: 3, ..ALL },
        Retention { bytes: 3 * size, ..ALL },
        Retention { age_ms: 21, ..ALL },
    ] {
        let history = filled(5, &retention);
        assert_eq!((history.len(), history.bytes()), (3, 3 * size), "{retention:?}");
        assert_eq!(since(&history, Since::Position(at(2)), 5), Some(vec![3, 4, 5]), "{retention:?}");
        assert_eq!(since(&history, Since::Position(at(1)), 5), None, "{retention:?}");
        assert_eq!(since(&history, Since::Time(20), 5), Some(vec![3, 4, 5]), "{retention:?}");
        assert_eq!(since(&history, Since::Time(19), 5), None, "{retention:?}");
        assert_eq!(since(&history, Since::Last(10), 5), Some(vec![3, 4, 5]), "{retention:?}");
    }
}

#[test]
fn a_message_that_is_greater_than_the_bound_is_lost_and_told() {
    let retention = Retention { bytes: 10, ..ALL };
    let history = filled(1, &retention);
    assert_eq!((history.len(), history.bytes(), history.lost_at_ms()), (0, 0, 10));
    assert_eq!(since(&history, Since::Position(at(0)), 1), None);
    assert_eq!(since(&history, Since::Position(at(1)), 1), Some(vec![]));
}

#[test]
fn time_alone_ages_what_nobody_follows() {
    let retention = Retention { age_ms: 100, ..ALL };
    let mut history = filled(2, &retention);
    history.trim(&retention, 109);
    assert_eq!(history.len(), 2);
    history.trim(&retention, 110);
    assert_eq!(since(&history, Since::Last(9), 2), Some(vec![2]));
    history.trim(&retention, u64::MAX);
    assert!(history.is_empty());
    assert_eq!(
        since(&history, Since::Position(at(2)), 2),
        Some(vec![]),
        "whoever has seen all misses nothing"
    );
    assert_eq!(since(&history, Since::Position(at(1)), 2), None);
}

#[test]
fn expired_messages_go_without_a_gap() {
    let mut history = History::default();
    history.push(message(1, 0, Some(50)), &ALL, 0);
    history.push(message(2, 0, None), &ALL, 0);
    history.push(message(3, 0, Some(60)), &ALL, 0);
    history.trim(&ALL, 49);
    assert_eq!(since(&history, Since::Position(at(0)), 3), Some(vec![1, 2, 3]));
    history.trim(&ALL, 60);
    assert_eq!(since(&history, Since::Position(at(0)), 3), Some(vec![2]));
    assert_eq!(history.bytes(), message(2, 0, None).size_bytes());
}

#[test]
fn a_bound_that_reaches_an_expired_message_first_makes_no_gap() {
    let retention = Retention { messages: 1, ..ALL };
    let mut history = History::default();
    history.push(message(1, 0, Some(50)), &retention, 0);
    history.push(message(2, 50, None), &retention, 50);
    assert_eq!(since(&history, Since::Position(at(0)), 2), Some(vec![2]));
    history.push(message(3, 50, Some(60)), &retention, 50);
    assert_eq!(since(&history, Since::Position(at(1)), 3), None, "message 2 has not expired");
}

#[test]
fn a_recovery_beyond_its_limits_is_a_gap_and_the_newest_are_cut_to_them() {
    let history = filled(5, &ALL);
    let size = message(1, 0, None).size_bytes();
    for limits in [RecoveryLimits { messages: 2, ..AMPLE }, RecoveryLimits { bytes: 2 * size, ..AMPLE }] {
        let recover = |since| offsets(&history.since(since, at(5), limits));
        assert_eq!(recover(Since::Position(at(3))), Some(vec![4, 5]));
        assert_eq!(recover(Since::Position(at(2))), None);
        assert_eq!(recover(Since::Time(30)), Some(vec![4, 5]));
        assert_eq!(recover(Since::Time(29)), None);
        assert_eq!(recover(Since::Last(5)), Some(vec![4, 5]));
        assert_eq!(recover(Since::Last(1)), Some(vec![5]));
        assert_eq!(recover(Since::Last(0)), Some(vec![]));
    }
}

#[test]
fn what_is_passed_over_is_lost_unless_it_has_expired() {
    let mut history = History::default();
    history.pass_over(1, 10, true);
    assert_eq!(since(&history, Since::Position(at(0)), 1), Some(vec![]));
    history.pass_over(2, 20, false);
    assert_eq!(since(&history, Since::Position(at(1)), 2), None);
    assert_eq!(since(&history, Since::Position(at(2)), 2), Some(vec![]));
    assert_eq!(
        (since(&history, Since::Time(19), 2), since(&history, Since::Time(20), 2)),
        (None, Some(vec![]))
    );
}

#[test]
fn a_history_gives_up_its_oldest_quarter_but_at_least_one() {
    let size = message(1, 0, None).size_bytes();
    let mut history = filled(5, &ALL);
    history.give_up(50);
    assert_eq!(since(&history, Since::Last(9), 5), Some(vec![3, 4, 5]));
    assert_eq!(history.bytes(), 3 * size);
    assert_eq!(since(&history, Since::Position(at(1)), 5), None, "giving up is losing");
    history.give_up(50);
    assert_eq!(since(&history, Since::Last(9), 5), Some(vec![4, 5]));
    (0..3).for_each(|_| history.give_up(50));
    assert!(history.is_empty());
}

#[test]
fn a_clock_that_was_set_back_hides_nothing() {
    let mut history = History::default();
    for (offset, at_ms) in [(1, 100), (2, 50), (3, 60)] {
        history.push(message(offset, at_ms, None), &ALL, at_ms);
    }
    assert_eq!(since(&history, Since::Time(55), 3), Some(vec![1, 3]));
}

#[test]
fn a_history_without_messages_is_small() {
    assert!(std::mem::size_of::<History>() <= 72);
}
