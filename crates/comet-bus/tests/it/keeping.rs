//! Messages that wait for a journal, and channels that come back from one.

use std::sync::Arc;

use comet_bus::journal::{Entry, Kept, Loaded};
use comet_bus::{
    ChannelOptions, ChannelTable, Draft, Durability, Full, Home, HomeConfig, Position, Published, Recovered,
    Retention, Since,
};

use crate::stage::{AMPLE, channel, config, offsets, pattern, publish};

/// Every channel is durable but those under `/m`.
fn durable(history: Retention) -> HomeConfig {
    let stored = ChannelOptions { history, durability: Durability::Stored, ..ChannelOptions::default() };
    let memory = ChannelOptions { history, ..ChannelOptions::default() };
    HomeConfig { table: Arc::new(ChannelTable::new(stored, [(pattern("/m/**"), memory)])), ..config() }
}

const ALL: Retention = Retention { messages: 1_000, bytes: 1 << 20, age_ms: u64::MAX, newest: false };

/// Numbers a message that has to wait: its ticket and place.
fn number(home: &mut Home, name: &str, key: Option<&str>, now_ms: u64) -> (u64, Position) {
    match home.publish(Draft { key, ..Draft::new(channel(name), "1") }, now_ms) {
        Ok(Published::Waiting { ticket, entry }) => match *entry {
            Entry::Append { record, durability: Durability::Stored } => (ticket, record.position),
            other => panic!("{other:?}"),
        },
        other => panic!("it does not wait: {other:?}"),
    }
}

fn recover(home: &mut Home, name: &str, since: Since) -> Option<Vec<u64>> {
    offsets(&home.recover(&channel(name), since, AMPLE, 1_000))
}

#[test]
fn a_message_is_nobodys_before_it_is_kept() {
    let mut home = Home::new(durable(ALL));
    home.on_interest(2, "/a", true);
    assert_eq!(number(&mut home, "/a", None, 10), (0, Position { epoch: 9, offset: 1 }));
    assert_eq!(number(&mut home, "/b", None, 10).0, 1);
    assert_eq!(number(&mut home, "/a", None, 10), (2, Position { epoch: 9, offset: 2 }));
    assert_eq!((home.waiting(), home.head(&channel("/a")).offset), (3, 0));
    assert_eq!(recover(&mut home, "/a", Since::Last(9)), Some(vec![]));

    let kept = home.on_kept(20).unwrap();
    assert_eq!((kept.publication.position.offset, kept.publication.channel.as_str()), (1, "/a"));
    assert_eq!(kept.shards.iter().collect::<Vec<_>>(), [2]);
    assert_eq!(kept.durability, Durability::Stored);
    assert_eq!(home.head(&channel("/a")).offset, 1);
    assert_eq!(recover(&mut home, "/a", Since::Last(9)), Some(vec![1]));
    assert_eq!(home.on_kept(20).unwrap().publication.channel.as_str(), "/b");
    assert_eq!(home.on_kept(20).unwrap().publication.position.offset, 2);
    assert!(home.on_kept(20).is_none());
    // Whoever heard at 15 that everything older had been sent does not miss what had been numbered by then.
    assert_eq!(recover(&mut home, "/a", Since::Time(15)), Some(vec![1, 2]));
    assert_eq!(publish(&mut home, "/m/a", 1, 20).offset, 1);
}

#[test]
fn what_the_journal_did_not_take_gives_its_number_back() {
    let mut home = Home::new(durable(ALL));
    number(&mut home, "/a", None, 0);
    assert_eq!(number(&mut home, "/a", Some("k"), 0).0, 1);
    assert_eq!(number(&mut home, "/b", None, 0).0, 2);
    home.take_back(2);
    assert_eq!(home.waiting(), 1);
    assert_eq!(number(&mut home, "/a", Some("k"), 0), (1, Position { epoch: 9, offset: 2 }));
    assert_eq!(number(&mut home, "/b", None, 0), (2, Position { epoch: 9, offset: 1 }));
}

