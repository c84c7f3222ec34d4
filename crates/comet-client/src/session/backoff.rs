//! How long to rest before the next try.
//!
//! Pauses double with every failure, but none is longer than the trouble has lasted: who was away for three seconds
//! is back in as many. They are random up to their whole length, so that clients that failed together do not come
//! back together.

use std::time::Duration;

use tokio::time::Instant;

use crate::random;

const FIRST: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(10);

/// Failures in a row.
#[derive(Default)]
pub(super) struct Backoff {
    failures: u32,
    since: Option<Instant>,
}

impl Backoff {
    /// Counts a failure, and says how long to rest.
    pub(super) fn next(&mut self, now: Instant) -> Duration {
        let most = self.ceiling(now);
        self.since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        random::up_to(most)
    }

    /// It works again.
    pub(super) fn reset(&mut self) {
        *self = Backoff::default();
    }

    fn ceiling(&self, now: Instant) -> Duration {
        let lasted = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        FIRST.saturating_mul(1 << self.failures.min(16)).min(lasted.max(FIRST)).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_begin_again() {
        let (mut backoff, mut now) = (Backoff::default(), Instant::now());
        let mut ceilings = Vec::new();
        for _ in 0..8 {
            ceilings.push(backoff.ceiling(now).as_millis());
            assert!(backoff.next(now) <= MOST);
            now += Duration::from_secs(60);
        }
        assert_eq!(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
        backoff.reset();
        assert_eq!(backoff.ceiling(now), FIRST);
    }

    #[test]
    fn no_pause_is_longer_than_the_trouble_has_lasted() {
        for _ in 0..100 {
            let (mut backoff, began) = (Backoff::default(), Instant::now());
            let mut now = began;
            // Every try fails at once, for three seconds.
            while now < began + Duration::from_secs(3) {
                now += backoff.next(now);
            }
            assert!(now <= began + Duration::from_secs(6), "{:?}", now - began);
        }
    }

    #[test]
    fn pauses_differ() {
        let pauses: std::collections::HashSet<_> = (0..32).map(|_| random::up_to(MOST)).collect();
        assert!(pauses.len() > 16);
    }
}
