//! What a home forgets, and in which order.

use comet_bus::{Draft, Home, HomeConfig, Position, Retention, Since};

use crate::stage::{AMPLE, channel, config, offsets, pattern, publish, table};

const ALL: Retention = Retention { messages: 1_000, bytes: 1 << 20, age_ms: u64::MAX, newest: false };

fn aging(age_ms: u64) -> HomeConfig {
    HomeConfig { table: table(Retention { age_ms, ..ALL }), ..config() }
}

fn kept(home: &mut Home, name: &str, now_ms: u64) -> Vec<u64> {
    offsets(&home.recover(&channel(name), Since::Last(usize::MAX), AMPLE, now_ms)).expect("never a gap")
}

#[test]
fn a_forgotten_channel_counts_anew_in_another_epoch() {
    let mut home = Home::new(HomeConfig { channels: 2, ..aging(10) });
    let before = publish(&mut home, "/a", 1, 100);
    publish(&mut home, "/b", 1, 200);
    home.forget(150, 300, 100);
    assert_eq!(home.channels(), 1);
    let after = publish(&mut home, "/a", 1, 300);
    assert_ne!(before.epoch, after.epoch, "an offset must not repeat within an epoch");
    assert_eq!(publish(&mut home, "/b", 1, 300), Position { epoch: 9, offset: 2 });
    let recovered = home.recover(&channel("/a"), Since::Position(before), AMPLE, 300);
    assert_eq!(offsets(&recovered), None);
}

#[test]
fn nothing_is_forgotten_while_half_of_the_room_is_free() {
    let mut home = Home::new(HomeConfig { channels: 4, ..aging(10) });
    for (number, name) in ["/a", "/b", "/c"].into_iter().enumerate() {
        publish(&mut home, name, number, number as u64);
    }
    home.forget(1_000, 1_000, 100);
    assert_eq!(home.channels(), 2);
    assert_eq!(home.head(&channel("/a")).offset, 0, "the least recently used goes first");
    home.forget(2_000, 2_000, 100);
    assert_eq!(home.channels(), 2);
}

#[test]
fn a_channel_that_was_used_or_remembers_stays() {
    let mut home = Home::new(HomeConfig { channels: 1, ..aging(100) });
    publish(&mut home, "/a", 1, 1_000);
    home.forget(1_000, 5_000, 100);
    assert_eq!(home.channels(), 1, "it was used at that very time");
    home.forget(1_001, 1_099, 100);
    assert_eq!(home.channels(), 1, "its message is not too old");
    home.forget(1_001, 1_100, 100);
    assert_eq!(home.channels(), 0);
}

#[test]
fn a_channel_that_remembers_does_not_shield_those_behind_it() {
    let long = Retention { age_ms: 1_000_000, ..ALL };
    let rules = [(pattern("/long"), comet_bus::ChannelOptions { history: long, ..Default::default() })];
    let short = comet_bus::ChannelOptions { history: Retention { age_ms: 10, ..ALL }, ..Default::default() };
    let table = comet_bus::ChannelTable::new(short, rules).into();
    let mut home = Home::new(HomeConfig { channels: 2, table, ..config() });
    publish(&mut home, "/long", 1, 0);
    publish(&mut home, "/short", 1, 1);
    home.forget(500, 1_000, 100);
    assert_eq!(home.head(&channel("/long")).offset, 1);
    assert_eq!(home.head(&channel("/short")).offset, 0);
}

#[test]
fn a_time_before_something_forgotten_was_published_is_a_gap() {
    let mut home = Home::new(HomeConfig { channels: 1, ..aging(10) });
    publish(&mut home, "/a", 1, 100);
    home.forget(200, 200, 100);
    let recover =
        |home: &mut Home, time_ms| offsets(&home.recover(&channel("/a"), Since::Time(time_ms), AMPLE, 300));
    assert_eq!((recover(&mut home, 99), recover(&mut home, 100)), (None, Some(vec![])));
    assert!(!home.recover_matching(&pattern("/*"), &[], Some(99), AMPLE, 300).complete);
    assert!(home.recover_matching(&pattern("/*"), &[], Some(100), AMPLE, 300).complete);
    publish(&mut home, "/a", 1, 300);
    assert_eq!((recover(&mut home, 99), recover(&mut home, 100)), (None, Some(vec![1])));
}

