//! Rosters: who is there, who is the same user, and how a roster is listed.

use comet_bus::{Change, Count, Cursor, Member, Roster};

fn named(session: u64, user: &str) -> Member {
    Member::new(&format!("s{session}"), Some(user), None)
}

fn anonymous(session: u64) -> Member {
    Member::new(&format!("s{session}"), None, None)
}

fn ids(members: &[Member]) -> Vec<&str> {
    members.iter().map(Member::id).collect()
}

#[test]
fn a_user_is_there_from_its_first_session_to_its_last() {
    let mut roster = Roster::new(0, 500);
    assert_eq!(roster.join(1, named(1, "ann"), 0), Change::Joined);
    assert_eq!(roster.join(2, named(2, "ann"), 0), Change::Session);
    assert_eq!(roster.join(2, named(2, "ann"), 0), Change::Nothing);
    assert_eq!(roster.count(), Count { users: 1, sessions: 2 });
    assert_eq!(roster.leave(1, 0), Change::Session);
    assert_eq!(ids(&roster.page(None, 9).members), ["s1"], "the id stays while the user stays");
    assert_eq!(roster.leave(1, 0), Change::Nothing);
    assert_eq!(roster.leave(2, 0), Change::Left);
    assert_eq!(roster.count(), Count::default());
    assert!(roster.is_idle(), "nobody was told of the user, so there is nothing to tell");
}

#[test]
fn each_anonymous_session_is_a_user_of_its_own() {
    let mut roster = Roster::new(0, 500);
    for session in 1..=3 {
        assert_eq!(roster.join(session, anonymous(session), 0), Change::Joined);
    }
    assert_eq!(roster.join(4, named(4, "s1"), 0), Change::Joined, "a name that looks like an id is no id");
    assert_eq!(roster.join(5, Member::new("s5", Some(""), None), 0), Change::Joined);
    assert_eq!(roster.count(), Count { users: 5, sessions: 5 });
    assert_eq!(roster.leave(1, 0), Change::Left);
    assert_eq!(ids(&roster.page(None, 9).members), ["s2", "s3", "s4", "s5"]);
    assert_eq!(roster.page(None, 9).members[3].user(), None);
}

#[test]
fn the_newest_info_wins_and_silence_leaves_it() {
    let mut roster = Roster::new(0, 500);
    let with = |session: u64, info: Option<&str>| Member::new(&format!("s{session}"), Some("ann"), info);
    let info = |roster: &Roster| roster.page(None, 1).members[0].info().map(str::to_owned);
    roster.join(1, with(1, Some("1")), 0);
    assert_eq!(roster.join(2, with(2, Some("2")), 0), Change::Renewed);
    assert_eq!(info(&roster).as_deref(), Some("2"));
    assert_eq!(roster.join(3, with(3, None), 0), Change::Session);
    assert_eq!(info(&roster).as_deref(), Some("2"));
    assert_eq!(roster.join(1, with(1, Some("3")), 0), Change::Renewed);
    assert_eq!(roster.join(1, with(1, Some("3")), 0), Change::Nothing);
    roster.leave(1, 0);
    assert_eq!(info(&roster).as_deref(), Some("3"), "info outlives the session that said it");
    assert_eq!(ids(&roster.page(None, 1).members), ["s1"]);
}

#[test]
fn a_session_that_comes_as_another_user_leaves_as_the_old_one() {
    let mut roster = Roster::new(0, 500);
    roster.join(1, anonymous(1), 0);
    assert_eq!(roster.join(1, named(1, "ann"), 0), Change::Joined);
    assert_eq!(roster.count(), Count { users: 1, sessions: 1 });
    assert_eq!(roster.page(None, 9).members, [named(1, "ann")]);
}

#[test]
fn a_listing_goes_on_where_it_stood_though_its_place_has_left() {
    let mut roster = Roster::new(7, 500);
    for session in 0..10 {
        roster.join(session, anonymous(session), 0);
    }
    let first = roster.page(None, 4);
    assert_eq!(ids(&first.members), ["s0", "s1", "s2", "s3"]);
    roster.leave(3, 0);
    roster.leave(4, 0);
    roster.leave(0, 0);
    roster.join(0, anonymous(0), 0);
    roster.join(10, anonymous(10), 0);
    let second = roster.page(first.next, 4);
    assert_eq!(ids(&second.members), ["s5", "s6", "s7", "s8"]);
    let last = roster.page(second.next, 4);
    assert_eq!(ids(&last.members), ["s9"], "who came or came back after the beginning is not part of it");
    assert_eq!(last.next, None);
    assert_eq!(ids(&roster.page(None, 99).members).len(), 9);
}

#[test]
fn a_listing_of_nobody_and_a_page_of_nothing_end() {
    let mut roster = Roster::new(0, 500);
    assert_eq!(roster.page(None, 5), Default::default());
    roster.join(1, anonymous(1), 0);
    roster.join(2, anonymous(2), 0);
    let page = roster.page(None, 0);
    assert_eq!(ids(&page.members), ["s1"], "a page has room for one at least");
    assert_eq!(roster.page(page.next, 1).next, None);
}

#[test]
fn a_cursor_goes_out_and_comes_back_as_a_text() {
    let mut roster = Roster::new(250, 500);
    (0..20).for_each(|session| assert_eq!(roster.join(session, anonymous(session), 0), Change::Joined));
    let next = roster.page(None, 10).next.expect("ten more are there");
    assert_eq!(next.to_string(), "103-10e");
    assert_eq!(Cursor::parse(&next.to_string()), Some(next));
    for text in ["", "-", "1", "1-", "-1", "+1-2", "1-2-3", "x-1", "1-10000000000000000"] {
        assert_eq!(Cursor::parse(text), None, "{text}");
    }
}

#[test]
fn a_cursor_of_anybodys_making_only_lists_other_members() {
    let mut roster = Roster::new(0, 500);
    (0..5).for_each(|session| assert_eq!(roster.join(session, anonymous(session), 0), Change::Joined));
    let page = |text: &str| roster.page(Cursor::parse(text), 9).members.len();
    assert_eq!(page("2-ffffffffffffffff"), 2);
    assert_eq!(page("ffffffffffffffff-ffffffffffffffff"), 0);
    assert_eq!(page("3-1"), 0);
    assert_eq!(page("0-0"), 0);
    assert_eq!(page("4-5"), 0);
}

#[test]
fn a_member_is_written_with_what_it_has() {
    let json = |member: Member| {
        let mut out = Vec::new();
        member.write_json(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(json(anonymous(1)), r#"{"id":"s1"}"#);
    let quoted = Member::new("s2", Some("a\"\n"), Some(r#"{"x":[1]}"#));
    assert_eq!(json(quoted), r#"{"id":"s2","user":"a\"\n","info":{"x":[1]}}"#);
}
