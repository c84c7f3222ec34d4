//! One way of one connection: bytes in, bytes out, as the conditions allow.
//!
//! A pump reads a portion, passes it on, and looks at the conditions before every step, so that a change takes
//! hold in the middle of a portion. It knows one direction; how both end together is the relay's.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::Counts;
use super::conditions::{Conditions, Cut};
use super::request::Requests;
use crate::{Direction, Ending, Hole, Random};

/// Bytes read at a time.
const PORTION: usize = 16 << 10;

/// How a pump ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The sender has said its last, and the receiver was told.
    Finished,
    /// One of the two sides is gone.
    Broken,
    /// By order.
    Cut(Ending),
}

/// One way of a connection.
pub(super) struct Pump<'a> {
    direction: Direction,
    conditions: watch::Receiver<Conditions>,
    counts: &'a Counts,
    random: Random,
    /// Where whole requests go that are to be said twice.
    copies: mpsc::Sender<Vec<u8>>,
    requests: Requests,
    /// The cuts of everybody that were before this connection, or are done.
    cuts: u64,
    /// The number of the rule the budget was drawn for.
    rule: u64,
    /// Bytes until the cut, and how to cut.
    budget: Option<(u64, Cut)>,
    /// Bytes of this connection were swallowed.
    swallowed: bool,
    /// The receiver was told that nothing more comes.
    closed: bool,
    portion: Box<[u8; PORTION]>,
    /// What of the portion is still to be passed on.
    waiting: std::ops::Range<usize>,
    /// When it may be.
    due: Instant,
}

/// What comes next.
enum Step {
    Changed,
    Read(usize),
    Wrote(usize),
    Gone,
    Due,
}

impl<'a> Pump<'a> {
    pub(super) fn new(
        direction: Direction,
        conditions: watch::Receiver<Conditions>,
        counts: &'a Counts,
        random: Random,
        copies: mpsc::Sender<Vec<u8>>,
        cuts: u64,
    ) -> Pump<'a> {
        Pump {
            direction,
            conditions,
            counts,
            random,
            copies,
            requests: Requests::default(),
            cuts,
            rule: 0,
            budget: None,
            swallowed: false,
            closed: false,
            portion: Box::new([0; PORTION]),
            waiting: 0..0,
            due: Instant::now(),
        }
    }

    /// Passes on until one side ends or the conditions end it.
    pub(super) async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Ended {
        loop {
            let now = self.conditions.borrow_and_update().clone();
            if let Some(ending) = self.ordered(&now) {
                if ending != Ending::HalfClose {
                    return Ended::Cut(ending);
                }
                self.close(&mut to).await;
            }
            match self.step(&now, &mut from, &mut to).await {
                Step::Changed | Step::Due => {}
                Step::Gone => return Ended::Broken,
                Step::Read(0) => {
                    if self.swallowed || now.hole == Some(Hole::Swallows) {
                        // The farewell is swallowed like everything before it.
                        self.await_fair_weather().await;
                        return Ended::Cut(Ending::Reset);
                    }
                    // That the receiver is gone meanwhile shows with the other pump.
                    let _ = to.shutdown().await;
                    return Ended::Finished;
                }
                Step::Read(read) => self.on_read(read, &now),
                Step::Wrote(wrote) => self.on_wrote(wrote, &now).await,
            }
        }
    }

    /// Whether this connection is to be cut now.
    fn ordered(&mut self, now: &Conditions) -> Option<Ending> {
        if self.rule != now.cut_after.number {
            self.rule = now.cut_after.number;
            self.budget = now.cut_after.rule.as_ref().and_then(|(bytes, cut)| {
                let mine = cut.direction == self.direction;
                mine.then(|| (self.random.within(bytes.clone()), *cut))
            });
        }
        let mut ending = None;
        if let Some((0, cut)) = self.budget {
            self.budget = None;
            ending = Some(cut.ending);
        }
        if self.cuts != now.cuts {
            self.cuts = now.cuts;
            let cut = now.last_cut;
            if cut.ending != Ending::HalfClose || cut.direction == self.direction {
                ending = Some(cut.ending);
            }
        }
        if self.swallowed && now.hole != Some(Hole::Swallows) {
            ending = Some(Ending::Reset);
        }
        ending
    }

    /// Tells the receiver that nothing more comes, and lets the sender go on into the void.
    async fn close(&mut self, to: &mut WriteHalf<'_>) {
        if !self.closed {
            self.closed = true;
            self.waiting = 0..0;
            self.counts.cut.fetch_add(1, Ordering::Relaxed);
            let _ = to.shutdown().await;
        }
    }

    /// Waits until a portion can be read or passed on, or the conditions change.
    async fn step(&mut self, now: &Conditions, from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>) -> Step {
        let due = self.due;
        let changed = async {
            // The sender lives as long as the relay that runs this.
            let _ = self.conditions.changed().await;
            Step::Changed
        };
        let work = async {
            if now.hole == Some(Hole::Holds) {
                return std::future::pending().await;
            }
            if self.waiting.is_empty() {
                return match from.read(&mut self.portion[..]).await {
                    Ok(read) => Step::Read(read),
                    Err(_) => Step::Gone,
                };
            }
            if due > Instant::now() {
                sleep_until(due).await;
                return Step::Due;
            }
            let most = match (now.dribble, self.budget) {
                (Some(_), _) => 1,
                (None, Some((budget, _))) => usize::try_from(budget).unwrap_or(usize::MAX),
                (None, None) => usize::MAX,
            };
            let end = self.waiting.start.saturating_add(most).min(self.waiting.end);
            match to.write(&self.portion[self.waiting.start..end]).await {
                Ok(0) | Err(_) => Step::Gone,
                Ok(wrote) => Step::Wrote(wrote),
            }
        };
        tokio::select! {
            biased;
            step = changed => step,
            step = work => step,
        }
    }

    fn on_read(&mut self, read: usize, now: &Conditions) {
        if now.hole == Some(Hole::Swallows) {
            self.swallowed = true;
            return;
        }
        if self.closed {
            return;
        }
        if self.direction == Direction::ToServer {
            for request in self.requests.on_bytes(&self.portion[..read]) {
                // More copies than the relay takes are not made.
                if now.duplicate && self.copies.try_send(request).is_ok() {
                    self.counts.duplicated.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        self.waiting = 0..read;
        self.due = Instant::now() + now.delay.unwrap_or_default();
    }

    async fn on_wrote(&mut self, wrote: usize, now: &Conditions) {
        self.counts.bytes.fetch_add(wrote as u64, Ordering::Relaxed);
        self.waiting.start += wrote;
        if let Some((budget, _)) = &mut self.budget {
            *budget = budget.saturating_sub(wrote as u64);
        }
        match now.dribble {
            Some(Duration::ZERO) => tokio::task::yield_now().await,
            Some(pause) => self.due = Instant::now() + pause,
            None => {}
        }
    }

    async fn await_fair_weather(&mut self) {
        // The sender lives as long as the relay that runs this.
        let _ = self.conditions.wait_for(|now| now.hole != Some(Hole::Swallows)).await;
    }
}
