//! Subscriber lists: who is visited, and when a name gains its first or loses its last listener.

use std::collections::{BTreeMap, BTreeSet};

use bayeux::{Channel, Pattern};
use comet_bus::{Hub, Listener, Subscribed, Unsubscribed};
use proptest::prelude::*;

fn listeners(hub: &mut Hub, channel: &str) -> Vec<Listener> {
    let mut visited = Vec::new();
    hub.each_listener(&Channel::parse(channel).expect("a channel"), |listener| visited.push(listener));
    visited.sort_unstable();
    visited
}

#[test]
fn a_listener_that_several_names_match_is_visited_once() {
    let mut hub = Hub::default();
    for name in ["/a/b", "/a/*", "/a/**", "/**"] {
        hub.subscribe(7, name);
    }
    hub.subscribe(3, "/a/*");
    assert_eq!(listeners(&mut hub, "/a/b"), [3, 7]);
    assert_eq!(listeners(&mut hub, "/a/b"), [3, 7], "and again the next time");
    assert_eq!(listeners(&mut hub, "/a"), [7]);
    assert_eq!(hub.subscriptions(7), 4);
}

#[test]
fn the_first_and_the_last_listener_of_a_name_are_told() {
    let mut hub = Hub::default();
    assert_eq!(hub.subscribe(1, "/a"), Subscribed::First);
    assert_eq!(hub.subscribe(1, "/a"), Subscribed::Already);
    assert_eq!(hub.subscribe(2, "/a"), Subscribed::Joined);
    assert_eq!(hub.unsubscribe(1, "/a"), Unsubscribed::Left);
    assert_eq!(hub.unsubscribe(1, "/a"), Unsubscribed::Absent);
    assert_eq!(hub.unsubscribe(2, "/a"), Unsubscribed::Last);
    assert_eq!(hub.unsubscribe(2, "/a"), Unsubscribed::Absent);
    assert_eq!(hub.subscribe(2, "/a"), Subscribed::First, "a name that was gone begins anew");
}

#[test]
fn a_listener_that_leaves_takes_all_its_subscriptions_along() {
    let mut hub = Hub::default();
    for name in ["/a", "/b", "/c/*"] {
        hub.subscribe(1, name);
    }
    hub.subscribe(2, "/b");
    let mut ended = Vec::new();
    hub.remove(1, |name, how| ended.push((name.to_owned(), how)));
    ended.sort_by_key(|(name, _)| name.clone());
    let expected = [("/a", Unsubscribed::Last), ("/b", Unsubscribed::Left), ("/c/*", Unsubscribed::Last)];
    assert_eq!(ended, expected.map(|(name, how)| (name.to_owned(), how)));
    assert_eq!(hub.names().collect::<Vec<_>>(), [("/b", 1)]);
    assert_eq!(hub.subscriptions(1), 0);
}

const NAMES: [&str; 8] = ["/a", "/b", "/a/b", "/a/b/c", "/a/*", "/a/**", "/*", "/**"];
const CHANNELS: [&str; 5] = ["/a", "/b", "/a/b", "/a/b/c", "/x/y"];

proptest! {
    #[test]
    fn the_lists_are_those_of_a_plain_table(
        steps in prop::collection::vec((0..3_u8, 0..12_u32, 0..NAMES.len()), 0..200)
    ) {
        let mut hub = Hub::default();
        let mut table: BTreeMap<&str, BTreeSet<Listener>> = BTreeMap::new();
        for (step, listener, name) in steps {
            let name = NAMES[name];
            let listening = table.entry(name).or_default();
            match step {
                0 => {
                    let first = listening.is_empty();
                    let new = listening.insert(listener);
                    let expected = match (new, first) {
                        (false, _) => Subscribed::Already,
                        (true, true) => Subscribed::First,
                        (true, false) => Subscribed::Joined,
                    };
                    prop_assert_eq!(hub.subscribe(listener, name), expected);
                }
                1 => {
                    let there = listening.remove(&listener);
                    let expected = match (there, listening.is_empty()) {
                        (false, _) => Unsubscribed::Absent,
                        (true, true) => Unsubscribed::Last,
                        (true, false) => Unsubscribed::Left,
                    };
                    prop_assert_eq!(hub.unsubscribe(listener, name), expected);
                }
                _ => {
                    let mut ended = BTreeMap::new();
                    hub.remove(listener, |name, how| {
                        ended.insert(name.to_owned(), how);
                    });
                    let mut expected = BTreeMap::new();
                    for (name, listening) in &mut table {
                        if listening.remove(&listener) {
                            let how = if listening.is_empty() { Unsubscribed::Last } else { Unsubscribed::Left };
                            expected.insert((*name).to_owned(), how);
                        }
                    }
                    prop_assert_eq!(ended, expected);
                }
            }
        }
        for channel in CHANNELS {
            let parsed = Channel::parse(channel).unwrap();
            let expected: BTreeSet<Listener> = table
                .iter()
                .filter(|(name, _)| Pattern::parse(name).unwrap().matches(&parsed))
                .flat_map(|(_, listening)| listening.iter().copied())
                .collect();
            prop_assert_eq!(listeners(&mut hub, channel), expected.into_iter().collect::<Vec<_>>());
        }
        for (name, listening) in &table {
            for listener in 0..12 {
                prop_assert_eq!(hub.is_subscribed(listener, name), listening.contains(&listener));
            }
        }
    }
}