#[test]
fn a_refused_message_takes_those_behind_it_along() {
    let mut home = Home::new(durable(ALL));
    for offset in 1..=3 {
        assert_eq!(number(&mut home, "/a", None, 0).1.offset, offset);
    }
    assert!(home.on_kept(0).is_some());
    home.on_refused();
    let draft = || Draft::new(channel("/a"), "1");
    assert_eq!(home.publish(draft(), 0).unwrap_err(), Full, "what is numbered now would be refused, too");
    home.on_refused();
    assert_eq!(number(&mut home, "/a", None, 0).1.offset, 2);
    assert!(home.on_kept(0).is_some());
    assert_eq!(recover(&mut home, "/a", Since::Last(9)), Some(vec![1, 2]));
}

#[test]
fn a_key_that_waits_is_not_published_again() {
    let mut home = Home::new(durable(ALL));
    let (ticket, place) = number(&mut home, "/a", Some("k"), 0);
    let mut again = |now_ms| home.publish(Draft { key: Some("k"), ..Draft::new(channel("/a"), "1") }, now_ms);
    assert!(matches!(again(0), Ok(Published::WaitingAgain(same)) if same == ticket));
    home.on_kept(0).unwrap();
    let mut again = |now_ms| home.publish(Draft { key: Some("k"), ..Draft::new(channel("/a"), "1") }, now_ms);
    match again(0) {
        Ok(Published::Again { position, durability: Durability::Stored }) => assert_eq!(position, place),
        other => panic!("{other:?}"),
    }
    // After a refusal it is as if it had never been there.
    number(&mut home, "/a", Some("l"), 0);
    home.on_refused();
    number(&mut home, "/a", Some("l"), 0);
}

#[test]
fn keys_that_wait_have_their_room_when_the_journal_has_them() {
    let mut home = Home::new(HomeConfig { keys: 2, keys_per_owner: 2, ..durable(ALL) });
    let publish = |home: &mut Home, owner: &str, key: &str| {
        let draft = Draft { key: Some(key), key_owner: Some(owner), ..Draft::new(channel("/a"), "1") };
        home.publish(draft, 0)
    };
    for key in ["k", "l"] {
        assert!(matches!(publish(&mut home, "alice", key), Ok(Published::Waiting { .. })));
    }
    assert_eq!(publish(&mut home, "bob", "m").unwrap_err(), Full);
    home.on_kept(0);
    assert_eq!(publish(&mut home, "bob", "m").unwrap_err(), Full);
    home.on_refused();
    assert!(matches!(publish(&mut home, "bob", "m"), Ok(Published::Waiting { .. })));
    home.on_kept(0);
    for key in ["k", "m"] {
        assert!(matches!(publish(&mut home, "alice", key), Ok(Published::Again { .. })), "{key}");
    }
}

#[test]
fn a_channel_with_messages_waiting_is_not_forgotten_and_a_forgotten_one_leaves_the_journal() {
    let history = Retention { age_ms: 100, ..ALL };
    let mut home = Home::new(HomeConfig { channels: 2, ..durable(history) });
    number(&mut home, "/a", None, 0);
    number(&mut home, "/b", None, 0);
    home.on_kept(0);
    home.forget(1_000, 1_000, 100);
    assert_eq!(home.channels(), 1, "/b waits");
    assert_eq!(home.take_chores(9), [Entry::Forget { channel: "/a".into(), epoch: 9 }]);
    home.on_kept(0);
    assert_eq!(number(&mut home, "/a", None, 0).1, Position { epoch: 10, offset: 1 });
}

#[test]
fn what_leaves_the_history_leaves_the_journal_later_and_together() {
    let mut home = Home::new(durable(Retention { messages: 2, age_ms: 5_000, ..ALL }));
    for name in ["/a", "/a", "/a", "/a", "/b", "/m/a"] {
        match home.publish(Draft::new(channel(name), "1"), 100).unwrap() {
            Published::Waiting { .. } => assert!(home.on_kept(100).is_some()),
            _ => assert_eq!(name, "/m/a"),
        }
    }
    let trim = |name: &str, below| Entry::Trim { channel: name.into(), epoch: 9, below };
    assert!(!home.has_many_chores());
    assert_eq!(home.take_chores(9), [trim("/a", 3)]);
    assert_eq!(home.take_chores(9), []);
    home.sweep(100_000, 10);
    let chores = home.take_chores(9);
    assert_eq!(chores, [trim("/a", 4)], "the last message stays, and with it the time of the last use");
    for _ in 0..1_100 {
        number(&mut home, "/a", None, 200_000);
        home.on_kept(200_000);
    }
    assert!(home.has_many_chores());
    assert_eq!(home.take_chores(9), [trim("/a", 1_103)]);
    assert!(!home.has_many_chores());
}