#[test]
fn forgetting_looks_at_a_bounded_number_and_goes_on_where_it_stopped() {
    let long = Retention { age_ms: 1_000_000, ..ALL };
    let rules = [(pattern("/long/*"), comet_bus::ChannelOptions { history: long, ..Default::default() })];
    let short = comet_bus::ChannelOptions { history: Retention { age_ms: 10, ..ALL }, ..Default::default() };
    let table = comet_bus::ChannelTable::new(short, rules).into();
    let mut home = Home::new(HomeConfig { channels: 12, table, ..config() });
    let names = ["/long/a", "/long/b", "/long/c", "/a", "/b", "/c", "/d", "/e"];
    for (number, name) in names.into_iter().enumerate() {
        publish(&mut home, name, 1, number as u64);
    }
    assert!(home.forget(500, 1_000, 2), "more is to be looked at");
    // What is used while a walk stands before it is passed over.
    publish(&mut home, "/long/c", 2, 1_000);
    assert!(home.forget(500, 1_000, 1));
    assert_eq!((home.channels(), home.head(&channel("/a")).offset), (7, 0));
    assert!(!home.forget(500, 1_000, 9), "half of the room is free");
    assert_eq!((home.channels(), home.head(&channel("/c")).offset), (6, 1));
    // The next walk begins with the oldest.
    publish(&mut home, "/f", 1, 1_000);
    assert!(home.forget(500, 2_000_000, 1), "there may be more");
    assert_eq!((home.channels(), home.head(&channel("/long/a")).offset), (6, 0));
}

#[test]
fn a_full_home_forgets_the_least_recently_used_channel_that_nobody_listens_to() {
    let mut home = Home::new(HomeConfig { channels: 4, ..config() });
    home.on_interest(3, "/heard", true);
    home.on_interest(3, "/**", true);
    let first = publish(&mut home, "/heard", 1, 100);
    for (number, name) in ["/a", "/b", "/c"].into_iter().enumerate() {
        publish(&mut home, name, 1, 200 + number as u64);
    }
    publish(&mut home, "/a", 2, 300);
    let before = home.head(&channel("/b"));
    publish(&mut home, "/d", 1, 400);
    assert_eq!(home.channels(), 4);
    assert_eq!(home.head(&channel("/b")).offset, 0, "it was used the longest ago of those nobody listens to");
    for (name, expected) in [("/heard", vec![1]), ("/a", vec![1, 2]), ("/c", vec![1]), ("/d", vec![1])] {
        assert_eq!(kept(&mut home, name, 400), expected, "{name}");
    }
    // What went with it is told, to whomever asks from before.
    let mut recover = |name: &str, since| offsets(&home.recover(&channel(name), since, AMPLE, 400));
    assert_eq!(recover("/b", Since::Position(before)), None);
    assert_eq!(recover("/b", Since::Position(Position { offset: 0, ..before })), None);
    assert_eq!((recover("/b", Since::Time(200)), recover("/b", Since::Time(201))), (None, Some(vec![])));
    assert_eq!(recover("/heard", Since::Position(first)), Some(vec![]));
    let mut matching = |time_ms| home.recover_matching(&pattern("/**"), &[], Some(time_ms), AMPLE, 400);
    assert_eq!((matching(200).complete, matching(201).complete), (false, true));
    let again = publish(&mut home, "/b", 1, 500);
    assert_ne!(again.epoch, before.epoch, "an offset must not repeat within an epoch");
    assert_eq!(home.head(&channel("/c")).offset, 0, "then the next one went");
    home.on_interest(3, "/heard", false);
    publish(&mut home, "/e", 1, 600);
    assert_eq!(
        home.head(&channel("/heard")).offset,
        0,
        "where nobody listens any more it goes like the others"
    );
}

#[test]
fn channels_that_may_not_go_do_not_keep_others_from_going() {
    let mut home = Home::new(HomeConfig { channels: 1_000, ..config() });
    for number in 0..999 {
        let name = format!("/heard/{number}");
        home.on_interest(0, &name, true);
        publish(&mut home, &name, number, 0);
    }
    publish(&mut home, "/invented", 1, 0);
    let mut attempts = 0;
    while home.publish(Draft::new(channel("/new"), "1"), 1).is_err() {
        attempts += 1;
        assert!(attempts < 5, "a bounded number of them is looked at for each, and each time others");
    }
    assert!(attempts > 0);
    assert_eq!((home.channels(), home.head(&channel("/invented")).offset), (1_000, 0));
    assert_eq!(home.head(&channel("/heard/0")).offset, 1);
}

