//! The one number that everything in the Lab shows.
//!
//! It goes up at a steady pace and never skips: a page that has seen one number and then the next but one has lost
//! something. Subscribers are told by the publisher; others read the newest from memory. The time is read here.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use comet::Publisher;
use serde::Serialize;
use tokio::time::MissedTickBehavior;

use crate::picture::{self, PICTURES};

/// Where the numbers are published.
pub const CHANNEL: &str = "/lab/counter";
/// Time from one number to the next.
pub const PERIOD: Duration = Duration::from_millis(250);

/// A number and when it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tick {
    /// Counts up by one.
    pub(crate) number: u64,
    /// Unix milliseconds.
    pub(crate) at_ms: u64,
}

/// Counts for everybody.
#[derive(Default)]
pub(crate) struct Counter {
    newest: Mutex<Tick>,
}

impl Counter {
    /// The newest number.
    pub(crate) fn newest(&self) -> Tick {
        *self.newest.lock().expect("nothing panics while it holds the number")
    }

    /// Counts and publishes until the server is gone.
    pub(crate) async fn run(self: std::sync::Arc<Counter>, publisher: Publisher) {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            period.tick().await;
            let tick = Tick { number: self.newest().number + 1, at_ms: now_ms() };
            // A number that was not published was never there.
            match publisher.publish(CHANNEL, &tick).await {
                Ok(_) => {
                    *self.newest.lock().expect("nothing panics while it holds the number") = tick;
                    if let Err(error) = publisher.publish(PICTURES, &picture::data(tick)).await {
                        tracing::debug!(%error, "a picture is missing");
                    }
                }
                Err(error) => tracing::debug!(%error, "the counter stands still"),
            }
        }
    }
}

/// Unix milliseconds. A clock before 1970 is taken for 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