/// A channel as a journal would give it back.
fn loaded(name: &str, epoch: u64, offsets: std::ops::RangeInclusive<u64>) -> Loaded {
    let kept = |offset| {
        let event = format!(
            r#"{{"channel":"{name}","data":1,"ext":{{"x":1,"position":{{"epoch":"{epoch:x}","offset":{offset}}}}}}}"#
        );
        let key = Some(format!("key {offset}").into());
        let (conflate, event) = (Some(format!("row {offset}").into()), event.into_bytes().into());
        Kept { offset, at_ms: 100 * offset, expires_at_ms: None, key, conflate, event }
    };
    let (floor, head) = (*offsets.start() - 1, *offsets.end());
    Loaded { channel: name.into(), epoch, head, floor, replaced: None, records: offsets.map(kept).collect() }
}

fn started(history: Retention) -> Home {
    Home::new(HomeConfig { known_since_ms: 1_000, ..durable(history) })
}

#[test]
fn a_loaded_channel_goes_on_in_its_epoch() {
    let mut home = started(ALL);
    home.load(loaded("/a", 5, 3..=4)).unwrap();
    let at = |offset| Since::Position(Position { epoch: 5, offset });
    assert_eq!(recover(&mut home, "/a", at(2)), Some(vec![3, 4]));
    assert_eq!(recover(&mut home, "/a", at(1)), None, "what was trimmed is a gap");
    assert_eq!(recover(&mut home, "/a", at(5)), None, "the journal knows no 5");
    assert_eq!(number(&mut home, "/a", None, 2_000).1, Position { epoch: 5, offset: 5 });
    assert_eq!(home.take_chores(9), []);
    let Recovered::Messages { publications, .. } = home.recover(&channel("/a"), at(3), AMPLE, 1_000) else {
        panic!("a gap")
    };
    assert_eq!(publications[0].conflate.as_deref(), Some("row 4"));
}

#[test]
fn who_asks_by_a_time_misses_nothing_that_the_journal_was_still_keeping_then() {
    let mut home = started(ALL);
    home.load(loaded("/a", 5, 1..=2)).unwrap();
    // Both may have been answered, and handed out, at any time up to the crash.
    assert_eq!(recover(&mut home, "/a", Since::Time(100)), Some(vec![1, 2]));
    assert_eq!(recover(&mut home, "/a", Since::Time(999)), Some(vec![1, 2]));
    assert_eq!(recover(&mut home, "/a", Since::Time(1_000)), Some(vec![]));
    assert_eq!(recover(&mut home, "/a", Since::Time(98)), None, "what was before the first is not known");
}

#[test]
fn a_loaded_channel_without_records_keeps_its_place() {
    let mut home = started(ALL);
    home.load(Loaded { head: 7, floor: 7, records: Vec::new(), ..loaded("/a", 5, 1..=1) }).unwrap();
    assert_eq!(home.head(&channel("/a")), Position { epoch: 5, offset: 7 });
    let at = |offset| Since::Position(Position { epoch: 5, offset });
    assert_eq!((recover(&mut home, "/a", at(7)), recover(&mut home, "/a", at(6))), (Some(vec![]), None));
    assert_eq!(home.take_chores(9), []);
}

