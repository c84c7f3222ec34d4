//! Companions: the names on which presence is told, who guards them, and who has to be let in.

use bayeux::{Channel, Pattern};
use comet_bus::{ChannelOptions, ChannelTable, attended_of, attended_pattern, companion_of};

fn channel(name: &str) -> Channel {
    Channel::parse(name).expect("it is a channel")
}

fn pattern(name: &str) -> Pattern {
    Pattern::parse(name).expect("it is a pattern")
}

fn table(rules: &[(&str, bool)]) -> ChannelTable {
    let options = |presence| ChannelOptions { presence, ..ChannelOptions::default() };
    let rules = rules.iter().map(|(name, presence)| (pattern(name), options(*presence)));
    ChannelTable::new(ChannelOptions::default(), rules)
}

fn asked(table: &ChannelTable, names: &[&str]) -> Option<Vec<String>> {
    let patterns: Vec<_> = names.iter().map(|name| pattern(name)).collect();
    table.asked_for(&patterns).map(|asked| asked.iter().map(|name| name.as_str().to_owned()).collect())
}

#[test]
fn a_channel_and_its_companion_lead_to_each_other() {
    let companion = companion_of(&channel("/chat/1")).unwrap();
    assert_eq!(companion.as_str(), "/presence/chat/1");
    assert_eq!(attended_of(&companion), Some(channel("/chat/1")));
    assert_eq!(attended_pattern(&pattern("/presence/chat/*")).unwrap().as_str(), "/chat/*");
}

#[test]
fn names_that_only_look_alike_are_no_companions() {
    for name in ["/presence", "/presences/a", "/a/presence", "/presence/presence/a", "/presence/service/x"] {
        assert_eq!(attended_of(&channel(name)), None, "{name}");
    }
    for name in ["/**", "/*", "/presence/presence/*", "/presence/service/*"] {
        assert_eq!(attended_pattern(&pattern(name)), None, "{name}");
    }
}

#[test]
fn companions_services_and_the_longest_names_have_no_companion() {
    let deep = "/a".repeat(16);
    let long = format!("/{}", "a".repeat(254));
    for name in ["/presence", "/presence/chat/1", "/service/x", "/meta/connect", &deep, &long] {
        assert_eq!(companion_of(&channel(name)), None, "{name}");
    }
    assert!(companion_of(&channel(&"/a".repeat(15))).is_some());
}

#[test]
fn only_companions_of_channels_with_presence_are_guarded() {
    let table = table(&[("/chat/**", true), ("/chat/log", false), ("/presence/**", true)]);
    assert!(table.has_presence());
    assert_eq!(table.companion(&channel("/chat/1")), Some(channel("/presence/chat/1")));
    for name in ["/chat/log", "/news", "/presence/chat/1"] {
        assert_eq!(table.companion(&channel(name)), None, "{name}");
    }
    assert!(table.is_companion(&channel("/presence/chat/1")));
    for name in ["/presence/chat/log", "/presence/news", "/chat/1"] {
        assert!(!table.is_companion(&channel(name)), "{name}");
    }
    assert!(!self::table(&[("/chat/*", false)]).has_presence());
}

#[test]
fn who_may_listen_to_the_channel_is_let_in_to_its_companion() {
    let table = table(&[("/chat/**", true)]);
    let those = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(asked(&table, &["/chat/1", "/**"]), None, "nothing differs");
    assert_eq!(asked(&table, &["/a", "/presence/chat/1"]), those(&["/a", "/chat/1"]));
    assert_eq!(
        asked(&table, &["/presence/news"]),
        those(&["/presence/news"]),
        "that is a channel like others"
    );
    assert_eq!(asked(&table, &["/presence/chat/*"]), those(&["/presence/chat/*", "/chat/*"]));
    assert_eq!(asked(&table, &["/presence/**"]), those(&["/presence/**", "/**"]));
    assert_eq!(
        asked(&self::table(&[]), &["/presence/chat/1"]),
        None,
        "without presence there is no companion"
    );
}
