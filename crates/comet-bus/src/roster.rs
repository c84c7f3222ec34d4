//! Who is on one channel.
//!
//! A roster keeps users with their sessions, lists them in pages and gathers what changed; channels, bounds and
//! listeners are not known here. Joins and leaves come in from the shards of the sessions, with the time as an
//! argument; pages and changes go out as values.
//!
//! Every stay of a user has an ever-growing number, and members live in an ordered tree of these numbers. A tree
//! rather than a linked list, because a listing then goes on from a number whose user has left meanwhile; rather
//! than a dense table, because nobody moves when somebody leaves. A step in the tree costs a few nodes more at
//! 50,000 members than at 100, and its nodes are given back as users leave.

mod changes;
mod index;
mod member;
mod page;
mod seq;
mod untold;
#[cfg(test)]
mod work;

use std::collections::{BTreeMap, HashMap};

use rustc_hash::FxBuildHasher;

pub use changes::{Changes, ChangesLimits};
pub use member::Member;
pub use page::{Cursor, Page};

use index::Index;
use seq::Seq;
use untold::Untold;

/// The users and sessions of one channel.
pub struct Roster {
    members: BTreeMap<Seq, Present>,
    /// Stays by user, of who is there and of who left untold.
    users: Index,
    /// Session numbers are the engine's, so their hash needs no seed.
    sessions: HashMap<u64, Seq, FxBuildHasher>,
    untold: Untold,
    next: u64,
}

struct Present {
    member: Member,
    sessions: u32,
}

/// What a join or a leave did to a roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: the session was there already, or was not there.
    Nothing,
    /// A user came.
    Joined,
    /// A user is gone.
    Left,
    /// A user who is there has a session more or less.
    Session,
    /// A user who is there has new info, and perhaps a session more.
    Renewed,
}

/// How many are on a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Users; every anonymous session is one.
    pub users: usize,
    /// Sessions.
    pub sessions: usize,
}

impl Count {
    /// Writes `"users":n,"sessions":m`, without braces.
    fn write_fields(self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("\"users\":{},\"sessions\":{}", self.users, self.sessions).as_bytes());
    }
}

impl Roster {
    /// An empty roster that numbers stays from `first` and gathers changes for `debounce_ms` milliseconds (0: not
    /// at all). Where a roster is made anew for a channel, `first` is the [`end`](Roster::end) of the one before,
    /// so that a cursor of the old one lists nobody twice.
    pub fn new(first: u64, debounce_ms: u64) -> Roster {
        Roster {
            members: BTreeMap::new(),
            users: Index::default(),
            sessions: HashMap::default(),
            untold: Untold::new(first, debounce_ms),
            next: first,
        }
    }

    /// A session joins as `member`. Info that comes with it replaces that of the user's other sessions; a further
    /// session without info leaves it. A session that is there already may renew the info, and one that comes as
    /// another user leaves as the old one first.
    pub fn join(&mut self, session: u64, member: Member, now_ms: u64) -> Change {
        if let Some(&seq) = self.sessions.get(&session) {
            if self.present(seq).member.key() == member.key() {
                return if self.renew(seq, &member, now_ms) { Change::Renewed } else { Change::Nothing };
            }
            self.leave(session, now_ms);
        }
        let Some(seq) = self.stay_of(&member) else {
            let seq = Seq(self.next);
            self.next += 1;
            self.users.insert(&member, seq);
            self.members.insert(seq, Present { member, sessions: 1 });
            self.sessions.insert(session, seq);
            self.untold.on_join(now_ms);
            return Change::Joined;
        };
        self.sessions.insert(session, seq);
        if let Some(told) = self.untold.departed.remove(&seq) {
            let back = told.with_info(member.info());
            self.untold.on_return(seq, told, &back, now_ms);
            self.members.insert(seq, Present { member: back, sessions: 1 });
            return Change::Joined;
        }
        self.present(seq).sessions += 1;
        if self.renew(seq, &member, now_ms) { Change::Renewed } else { Change::Session }
    }

    /// A session leaves. The user is gone with the last of its sessions.
    pub fn leave(&mut self, session: u64, now_ms: u64) -> Change {
        let Some(seq) = self.sessions.remove(&session) else { return Change::Nothing };
        if self.sessions.len() * 8 < self.sessions.capacity() {
            self.sessions.shrink_to(self.sessions.len() * 2);
        }
        let present = self.present(seq);
        present.sessions -= 1;
        if present.sessions > 0 {
            return Change::Session;
        }
        let present = self.members.remove(&seq).expect("the user of a session is there");
        if !self.untold.on_leave(seq, present.member.clone(), now_ms) {
            self.users.remove(&present.member, seq);
        }
        Change::Left
    }

    /// How many users and sessions are there.
    pub fn count(&self) -> Count {
        Count { users: self.members.len(), sessions: self.sessions.len() }
    }

    /// Sessions and departures that wait to be told: what the memory of a roster grows with.
    pub fn weight(&self) -> usize {
        self.sessions.len() + self.untold.departed.len()
    }

    /// Whether the session is there.
    pub fn has_session(&self, session: u64) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Whether the user left and nobody was told yet: coming back, it adds nothing to the roster's weight.
    pub fn is_departed(&self, member: &Member) -> bool {
        self.stay_of(member).is_some_and(|seq| self.untold.departed.contains_key(&seq))
    }

    /// Whether nobody is there and nothing is left to tell, so that the roster may be dropped.
    pub fn is_idle(&self) -> bool {
        self.sessions.is_empty() && self.untold.is_empty()
    }

    /// The number the next stay gets.
    pub fn end(&self) -> u64 {
        self.next
    }

    fn stay_of(&self, member: &Member) -> Option<Seq> {
        self.users.find(member, |seq| {
            let there = self.members.get(&seq).map(|present| &present.member);
            there.or_else(|| self.untold.departed.get(&seq)).is_some_and(|other| other.key() == member.key())
        })
    }

    fn present(&mut self, seq: Seq) -> &mut Present {
        self.members.get_mut(&seq).expect("the user of a session is there")
    }

    /// Takes over the info of `newest`, if it brings any and it is other than before; returns whether it is.
    fn renew(&mut self, seq: Seq, newest: &Member, now_ms: u64) -> bool {
        let present = self.members.get_mut(&seq).expect("the user of a session is there");
        if newest.info().is_none() || newest.info() == present.member.info() {
            return false;
        }
        let member = present.member.with_info(newest.info());
        let old = std::mem::replace(&mut present.member, member);
        self.untold.on_renewal(seq, old, &present.member, now_ms);
        true
    }
}
