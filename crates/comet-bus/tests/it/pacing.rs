//! What waits for one session where messages give way, held against what a subscriber may expect.

use bayeux::{Channel, Deliver, Slow};
use comet_bus::{Paced, Pacing, PacingLimits};

use crate::stage::channel;

const LIMITS: PacingLimits = PacingLimits { messages: 4, bytes: 100 };
const CONFLATE: Deliver = Deliver { slow: Slow::Conflate, every_ms: 0, batch_ms: 0 };
const DROP: Deliver = Deliver { slow: Slow::DropOldest, every_ms: 0, batch_ms: 0 };

fn every(every_ms: u64) -> Deliver {
    Deliver { every_ms, ..CONFLATE }
}

fn gathered(batch_ms: u64) -> Deliver {
    Deliver { batch_ms, ..Deliver::default() }
}

/// Pushes a message of ten bytes; whether another gave way to it as its older self, how many to make room, and when it
/// may leave.
fn push(
    pacing: &mut Pacing<u32>,
    (name, key): (&str, Option<&str>),
    number: u32,
    deliver: Deliver,
    now: u64,
) -> (bool, u64, Option<u64>) {
    match pacing.push((&channel(name), key), (number, 10), deliver, now, LIMITS) {
        Paced::Waiting { conflated, dropped, until } => (conflated, dropped, until),
        Paced::Full(_) => panic!("there is room for {number}"),
    }
}

fn take(pacing: &mut Pacing<u32>, now: u64) -> Vec<u32> {
    pacing.take(now, 100, 1_000).messages
}

fn counts(counts: Vec<(Channel, u64)>) -> Vec<(String, u64)> {
    counts.into_iter().map(|(channel, count)| (channel.as_str().to_owned(), count)).collect()
}

#[test]
fn of_each_key_the_newest_waits_and_the_order_of_the_channel_is_kept() {
    let mut pacing = Pacing::default();
    for (number, key) in [(1, "x"), (2, "y"), (3, "x"), (4, "z"), (5, "x")] {
        push(&mut pacing, ("/a", Some(key)), number, CONFLATE, 0);
    }
    assert_eq!((pacing.len(), pacing.bytes()), (3, 30));
    let leaving = pacing.take(0, 100, 1_000);
    assert_eq!((leaving.messages, counts(leaving.conflated)), (vec![2, 4, 5], vec![("/a".into(), 2)]));
    assert!(leaving.dropped.is_empty() && pacing.is_empty() && pacing.is_idle());
}

#[test]
fn without_a_key_the_channel_is_the_key() {
    let mut pacing = Pacing::default();
    assert_eq!(push(&mut pacing, ("/a", None), 1, CONFLATE, 0), (false, 0, None));
    assert_eq!(push(&mut pacing, ("/b", None), 2, CONFLATE, 0), (false, 0, None));
    assert_eq!(push(&mut pacing, ("/a", None), 3, CONFLATE, 0), (true, 0, None));
    assert_eq!(take(&mut pacing, 0), [3, 2]);
}

#[test]
fn the_oldest_of_the_channel_goes_and_is_counted_for_it() {
    let mut pacing = Pacing::default();
    push(&mut pacing, ("/b", None), 0, DROP, 0);
    for number in 1..=6 {
        push(&mut pacing, ("/a", None), number, DROP, 0);
    }
    let leaving = pacing.take(0, 100, 1_000);
    assert_eq!((leaving.messages, counts(leaving.dropped)), (vec![0, 4, 5, 6], vec![("/a".into(), 3)]));
}

#[test]
fn a_channel_that_has_nothing_waiting_takes_the_room_of_another_whose_loss_is_told_later() {
    let mut pacing = Pacing::default();
    for number in 1..=4 {
        push(&mut pacing, ("/a", Some(&number.to_string())), number, CONFLATE, 0);
    }
    assert_eq!(push(&mut pacing, ("/b", None), 5, CONFLATE, 0), (false, 1, None));
    let leaving = pacing.take(0, 100, 1_000);
    assert_eq!((leaving.messages, counts(leaving.dropped)), (vec![2, 3, 4, 5], vec![("/a".into(), 1)]));

    let wide = PacingLimits { messages: 2, bytes: 20 };
    for (name, number) in [("/a", 1), ("/b", 2)] {
        let paced = pacing.push((&channel(name), None), (number, 10), CONFLATE, 0, wide);
        assert!(matches!(paced, Paced::Waiting { dropped: 0, .. }));
    }
    // A message as large as all room takes the places of both.
    let paced = pacing.push((&channel("/b"), None), (3, 20), CONFLATE, 0, wide);
    assert!(matches!(paced, Paced::Waiting { conflated: true, dropped: 1, .. }));
    let leaving = pacing.take(0, 100, 1_000);
    assert_eq!((leaving.messages, counts(leaving.conflated)), (vec![3], vec![("/b".into(), 1)]));
    assert!(!pacing.is_idle(), "the loss of /a is not told");
    push(&mut pacing, ("/a", None), 4, CONFLATE, 0);
    let leaving = pacing.take(0, 100, 1_000);
    assert_eq!((leaving.messages, counts(leaving.dropped)), (vec![4], vec![("/a".into(), 1)]));
    assert!(pacing.is_idle());
}

