//! Those who come back to a home, and what a home gets back at its start.

use std::sync::Arc;

use bayeux::Channel;
use comet_bus::{
    Draft, Full, Home, HomeConfig, Position, Publication, Recovered, RecoveredMatching, RecoveryLimits,
    Retention, Since,
};

use crate::stage::{AMPLE, channel, config, head, offsets, pattern, publish, table};

const ALL: Retention = Retention { messages: 1_000, bytes: 1 << 20, age_ms: u64::MAX, newest: false };

fn at(offset: u64) -> Position {
    Position { epoch: 9, offset }
}

fn recover(home: &mut Home, name: &str, since: Since) -> Option<Vec<u64>> {
    offsets(&home.recover(&channel(name), since, AMPLE, 1_000))
}

#[test]
fn whoever_comes_back_gets_what_was_missed() {
    let mut home = Home::new(config());
    for number in 1..=4 {
        publish(&mut home, "/a", number, 100 * number as u64);
    }
    assert_eq!(recover(&mut home, "/a", Since::Position(at(2))), Some(vec![3, 4]));
    assert_eq!(recover(&mut home, "/a", Since::Time(300)), Some(vec![4]));
    assert_eq!(recover(&mut home, "/a", Since::Last(1)), Some(vec![4]));
    assert_eq!(head(&home.recover(&channel("/a"), Since::Last(0), AMPLE, 0)), at(4));
}

#[test]
fn what_has_grown_too_old_or_expired_is_not_recovered() {
    let history = Retention { age_ms: 500, ..ALL };
    let mut home = Home::new(HomeConfig { table: table(history), ..config() });
    publish(&mut home, "/a", 1, 500);
    publish(&mut home, "/a", 2, 501);
    home.publish(Draft { expires_at_ms: Some(1_000), ..Draft::new(channel("/a"), "3") }, 600).unwrap();
    assert_eq!(recover(&mut home, "/a", Since::Last(9)), Some(vec![2]));
    assert_eq!(recover(&mut home, "/a", Since::Position(at(1))), Some(vec![2]));
    assert_eq!(recover(&mut home, "/a", Since::Position(at(0))), None);
}

#[test]
fn a_channel_without_messages_has_only_the_place_before_the_first() {
    let mut home = Home::new(HomeConfig { known_since_ms: 50, ..config() });
    assert_eq!(recover(&mut home, "/a", Since::Position(at(0))), Some(vec![]));
    assert_eq!(recover(&mut home, "/a", Since::Position(at(1))), None);
    assert_eq!(recover(&mut home, "/a", Since::Position(Position { epoch: 8, offset: 0 })), None);
    assert_eq!(recover(&mut home, "/a", Since::Last(5)), Some(vec![]));
    assert_eq!(recover(&mut home, "/a", Since::Time(50)), Some(vec![]));
    let start = home.head(&channel("/a"));
    publish(&mut home, "/a", 1, 60);
    assert_eq!(recover(&mut home, "/a", Since::Position(start)), Some(vec![1]));
}

#[test]
fn a_time_before_the_home_knew_anything_is_a_gap() {
    let mut home = Home::new(HomeConfig { known_since_ms: 50, ..config() });
    assert_eq!(recover(&mut home, "/a", Since::Time(49)), None);
    publish(&mut home, "/a", 1, 60);
    assert_eq!(recover(&mut home, "/a", Since::Time(49)), None);
    assert_eq!(recover(&mut home, "/a", Since::Time(50)), Some(vec![1]));
    assert!(!home.recover_matching(&pattern("/b/*"), &[], Some(49), AMPLE, 60).complete);
    assert!(home.recover_matching(&pattern("/b/*"), &[], Some(50), AMPLE, 60).complete);
}

/// The channels of an answer with their offsets, by name.
fn by_name(answer: &RecoveredMatching) -> Vec<(&str, Option<Vec<u64>>)> {
    let mut channels: Vec<_> =
        answer.channels.iter().map(|(channel, recovered)| (channel.as_str(), offsets(recovered))).collect();
    channels.sort();
    channels
}

