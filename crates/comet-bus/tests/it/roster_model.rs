//! Rosters and presence against plain tables: whatever joins, leaves, pages and batches come in whatever order, counts are
//! right, listings are whole, and the changes folded from the start give the roster.

use std::collections::{BTreeMap, BTreeSet};

use comet_bus::{
    Change, Changes, ChangesLimits, Count, Cursor, Member, Presence, PresenceFull, PresenceLimits,
};
use comet_bus::{Page, Roster};
use proptest::prelude::*;

use crate::presence::take_due;

/// What makes a user the same: a name, or the id of an anonymous session.
type Key = (bool, String);

fn key(member: &Member) -> Key {
    member.user().map_or_else(|| (false, member.id().to_owned()), |user| (true, user.to_owned()))
}

#[derive(Clone, Debug)]
enum Step {
    Join { session: u64, user: Option<u8>, info: Option<u8> },
    Leave { session: u64 },
    Wait { ms: u64 },
    Take,
    List { limit: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let join = (0..10_u64, prop::option::of(0..5_u8), prop::option::of(0..2_u8))
        .prop_map(|(session, user, info)| Step::Join { session, user, info });
    let step = prop_oneof![
        6 => join,
        5 => (0..10_u64).prop_map(|session| Step::Leave { session }),
        2 => (0..800_u64).prop_map(|ms| Step::Wait { ms }),
        3 => Just(Step::Take),
        3 => (1..4_usize).prop_map(|limit| Step::List { limit }),
    ];
    prop::collection::vec(step, 0..120)
}

fn member(session: u64, user: Option<u8>, info: Option<u8>) -> Member {
    let user = user.map(|user| format!("u{user}"));
    let info = info.map(|info| info.to_string());
    Member::new(&format!("s{session}"), user.as_deref(), info.as_deref())
}

/// The plain table: sessions with their users, users with their info.
#[derive(Default)]
struct Table {
    sessions: BTreeMap<u64, Key>,
    infos: BTreeMap<Key, Option<String>>,
}

impl Table {
    fn join(&mut self, session: u64, member: &Member) {
        let key = key(member);
        if self.sessions.get(&session).is_some_and(|old| *old != key) {
            self.leave(session);
        }
        self.sessions.insert(session, key.clone());
        let info = member.info().map(str::to_owned);
        let known = self.infos.entry(key).or_insert_with(|| info.clone());
        if info.is_some() {
            *known = info;
        }
    }

    fn leave(&mut self, session: u64) {
        let Some(key) = self.sessions.remove(&session) else { return };
        if !self.sessions.values().any(|other| *other == key) {
            self.infos.remove(&key);
        }
    }

    fn count(&self) -> Count {
        Count { users: self.infos.len(), sessions: self.sessions.len() }
    }
}

/// What a listener makes of the changes.
#[derive(Default)]
struct Listener {
    members: BTreeMap<Key, Member>,
}

impl Listener {
    fn fold(&mut self, changes: &Changes) {
        assert!(changes.entries() > 0, "a batch tells something");
        for member in &changes.left {
            let known = self.members.remove(&key(member)).expect("only who was announced departs");
            assert_eq!(known.id(), member.id(), "and under the id it was announced with");
        }
        for member in &changes.joined {
            assert!(!changes.left.iter().any(|left| key(left) == key(member)));
            let known = self.members.insert(key(member), member.clone());
            assert_ne!(known.as_ref(), Some(member), "nobody is told what it knows");
        }
        let believed = self.members.len();
        assert!(changes.joined.is_empty() || believed <= changes.count.users, "departures are told first");
    }

    fn knows(&self, page: &Page, table: &Table) {
        let there: BTreeMap<Key, Member> =
            page.members.iter().map(|member| (key(member), member.clone())).collect();
        assert_eq!(self.members, there, "the fold is the roster");
        let infos: BTreeMap<Key, Option<String>> =
            there.iter().map(|(key, member)| (key.clone(), member.info().map(str::to_owned))).collect();
        assert_eq!(infos, table.infos, "and the roster is the table");
    }
}

/// A listing that is under way: who was there all the while, and who was listed.
#[derive(Default)]
struct Listing {
    after: Option<Cursor>,
    constant: BTreeSet<Key>,
    listed: BTreeSet<Key>,
}

impl Listing {
    fn begin(table: &Table) -> Listing {
        Listing { constant: table.infos.keys().cloned().collect(), ..Listing::default() }
    }

