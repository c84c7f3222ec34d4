//! Changes: when they are due, what cancels out, and how large a batch grows.

use comet_bus::{Change, Changes, ChangesLimits, Count, Member, Roster};

const ALL: ChangesLimits = ChangesLimits { entries: usize::MAX, text_bytes: usize::MAX };

fn named(session: u64, user: &str, info: &str) -> Member {
    Member::new(&format!("s{session}"), Some(user), Some(info))
}

fn names(members: &[Member]) -> Vec<&str> {
    members.iter().map(|member| member.user().unwrap_or(member.id())).collect()
}

/// A roster on which ann is, and everybody knows.
fn told() -> Roster {
    let mut roster = Roster::new(0, 500);
    roster.join(1, named(1, "ann", "1"), 0);
    assert_eq!(roster.take_changes(500, &ALL).map(|changes| changes.entries()), Some(1));
    roster
}

#[test]
fn changes_are_gathered_from_the_first_until_the_window_ends() {
    let mut roster = Roster::new(0, 500);
    assert_eq!(roster.due_at(), None);
    roster.join(1, named(1, "ann", "1"), 1_000);
    roster.join(2, named(2, "bob", "1"), 1_400);
    assert_eq!(roster.due_at(), Some(1_500));
    assert_eq!(roster.take_changes(1_499, &ALL), None);
    let changes = roster.take_changes(1_500, &ALL).expect("the window is over");
    assert_eq!(names(&changes.joined), ["ann", "bob"]);
    assert_eq!((roster.due_at(), roster.take_changes(9_000, &ALL)), (None, None));
    roster.leave(1, 9_000);
    assert_eq!(roster.due_at(), Some(9_500), "the first change after quiet opens the next window");
}

#[test]
fn without_a_window_each_change_is_due_at_once() {
    let mut roster = Roster::new(0, 0);
    roster.join(1, named(1, "ann", "1"), 7);
    assert_eq!(roster.due_at(), Some(7));
    assert!(roster.take_changes(7, &ALL).is_some());
    roster.leave(1, 8);
    assert_eq!(names(&roster.take_changes(8, &ALL).expect("at once").left), ["ann"]);
}

#[test]
fn who_leaves_and_comes_back_within_the_window_changes_nothing() {
    let mut roster = told();
    roster.leave(1, 1_000);
    assert_eq!(roster.due_at(), Some(1_500));
    assert_eq!(roster.join(2, named(2, "ann", "1"), 1_100), Change::Joined);
    assert_eq!(roster.due_at(), None);
    assert_eq!(roster.take_changes(1_500, &ALL), None);
    assert_eq!(
        roster.page(None, 1).members[0].id(),
        "s1",
        "listeners know the user by the id they were told"
    );
}

#[test]
fn who_comes_and_leaves_within_the_window_was_never_there() {
    let mut roster = told();
    roster.join(2, named(2, "bob", "1"), 1_000);
    roster.leave(2, 1_001);
    assert_eq!(roster.due_at(), None);
}

#[test]
fn who_comes_back_after_its_departure_was_told_is_told_again() {
    let mut roster = told();
    roster.leave(1, 1_000);
    assert_eq!(names(&roster.take_changes(1_500, &ALL).expect("due").left), ["ann"]);
    roster.join(2, named(2, "ann", "1"), 1_600);
    assert_eq!(roster.take_changes(2_100, &ALL).expect("due").joined, [named(2, "ann", "1")]);
}

#[test]
fn new_info_is_told_unless_the_old_comes_back() {
    let mut roster = told();
    roster.join(1, named(1, "ann", "2"), 1_000);
    roster.join(1, named(1, "ann", "1"), 1_001);
    assert_eq!(roster.due_at(), None);
    roster.join(1, named(1, "ann", "2"), 1_002);
    roster.leave(1, 1_003);
    roster.join(2, named(2, "ann", "3"), 1_004);
    let changes = roster.take_changes(1_502, &ALL).expect("due");
    assert_eq!(changes.joined, [named(1, "ann", "3")]);
    assert!(changes.left.is_empty());
}

#[test]
fn a_further_session_is_no_change_of_users() {
    let mut roster = told();
    roster.join(2, named(2, "ann", "1"), 1_000);
    roster.leave(1, 1_000);
    assert_eq!(roster.due_at(), None);
}

#[test]
fn what_does_not_fit_is_due_at_once_and_departures_go_first() {
    let mut roster = Roster::new(0, 500);
    for session in 0..3 {
        roster.join(session, named(session, &format!("old{session}"), "1"), 0);
    }
    roster.take_changes(500, &ALL);
    for session in 0..3 {
        roster.join(session + 10, named(session, &format!("new{session}"), "1"), 1_000);
        roster.leave(session, 1_000);
    }
    let limits = ChangesLimits { entries: 2, ..ALL };
    let mut batches = Vec::new();
    while let Some(changes) = roster.take_changes(1_600, &limits) {
        assert_eq!(changes.count, Count { users: 3, sessions: 3 });
        batches.push(changes);
    }
    let told = |at: usize| (names(&batches[at].left), names(&batches[at].joined));
    assert_eq!(told(0), (vec!["old0", "old1"], vec![]));
    assert_eq!(told(1), (vec!["old2"], vec!["new0"]));
    assert_eq!(told(2), (vec![], vec!["new1", "new2"]));
    assert_eq!((batches.len(), roster.due_at()), (3, None));
}

#[test]
fn a_batch_is_bounded_in_bytes_and_takes_one_entry_at_least() {
    let mut roster = Roster::new(0, 0);
    let long = format!("\"{}\"", "x".repeat(100));
    for (session, info) in [(0, &*long), (1, "1"), (2, "1"), (3, &*long)] {
        roster.join(session, named(session, &format!("u{session}"), info), 0);
    }
    let limits = ChangesLimits { entries: 10, text_bytes: 50 };
    let mut sizes = Vec::new();
    while let Some(changes) = roster.take_changes(0, &limits) {
        sizes.push(changes.entries());
    }
    assert_eq!(sizes, [1, 2, 1]);
    let none = ChangesLimits { entries: 0, text_bytes: 0 };
    roster.leave(1, 0);
    assert_eq!(roster.take_changes(0, &none).map(|changes| changes.entries()), Some(1));
}

#[test]
fn changes_do_not_wait_for_a_clock_that_was_set_back() {
    let mut roster = Roster::new(0, 500);
    roster.join(1, named(1, "ann", "1"), 1_000_000);
    assert!(!roster.is_due(1_000_000));
    assert!(roster.is_due(5_000));
    assert!(roster.take_changes(5_000, &ALL).is_some());
    roster.leave(1, u64::MAX);
    assert_eq!(roster.due_at(), Some(u64::MAX), "the end of time is not passed");
}

#[test]
fn changes_are_written_as_the_data_of_an_event() {
    let anonymous = Member::new("s9", None, None);
    let changes = Changes {
        joined: vec![named(1, "ann", r#"{"seat":4}"#), anonymous.clone()],
        left: vec![named(2, "b\"b", "[1]"), anonymous],
        count: Count { users: 2, sessions: 3 },
    };
    let expected = concat!(
        r#"{"joined":[{"id":"s1","user":"ann","info":{"seat":4}},{"id":"s9"}],"#,
        r#""left":[{"id":"s2","user":"b\"b"},{"id":"s9"}],"users":2,"sessions":3}"#
    );
    assert_eq!(changes.to_json(), expected);
    let empty = Changes { joined: vec![], left: vec![], count: Count::default() };
    assert_eq!(empty.to_json(), r#"{"joined":[],"left":[],"users":0,"sessions":0}"#);
}
