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
    home.forget(150, 300);
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
    home.forget(1_000, 1_000);
    assert_eq!(home.channels(), 2);
    assert_eq!(home.head(&channel("/a")).offset, 0, "the least recently used goes first");
    home.forget(2_000, 2_000);
    assert_eq!(home.channels(), 2);
}

#[test]
fn a_channel_that_was_used_or_remembers_stays() {
    let mut home = Home::new(HomeConfig { channels: 1, ..aging(100) });
    publish(&mut home, "/a", 1, 1_000);
    home.forget(1_000, 5_000);
    assert_eq!(home.channels(), 1, "it was used at that very time");
    home.forget(1_001, 1_099);
    assert_eq!(home.channels(), 1, "its message is not too old");
    home.forget(1_001, 1_100);
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
    home.forget(500, 1_000);
    assert_eq!(home.head(&channel("/long")).offset, 1);
    assert_eq!(home.head(&channel("/short")).offset, 0);
}

#[test]
fn a_time_before_something_forgotten_was_published_is_a_gap() {
    let mut home = Home::new(HomeConfig { channels: 1, ..aging(10) });
    publish(&mut home, "/a", 1, 100);
    home.forget(200, 200);
    let recover =
        |home: &mut Home, time_ms| offsets(&home.recover(&channel("/a"), Since::Time(time_ms), AMPLE, 300));
    assert_eq!((recover(&mut home, 99), recover(&mut home, 100)), (None, Some(vec![])));
    assert!(!home.recover_matching(&pattern("/*"), &[], Some(99), AMPLE, 300).complete);
    assert!(home.recover_matching(&pattern("/*"), &[], Some(100), AMPLE, 300).complete);
    publish(&mut home, "/a", 1, 300);
    assert_eq!((recover(&mut home, 99), recover(&mut home, 100)), (None, Some(vec![1])));
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