    /// Adds a page; returns whether it was the last.
    fn add(&mut self, page: Page, limit: usize, table: &Table) -> bool {
        assert!(page.members.len() <= limit);
        for member in &page.members {
            assert!(table.infos.contains_key(&key(member)), "only who is there is listed");
            assert!(self.listed.insert(key(member)), "nobody is listed twice");
        }
        self.after = page.next;
        if page.next.is_none() {
            assert!(self.listed.is_superset(&self.constant), "who was there all the while is listed");
        } else {
            assert_eq!(page.members.len(), limit, "a page that is not the last is full");
        }
        page.next.is_none()
    }
}

fn bounds() -> impl Strategy<Value = (u64, ChangesLimits)> {
    let debounce = prop_oneof![Just(0_u64), Just(1), Just(500)];
    let entries = prop_oneof![1..4_usize, Just(1_000)];
    let text_bytes = prop_oneof![Just(1_usize), Just(8), Just(1_000)];
    (debounce, entries, text_bytes)
        .prop_map(|(debounce, entries, text_bytes)| (debounce, ChangesLimits { entries, text_bytes }))
}

proptest! {
    #[test]
    fn a_roster_is_what_a_plain_table_is_and_its_changes_add_up_to_it(
        steps in steps(), (debounce_ms, limits) in bounds()
    ) {
        let mut roster = Roster::new(3, debounce_ms);
        let (mut table, mut listener, mut listing) = (Table::default(), Listener::default(), None::<Listing>);
        let mut now = 1_000;
        for step in steps {
            match step {
                Step::Join { session, user, info } => {
                    let member = member(session, user, info);
                    table.join(session, &member);
                    let change = roster.join(session, member, now);
                    prop_assert_ne!(change, Change::Left);
                }
                Step::Leave { session } => {
                    table.leave(session);
                    roster.leave(session, now);
                }
                Step::Wait { ms } => now += ms,
                Step::Take => {
                    let due = roster.due_at();
                    let changes = roster.take_changes(now, &limits);
                    prop_assert_eq!(changes.is_some(), due.is_some_and(|due| due <= now));
                    if let Some(changes) = changes {
                        prop_assert!(changes.entries() <= limits.entries);
                        prop_assert_eq!(changes.count, table.count());
                        listener.fold(&changes);
                    }
                }
                Step::List { limit } => {
                    let mut pages = listing.take().unwrap_or_else(|| Listing::begin(&table));
                    if !pages.add(roster.page(pages.after, limit), limit, &table) {
                        listing = Some(pages);
                    }
                }
            }
            if let Some(listing) = &mut listing {
                listing.constant.retain(|key| table.infos.contains_key(key));
            }
            prop_assert_eq!(roster.count(), table.count());
            prop_assert!(roster.due_at().is_none_or(|due| due <= now + debounce_ms));
            match roster.due_at() {
                None => listener.knows(&roster.page(None, usize::MAX), &table),
                Some(_) => prop_assert!(!roster.is_idle()),
            }
        }
        while let Some(due) = roster.due_at() {
            listener.fold(&roster.take_changes(due, &limits).expect("it is due"));
        }
        listener.knows(&roster.page(None, usize::MAX), &table);
        prop_assert_eq!(roster.is_idle(), table.sessions.is_empty());
    }

    #[test]
    fn the_presence_of_a_home_keeps_its_bounds_and_tells_every_channel_whole(
        steps in prop::collection::vec((steps(), 0..3_usize), 0..4),
        (debounce_ms, changes) in bounds(),
        budget in 1..6_usize,
    ) {
        let limits = PresenceLimits {
            members_per_channel: 4, members_in_all: 7, info_bytes: 2, channels: 2, changes,
        };
        let mut presence = Presence::new(limits);
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        let mut listeners: BTreeMap<String, Listener> = BTreeMap::new();
        let mut now = 1_000;
        // Sessions keep their user here, as those of a node do: the first half have names.
        let steps = steps.into_iter().flat_map(|(steps, at)| steps.into_iter().enumerate().map(move |(n, step)| {
            (format!("/room/{}", (at + n) % 3), step)
        }));
        for (channel, step) in steps {
            let table = tables.entry(channel.clone()).or_default();
            match step {
                Step::Join { session, info, .. } => {
                    let member = member(session, (session < 5).then_some(session as u8 / 2), info);
                    let there = table.sessions.contains_key(&session);
                    let (weight, rosters) = (presence.weight(), presence.channels());
                    match presence.on_join(&channel, session, member.clone(), debounce_ms, now) {
                        Ok(_) => table.join(session, &member),
                        Err(full) => {
                            prop_assert!(!there, "who is there is not refused");
                            match full {
                                PresenceFull::Channel => prop_assert_eq!(table.sessions.len(), 4),
                                PresenceFull::Members => prop_assert_eq!(weight, 7),
                                PresenceFull::Channels => {
                                    prop_assert!(rosters == 2 && table.sessions.is_empty());
                                }
                                PresenceFull::Info => prop_assert!(false, "the info is short"),
                            }
                        }
                    }
                }
                Step::Leave { session } => {
                    table.leave(session);
                    presence.on_leave(&channel, session, now);
                }
                Step::Wait { ms } => now += ms,
                Step::Take | Step::List { .. } => {
                    if matches!(step, Step::List { .. }) {
                        presence.put_off_next(now);
                    }
                    let due = presence.due(now).is_some_and(|due| due <= now);
                    let taken = take_due(&mut presence, now, budget);
                    prop_assert_eq!(!taken.is_empty(), due);
                    prop_assert!(taken.iter().map(|(_, changes)| changes.entries()).sum::<usize>() <= budget);
                    for (channel, changes) in taken {
                        prop_assert_eq!(changes.count, tables[&channel].count());
                        listeners.entry(channel).or_default().fold(&changes);
                    }
                }
            }
            prop_assert!(presence.weight() <= 7 && presence.channels() <= 2);
            for (channel, table) in &tables {
                prop_assert_eq!(presence.count(channel), table.count());
                prop_assert!(table.sessions.len() <= 4);
            }
        }
        while let Some(due) = presence.due(now) {
            now = now.max(due);
            for (channel, changes) in take_due(&mut presence, now, budget) {
                listeners.entry(channel).or_default().fold(&changes);
            }
        }
        for (channel, table) in &tables {
            listeners.entry(channel.clone()).or_default().knows(&presence.page(channel, None, 99), table);
        }
        let sessions: usize = tables.values().map(|table| table.sessions.len()).sum();
        prop_assert_eq!(presence.weight(), sessions);
        let attended = tables.values().filter(|table| !table.sessions.is_empty()).count();
        prop_assert_eq!(presence.channels(), attended, "who has nobody and nothing to tell is forgotten");
    }
}
