//! The beat of the connect loop on one wire: when the next connect is due, and when one is overdue.
//!
//! Times only; what is sent and what an answer means is the session's.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What the beat asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Send a connect.
    Connect,
    /// The answer to the last connect has not come in time.
    Overdue,
}

/// One of both is always awaited.
pub(super) enum Pace {
    /// A connect is sent then.
    Resting(Instant),
    /// A connect is held; its answer comes before then.
    Held(Instant),
}

impl Pace {
    /// The first connect is due now.
    pub(super) fn begin() -> Pace {
        Pace::Resting(Instant::now())
    }

    /// A connect was sent, whose answer comes within `most`.
    pub(super) fn on_sent(&mut self, most: Duration) {
        *self = Pace::Held(Instant::now() + most);
    }

    /// A connect was answered; the next is due after `interval`.
    pub(super) fn on_answered(&mut self, interval: Duration) {
        *self = Pace::Resting(Instant::now() + interval);
    }

    /// Whether an answer to a connect is awaited.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Pace::Held(_))
    }

    /// Waits for the next beat.
    pub(super) async fn beat(&self) -> Beat {
        match self {
            Pace::Resting(due) => {
                sleep_until(*due).await;
                Beat::Connect
            }
            Pace::Held(end) => {
                sleep_until(*end).await;
                Beat::Overdue
            }
        }
    }
}
