//! How many events of its session a client has got, which is what it tells the server.
//!
//! The server numbers events in the order they first leave. What it sends again begins where the client says its
//! count: with every connect over HTTP, with the first one on a WebSocket. Numbers only; messages are the
//! session's.

use std::time::Duration;

use tokio::time::Instant;

/// Events after which the server is told without waiting for a connect.
const MOST_UNCONFIRMED: u64 = 256;
/// The longest time an event waits for that.
const CONFIRM_AFTER: Duration = Duration::from_secs(5);

/// The count of one session.
#[derive(Default)]
pub(super) struct Tally {
    received: u64,
    said: u64,
    /// The count was said on the wire there is: what comes is what follows it.
    begun: bool,
    due: Option<Instant>,
}

impl Tally {
    /// There is another wire. Nothing that it brings counts before the count was said on it.
    pub(super) fn on_wire(&mut self) {
        (self.begun, self.due) = (false, None);
    }

    /// The count is about to be said; what it is.
    pub(super) fn say(&mut self) -> u64 {
        (self.begun, self.due, self.said) = (true, None, self.received);
        self.received
    }

    /// An event came; whether it is one to take in.
    pub(super) fn take(&mut self) -> bool {
        self.received += u64::from(self.begun);
        self.begun
    }

    /// Whether the server is to be told now on a WebSocket.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let unconfirmed = self.received - self.said;
        if unconfirmed == 0 || !self.begun {
            return false;
        }
        unconfirmed >= MOST_UNCONFIRMED || now >= *self.due.get_or_insert(now + CONFIRM_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_before_the_count_was_said_is_not_taken_in() {
        let mut tally = Tally::default();
        assert!(!tally.take());
        assert_eq!(tally.say(), 0);
        assert!(tally.take() && tally.take());
        tally.on_wire();
        assert!(!tally.take(), "it comes again");
        assert_eq!(tally.say(), 2);
        assert!(tally.take());
        assert_eq!(tally.say(), 3);
    }

    #[test]
    fn the_server_is_told_after_many_events_or_some_time() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        tally.say();
        assert!(!tally.is_due(now));
        tally.take();
        assert!(!tally.is_due(now) && !tally.is_due(now + CONFIRM_AFTER / 2));
        assert!(tally.is_due(now + CONFIRM_AFTER));
        assert_eq!(tally.say(), 1);
        assert!(!tally.is_due(now + CONFIRM_AFTER * 2));
        (0..MOST_UNCONFIRMED).for_each(|_| assert!(tally.take()));
        assert!(tally.is_due(now));
    }
}
