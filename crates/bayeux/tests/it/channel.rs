//! The grammar of channels and what is delivered where.

use bayeux::{Channel, Kind, NameError};

fn matching(name: &str) -> Vec<String> {
    let mut names = Vec::new();
    Channel::parse(name).unwrap().matching_names(|name| names.push(name.to_owned()));
    names
}

#[test]
fn ordinary_names_are_channels() {
    for name in ["/a", "/chat/42", "/topic/X?Field=v&w=1", "/a.b/c+d", "/x/{id}", "/-_!~()$@.+{}?=&,:;%'"] {
        assert_eq!(Channel::parse(name).map(|channel| channel.to_string()), Ok(name.to_owned()));
    }
}

#[test]
fn each_fault_of_a_name_has_its_word() {
    let long = format!("/{}", "a".repeat(255));
    let deep = "/a".repeat(17);
    let cases = [
        ("", NameError::Empty),
        ("chat", NameError::NotAbsolute),
        ("/", NameError::EmptySegment),
        ("//", NameError::EmptySegment),
        ("/a//b", NameError::EmptySegment),
        ("/a/", NameError::EmptySegment),
        (&long, NameError::TooLong),
        (&deep, NameError::TooDeep),
        ("/a b", NameError::BadCharacter),
        ("/a ", NameError::BadCharacter),
        ("/a#b", NameError::BadCharacter),
        ("/a\0", NameError::BadCharacter),
        ("/a\\b", NameError::BadCharacter),
        ("/caf\u{e9}", NameError::BadCharacter),
        ("/a\u{ff0f}b", NameError::BadCharacter),
        ("/a/*", NameError::MisplacedWildcard),
        ("/a/**", NameError::MisplacedWildcard),
        ("/a/*/b", NameError::MisplacedWildcard),
        ("/a*", NameError::MisplacedWildcard),
    ];
    for (name, fault) in cases {
        assert_eq!(Channel::parse(name), Err(fault), "{name}");
    }
}

#[test]
fn the_bounds_themselves_are_allowed() {
    assert!(Channel::parse(&format!("/{}", "a".repeat(254))).is_ok());
    assert!(Channel::parse(&"/a".repeat(16)).is_ok());
}

#[test]
fn what_looks_like_a_protocol_name_but_is_none_is_reserved() {
    for name in [
        "/meta",
        "/meta/what",
        "/meta/subscribe/x",
        "/meta/subscribe%00",
        "/meta/constructor",
        "/meta/__proto__",
        "/meta/Handshake",
        "/META/subscribe",
        "/Meta/x",
        "/service",
        "/SERVICE/x",
    ] {
        assert_eq!(Channel::parse(name), Err(NameError::Reserved), "{name}");
    }
}

#[test]
fn kinds_are_told_by_the_whole_first_segment() {
    let kind = |name| Channel::parse(name).unwrap().kind();
    assert_eq!(kind("/meta/connect"), Kind::Meta);
    assert_eq!(kind("/service/x"), Kind::Service);
    assert_eq!(kind("/metadata/x"), Kind::Broadcast);
    assert_eq!(kind("/services"), Kind::Broadcast);
    assert_eq!(kind("/a/meta/handshake"), Kind::Broadcast);
}

#[test]
fn matching_names_go_from_the_channel_to_the_widest_pattern() {
    assert_eq!(matching("/a/b/c"), ["/a/b/c", "/a/b/*", "/a/b/**", "/a/**", "/**"]);
    assert_eq!(matching("/a"), ["/a", "/*", "/**"]);
}

#[test]
fn meta_and_service_channels_match_only_themselves() {
    assert_eq!(matching("/service/a"), ["/service/a"]);
    assert_eq!(matching("/meta/connect"), ["/meta/connect"]);
}