#[test]
fn an_epoch_goes_on_until_something_is_forgotten_that_was_counted_under_it() {
    let mut home = Home::new(HomeConfig { channels: 2, ..config() });
    let epochs: Vec<u64> =
        (0..6).map(|number| publish(&mut home, &format!("/n/{number}"), 1, 0).epoch).collect();
    assert_eq!(epochs, [9, 9, 10, 10, 11, 11]);
}

#[test]
fn a_place_before_the_first_message_holds_while_what_was_counted_since_is_counted() {
    let mut home = Home::new(HomeConfig { channels: 8, ..aging(10) });
    let names = ["/a", "/b", "/c", "/d", "/e", "/f"];
    for (number, name) in names.into_iter().enumerate() {
        publish(&mut home, name, 1, number as u64);
    }
    let first = home.head(&channel("/new"));
    home.forget(0, 50, 10);
    let told = home.head(&channel("/new"));
    assert_ne!(first, told, "an epoch tells about when it was told");
    publish(&mut home, "/g", 1, 60);
    home.forget(2, 60, 10);
    assert_eq!(home.channels(), 5, "/a and /b are forgotten");
    let place = publish(&mut home, "/new", 1, 70);
    assert_ne!(place.epoch, told.epoch);
    let mut recover =
        |name: &str, told| offsets(&home.recover(&channel(name), Since::Position(told), AMPLE, 70));
    assert_eq!((recover("/new", told), recover("/other", told)), (Some(vec![1]), Some(vec![])));
    assert_eq!((recover("/new", first), recover("/other", first)), (None, None), "/a was counted then");
    assert_eq!(recover("/c", told), None, "nobody was told that of a channel that was counted");
    let mut matching = home.recover_matching(&pattern("/new"), &[(channel("/new"), told)], None, AMPLE, 70);
    assert_eq!(matching.channels.pop().map(|(_, recovered)| offsets(&recovered)), Some(Some(vec![1])));
    // Once it is forgotten itself, something of it is lost.
    (0..8).for_each(|number| {
        publish(&mut home, &format!("/n/{number}"), 1, 80);
    });
    publish(&mut home, "/new", 1, 90);
    assert_eq!(offsets(&home.recover(&channel("/new"), Since::Position(told), AMPLE, 90)), None);
}

#[test]
fn a_sweep_drops_what_is_too_old_a_bounded_number_of_channels_at_a_time() {
    let mut home = Home::new(aging(100));
    let names = ["/a", "/b", "/c", "/d"];
    for name in names {
        publish(&mut home, name, 1, 0);
        home.publish(Draft { expires_at_ms: Some(60), ..Draft::new(channel(name), "2") }, 50).unwrap();
    }
    let full = home.history_bytes();
    home.sweep(59, 100);
    assert_eq!(home.history_bytes(), full);
    home.sweep(60, 1);
    let one = full - home.history_bytes();
    assert!(one > 0 && one < full / 4);
    home.sweep(60, 3);
    assert_eq!(home.history_bytes(), full - 4 * one, "call by call it goes round all of them");
    home.sweep(100, 2);
    home.sweep(100, 2);
    assert_eq!(home.history_bytes(), 0);
    home.sweep(100, 2);
}

#[test]
fn one_bound_holds_for_the_bytes_of_all_channels() {
    let mut home = Home::new(HomeConfig { history_bytes: 4_000, ..config() });
    let mut most = 0;
    for number in 0..200 {
        let name = ["/a", "/b", "/c"][number % 3];
        let position = publish(&mut home, name, number, number as u64);
        most = most.max(home.history_bytes());
        assert!(home.history_bytes() <= 4_000);
        assert_eq!(kept(&mut home, name, 0).last(), Some(&position.offset), "the newest is kept");
    }
    assert!(most > 3_500, "the bound is made use of: {most}");
    for name in ["/a", "/b", "/c"] {
        assert!(kept(&mut home, name, 0).len() > 2, "each channel gives its share");
        let start = Position { epoch: 9, offset: 0 };
        assert_eq!(offsets(&home.recover(&channel(name), Since::Position(start), AMPLE, 0)), None);
    }
}

#[test]
fn a_great_channel_gives_up_its_own_before_the_small_ones_do() {
    let mut home = Home::new(HomeConfig { history_bytes: 30_000, ..config() });
    for number in 0..5 {
        publish(&mut home, &format!("/small/{number}"), number, 0);
    }
    for number in 0..1_000 {
        publish(&mut home, "/great", number, 0);
    }
    assert!((0..5).all(|number| kept(&mut home, &format!("/small/{number}"), 0) == [1]));
    assert!(kept(&mut home, "/great", 0).len() > 60);
}
