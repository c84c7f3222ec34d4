//! The ids of sessions: where the session lives, and a secret.
//!
//! An id carries shard, slot and generation, so that a look-up is an index, and 128 random bits, so that
//! nobody guesses one. The place is masked with a keyed hash of the secret: two ids of neighbouring
//! sessions share nothing to the eye. The key is made at the start of the process and never leaves it.

use std::collections::hash_map::RandomState;
use std::fmt::Write;
use std::hash::BuildHasher;

/// Where a session lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) shard: u8,
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// Makes and reads ids; shared by all shards of a node.
#[derive(Clone)]
pub(crate) struct Ids {
    key: RandomState,
}

/// Characters of an id: 9 bytes of place and 16 of secret, in hexadecimal.
pub(crate) const ID_CHARACTERS: usize = 50;

impl Ids {
    pub(crate) fn new() -> Ids {
        Ids { key: RandomState::new() }
    }

    /// A new id for the session at `place`.
    pub(crate) fn make(&self, place: Place) -> Box<str> {
        let secret = random_bytes::<16>();
        let packed =
            u128::from(place.shard) << 64 | u128::from(place.slot) << 32 | u128::from(place.generation);
        let masked = (packed ^ self.mask(&secret)) & MASK;
        let mut id = String::with_capacity(ID_CHARACTERS);
        let _ = write!(id, "{:032x}{masked:018x}", u128::from_be_bytes(secret));
        id.into_boxed_str()
    }

    /// Where the session of this id lives, if it is an id of this node at all. Whether that session has
    /// this very id is for the shard to compare.
    pub(crate) fn place(&self, id: &str) -> Option<Place> {
        if id.len() != ID_CHARACTERS || !id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return None;
        }
        let secret = u128::from_str_radix(&id[..32], 16).ok()?.to_be_bytes();
        let packed = u128::from_str_radix(&id[32..], 16).ok()? ^ (self.mask(&secret) & MASK);
        Some(Place { shard: (packed >> 64) as u8, slot: (packed >> 32) as u32, generation: packed as u32 })
    }

    /// What others may know a session by: as good as its id for telling sessions apart, and no way back to it.
    pub(crate) fn public(&self, id: &str) -> String {
        format!("{:016x}{:016x}", self.key.hash_one((2_u8, id)), self.key.hash_one((3_u8, id)))
    }

    fn mask(&self, secret: &[u8; 16]) -> u128 {
        u128::from(self.key.hash_one((0_u8, secret))) << 64 | u128::from(self.key.hash_one((1_u8, secret)))
    }
}

const MASK: u128 = (1 << 72) - 1;

/// Compares two secrets in a time that does not tell where they differ.
pub(crate) fn same_secret(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Bytes of the system's random source.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has a random source");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_place() {
        let ids = Ids::new();
        let place = Place { shard: 63, slot: u32::MAX, generation: 7 };
        assert_eq!(ids.place(&ids.make(place)), Some(place));
    }

    #[test]
    fn neighbours_share_no_visible_structure() {
        let ids = Ids::new();
        let [a, b] = [1, 2].map(|slot| ids.make(Place { shard: 0, slot, generation: 1 }));
        let alike = a.bytes().zip(b.bytes()).filter(|(a, b)| a == b).count();
        assert!(alike < 20, "{a} {b}");
    }

    #[test]
    fn what_others_know_a_session_by_is_always_the_same_and_never_its_id() {
        let ids = Ids::new();
        let [a, b] = [1, 2].map(|slot| ids.make(Place { shard: 0, slot, generation: 1 }));
        assert_eq!(ids.public(&a), ids.clone().public(&a));
        assert_ne!(ids.public(&a), ids.public(&b));
        assert!(!a.contains(&ids.public(&a)) && ids.place(&ids.public(&a)).is_none());
    }

    #[test]
    fn anything_that_is_no_id_is_refused() {
        let ids = Ids::new();
        for id in ["", "x", &"g".repeat(50), &"A".repeat(50), &"é".repeat(25), &"0".repeat(51)] {
            assert_eq!(ids.place(id), None, "{id}");
        }
    }
}