#[test]
fn a_pattern_recovers_each_channel_since_its_position_or_the_time() {
    let mut home = Home::new(config());
    for (number, name) in ["/a/x", "/a/y", "/a/z", "/a/y", "/a/x", "/a/x/deep", "/b"].into_iter().enumerate()
    {
        publish(&mut home, name, number, 100 + number as u64);
    }
    let positions = [
        (channel("/a/x"), at(1)),
        (channel("/a/z"), at(1)),
        (channel("/a/gone"), at(4)),
        (channel("/a/new"), at(0)),
        (channel("/b"), at(0)),
    ];
    let answer = home.recover_matching(&pattern("/a/*"), &positions, Some(101), AMPLE, 200);
    assert_eq!(by_name(&answer), [("/a/gone", None), ("/a/x", Some(vec![2])), ("/a/y", Some(vec![2]))]);
    assert!(answer.complete);
    let answer = home.recover_matching(&pattern("/a/*"), &positions, None, AMPLE, 200);
    assert_eq!(by_name(&answer), [("/a/gone", None), ("/a/x", Some(vec![2]))], "no time asks for no others");
    let answer = home.recover_matching(&pattern("/**"), &[], Some(104), AMPLE, 200);
    assert_eq!(by_name(&answer), [("/a/x/deep", Some(vec![1])), ("/b", Some(vec![1]))]);
}

#[test]
fn the_limits_hold_for_the_whole_answer_of_a_pattern() {
    let mut home = Home::new(config());
    for number in 0..8 {
        publish(&mut home, &format!("/a/{}", number % 4), number, 100);
    }
    let recover =
        |home: &mut Home, limits| home.recover_matching(&pattern("/a/*"), &[], Some(99), limits, 200);
    let whole = recover(&mut home, AMPLE);
    assert_eq!(whole.channels.len(), 4);
    let size = |recovered: &Recovered| match recovered {
        Recovered::Messages { publications, .. } => {
            publications.iter().map(|publication| publication.size_bytes()).sum()
        }
        Recovered::Gap { .. } => 0,
    };
    let one: usize = size(&whole.channels[0].1);
    for limits in [RecoveryLimits { messages: 5, ..AMPLE }, RecoveryLimits { bytes: 3 * one - 1, ..AMPLE }] {
        let answer = recover(&mut home, limits);
        let gaps = answer.channels.iter().filter(|(_, recovered)| offsets(recovered).is_none()).count();
        assert_eq!((answer.channels.len(), gaps, answer.complete), (4, 2, true), "{limits:?}");
    }
    let answer = recover(&mut home, RecoveryLimits { messages: 1, ..AMPLE });
    assert_eq!((answer.channels.len(), answer.complete), (1, false), "not even all gaps can be named");
}

/// What `home` has published on a channel.
fn kept(home: &mut Home, name: &str) -> Vec<Arc<Publication>> {
    match home.recover(&channel(name), Since::Last(usize::MAX), AMPLE, 0) {
        Recovered::Messages { publications, .. } => publications,
        Recovered::Gap { .. } => panic!("the last are never a gap"),
    }
}

fn restored(publications: &[Arc<Publication>], head: u64) -> Home {
    let mut home = Home::new(HomeConfig { epoch: 1_000, known_since_ms: 900, ..config() });
    home.restore(&channel("/a"), at(head), publications.to_vec()).expect("there is room");
    home
}

#[test]
fn a_restored_channel_goes_on_where_it_stood() {
    let mut before = Home::new(config());
    for number in 1..=3 {
        publish(&mut before, "/a", number, 100 * number as u64);
    }
    let mut home = restored(&kept(&mut before, "/a"), 3);
    assert_eq!(home.history_bytes(), before.history_bytes());
    assert_eq!(recover(&mut home, "/a", Since::Position(at(1))), Some(vec![2, 3]));
    assert_eq!(recover(&mut home, "/a", Since::Time(99)), Some(vec![1, 2, 3]));
    assert_eq!(recover(&mut home, "/a", Since::Time(98)), None, "an earlier epoch may have had messages");
    assert_eq!(publish(&mut home, "/a", 4, 1_000), at(4));
    assert_eq!(recover(&mut home, "/a", Since::Position(at(0))), Some(vec![1, 2, 3, 4]));
    let answer = home.recover_matching(&pattern("/**"), &[], Some(950), AMPLE, 1_000);
    assert_eq!(by_name(&answer), [("/a", Some(vec![4]))]);
}

