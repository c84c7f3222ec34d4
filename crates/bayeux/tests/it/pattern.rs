//! Patterns against a naive matcher.

use bayeux::{Channel, Kind, NameError, Pattern};
use proptest::prelude::*;

/// Matching as the words of the protocol say it, segment by segment.
fn naive(pattern: &str, channel: &str) -> bool {
    let wanted: Vec<&str> = pattern.split('/').skip(1).collect();
    let given: Vec<&str> = channel.split('/').skip(1).collect();
    let kind = |segments: &[&str]| ["meta", "service"].into_iter().find(|name| segments[0] == *name);
    if kind(&wanted) != kind(&given) {
        return false;
    }
    let (last, parents) = wanted.split_last().unwrap();
    match *last {
        "*" => given.len() == wanted.len() && given.starts_with(parents),
        "**" => given.len() >= wanted.len() && given.starts_with(parents),
        _ => given == wanted,
    }
}

fn channels() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof!["[ab]", "service", "aa"], 1..5)
        .prop_map(|segments| format!("/{}", segments.join("/")))
        .prop_filter("must be a channel", |name| Channel::parse(name).is_ok())
}

fn patterns() -> impl Strategy<Value = String> {
    (channels(), prop_oneof![Just(""), Just("/*"), Just("/**")], any::<bool>()).prop_map(
        |(channel, tail, bare)| {
            if bare && !tail.is_empty() { tail.to_owned() } else { format!("{channel}{tail}") }
        },
    )
}

proptest! {
    #[test]
    fn a_pattern_matches_what_the_naive_matcher_matches(pattern in patterns(), channel in channels()) {
        let matched = Pattern::parse(&pattern).unwrap().matches(&Channel::parse(&channel).unwrap());
        prop_assert_eq!(matched, naive(&pattern, &channel));
    }

    #[test]
    fn a_pattern_matches_a_broadcast_channel_exactly_when_it_is_among_its_matching_names(
        pattern in patterns(), channel in channels(),
    ) {
        let channel = Channel::parse(&channel).unwrap();
        prop_assume!(channel.kind() == Kind::Broadcast);
        let mut named = 0;
        channel.matching_names(|name| named += u32::from(name == pattern));
        prop_assert_eq!(named, u32::from(Pattern::parse(&pattern).unwrap().matches(&channel)));
    }

    #[test]
    fn a_pattern_covers_another_only_if_it_matches_all_that_the_other_does(
        one in patterns(), other in patterns(), channel in channels(),
    ) {
        let (one, other) = (Pattern::parse(&one).unwrap(), Pattern::parse(&other).unwrap());
        let channel = Channel::parse(&channel).unwrap();
        let both = (one.matches(&channel), other.matches(&channel));
        prop_assert!(!one.covers(&other) || both != (false, true));
        prop_assert!(one.overlaps(&other) || both != (true, true));
        prop_assert_eq!(one.overlaps(&other), other.overlaps(&one));
        prop_assert!(!one.covers(&other) || one.overlaps(&other));
    }

    #[test]
    fn any_text_is_judged_without_panic_and_kept_as_it_is(text in "[/a*mets.\u{e9} ]{0,20}|\\PC*") {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(pattern.as_str(), &text);
            prop_assert!(text.is_ascii() && !text.ends_with('/') && !text.contains("//"));
        }
        if Channel::parse(&text).is_ok() {
            prop_assert!(Pattern::parse(&text).is_ok_and(|pattern| !pattern.is_wildcard()));
        }
    }
}

#[test]
fn wildcards_stand_only_as_the_whole_last_segment() {
    for name in ["/*", "/**", "/a/*", "/a/b/**", "/meta/*", "/meta/**", "/service/**"] {
        assert!(Pattern::parse(name).unwrap().is_wildcard(), "{name}");
    }
    for name in ["/a/*/b", "/a/**/b", "/**/a", "/a*", "/a/*b", "/a/***", "/*/", "/**/*"] {
        assert_eq!(Pattern::parse(name), Err(NameError::MisplacedWildcard), "{name}");
    }
    assert_eq!(Pattern::parse("/meta/a/*"), Err(NameError::Reserved));
    assert_eq!(Pattern::parse("/Meta/*"), Err(NameError::Reserved));
}

#[test]
fn a_double_star_needs_at_least_one_segment_below() {
    let pattern = Pattern::parse("/foo/**").unwrap();
    assert!(!pattern.matches(&Channel::parse("/foo").unwrap()));
    assert!(pattern.matches(&Channel::parse("/foo/a/b").unwrap()));
}

#[test]
fn the_widest_pattern_sees_neither_meta_nor_service() {
    let all = Pattern::parse("/**").unwrap();
    assert_eq!(all.kind(), Kind::Broadcast);
    for name in ["/meta/connect", "/service/a", "/service/a/b"] {
        assert!(!all.matches(&Channel::parse(name).unwrap()), "{name}");
    }
    assert!(Pattern::parse("/service/**").unwrap().matches(&Channel::parse("/service/a").unwrap()));
}

#[test]
fn what_a_pattern_covers_and_what_it_shares_with_another() {
    let covers = [
        ("/**", "/a/b", true),
        ("/**", "/*", true),
        ("/a/**", "/a/**", true),
        ("/a/**", "/a/*", true),
        ("/a/**", "/a/b/**", true),
        ("/a/*", "/a/b", true),
        ("/a/*", "/a/*", true),
        ("/a/b", "/a/b", true),
        ("/a/**", "/a", false),
        ("/a/*", "/a/**", false),
        ("/a/b/**", "/a/**", false),
        ("/a/b", "/a/*", false),
        ("/**", "/service/a", false),
        ("/service/**", "/service/a/*", true),
    ];
    for (one, other, so) in covers {
        let (one, other) = (Pattern::parse(one).unwrap(), Pattern::parse(other).unwrap());
        assert_eq!(one.covers(&other), so, "{one} covers {other}");
    }
    let share = [
        ("/a/**", "/a/b/*", true),
        ("/a/b/**", "/**", true),
        ("/a/*", "/a/**", true),
        ("/a/b", "/a/*", true),
        ("/a/b/*", "/a/*", false),
        ("/a/b/**", "/a/*", false),
        ("/a/**", "/b/**", false),
        ("/a/b", "/a/c", false),
    ];
    for (one, other, so) in share {
        let (one, other) = (Pattern::parse(one).unwrap(), Pattern::parse(other).unwrap());
        assert_eq!(one.overlaps(&other), so, "{one} overlaps {other}");
    }
}
