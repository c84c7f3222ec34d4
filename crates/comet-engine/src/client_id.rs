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
        let secret = u128::from_be_bytes(random_bytes());
        let packed =
            u128::from(place.shard) << 64 | u128::from(place.slot) << 32 | u128::from(place.generation);
        let masked = packed ^ self.mask(secret);
        let mut id = String::with_capacity(ID_CHARACTERS);
        let _ = write!(id, "{secret:032x}{masked:018x}");
        id.into_boxed_str()
    }

    /// Where the session of this id lives, if it is an id of this node at all. Whether that session has
    /// this very id is for the shard to compare.
    pub(crate) fn place(&self, id: &str) -> Option<Place> {
        let id: &[u8; ID_CHARACTERS] = id.as_bytes().try_into().ok()?;
        let secret = u128::from(hexadecimal(&id[..16])?) << 64 | u128::from(hexadecimal(&id[16..32])?);
        let masked = u128::from(hexadecimal(&id[32..34])?) << 64 | u128::from(hexadecimal(&id[34..])?);
        let packed = masked ^ self.mask(secret);
        Some(Place { shard: (packed >> 64) as u8, slot: (packed >> 32) as u32, generation: packed as u32 })
    }

    /// What others may know a session by: as good as its id for telling sessions apart, and no way back to it.
    pub(crate) fn public(&self, id: &str) -> String {
        format!("{:016x}{:016x}", self.key.hash_one((2_u8, id)), self.key.hash_one((3_u8, id)))
    }

    /// The 72 bits that hide a place. One hash does: what has to be guessed is the secret.
    fn mask(&self, secret: u128) -> u128 {
        let hash = self.key.hash_one(secret);
        u128::from(hash as u8) << 64 | u128::from(hash)
    }
}

/// The value of at most 16 digits as ids are written, without capitals. Each request brings an id: branches on its
/// digits, which nothing foretells, would be most of what reading it costs.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let (mut value, mut seen) = (0, 0);
    for digit in digits {
        let nibble = NIBBLES[usize::from(*digit)];
        seen |= nibble;
        value = value << 4 | u64::from(nibble);
    }
    (seen < NO_DIGIT).then_some(value)
}

const NO_DIGIT: u8 = 0x10;

/// What each byte is worth as a digit.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [NO_DIGIT; 256];
    let mut nibble = 0;
    while nibble < 16 {
        nibbles[b"0123456789abcdef"[nibble] as usize] = nibble as u8;
        nibble += 1;
    }
    nibbles
};

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