#[test]
fn what_a_restored_channel_misses_is_lost() {
    let mut before = Home::new(config());
    for number in 1..=5 {
        publish(&mut before, "/a", number, 100 * number as u64);
    }
    let all = kept(&mut before, "/a");

    let mut home = restored(&all[2..], 5);
    assert_eq!(recover(&mut home, "/a", Since::Position(at(1))), None);
    assert_eq!(recover(&mut home, "/a", Since::Position(at(2))), Some(vec![3, 4, 5]));
    assert_eq!(
        (recover(&mut home, "/a", Since::Time(299)), recover(&mut home, "/a", Since::Time(400))),
        (None, Some(vec![5]))
    );

    let mut home = restored(&[all[0].clone(), all[3].clone()], 4);
    assert_eq!(recover(&mut home, "/a", Since::Position(at(2))), None);
    assert_eq!(recover(&mut home, "/a", Since::Position(at(3))), Some(vec![4]));

    let mut home = restored(&all[..4], 5);
    assert_eq!(recover(&mut home, "/a", Since::Position(at(4))), None);
    assert_eq!(recover(&mut home, "/a", Since::Time(899)), None);
    assert_eq!(publish(&mut home, "/a", 6, 1_000), at(6));

    let mut home = restored(&[], 5);
    assert_eq!(recover(&mut home, "/a", Since::Position(at(5))), Some(vec![]));
    assert_eq!(
        (recover(&mut home, "/a", Since::Time(899)), recover(&mut home, "/a", Since::Time(900))),
        (None, Some(vec![]))
    );
}

#[test]
fn publications_that_do_not_fit_a_restored_position_are_left_out() {
    let mut before = Home::new(config());
    for number in 1..=3 {
        publish(&mut before, "/a", number, 100);
    }
    let all = kept(&mut before, "/a");
    let mut home = restored(&[all[1].clone(), all[0].clone(), all[1].clone(), all[2].clone()], 2);
    assert_eq!(recover(&mut home, "/a", Since::Last(9)), Some(vec![2]));
    let mut other = Home::new(HomeConfig { epoch: 1_000, ..config() });
    other.restore(&channel("/a"), Position { epoch: 7, offset: 3 }, all).unwrap();
    assert_eq!(recover(&mut other, "/a", Since::Last(9)), Some(vec![]));
}

#[test]
fn a_channel_that_is_counted_is_not_restored_and_a_full_home_takes_none() {
    let mut home = Home::new(HomeConfig { channels: 1, ..config() });
    let place = publish(&mut home, "/a", 1, 0);
    home.restore(&channel("/a"), Position { epoch: 5, offset: 70 }, Vec::new()).unwrap();
    assert_eq!(home.head(&channel("/a")), place);
    assert_eq!(home.restore(&channel("/b"), at(1), Vec::new()), Err(Full));
}

#[test]
fn the_epochs_of_a_home_are_later_than_those_it_gets_back() {
    let mut home = Home::new(HomeConfig { channels: 3, ..config() });
    home.restore(&channel("/a"), Position { epoch: 10, offset: 1 }, Vec::new()).unwrap();
    for name in ["/b", "/c"] {
        publish(&mut home, name, 1, 2_000);
    }
    home.forget(1_000, 2_000, 100);
    assert_eq!(home.channels(), 2);
    let again = publish(&mut home, "/a", 1, 3_000);
    assert!(again.epoch > 10, "{again}");
}

#[test]
fn a_restored_history_keeps_to_the_bounds() {
    let mut before = Home::new(config());
    for number in 1..=5 {
        publish(&mut before, "/a", number, 100);
    }
    let all = kept(&mut before, "/a");
    let bound = 2 * all[0].size_bytes();
    let history = Retention { messages: 3, ..ALL };
    let mut home = Home::new(HomeConfig { table: table(history), history_bytes: bound, ..config() });
    home.restore(&Channel::parse("/a").unwrap(), at(5), all).unwrap();
    assert_eq!(recover(&mut home, "/a", Since::Last(9)), Some(vec![4, 5]));
    assert_eq!(home.history_bytes(), bound);
    assert_eq!(recover(&mut home, "/a", Since::Position(at(2))), None);
}

#[test]
fn a_pattern_among_very_many_channels_is_looked_for_no_longer_than_a_bound() {
    const MOST: usize = 10_000;
    let history = Retention { messages: 1, bytes: 1 << 10, age_ms: u64::MAX, newest: false };
    let mut home = Home::new(HomeConfig {
        channels: MOST + 2,
        history_bytes: 1 << 30,
        table: table(history),
        ..config()
    });
    publish(&mut home, "/a/first", 1, 100);
    for number in 1..MOST {
        publish(&mut home, &format!("/b/{number}"), number, 101);
    }
    let answer = home.recover_matching(&pattern("/a/*"), &[], Some(99), AMPLE, 200);
    assert_eq!((by_name(&answer), answer.complete), (vec![("/a/first", Some(vec![1]))], true));
    publish(&mut home, "/b/one/more", 1, 102);
    let answer = home.recover_matching(&pattern("/a/*"), &[], Some(99), AMPLE, 200);
    assert_eq!((by_name(&answer), answer.complete), (vec![], false));
}
