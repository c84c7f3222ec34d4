//! Tables of options: the most specific pattern wins.

use comet_bus::{ChannelOptions, ChannelTable, Retention};

use crate::stage::{channel, pattern};

fn marked(messages: usize) -> ChannelOptions {
    let history = Retention { messages, ..Retention::default() };
    ChannelOptions { history, ..ChannelOptions::default() }
}

#[test]
fn the_most_specific_pattern_wins() {
    let names = ["/**", "/a/**", "/a/b/**", "/a/*", "/a/b/*", "/a/b", "/*"];
    let rules = names.iter().enumerate().map(|(number, name)| (pattern(name), marked(number)));
    let table = ChannelTable::new(marked(100), rules);
    for (name, rule) in [
        ("/a/b", "/a/b"),
        ("/a/c", "/a/*"),
        ("/a/b/c", "/a/b/*"),
        ("/a/b/c/d", "/a/b/**"),
        ("/a/c/d", "/a/**"),
        ("/a", "/*"),
        ("/b/c", "/**"),
    ] {
        let expected = names.iter().position(|name| *name == rule).unwrap();
        let channel = channel(name);
        assert_eq!(table.options(&channel).history.messages, expected, "{name}");
        assert_eq!(table.at(table.index(&channel)), table.options(&channel));
    }
}

#[test]
fn a_channel_that_no_pattern_names_has_the_default() {
    let table = ChannelTable::new(marked(7), [(pattern("/a/**"), marked(1))]);
    assert_eq!(table.options(&channel("/a")).history.messages, 7, "a deep pattern is of what is below");
    assert_eq!(table.options(&channel("/b")).history.messages, 7);
    assert_eq!(table.at(99).history.messages, 7, "an index from elsewhere is no way out of the table");
    assert_eq!(*ChannelTable::default().options(&channel("/b")), ChannelOptions::default());
}

#[test]
fn the_last_rule_of_a_pattern_counts() {
    let table = ChannelTable::new(marked(0), [(pattern("/a"), marked(1)), (pattern("/a"), marked(2))]);
    assert_eq!(table.options(&channel("/a")).history.messages, 2);
}

#[test]
fn a_pattern_is_durable_when_every_channel_of_it_is() {
    let durable = ChannelOptions { durability: comet_bus::Durability::Stored, ..ChannelOptions::default() };
    let memory = ChannelOptions::default();
    let table = |default: ChannelOptions, rules: &[(&str, ChannelOptions)]| {
        ChannelTable::new(default, rules.iter().map(|(name, options)| (pattern(name), *options)))
    };
    let some = table(memory, &[("/a/**", durable), ("/a/b/*", memory), ("/c/*", durable), ("/d", durable)]);
    for (name, is_durable) in [
        ("/**", false),
        ("/*", false),
        ("/a/**", false),
        ("/a/*", true),
        ("/a/b/*", false),
        ("/a/b/c", false),
        ("/a/b/c/*", true),
        ("/c/*", true),
        ("/c/**", false),
        ("/d", true),
        ("/e", false),
    ] {
        assert_eq!(some.is_durable(&pattern(name)), is_durable, "{name}");
    }
    let all = table(durable, &[("/m/*", memory)]);
    assert!(!all.is_durable(&pattern("/**")) && all.is_durable(&pattern("/m/a/**")));
    assert_ne!(some.durable_digest(), all.durable_digest());
    let same = table(memory, &[("/d", durable), ("/c/*", durable), ("/a/b/*", memory), ("/a/**", durable)]);
    assert_eq!(some.durable_digest(), same.durable_digest(), "the order of rules means nothing");
}

#[test]
fn a_subscription_has_the_options_its_channels_have_where_no_rule_names_them_more_closely() {
    let rules = [("/a/b", 1), ("/a/*", 2), ("/a/**", 3), ("/c/**", 4)];
    let table = ChannelTable::new(marked(0), rules.map(|(name, messages)| (pattern(name), marked(messages))));
    for (name, messages) in [
        ("/a/b", 1),
        ("/a/c", 2),
        ("/a/*", 2),
        ("/a/**", 3),
        ("/a/b/*", 3),
        ("/a/b/c/**", 3),
        ("/c/*", 4),
        ("/*", 0),
        ("/**", 0),
        ("/d/e/*", 0),
    ] {
        assert_eq!(table.options_of_name(name).history.messages, messages, "{name}");
    }
    assert!(!table.paces());
}

#[test]
fn companions_are_in_memory_whatever_their_channels_are() {
    let durability = comet_bus::Durability::Fsync;
    let all = ChannelOptions { durability, presence: true, ..ChannelOptions::default() };
    let table = ChannelTable::new(all, []);
    assert_eq!(table.durability(&channel("/a")), durability);
    assert_eq!(table.durability(&channel("/presence/a")), comet_bus::Durability::Memory);
    assert!(table.is_durable(&pattern("/a/**")) && !table.is_durable(&pattern("/**")));
    assert!(!table.is_durable(&pattern("/presence/a/*")));
}