#[test]
fn records_of_a_replaced_epoch_name_the_new_one_and_time_does_not_reach_behind_the_start() {
    let mut home = started(ALL);
    home.load(Loaded { epoch: 77, replaced: Some(5), ..loaded("/a", 5, 1..=2) }).unwrap();
    let Recovered::Messages { publications, .. } = home.recover(&channel("/a"), Since::Last(9), AMPLE, 1_000)
    else {
        panic!("a gap")
    };
    let event = r#"{"channel":"/a","data":1,"ext":{"x":1,"position":{"epoch":"4d","offset":2}}}"#;
    assert_eq!(String::from_utf8_lossy(&publications[1].event), event);
    let before = Since::Position(Position { epoch: 5, offset: 2 });
    assert_eq!(recover(&mut home, "/a", before), None, "more may have been acknowledged");
    assert_eq!(recover(&mut home, "/a", Since::Time(999)), None);
    assert_eq!(recover(&mut home, "/a", Since::Time(1_000)), Some(vec![]));
    assert_eq!(number(&mut home, "/a", None, 2_000).1, Position { epoch: 77, offset: 3 });
}

#[test]
fn what_is_not_durable_any_more_is_forgotten_by_the_journal() {
    let mut home = started(ALL);
    for name in ["/m/a", "/meta/x", "no channel"] {
        home.load(loaded(name, 5, 1..=2)).unwrap();
        assert_eq!(home.take_chores(9), [Entry::Forget { channel: name.into(), epoch: 5 }]);
    }
    assert_eq!(home.channels(), 0);
}

#[test]
fn a_smaller_history_trims_what_was_loaded() {
    let mut home = started(Retention { messages: 1, ..ALL });
    home.load(loaded("/a", 5, 1..=4)).unwrap();
    assert_eq!(home.take_chores(9), [Entry::Trim { channel: "/a".into(), epoch: 5, below: 4 }]);
    assert_eq!(recover(&mut home, "/a", Since::Last(9)), Some(vec![4]));
}

#[test]
fn keys_come_back_with_their_messages() {
    let mut home = started(ALL);
    // Keys live for a second: those of 100 to 400 are gone at 1,400, that of 500 is not.
    home.load(loaded("/b", 5, 3..=5)).unwrap();
    home.load(loaded("/a", 5, 1..=2)).unwrap();
    home.end_loading(1_000);
    assert_eq!(home.keys(), 5);
    let mut again = |name: &str, key: &str| {
        home.publish(Draft { key: Some(key), ..Draft::new(channel(name), "1") }, 1_400).unwrap().position()
    };
    assert_eq!(again("/b", "key 5"), Some(Position { epoch: 5, offset: 5 }));
    assert_eq!(again("/b", "key 4"), None);
    assert_eq!(again("/a", "key 2"), None);
}

#[test]
fn a_home_that_is_full_says_so_when_a_channel_is_loaded() {
    let mut home = Home::new(HomeConfig { channels: 1, ..durable(ALL) });
    home.load(loaded("/a", 5, 1..=1)).unwrap();
    assert_eq!(home.load(loaded("/b", 5, 1..=1)), Err(Full));
}

/// Three homes as the start of a process makes them, over what the journal has kept.
fn started_on(table: &Arc<ChannelTable>, mut loaded: Vec<Loaded>, now_ms: u64) -> Vec<Home> {
    let config = || HomeConfig { known_since_ms: now_ms, table: table.clone(), ..durable(ALL) };
    let marks = comet_bus::Marks::of(&mut loaded);
    let mut homes: Vec<Home> = (0..3).map(|_| Home::new(config())).collect();
    homes.iter_mut().enumerate().for_each(|(shard, home)| home.begin_mark(&marks, shard));
    homes[0].end_marks(&marks, 3);
    loaded.into_iter().for_each(|loaded| homes[0].load(loaded).expect("there is room"));
    homes
}

