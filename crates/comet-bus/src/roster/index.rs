//! From a user to the number of its stay.
//!
//! Only hashes and numbers are kept here; the names themselves stay in the roster's members, so that each is kept
//! once. The roster says whose number it is, and asks with the name of whoever joins.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::member::Member;
use super::seq::Seq;

/// Finds stays by user. Hashes are seeded, for users choose their names.
#[derive(Default)]
pub(super) struct Index {
    table: HashTable<Entry>,
    hasher: RandomState,
}

/// The hash is kept so that growing and removing look at no member.
struct Entry {
    hash: u64,
    seq: Seq,
}

impl Index {
    /// The stay of the user of `member`; `is_theirs` tells whether a stay whose hash fits is that user's.
    pub(super) fn find(&self, member: &Member, is_theirs: impl Fn(Seq) -> bool) -> Option<Seq> {
        let hash = self.hasher.hash_one(member.key());
        let found = self.table.find(hash, |entry| entry.hash == hash && is_theirs(entry.seq));
        found.map(|entry| entry.seq)
    }

    /// How many stays are known.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Notes a stay that is not there yet.
    pub(super) fn insert(&mut self, member: &Member, seq: Seq) {
        let hash = self.hasher.hash_one(member.key());
        self.table.insert_unique(hash, Entry { hash, seq }, |entry| entry.hash);
    }

    /// Forgets a stay.
    pub(super) fn remove(&mut self, member: &Member, seq: Seq) {
        let hash = self.hasher.hash_one(member.key());
        if let Ok(found) = self.table.find_entry(hash, |entry| entry.seq == seq) {
            found.remove();
        }
        if self.table.len() * 8 < self.table.capacity() {
            self.table.shrink_to(self.table.len() * 2, |entry| entry.hash);
        }
    }
}
