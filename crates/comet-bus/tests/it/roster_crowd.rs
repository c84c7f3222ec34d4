//! A crowd of fifty thousand: that it is listed whole, told whole, and stays small.

use std::collections::BTreeSet;

use comet_bus::{Change, ChangesLimits, Count, Member, Roster};

const CROWD: u64 = 50_000;

fn member(number: u64) -> Member {
    let name = format!("user-{number}");
    Member::new(&format!("{number:016x}"), Some(&name), Some(r#"{"name":"Somebody"}"#))
}

fn crowd() -> Roster {
    let mut roster = Roster::new(0, 500);
    (0..CROWD).for_each(|number| assert_eq!(roster.join(number, member(number), 0), Change::Joined));
    roster
}

#[test]
fn a_crowd_is_listed_and_told_whole() {
    let mut roster = crowd();
    let mut listed = BTreeSet::new();
    let mut after = None;
    loop {
        let page = roster.page(after, 1_000);
        page.members.iter().for_each(|member| assert!(listed.insert(member.id().to_owned())));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed.len() as u64, CROWD);
    let mut told = BTreeSet::new();
    while let Some(changes) = roster.take_changes(500, &ChangesLimits::default()) {
        assert!(changes.entries() <= ChangesLimits::default().entries);
        changes.joined.iter().for_each(|member| assert!(told.insert(member.id().to_owned())));
    }
    assert_eq!(told, listed);
    (0..CROWD).for_each(|number| assert_eq!(roster.leave(number, 1_000), Change::Left));
    assert_eq!(roster.count(), Count::default());
    while let Some(changes) = roster.take_changes(1_500, &ChangesLimits::default()) {
        changes.left.iter().for_each(|member| assert!(told.remove(member.id())));
    }
    assert!(told.is_empty() && roster.is_idle());
}

/// What the process holds, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> i64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<i64>().ok());
    pages.expect("the second number is that of resident pages") * 4_096
}

/// Measured by what the process gains, other tests in it included; so several crowds are held at once.
#[cfg(target_os = "linux")]
#[test]
fn a_member_of_a_crowd_takes_a_few_hundred_bytes() {
    const CROWDS: u64 = 4;
    let before = resident();
    let crowds: Vec<Roster> = (0..CROWDS).map(|_| crowd()).collect();
    let bytes = (resident() - before) / (CROWDS * CROWD) as i64;
    let texts = member(CROWD - 1);
    let texts = texts.id().len() + texts.user().map_or(0, str::len) + texts.info().map_or(0, str::len);
    println!("a member of a roster of {CROWD} takes {bytes} bytes, {texts} of them its texts");
    assert!(crowds.iter().all(|roster| roster.count().users as u64 == CROWD));
    assert!((100..400).contains(&bytes), "{bytes} bytes");
}
