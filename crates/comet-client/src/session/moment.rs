//! A moment by two clocks, because a machine may sleep.
//!
//! The clock of timers stands still while the machine does; the clock on the wall goes on, and may be set. The age of a
//! moment is what the one shows that has moved further: whoever must not believe something for too long asks here.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    timer: Instant,
    wall: SystemTime,
}

impl Moment {
    /// This one.
    pub(crate) fn now() -> Moment {
        Moment { timer: Instant::now(), wall: SystemTime::now() }
    }

    /// How long before `now` it was, at most.
    pub(crate) fn age(&self, now: Moment) -> Duration {
        let by_timer = now.timer.saturating_duration_since(self.timer);
        by_timer.max(now.wall.duration_since(self.wall).unwrap_or(Duration::ZERO))
    }

    /// The moment at which the clocks have moved on by so much.
    #[cfg(test)]
    pub(crate) fn later(self, timer: Duration, wall: Duration) -> Moment {
        Moment { timer: self.timer + timer, wall: self.wall + wall }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_that_of_the_clock_that_has_moved_further() {
        let (start, second, hour) = (Moment::now(), Duration::from_secs(1), Duration::from_secs(3_600));
        assert_eq!(start.age(start.later(second, second)), second);
        assert_eq!(start.age(start.later(second, hour)), hour, "the machine has slept");
        assert_eq!(
            start.later(Duration::ZERO, hour).age(start.later(second, second)),
            second,
            "the clock was set back"
        );
    }
}
