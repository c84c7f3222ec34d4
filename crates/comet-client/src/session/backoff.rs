//! How long to rest before the next try.
//!
//! Pauses double with every failure and are random up to their whole length, so that clients that failed
//! together do not come back together.

use std::time::Duration;

use crate::random;

const FIRST: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(20);

/// Failures in a row.
#[derive(Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure, and says how long to rest.
    pub(super) fn next(&mut self) -> Duration {
        let most = self.ceiling();
        self.failures = self.failures.saturating_add(1);
        random::up_to(most)
    }

    /// It works again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    fn ceiling(&self) -> Duration {
        FIRST.saturating_mul(1 << self.failures.min(16)).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_begin_again() {
        let mut backoff = Backoff::default();
        let mut ceilings = Vec::new();
        for _ in 0..8 {
            ceilings.push(backoff.ceiling().as_millis());
            assert!(backoff.next() <= MOST);
        }
        assert_eq!(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
        backoff.reset();
        assert_eq!(backoff.ceiling(), FIRST);
    }

    #[test]
    fn pauses_differ() {
        let pauses: std::collections::HashSet<_> = (0..32).map(|_| random::up_to(MOST)).collect();
        assert!(pauses.len() > 16);
    }
}
