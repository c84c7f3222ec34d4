//! The keys by which parts of a shard name each other.
//!
//! A key is a slot and a generation: it stays harmless when what it named is gone and the slot has a new
//! tenant. Keys are made by the shard and travel through timers, tickets, the poll and other threads.

/// A connection of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl ConnectionKey {
    /// The key as one word, for the poll and for tickets.
    pub(crate) fn pack(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }

    pub(crate) fn unpack(word: u64) -> ConnectionKey {
        ConnectionKey { slot: word as u32, generation: (word >> 32) as u32 }
    }
}

/// A session of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl SessionKey {
    /// The session as a number that no other session of the node has.
    pub(crate) fn number(self, shard: usize) -> u64 {
        (shard as u64) << 58 | u64::from(self.slot) << 30 | u64::from(self.generation)
    }

    /// The session of this number, if it is of this shard.
    pub(crate) fn of_number(number: u64, shard: usize) -> Option<SessionKey> {
        let key =
            SessionKey { slot: (number >> 30) as u32 & 0xfff_ffff, generation: number as u32 & 0x3fff_ffff };
        (key.number(shard) == number).then_some(key)
    }
}

/// A batch of one shard that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ExchangeKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}
