//! Chance that can be had again: one number decides a whole run.
//!
//! A seed comes from the environment or from the system; everything random in a run is drawn from sources
//! made of it. What is done with the numbers is the caller's business. No secret is ever made here.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::ops::Range;
use std::time::Duration;

/// The number that decides a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed in this variable of the environment, or a fresh one.
    ///
    /// # Panics
    /// When the variable holds something else than a number.
    pub fn from_env(name: &str) -> Seed {
        match std::env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no seed")),
            Err(_) => Seed::fresh(),
        }
    }

    /// A seed nobody could foresee.
    pub fn fresh() -> Seed {
        // The standard library asks the system for the keys of its hash maps: one draw of those is a number.
        Seed(RandomState::new().hash_one(std::process::id()))
    }

    /// The source of everything random that belongs to `part` of the run. Parts do not disturb each other:
    /// how much one draws changes nothing in another.
    pub fn random(self, part: &str) -> Random {
        // FNV-1a: the standard library's hash is another one in every process.
        let name = part.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Random { state: self.0 ^ name };
        random.number();
        random
    }

    /// A guard that prints, when the test that holds it fails, how to have the same run again.
    pub fn replay(self, what: impl fmt::Display) -> Replay {
        Replay { seed: self, what: what.to_string() }
    }
}

impl std::str::FromStr for Seed {
    type Err = std::num::ParseIntError;

    /// Reads decimal digits, or hexadecimal ones after `0x`.
    fn from_str(text: &str) -> Result<Seed, Self::Err> {
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        number.map(Seed)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Prints how to replay when its test fails.
#[must_use]
pub struct Replay {
    seed: Seed,
    what: String,
}

impl Replay {
    /// The seed.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The line to run it again with, and what the seed stood for.
    pub fn words(&self) -> String {
        format!("COMET_SEED={} to replay\n{}", self.seed, self.what)
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.words());
        }
    }
}

/// A stream of numbers that looks random and is decided by its seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range, all about equally often; its beginning when it is empty.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        let span = range.end.saturating_sub(range.start);
        // The high half of the product spreads 64 random bits over the span.
        let offset = ((u128::from(self.number()) * u128::from(span)) >> 64) as u64;
        range.start + offset
    }

    /// A span of time of the range, in whole microseconds.
    pub fn span(&mut self, range: Range<Duration>) -> Duration {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.within(micros(range.start)..micros(range.end)))
    }

    /// True about `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.within(0..100) < percent
    }

    /// One of the list.
    ///
    /// # Panics
    /// When the list is empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        assert!(!list.is_empty(), "there is nothing to pick from");
        &list[self.within(0..list.len() as u64) as usize]
    }
}
