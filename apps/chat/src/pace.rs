//! How fast one client may ask.
//!
//! A bucket that empties with every call and fills with time. Time comes in as an argument, in milliseconds; a
//! clock that steps back fills nothing.

use crate::limits::Limits;

/// What one client may still ask for, in thousandths.
#[derive(Debug)]
pub(crate) struct Pace {
    left: u64,
    seen_ms: u64,
}

impl Pace {
    /// A full bucket.
    pub(crate) fn new(limits: &Limits, now_ms: u64) -> Pace {
        Pace { left: u64::from(limits.burst) * 1_000, seen_ms: now_ms }
    }

    /// Takes `cost` out of the bucket, if it is in there.
    pub(crate) fn take(&mut self, cost: u32, limits: &Limits, now_ms: u64) -> bool {
        let filled = now_ms.saturating_sub(self.seen_ms).saturating_mul(u64::from(limits.calls_per_second));
        self.left = self.left.saturating_add(filled).min(u64::from(limits.burst) * 1_000);
        self.seen_ms = now_ms;
        let cost = u64::from(cost) * 1_000;
        let enough = self.left >= cost;
        if enough {
            self.left -= cost;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_through_and_then_the_rate_holds() {
        let limits = Limits { burst: 3, calls_per_second: 2, ..Limits::default() };
        let mut pace = Pace::new(&limits, 1_000);
        assert!((0..3).all(|_| pace.take(1, &limits, 1_000)));
        assert!(!pace.take(1, &limits, 1_000));
        assert!(!pace.take(1, &limits, 1_499));
        assert!(pace.take(1, &limits, 1_500));
        assert!(!pace.take(1, &limits, 1_500));
    }

    #[test]
    fn a_long_rest_fills_no_more_than_the_bucket() {
        let limits = Limits { burst: 2, calls_per_second: 2, ..Limits::default() };
        let mut pace = Pace::new(&limits, 0);
        assert!(pace.take(2, &limits, u64::MAX));
        assert!(!pace.take(1, &limits, u64::MAX));
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing() {
        let limits = Limits { burst: 1, calls_per_second: 1, ..Limits::default() };
        let mut pace = Pace::new(&limits, 5_000);
        assert!(pace.take(1, &limits, 5_000));
        assert!(!pace.take(1, &limits, 1_000));
        assert!(pace.take(1, &limits, 2_000));
    }
}
