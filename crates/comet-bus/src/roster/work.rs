//! How much work a roster does, in comparisons of its ordered tables rather than in time, and what it keeps.
//!
//! Only tests live here; the counting is done by the numbers themselves. The hash tables beside the trees are not
//! counted, for they look at one entry whatever their size.

use super::seq::COMPARED;
use super::{Change, ChangesLimits, Cursor, Member, Roster};

fn member(number: u64) -> Member {
    Member::new(&format!("s{number}"), Some(&format!("user-{number}")), Some("{\"seat\":1}"))
}

/// Everybody is told of, so that leaves have to be gathered.
fn crowd(size: u64) -> Roster {
    let mut roster = Roster::new(0, 0);
    for number in 0..size {
        assert_eq!(roster.join(number, member(number), 0), Change::Joined);
    }
    while roster.take_changes(0, &ChangesLimits::default()).is_some() {}
    roster
}

fn comparisons<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = COMPARED.get();
    let done = work();
    (COMPARED.get() - before, done)
}

/// The comparisons of the dearest of a hundred joins, leaves and returns spread over the roster.
fn dearest_step(size: u64) -> u64 {
    let mut roster = crowd(size);
    let mut dearest = 0;
    for step in 0..100 {
        let there = step * size / 100;
        let joins = comparisons(|| roster.join(size + step, member(size + step), 0)).0;
        let leaves = comparisons(|| roster.leave(there, 0)).0;
        let returns = comparisons(|| roster.join(there, member(there), 0)).0;
        let counts = comparisons(|| roster.count()).0;
        assert_eq!(counts, 0, "counting compares nothing");
        dearest = dearest.max(joins).max(leaves).max(returns);
    }
    dearest
}

/// The comparisons of the dearest page of a whole listing, and how many pages it had.
fn dearest_page(roster: &Roster, limit: usize) -> (u64, usize) {
    let (mut dearest, mut pages) = (0, 0);
    let mut after: Option<Cursor> = None;
    loop {
        let (work, page) = comparisons(|| roster.page(after, limit));
        dearest = dearest.max(work);
        pages += 1;
        after = page.next;
        if after.is_none() {
            return (dearest, pages);
        }
    }
}

#[test]
fn a_join_or_a_leave_costs_a_few_nodes_more_in_a_crowd() {
    let (few, many) = (dearest_step(100), dearest_step(50_000));
    println!("dearest join, leave or return: {few} comparisons at 100 members, {many} at 50,000");
    assert!(many <= few * 4, "{few} comparisons at 100 members, {many} at 50,000");
    assert!(many <= 250, "{many} comparisons");
}

#[test]
fn a_page_costs_its_length_and_not_the_length_of_the_roster() {
    let (few, many) = (crowd(100), crowd(50_000));
    let (short, pages) = dearest_page(&few, 10);
    assert_eq!(pages, 10);
    let (long, pages) = dearest_page(&many, 10);
    assert_eq!(pages, 5_000);
    let (wide, pages) = dearest_page(&many, 1_000);
    assert_eq!(pages, 50);
    println!(
        "dearest page: {short} comparisons at 100 members, {long} at 50,000, {wide} with pages of 1,000"
    );
    assert!(long <= short * 4 && wide <= short * 4, "{short} at 100 members, {long} and {wide} at 50,000");
}

#[test]
fn a_batch_of_changes_costs_its_length_and_not_what_waits() {
    let work = |size: u64| {
        let mut roster = crowd(size);
        for number in 0..size {
            roster.leave(number, 0);
            roster.join(size + number, member(size + number), 0);
        }
        let limits = ChangesLimits { entries: 50, ..ChangesLimits::default() };
        let (work, changes) = comparisons(|| roster.take_changes(0, &limits));
        assert_eq!(changes.map(|changes| changes.entries()), Some(50));
        work
    };
    let (few, many) = (work(100), work(50_000));
    println!("a batch of 50: {few} comparisons with 200 changes waiting, {many} with 100,000");
    assert!(many <= few * 4 + 100, "{few} comparisons with 200 changes waiting, {many} with 100,000");
}

#[test]
fn nothing_is_kept_of_who_is_gone_and_told_of() {
    let mut roster = crowd(100);
    for number in 0..100 {
        roster.leave(number, 0);
        roster.join(1_000, member(1_000 + number), 0);
    }
    assert_eq!(roster.users.len(), 101, "a hundred departures wait, and one user is there");
    assert_eq!(roster.weight(), 101);
    while roster.take_changes(0, &ChangesLimits::default()).is_some() {}
    assert_eq!((roster.users.len(), roster.members.len(), roster.weight()), (1, 1, 1));
    roster.leave(1_000, 0);
    assert!(roster.take_changes(0, &ChangesLimits::default()).is_some());
    assert_eq!((roster.users.len(), roster.weight(), roster.is_idle()), (0, 0, true));
}
