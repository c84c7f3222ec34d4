//! The presence of a home: each bound by its name, turns among channels, and rosters that come and go.

use comet_bus::{Change, Changes, ChangesLimits, Count, Member, Presence, PresenceFull, PresenceLimits};

fn member(session: u64) -> Member {
    Member::new(&format!("s{session}"), None, None)
}

fn presence(change: impl FnOnce(&mut PresenceLimits)) -> Presence {
    let mut limits = PresenceLimits::default();
    change(&mut limits);
    Presence::new(limits)
}

fn told(presence: &mut Presence, now_ms: u64, budget: usize) -> Vec<(String, usize)> {
    let taken = take_due(presence, now_ms, budget);
    taken.into_iter().map(|(channel, changes)| (channel, changes.entries())).collect()
}

/// Takes what is due, at most `budget` entries in all.
pub(crate) fn take_due(presence: &mut Presence, now_ms: u64, mut budget: usize) -> Vec<(String, Changes)> {
    let mut taken = Vec::new();
    while budget > 0 {
        let Some(name) = presence.next_due(now_ms).map(str::to_owned) else { break };
        let changes = presence.take_next(now_ms, budget).expect("something is due");
        budget = budget.saturating_sub(changes.entries());
        taken.push((name, changes));
    }
    taken
}

#[test]
fn what_cannot_be_told_now_waits_behind_others_and_is_told_whole() {
    let mut presence = presence(|_| {});
    for (session, channel) in [(1, "/a"), (2, "/b"), (3, "/a")] {
        presence.on_join(channel, session, member(session), 500, 0).expect("there is room");
    }
    assert_eq!(presence.next_due(499), None);
    assert_eq!(presence.next_due(500), Some("/a"));
    presence.put_off_next(500);
    assert_eq!(presence.next_due(500), Some("/b"), "another one has its turn");
    presence.put_off_next(500);
    assert_eq!(presence.on_leave("/a", 3, 600), Change::Left);
    assert_eq!(presence.due(600), Some(500));
    let told = told(&mut presence, 600, 9);
    assert_eq!(told, [("/a".to_owned(), 1), ("/b".to_owned(), 1)], "what cancels out is not told");
    assert_eq!(presence.due(600), None);
}

#[test]
fn a_full_channel_refuses_sessions_and_keeps_those_it_has() {
    let mut presence = presence(|limits| limits.members_per_channel = 1);
    let ann = |session: u64, info| Member::new(&format!("s{session}"), Some("ann"), Some(info));
    assert_eq!(presence.on_join("/a", 1, ann(1, "1"), 500, 0), Ok(Change::Joined));
    assert_eq!(
        presence.on_join("/a", 2, ann(2, "1"), 500, 0),
        Err(PresenceFull::Channel),
        "sessions are counted"
    );
    assert_eq!(presence.on_join("/a", 1, ann(1, "2"), 500, 0), Ok(Change::Renewed));
    assert_eq!(presence.on_join("/b", 2, ann(2, "1"), 500, 0), Ok(Change::Joined));
    assert_eq!(presence.count("/a"), Count { users: 1, sessions: 1 });
}

#[test]
fn all_channels_together_hold_so_many_members() {
    let mut presence = presence(|limits| limits.members_in_all = 2);
    assert_eq!(presence.on_join("/a", 1, member(1), 500, 0), Ok(Change::Joined));
    assert_eq!(presence.on_join("/b", 2, member(2), 500, 0), Ok(Change::Joined));
    assert_eq!(presence.on_join("/a", 3, member(3), 500, 0), Err(PresenceFull::Members));
    assert_eq!(told(&mut presence, 500, 9).len(), 2);
    assert_eq!(presence.on_leave("/a", 1, 1_000), Change::Left);
    assert_eq!(
        presence.on_join("/b", 3, member(3), 500, 1_000),
        Err(PresenceFull::Members),
        "a departure waits"
    );
    assert_eq!(presence.on_join("/a", 1, member(1), 500, 1_000), Ok(Change::Joined), "who comes back fits");
    presence.on_leave("/a", 1, 2_000);
    assert_eq!(told(&mut presence, 2_500, 9), [("/a".to_owned(), 1)]);
    assert_eq!(presence.on_join("/b", 3, member(3), 500, 2_500), Ok(Change::Joined));
    assert_eq!(presence.weight(), 2);
}

