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
fn whoever_gives_too_many_keys_loses_their_own_and_nobody_loses_a_young_key_to_somebody_else() {
    let mut home = Home::new(HomeConfig { keys: 5, keys_per_owner: 3, ..config() });
    let mut publish = |owner: Option<&str>, key: &str, now_ms| {
        let draft = Draft { key: Some(key), key_owner: owner, ..Draft::new(channel("/a"), "1") };
        home.publish(draft, now_ms).map(|published| matches!(published, Published::Again { .. }))
    };
    let (alice, bob, carol) = (Some("alice"), Some("bob"), Some("carol"));
    assert_eq!(publish(bob, "bob 1", 0), Ok(false));
    for n in 1..=9 {
        assert_eq!(publish(alice, &format!("alice {n}"), 1), Ok(false));
    }
    assert_eq!(publish(alice, "alice 7", 1), Ok(true));
    assert_eq!(publish(bob, "bob 1", 1), Ok(true), "nobody else has lost a key");
    assert_eq!(publish(bob, "bob 2", 2), Ok(false));
    // All of them are young now.
    assert_eq!(publish(carol, "carol 1", 3), Err(Full));
    assert_eq!(
        publish(bob, "bob 3", 3),
        Err(Full),
        "it has not given too many, so that none of its own has to go"
    );
    assert_eq!(publish(bob, "bob 2", 3), Ok(true));
    assert_eq!(publish(alice, "alice 10", 3), Ok(false), "one of its own makes room");
    assert_eq!(publish(alice, "alice 7", 3), Ok(false));
    for n in 1..=9 {
        assert_eq!(publish(None, &format!("own {n}"), 3), Ok(false), "the server has room of its own");
    }
    assert_eq!(publish(None, "own 5", 3), Ok(true));
    assert_eq!(publish(bob, "bob 1", 3), Ok(true));
    // The oldest is too old: its place is free.
    assert_eq!(publish(carol, "carol 1", 1_000), Ok(false));
    assert_eq!(publish(bob, "bob 1", 1_000), Err(Full));
    assert_eq!(publish(carol, "carol 1", 1_000), Ok(true));
}

#[test]
fn the_key_of_a_message_that_was_refused_is_not_remembered() {
    let mut home = Home::new(HomeConfig { channels: 1, ..config() });
    home.on_interest(0, "/a", true);
    publish(&mut home, "/a", "k", 0).unwrap();
    assert_eq!(publish(&mut home, "/b", "k", 0), Err(Full));
    assert_eq!(home.keys(), 1);
}
