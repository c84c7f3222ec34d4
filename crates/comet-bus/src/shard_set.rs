//! A set of shards as one machine word.
//!
//! The home of a channel keeps such a set for every name that somebody listens to. What a shard is,
//! and how it is reached, is the engine's business.

/// The largest number of shards of one node: a set of them fits one word.
pub const MAX_SHARDS: usize = 64;

/// A set of shard numbers below [`MAX_SHARDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardSet(u64);

impl ShardSet {
    /// Adds a shard; numbers from [`MAX_SHARDS`] on are a programming error.
    pub fn insert(&mut self, shard: usize) {
        debug_assert!(shard < MAX_SHARDS);
        self.0 |= 1 << shard;
    }

    /// Removes a shard.
    pub fn remove(&mut self, shard: usize) {
        self.0 &= !(1 << shard);
    }

    /// Whether a shard is in the set.
    pub fn contains(self, shard: usize) -> bool {
        shard < MAX_SHARDS && self.0 & (1 << shard) != 0
    }

    /// Whether no shard is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The shards that are in one set or the other.
    #[must_use]
    pub fn union(self, other: ShardSet) -> ShardSet {
        ShardSet(self.0 | other.0)
    }

    /// The shards of the set, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let shard = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            Some(shard)
        })
    }
}
