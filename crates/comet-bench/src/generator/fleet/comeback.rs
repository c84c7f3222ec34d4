//! Subscribers that come back all at once and get what they missed, while others listen and publications go on.
//! What they say is in `script`; here is when they come and when all of them have everything.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{DIALS, Fleet};
use crate::script::Stage;

/// Time between two publications while they come back.
const SPACING: Duration = Duration::from_millis(50);

impl Fleet {
    /// Publishes `missed` times, lets `count` more subscribers come that want all of it, and goes on publishing until
    /// every one of them has the last of it. Answers with the time from the first dial. Copies of what was published
    /// meanwhile are awaited too.
    ///
    /// # Errors
    /// When a subscriber faults, or something is missing after `limit`.
    pub fn come_back(&mut self, count: usize, missed: usize, limit: Duration) -> Result<Duration> {
        let before = self.peers.len();
        self.publish(1, limit)?;
        let position = self.publisher.position()?;
        let first = self.ledger.published();
        for _ in 0..missed {
            self.publish(1, limit)?;
        }
        let end = self.ledger.published();
        self.ledger.time_only(before);
        self.ledger.take_summary();
        self.raise(Stage::Listening)?;
        let begin = Instant::now();
        let mut published = begin;
        while self.ledger.caught_up(before, end) < count {
            while self.peers.len() < before + count && self.peers.len() - self.ready < DIALS {
                let index = self.ledger.enroll_again(first);
                self.dial(index, Some(position.clone()))?;
            }
            self.turn(Duration::ZERO)?;
            if published.elapsed() >= SPACING {
                published = Instant::now();
                let payload = self.ledger.next_payload();
                self.publisher.publish(&[payload])?;
            }
            if begin.elapsed() > limit {
                let back = self.ledger.caught_up(before, end);
                bail!("{back} of {count} subscribers have what they missed after {limit:?}");
            }
        }
        let took = begin.elapsed();
        self.publish(1, limit)?;
        Ok(took)
    }
}
