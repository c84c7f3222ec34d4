//! A session on its way from one kind of wire to another, because somebody wants it there.
//!
//! First the answers to what is on its way are waited for, then the wire is left, and when the new one has answered it
//! is done. When it breaks before that, the session goes on as it was. Opening wires is the session's.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Outcome, Session};
use crate::Error;
use crate::builder::Transport;
use crate::wire::Wire;

/// How long answers are waited for before the wire is left all the same.
const PATIENCE: Duration = Duration::from_secs(2);

/// Somebody wants the session elsewhere.
pub(super) struct Switching {
    before: Transport,
    asked: Instant,
    left: bool,
    answer: oneshot::Sender<Result<(), Error>>,
}

impl Switching {
    /// Tells who asked. Who gave up waiting is told nothing.
    pub(super) fn tell(self, outcome: Result<(), Error>) {
        let _ = self.answer.send(outcome);
    }
}

impl Session {
    /// Somebody wants the session on this kind of wire.
    pub(super) fn on_switch(
        &mut self,
        transport: Transport,
        wire: &Wire,
        answer: oneshot::Sender<Result<(), Error>>,
    ) {
        let before = self.preference.wanted();
        self.preference.want(transport);
        let there = match transport {
            Transport::Auto | Transport::WebSocket => wire.is_websocket(),
            Transport::LongPolling => !wire.is_websocket(),
        };
        let switching = Switching { before, asked: Instant::now(), left: false, answer };
        if there {
            switching.tell(Ok(()));
        } else {
            self.switching = Some(switching);
        }
    }

    /// Whether the wire is to be left now.
    pub(super) fn leaves(&mut self) -> bool {
        let idle = self.pending.is_empty();
        let Some(switching) = self.switching.as_mut().filter(|switching| !switching.left) else {
            return false;
        };
        switching.left = idle || switching.asked.elapsed() >= PATIENCE;
        switching.left
    }

    /// Whether commands have to wait, because the wire is about to be left.
    pub(super) fn is_leaving(&self) -> bool {
        self.switching.as_ref().is_some_and(|switching| !switching.left)
    }

    /// The wire works.
    pub(super) fn on_wire_works(&mut self) {
        if self.switching.as_ref().is_some_and(|switching| switching.left)
            && let Some(switching) = self.switching.take()
        {
            switching.tell(Ok(()));
        }
    }

    /// A wire has ended; the new one, if that is what was waited for, is not to be had.
    pub(super) fn on_switching_ended(&mut self, outcome: &Outcome) {
        let error = match outcome {
            Outcome::Switch => return,
            Outcome::Broken(error) => error.clone(),
            Outcome::Forgotten => Error::Lost,
            Outcome::Over(reason) => reason.clone().unwrap_or(Error::Ended),
        };
        if let Some(switching) = self.switching.take() {
            self.preference.want(switching.before);
            switching.tell(Err(error));
        }
    }
}
