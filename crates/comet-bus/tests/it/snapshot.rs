//! A listing and the changes that follow it make the roster, whenever the listing began.

use std::collections::BTreeMap;

use comet_bus::{Changes, ChangesLimits, Cursor, Member, Page, Roster};
use proptest::prelude::*;

type Known = BTreeMap<String, Member>;

fn member(session: u64, info: u8) -> Member {
    Member::new(&format!("s{session}"), None, Some(&info.to_string()))
}

fn add(known: &mut Known, page: &Page) {
    known.extend(page.members.iter().map(|member| (member.id().to_owned(), member.clone())));
}

fn fold(known: &mut Known, changes: &Changes) {
    for member in &changes.left {
        known.remove(member.id());
    }
    known.extend(changes.joined.iter().map(|member| (member.id().to_owned(), member.clone())));
}

fn all(roster: &Roster) -> Known {
    let mut known = Known::new();
    add(&mut known, &roster.page(None, usize::MAX));
    known
}

#[test]
fn who_leaves_before_its_coming_is_told_is_in_no_listing_for_listeners() {
    let mut roster = Roster::new(0, 500);
    roster.join(1, member(1, 0), 0);
    assert!(roster.page_told(None, 9).members.is_empty());
    assert_eq!(roster.page(None, 9).members.len(), 1);
    roster.leave(1, 1);
    assert!(!roster.is_due(10_000), "nobody is told of it, and nobody has to be");
}

#[test]
fn who_is_away_for_a_moment_stays_in_the_listing_for_listeners() {
    let mut roster = Roster::new(0, 500);
    for session in 1..4 {
        roster.join(session, member(session, 0), 0);
    }
    roster.take_changes(500, &ChangesLimits::default());
    roster.leave(2, 600);
    let ids = |page: Page| page.members.iter().map(|member| member.id().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(roster.page_told(None, 9)), ["s1", "s2", "s3"]);
    assert_eq!(ids(roster.page(None, 9)), ["s1", "s3"]);
    roster.join(2, member(2, 0), 700);
    assert!(!roster.is_due(10_000), "nothing has happened");
}

#[test]
fn a_page_ends_where_its_texts_become_too_long() {
    let mut roster = Roster::new(0, 0);
    for session in 0..20 {
        let info = format!("\"{}\"", "x".repeat(10_000));
        roster.join(session, Member::new(&format!("s{session}"), None, Some(&info)), 0);
    }
    let first = roster.page(None, 100);
    assert_eq!(first.members.len(), 6, "64 KiB");
    let (mut listed, mut next) = (first.members.len(), first.next);
    while let Some(after) = next {
        let page = roster.page(Some(after), 100);
        (listed, next) = (listed + page.members.len(), page.next);
    }
    assert_eq!(listed, 20);
}

proptest! {
    #[test]
    fn a_listing_that_begins_anywhere_and_all_changes_after_its_first_page_are_the_roster(
        steps in prop::collection::vec((0..6_u8, 0..12_u64, 0..3_u8), 1..150),
        begins in 0..100_usize,
        limit in 1..4_usize,
        entries in 1..5_usize,
    ) {
        let mut roster = Roster::new(0, 100);
        let limits = ChangesLimits { entries, ..ChangesLimits::default() };
        let (mut known, mut after, mut listed) = (Known::new(), None::<Cursor>, false);
        let mut changes = Vec::new();
        let mut now = 0;
        for (number, (what, session, info)) in steps.into_iter().enumerate() {
            now += 30;
            match what {
                0..=2 => {
                    roster.join(session, member(session, info), now);
                }
                3 | 4 => {
                    roster.leave(session, now);
                }
                _ if number < begins => drop(roster.take_changes(now, &limits)),
                _ => changes.extend(roster.take_changes(now, &limits)),
            }
            if number >= begins && !listed {
                let page = roster.page_told(after, limit);
                add(&mut known, &page);
                (after, listed) = (page.next, page.next.is_none());
            }
        }
        prop_assume!(listed);
        while let Some(due) = roster.due_at() {
            now = now.max(due);
            changes.extend(roster.take_changes(now, &limits));
        }
        changes.iter().for_each(|changes| fold(&mut known, changes));
        prop_assert_eq!(known, all(&roster));
    }
}
