//! Whether a shard waits a moment for more readiness before it asks for it.
//!
//! Many small requests at once, such as the polls that follow a publication, come a few at a time. Each asking and each
//! sleep of the thread costs as much as a request itself, so a shard that is busy and was told of few lets some more
//! arrive, as network cards do with their interrupts. What is ready, and who is served, is the loop's business.

use std::time::Duration;

use bayeux::Millis;

/// Events of one millisecond from which on a shard is busy. Below, nobody ever waits.
const BUSY: u32 = 32;
/// As many events of one turn are worth the asking.
const FEW: u32 = 24;
/// Such a wait, to which the system adds about as much. Small beside the turns of a busy shard.
const WAIT: Duration = Duration::from_micros(50);

/// Counts the events of a shard.
#[derive(Default)]
pub(crate) struct Coalescing {
    millisecond: Millis,
    events: u32,
    busy: bool,
    few: bool,
}

impl Coalescing {
    /// Notes how many events a turn that began at `now` has been told of.
    pub(crate) fn on_turn(&mut self, now: Millis, events: u32) {
        if now != self.millisecond {
            self.busy = self.events >= BUSY && now == self.millisecond + 1;
            self.millisecond = now;
            self.events = 0;
        }
        self.events += events;
        self.few = events < FEW;
    }

    /// For how long to wait before the next turn.
    pub(crate) fn wait(&self) -> Option<Duration> {
        (self.busy && self.few).then_some(WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of so many events each, eight in a millisecond.
    fn after(turns: &[u32]) -> Coalescing {
        let mut coalescing = Coalescing::default();
        for (turn, events) in (8..).zip(turns) {
            coalescing.on_turn(turn / 8, *events);
        }
        coalescing
    }

    #[test]
    fn a_shard_with_little_to_do_never_waits() {
        assert_eq!(after(&[]).wait(), None);
        assert_eq!(after(&[3; 40]).wait(), None);
    }

    #[test]
    fn a_busy_shard_that_is_told_of_few_at_a_time_waits_for_more() {
        assert_eq!(after(&[4; 40]).wait(), Some(WAIT));
        assert_eq!(after(&[30; 40]).wait(), None);
    }

    #[test]
    fn whoever_comes_after_a_silence_is_not_kept_waiting() {
        let mut coalescing = after(&[4; 40]);
        coalescing.on_turn(1_000, 1);
        assert_eq!(coalescing.wait(), None);
    }
}