#[test]
fn a_home_has_so_many_channels_and_forgets_the_empty_ones() {
    let mut presence = presence(|limits| limits.channels = 1);
    assert_eq!(presence.on_join("/a", 1, member(1), 500, 0), Ok(Change::Joined));
    assert_eq!(presence.on_join("/b", 2, member(2), 500, 0), Err(PresenceFull::Channels));
    presence.on_leave("/a", 1, 1);
    assert_eq!((presence.channels(), presence.due(1)), (0, None), "nobody was told, so nothing is left");
    assert_eq!(presence.on_join("/b", 2, member(2), 500, 2), Ok(Change::Joined));
    assert_eq!(told(&mut presence, 502, 9).len(), 1);
    presence.on_leave("/b", 2, 1_000);
    assert_eq!(presence.channels(), 1, "the departure is still to be told");
    assert_eq!(told(&mut presence, 1_500, 9), [("/b".to_owned(), 1)]);
    assert_eq!(presence.channels(), 0);
    assert_eq!(presence.on_leave("/b", 2, 1_500), Change::Nothing);
}

#[test]
fn info_is_as_long_as_it_may_be_and_no_longer() {
    let mut presence = presence(|limits| limits.info_bytes = 3);
    let with = |info| Member::new("s1", Some("ann"), Some(info));
    assert_eq!(presence.on_join("/a", 1, with("1234"), 500, 0), Err(PresenceFull::Info));
    assert_eq!(presence.channels(), 0, "who is refused leaves nothing behind");
    assert_eq!(presence.on_join("/a", 1, with("123"), 500, 0), Ok(Change::Joined));
    assert_eq!(presence.on_join("/a", 1, with("1234"), 500, 0), Err(PresenceFull::Info));
    assert_eq!(presence.page("/a", None, 1).members[0].info(), Some("123"));
}

#[test]
fn every_bound_says_its_name() {
    let all = [PresenceFull::Info, PresenceFull::Channel, PresenceFull::Members, PresenceFull::Channels];
    let texts: std::collections::BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), all.len());
}

#[test]
fn the_channel_that_waits_longest_is_due_first() {
    let mut presence = presence(|_| {});
    assert_eq!(presence.due(0), None);
    presence.on_join("/late", 1, member(1), 100, 50).unwrap();
    presence.on_join("/early", 2, member(2), 100, 20).unwrap();
    assert_eq!(presence.due(60), Some(120));
    assert!(told(&mut presence, 119, 9).is_empty());
    assert_eq!(told(&mut presence, 120, 9), [("/early".to_owned(), 1)]);
    assert_eq!(presence.due(120), Some(150));
    assert_eq!(told(&mut presence, 150, 9), [("/late".to_owned(), 1)]);
    assert_eq!(presence.due(150), None);
}

#[test]
fn channels_take_turns_within_the_budget() {
    let changes = ChangesLimits { entries: 2, ..ChangesLimits::default() };
    let mut presence = presence(|limits| limits.changes = changes);
    for session in 0..5 {
        presence.on_join("/crowd", session, member(session), 0, 0).unwrap();
    }
    presence.on_join("/quiet", 9, member(9), 0, 0).unwrap();
    let entry = |name: &str, entries| (name.to_owned(), entries);
    assert_eq!(told(&mut presence, 0, 4), [entry("/crowd", 2), entry("/quiet", 1), entry("/crowd", 1)]);
    assert_eq!(presence.due(0), Some(0));
    assert!(told(&mut presence, 0, 0).is_empty());
    assert_eq!(told(&mut presence, 0, 9), [entry("/crowd", 2)]);
}

#[test]
fn a_clock_that_was_set_back_does_not_hold_changes_up() {
    let mut presence = presence(|_| {});
    presence.on_join("/a", 1, member(1), 500, 1_000_000).unwrap();
    assert_eq!(presence.due(2_000), Some(2_000));
    assert_eq!(told(&mut presence, 2_000, 9).len(), 1);
}

#[test]
fn a_listing_that_outlives_its_roster_lists_nobody_twice() {
    let mut presence = presence(|_| {});
    for session in 0..4 {
        presence.on_join("/a", session, member(session), 0, 0).unwrap();
    }
    let first = presence.page("/a", None, 2);
    (0..4).for_each(|session| assert_eq!(presence.on_leave("/a", session, 0), Change::Left));
    assert_eq!(presence.channels(), 0);
    for session in (0..4).rev() {
        presence.on_join("/a", session, member(session), 0, 0).unwrap();
    }
    assert_eq!(presence.page("/a", first.next, 9).members, []);
    assert_eq!(presence.page("/a", None, 9).members.len(), 4);
    assert_eq!(presence.page("/nobody", None, 9).members, []);
}