/// What the journal makes of entries: the marks as they are loaded at the next start.
fn written(homes: &mut [Home], before: Vec<Loaded>) -> Vec<Loaded> {
    let mut kept = before;
    for entry in homes.iter_mut().flat_map(|home| home.take_chores(99)) {
        match entry {
            Entry::Append { record, durability: Durability::Fsync } => {
                let Position { epoch, offset } = record.position;
                let known = kept.iter().find(|mark| mark.channel == record.channel && mark.epoch == epoch);
                assert_eq!(offset, known.map_or(0, |mark| mark.head) + 1, "records follow each other");
                kept.retain(|mark| mark.channel != record.channel);
                let Kept { key, conflate, event, .. } = loaded("/a", 1, 1..=1).records.remove(0);
                let records =
                    vec![Kept { offset, at_ms: record.at_ms, expires_at_ms: None, key, conflate, event }];
                let floor = offset - 1;
                kept.push(Loaded {
                    channel: record.channel,
                    epoch,
                    head: offset,
                    floor,
                    replaced: None,
                    records,
                });
            }
            Entry::Forget { channel, epoch } => {
                kept.retain(|mark| (&mark.channel, mark.epoch) != (&channel, epoch));
            }
            Entry::Trim { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    kept
}

fn is_whole(home: &mut Home, name: &str, time_ms: u64) -> bool {
    home.recover_matching(&pattern(name), &[], Some(time_ms), AMPLE, time_ms).complete
}

#[test]
fn a_pattern_of_durable_channels_reaches_behind_the_start_as_far_as_the_journal_does() {
    let table = durable(ALL).table;
    let mut first = started_on(&table, Vec::new(), 1_000);
    assert!(first.iter_mut().all(|home| !is_whole(home, "/a/*", 999) && is_whole(home, "/a/*", 1_000)));
    let journal = written(&mut first, Vec::new());
    assert_eq!(journal.len(), 3);

    let mut second = started_on(&table, journal.clone(), 5_000);
    for home in &mut second {
        assert!(is_whole(home, "/a/*", 1_000) && !is_whole(home, "/a/*", 999));
        assert!(!is_whole(home, "/**", 4_999), "what is under /m was in memory");
        assert!(is_whole(home, "/**", 5_000));
        assert_eq!(recover(home, "/new", Since::Time(1_000)), Some(vec![]), "nobody has published there");
        assert_eq!(recover(home, "/m/new", Since::Time(1_000)), None);
    }
    // A channel that began after the time has all there was.
    let journal = written(&mut second, journal);
    let with = |channel: Loaded| journal.iter().cloned().chain([channel]).collect();
    let mut third = started_on(&table, with(loaded("/a/b", 5, 30..=31)), 9_000);
    assert_eq!(recover(&mut third[0], "/a/b", Since::Time(2_999)), None, "the first ones are lost");
    let mut third = started_on(&table, with(loaded("/a/b", 5, 1..=31)), 90_000);
    assert_eq!(recover(&mut third[0], "/a/b", Since::Time(12_999)), Some(vec![30, 31]));

    // Under another configuration nobody knows what was in memory before.
    let other = ChannelOptions { durability: Durability::Fsync, ..ChannelOptions::default() };
    let other = Arc::new(ChannelTable::new(other, []));
    let mut changed = started_on(&other, journal.clone(), 9_000);
    assert!(changed.iter_mut().all(|home| !is_whole(home, "/a/*", 8_999)));
    let journal = written(&mut changed, journal);
    let mut again = started_on(&other, journal, 10_000);
    assert!(again.iter_mut().all(|home| is_whole(home, "/a/*", 9_000) && is_whole(home, "/**", 9_000)));
}

#[test]
fn a_forgotten_channel_bounds_what_is_known_in_the_next_life_too() {
    let table = durable(Retention { age_ms: 100, ..ALL }).table;
    let mut homes = started_on(&table, Vec::new(), 1_000);
    let mut config = HomeConfig { channels: 1, known_since_ms: 1_000, table: table.clone(), ..config() };
    config.epoch = 50;
    homes[0] = Home::new(config);
    homes[0].begin_mark(&comet_bus::Marks::default(), 0);
    number(&mut homes[0], "/a/b", None, 3_000);
    homes[0].on_kept(3_000);
    homes[0].forget(4_000, 4_000, 100);
    let journal = written(&mut homes, Vec::new());
    let mut next = started_on(&table, journal, 5_000);
    assert!(!is_whole(&mut next[1], "/a/*", 2_999) && is_whole(&mut next[1], "/a/*", 3_000));
}
