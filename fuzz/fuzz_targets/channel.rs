//! Names of channels and patterns.
//!
//! A name that is accepted is written back as it came, and a pattern matches a channel for everyone just when
//! it is one of the channel's matching names. The input comes from the fuzzer: two names with a space between them.
#![no_main]

use bayeux::{Channel, Kind, Pattern};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|names: &str| {
    let (first, second) = names.split_once(' ').unwrap_or((names, names));
    let (channel, pattern) = (Channel::parse(first), Pattern::parse(second));
    if let Ok(channel) = &channel {
        assert_eq!(channel.as_str(), first);
        assert!(Pattern::parse(first).is_ok_and(|pattern| pattern.matches(channel) && !pattern.is_wildcard()));
    }
    if let (Ok(channel), Ok(pattern)) = (channel, pattern)
        && channel.kind() == Kind::Broadcast
    {
        let mut matching = false;
        channel.matching_names(|name| matching |= name == second);
        assert_eq!(pattern.matches(&channel), matching, "{first} {second}");
    }
});
