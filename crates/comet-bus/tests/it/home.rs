//! Homes: positions that never repeat, and the shards a publication has to reach.

use comet_bus::{Draft, Full, Home, HomeConfig, Position, Published, Retention, home_of};

use crate::stage::{channel, config, new, publish, table};

#[test]
fn a_channel_counts_from_one_and_by_one() {
    let mut home = Home::new(config());
    for offset in 1..=3 {
        assert_eq!(publish(&mut home, "/a", 0, 0), Position { epoch: 9, offset });
    }
    assert_eq!(publish(&mut home, "/b", 0, 0), Position { epoch: 9, offset: 1 });
    assert_eq!(home.head(&channel("/a")), Position { epoch: 9, offset: 3 });
    assert_eq!(home.head(&channel("/c")), Position { epoch: 9, offset: 0 }, "before its first message");
}

#[test]
fn a_home_full_of_channels_in_use_refuses_new_ones_and_goes_on_counting_the_old() {
    let mut home = Home::new(HomeConfig { channels: 1, ..config() });
    home.on_interest(0, "/a", true);
    assert_eq!(publish(&mut home, "/a", 0, 0).offset, 1);
    assert_eq!(home.publish(Draft::new(channel("/b"), "1"), 0).unwrap_err(), Full);
    assert_eq!(publish(&mut home, "/a", 0, 0).offset, 2);
    assert_eq!(home.channels(), 1);
}

#[test]
fn a_publication_reaches_the_shards_that_listen_to_it_by_name_or_by_pattern() {
    let mut home = Home::new(config());
    home.on_interest(0, "/a/b", true);
    home.on_interest(5, "/a/*", true);
    home.on_interest(63, "/**", true);
    home.on_interest(7, "/a/c", true);
    let shards = |home: &mut Home| match home.publish(Draft::new(channel("/a/b"), "1"), 0) {
        Ok(Published::New { shards, .. }) => shards.iter().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shards(&mut home), [0, 5, 63]);
    home.on_interest(5, "/a/*", false);
    home.on_interest(5, "/a/*", false);
    assert_eq!(shards(&mut home), [0, 63]);
}

#[test]
fn a_publication_carries_what_its_draft_says() {
    let mut home = Home::new(config());
    let draft = Draft {
        ext: Some("{\"x\":1,\"position\":0}"),
        publisher: Some(77),
        echo: false,
        expires_at_ms: Some(900),
        ..Draft::new(channel("/a"), "[1]")
    };
    let publication = new(home.publish(draft, 500).unwrap()).expect("it is remembered");
    assert_eq!(
        (publication.at_ms, publication.expires_at_ms, publication.except),
        (500, Some(900), Some(77))
    );
    let event = br#"{"channel":"/a","data":[1],"ext":{"x":1,"position":{"epoch":"9","offset":1}}}"#;
    assert_eq!(*publication.event, *event);
}

#[test]
fn a_message_is_frozen_only_when_somebody_listens_or_remembers() {
    let mut home = Home::new(HomeConfig { table: table(Retention::NONE), ..config() });
    let mut frozen = || new(home.publish(Draft::new(channel("/a"), "1"), 0).unwrap()).is_some();
    assert!(!frozen());
    home.on_interest(3, "/a", true);
    let mut frozen = || new(home.publish(Draft::new(channel("/a"), "1"), 0).unwrap()).is_some();
    assert!(frozen());
    assert_eq!(home.history_bytes(), 0);
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