#[test]
fn what_does_not_give_way_keeps_its_room_whoever_else_comes() {
    let mut pacing = Pacing::default();
    for number in 1..=4 {
        push(&mut pacing, ("/whole", None), number, gathered(60_000), 0);
    }
    for deliver in [DROP, CONFLATE, gathered(10)] {
        let paced = pacing.push((&channel("/b"), None), (5, 10), deliver, 0, LIMITS);
        assert_eq!(paced, Paced::Full(5));
    }
    let leaving = pacing.take(0, 100, 1_000);
    assert_eq!((leaving.messages, leaving.dropped), (vec![1, 2, 3, 4], vec![]));
}

#[test]
fn the_first_comes_at_once_and_then_the_newest_at_most_so_often() {
    let mut pacing = Pacing::default();
    assert_eq!(push(&mut pacing, ("/a", None), 1, every(100), 1_000).2, None);
    let leaving = pacing.take(1_000, 100, 1_000);
    assert_eq!((leaving.messages, leaving.until), (vec![1], Some(1_100)));
    assert_eq!(push(&mut pacing, ("/a", None), 2, every(100), 1_010).2, Some(1_100));
    assert_eq!(push(&mut pacing, ("/a", None), 3, every(100), 1_090).2, Some(1_100));
    assert_eq!(pacing.open(1_099), Some(1_100));
    assert!(!pacing.is_ready());
    assert_eq!(pacing.open(1_100), None);
    assert_eq!(take(&mut pacing, 1_100), [3]);
    // Another channel has a pause of its own.
    assert_eq!(push(&mut pacing, ("/b", None), 4, every(100), 1_110).2, None);
    assert_eq!(take(&mut pacing, 1_110), [4]);
    // After a silence the first one comes at once again, and nothing is remembered.
    assert_eq!(pacing.open(1_300), None);
    assert!(pacing.is_idle());
    assert_eq!(push(&mut pacing, ("/a", None), 5, every(100), 1_300).2, None);
}

#[test]
fn a_pause_that_changes_holds_for_what_waits() {
    let mut pacing = Pacing::default();
    push(&mut pacing, ("/a", None), 1, every(10_000), 0);
    take(&mut pacing, 0);
    assert_eq!(push(&mut pacing, ("/a", None), 2, every(10_000), 50).2, Some(10_000));
    pacing.set_pauses(|_| 100);
    assert_eq!(pacing.open(60), Some(100));
    pacing.open(100);
    assert_eq!(take(&mut pacing, 100), [2]);
    assert_eq!(push(&mut pacing, ("/a", None), 3, CONFLATE, 110).2, None);
}

#[test]
fn what_is_gathered_leaves_whole_and_what_finds_no_room_is_given_back_behind_it() {
    let mut pacing = Pacing::default();
    push(&mut pacing, ("/a", None), 1, gathered(100), 0);
    assert_eq!(take(&mut pacing, 0), [1]);
    for number in 2..=5 {
        push(&mut pacing, ("/a", None), number, gathered(100), 10);
    }
    let full = pacing.push((&channel("/a"), None), (6, 10), gathered(100), 20, LIMITS);
    assert_eq!(full, Paced::Full(6));
    assert_eq!(pacing.take_all_of(&channel("/a")), [2, 3, 4, 5]);
    assert!(pacing.is_empty() && pacing.bytes() == 0 && pacing.is_idle());
    // Nothing is gathered in a line that is new again.
    assert_eq!(push(&mut pacing, ("/a", None), 7, gathered(100), 30).2, None);
    assert_eq!(take(&mut pacing, 30), [7]);
    assert_eq!(push(&mut pacing, ("/a", None), 8, gathered(100), 40).2, Some(130));
}

#[test]
fn only_so_much_leaves_at_once_and_one_message_at_least() {
    let mut pacing = Pacing::default();
    for number in 1..=4 {
        push(&mut pacing, ("/a", None), number, DROP, 0);
    }
    assert_eq!(pacing.take(0, 1, 1_000).messages, [1]);
    assert_eq!(pacing.take(0, 100, 15).messages, [2]);
    assert_eq!(pacing.take(0, 100, 5).messages, [3]);
    assert!(pacing.is_ready());
    assert_eq!(take(&mut pacing, 0), [4]);
}

#[test]
fn channels_that_nobody_wants_are_forgotten_with_what_waits() {
    let mut pacing = Pacing::default();
    push(&mut pacing, ("/a", None), 1, CONFLATE, 0);
    push(&mut pacing, ("/b", None), 2, CONFLATE, 0);
    pacing.retain(|channel| channel.as_str() == "/b");
    assert!(!pacing.holds(&channel("/a")) && pacing.holds(&channel("/b")));
    assert_eq!((pacing.len(), pacing.bytes()), (1, 10));
    assert_eq!(take(&mut pacing, 0), [2]);
}

#[test]
fn there_are_no_more_channels_than_messages() {
    let mut pacing = Pacing::default();
    for (number, name) in ["/a", "/b", "/c", "/d"].into_iter().enumerate() {
        push(&mut pacing, (name, None), number as u32, every(100), 0);
    }
    take(&mut pacing, 0);
    assert_eq!(pacing.push((&channel("/e"), None), (9, 10), every(100), 50, LIMITS), Paced::Full(9));
    // The pauses of the others are over.
    assert_eq!(push(&mut pacing, ("/e", None), 9, every(100), 100).2, None);
}
