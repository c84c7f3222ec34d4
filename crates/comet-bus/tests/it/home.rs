//! Homes: positions that never repeat, and the shards a publication has to reach.

use bayeux::Channel;
use comet_bus::{Full, Home, MAX_SHARDS, Position, Publication, ShardSet, home_of};

fn channel(name: &str) -> Channel {
    Channel::parse(name).expect("a channel")
}

#[test]
fn a_channel_counts_from_one_and_by_one() {
    let mut home = Home::new(9, 10);
    for offset in 1..=3 {
        assert_eq!(home.number(&channel("/a"), 0).unwrap().0, Position { epoch: 9, offset });
    }
    assert_eq!(home.number(&channel("/b"), 0).unwrap().0, Position { epoch: 9, offset: 1 });
}

#[test]
fn a_forgotten_channel_counts_anew_in_another_epoch() {
    let mut home = Home::new(1, 10);
    let (before, _) = home.number(&channel("/a"), 100).unwrap();
    home.number(&channel("/b"), 200).unwrap();
    home.forget(150);
    assert_eq!(home.channels(), 1);
    let (after, _) = home.number(&channel("/a"), 300).unwrap();
    assert_ne!(before.epoch, after.epoch, "an offset must not repeat within an epoch");
    assert_eq!(home.number(&channel("/b"), 300).unwrap().0, Position { epoch: 1, offset: 2 });
}

#[test]
fn a_full_home_refuses_new_channels_and_goes_on_counting_old_ones() {
    let mut home = Home::new(1, 1);
    assert!(home.number(&channel("/a"), 0).is_ok());
    assert_eq!(home.number(&channel("/b"), 0), Err(Full));
    assert!(home.number(&channel("/a"), 0).is_ok());
}

#[test]
fn a_publication_reaches_the_shards_that_listen_to_it_by_name_or_by_pattern() {
    let mut home = Home::new(1, 10);
    home.on_interest(0, "/a/b", true);
    home.on_interest(5, "/a/*", true);
    home.on_interest(63, "/**", true);
    home.on_interest(7, "/a/c", true);
    let shards = |home: &mut Home| home.number(&channel("/a/b"), 0).unwrap().1.iter().collect::<Vec<_>>();
    assert_eq!(shards(&mut home), [0, 5, 63]);
    home.on_interest(5, "/a/*", false);
    home.on_interest(5, "/a/*", false);
    assert_eq!(shards(&mut home), [0, 63]);
}

#[test]
fn sets_of_shards_hold_each_shard_once() {
    let mut set = ShardSet::default();
    for shard in [MAX_SHARDS - 1, 0, 0] {
        set.insert(shard);
    }
    assert_eq!(set.iter().collect::<Vec<_>>(), [0, MAX_SHARDS - 1]);
    set.remove(0);
    set.remove(MAX_SHARDS - 1);
    assert!(set.is_empty());
}

#[test]
fn homes_spread_over_the_shards_and_stay_where_they_are() {
    let mut counts = [0; 4];
    for number in 0..4_000 {
        let name = format!("/room/{number}");
        assert_eq!(home_of(&name, 4), home_of(&name, 4));
        counts[home_of(&name, 4)] += 1;
    }
    assert!(counts.iter().all(|count| (700..1_300).contains(count)), "{counts:?}");
}

#[test]
fn a_frozen_publication_is_the_event_that_subscribers_get() {
    let position = Position { epoch: 0x2a, offset: 3 };
    let publication = Publication::freeze(channel("/a"), position, "[1]", Some("{\"x\":1}"));
    assert_eq!(publication.event.as_ref(), br#"{"channel":"/a","data":[1],"ext":{"x":1}}"#);
    assert_eq!(publication.position.to_string(), "2a-3");
}
