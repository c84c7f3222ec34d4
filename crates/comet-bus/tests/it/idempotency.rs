//! Keys: a message is published once while its key is remembered.

use comet_bus::{Draft, Full, Home, HomeConfig, Published};

use crate::stage::{channel, config};

fn publish(home: &mut Home, name: &str, key: &str, now_ms: u64) -> Result<(bool, u64), Full> {
    let draft = Draft { key: Some(key), ..Draft::new(channel(name), "1") };
    home.publish(draft, now_ms).map(|published| {
        (matches!(published, Published::Again { .. }), published.position().expect("nothing waits").offset)
    })
}

#[test]
fn a_repeated_key_is_answered_with_the_first_position() {
    let mut home = Home::new(config());
    assert_eq!(publish(&mut home, "/a", "k", 0), Ok((false, 1)));
    assert_eq!(publish(&mut home, "/a", "l", 0), Ok((false, 2)));
    assert_eq!(publish(&mut home, "/a", "k", 999), Ok((true, 1)));
    assert_eq!(home.head(&channel("/a")).offset, 2);
}

#[test]
fn a_key_is_of_its_channel() {
    let mut home = Home::new(config());
    assert_eq!(publish(&mut home, "/a", "b", 0), Ok((false, 1)));
    assert_eq!(publish(&mut home, "/a/b", "b", 0), Ok((false, 1)));
    assert_eq!(publish(&mut home, "/a", "b\nb", 0), Ok((false, 2)));
    assert_eq!(publish(&mut home, "/a", "", 0), Ok((false, 3)));
}

#[test]
fn a_key_is_forgotten_after_its_age_even_when_the_clock_was_set_back() {
    let mut home = Home::new(config());
    publish(&mut home, "/a", "k", 5_000).unwrap();
    assert_eq!(publish(&mut home, "/a", "back", 1), Ok((false, 2)));
    assert_eq!(publish(&mut home, "/a", "back", 5_999), Ok((true, 2)));
    assert_eq!(publish(&mut home, "/a", "k", 6_000), Ok((false, 3)));
    assert_eq!(home.keys(), 1);
}

#[test]
fn the_number_of_keys_is_bounded_and_the_oldest_goes_first() {
    let mut home = Home::new(HomeConfig { keys: 2, ..config() });
    for (number, key) in ["k", "l", "m"].into_iter().enumerate() {
        assert_eq!(publish(&mut home, "/a", key, 0), Ok((false, number as u64 + 1)));
    }
    assert_eq!(home.keys(), 2);
    assert_eq!(publish(&mut home, "/a", "m", 0), Ok((true, 3)));
    assert_eq!(publish(&mut home, "/a", "k", 0), Ok((false, 4)));

    let mut forgetful = Home::new(HomeConfig { keys: 0, ..config() });
    assert_eq!(publish(&mut forgetful, "/a", "k", 0), Ok((false, 1)));
    assert_eq!(publish(&mut forgetful, "/a", "k", 0), Ok((false, 2)));
}

#[test]
fn the_key_of_a_message_that_was_refused_is_not_remembered() {
    let mut home = Home::new(HomeConfig { channels: 1, ..config() });
    home.on_interest(0, "/a", true);
    publish(&mut home, "/a", "k", 0).unwrap();
    assert_eq!(publish(&mut home, "/b", "k", 0), Err(Full));
    assert_eq!(home.keys(), 1);
}
