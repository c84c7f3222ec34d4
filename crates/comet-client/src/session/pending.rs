//! Requests whose answer has not come.
//!
//! Every request has a number, its id on the wire; an answer finds its caller by it. The number of requests
//! on their way is bounded: further commands wait.

use std::collections::HashMap;

use bayeux::Pattern;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::Error;

/// Requests on their way at the same time.
const MOST: usize = 256;

/// Who waits.
pub(super) enum Waiting {
    /// A publisher.
    Publish(oneshot::Sender<Result<(), Error>>),
    /// A caller, for the data of the answer.
    Call(oneshot::Sender<Result<Box<RawValue>, Error>>),
    /// Everyone who listens to the pattern; they are kept with the interests.
    Subscribe(Pattern),
}

impl Waiting {
    fn is_given_up(&self) -> bool {
        match self {
            Waiting::Publish(answer) => answer.is_closed(),
            Waiting::Call(answer) => answer.is_closed(),
            Waiting::Subscribe(_) => false,
        }
    }

    /// Tells a caller that it failed. Who gave up is told nothing.
    pub(super) fn fail(self, error: Error) {
        match self {
            Waiting::Publish(answer) => drop(answer.send(Err(error))),
            Waiting::Call(answer) => drop(answer.send(Err(error))),
            Waiting::Subscribe(_) => {}
        }
    }
}

/// Requests by their number.
#[derive(Default)]
pub(super) struct Pending {
    last: u64,
    waiting: HashMap<u64, Waiting>,
}

impl Pending {
    /// A number that was never used.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Whether another request may go.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < MOST
    }

    pub(super) fn add(&mut self, number: u64, waiting: Waiting) {
        self.waiting.insert(number, waiting);
    }

    pub(super) fn find(&self, number: u64) -> Option<&Waiting> {
        self.waiting.get(&number)
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Waiting> {
        self.waiting.remove(&number)
    }

    /// Forgets requests whose callers have given up.
    pub(super) fn sweep(&mut self) {
        self.waiting.retain(|_, waiting| !waiting.is_given_up());
    }

    /// The wire is lost: no answer will come any more.
    pub(super) fn lose(&mut self) {
        self.waiting.drain().for_each(|(_, waiting)| waiting.fail(Error::Lost));
    }
}
