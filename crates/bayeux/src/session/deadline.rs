//! When a held connect is due and when a silent session ends.
//!
//! One number per session is kept here: the time of its next event. The clock and the timers are the caller's; it tells
//! what happened and when, and asks what is due.

use super::{Session, Settings};
use crate::Millis;

/// What a session needs at its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet; ask for the deadline again.
    NotYet,
    /// Time of the held connect is up: call [`Session::release`].
    AnswerConnect,
    /// The client was silent for too long: drop the session.
    Expired,
}

impl<D> Session<D> {
    /// A connect reply was written to its wire: from now on the client has its interval and the longest silence.
    pub fn on_connect_written(&mut self, settings: &Settings, now: Millis) {
        if self.held.is_none() {
            let expiry = self.expiry(settings, now);
            // An older answer may be written while a stream is there: that has its own time.
            self.deadline = if self.is_streaming() { self.deadline.max(expiry) } else { expiry };
        }
    }

    /// Something other than a connect came from the client, or bytes of a long answer are still moving. Makes the
    /// deadline later, never earlier.
    pub fn on_contact(&mut self, settings: &Settings, now: Millis) {
        if self.held.is_none() {
            self.deadline = self.deadline.max(now.saturating_add(settings.max_interval_ms));
        }
    }

    /// A pushing wire is there. The session still has to connect in time: a wire whose client is gone stays open for long,
    /// and only the client's connects show that it is there.
    pub fn attach(&mut self) {
        self.attached = self.attached.saturating_add(1);
        self.await_count();
    }

    /// The answer to the connect that came last goes on as a pushing wire, until the given time at the latest. As long as
    /// it is there it takes the place of the client's connects: its keeper has to notice when the client is gone.
    pub fn attach_stream(&mut self, settings: &Settings, until: Millis) {
        self.attached = self.attached.saturating_add(1);
        self.deadline = self.expiry(settings, until);
    }

    /// A pushing wire is gone. With the last one the clock of expiry starts; another wire may take the session up.
    pub fn detach(&mut self, settings: &Settings, now: Millis) {
        self.attached = self.attached.saturating_sub(1);
        if self.attached == 0 && self.held.is_none() {
            let expiry = self.expiry(settings, now);
            // The time of a stream was for the whole of it.
            let was_stream = self.connection_type.is_none_or(|kind| kind.one_way());
            self.deadline = if was_stream { expiry } else { self.deadline.max(expiry) };
        }
    }

    fn is_one_way(&self) -> bool {
        self.connection_type.is_some_and(|kind| kind.one_way())
    }

    fn is_streaming(&self) -> bool {
        self.attached > 0 && self.is_one_way()
    }

    /// Whether a pushing wire is there.
    pub fn is_attached(&self) -> bool {
        self.attached > 0
    }

    /// When [`Session::on_deadline`] has something to say.
    pub fn deadline(&self) -> Millis {
        self.deadline
    }

    /// What is due. Asking early or twice does no harm.
    pub fn on_deadline(&self, now: Millis) -> Due {
        match &self.held {
            _ if self.deadline > now => Due::NotYet,
            Some(_) => Due::AnswerConnect,
            None => Due::Expired,
        }
    }

    /// A connect reply was made but not yet written. Its writing is bounded by the caller; should word of it never come,
    /// the session still ends.
    pub(super) fn await_writing(&mut self, settings: &Settings, now: Millis) {
        self.deadline = self.expiry(settings, now).saturating_add(settings.timeout_ms);
    }

    fn expiry(&self, settings: &Settings, now: Millis) -> Millis {
        now.saturating_add(u64::from(self.interval_ms)).saturating_add(settings.max_interval_ms)
    }
}
