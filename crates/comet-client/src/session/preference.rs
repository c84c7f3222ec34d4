//! Which kind of wire to try: a WebSocket, as long as there is hope for one.
//!
//! A refusal for good is believed at once, trouble only when it comes several times; neither for ever. Only
//! counts and times are kept here, the wires are opened by the session.

use std::time::Duration;

use tokio::time::Instant;

use crate::Error;
use crate::builder::Transport;

/// WebSockets that may fail in ways that pass, one after the other, until long polling is used.
const TRIES: u32 = 2;
/// How long long polling is used before a new session tries a WebSocket again.
const TRUCE: Duration = Duration::from_secs(5 * 60);

/// What was asked for, and what came of it.
pub(super) struct Preference {
    wanted: Transport,
    failures: u32,
    given_up: Option<Instant>,
}

impl Preference {
    pub(super) fn new(wanted: Transport) -> Preference {
        Preference { wanted, failures: 0, given_up: None }
    }

    /// What was asked for.
    pub(super) fn wanted(&self) -> Transport {
        self.wanted
    }

    /// Something else is asked for.
    pub(super) fn want(&mut self, wanted: Transport) {
        *self = Preference::new(wanted);
    }

    /// Whether there is anything to fall back on.
    pub(super) fn may_fall_back(&self) -> bool {
        self.wanted == Transport::Auto
    }

    /// Whether the next wire is to be a WebSocket. A session that lives by long polling goes on with it.
    pub(super) fn is_websocket(&self, new_session: bool, now: Instant) -> bool {
        match (self.wanted, self.given_up) {
            (Transport::LongPolling, _) => false,
            (Transport::WebSocket, _) | (Transport::Auto, None) => true,
            (Transport::Auto, Some(since)) => new_session && now.duration_since(since) >= TRUCE,
        }
    }

    /// A WebSocket did not open, or opened and carried nothing. What passes by itself has to come several times:
    /// a server that restarts behind a proxy is one of them.
    pub(super) fn on_failed(&mut self, error: &Error, now: Instant) {
        let broken = matches!(error, Error::Lost | Error::TimedOut | Error::Closed { .. });
        let passes = broken || error.is_temporary();
        self.failures = if passes { self.failures.saturating_add(1) } else { TRIES };
        if self.failures >= TRIES {
            self.given_up = Some(now);
        }
    }

    /// A WebSocket works.
    pub(super) fn on_worked(&mut self) {
        (self.failures, self.given_up) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16) -> Error {
        Error::Refused { code, name: String::new(), reason: String::new() }
    }

    #[test]
    fn trouble_that_passes_has_to_come_several_times() {
        let now = Instant::now();
        for trouble in [refused(502), refused(503), Error::Lost, Error::TimedOut] {
            let mut preference = Preference::new(Transport::Auto);
            for _ in 0..3 {
                preference.on_failed(&trouble, now);
                assert!(preference.is_websocket(false, now), "{trouble}");
                preference.on_worked();
            }
            preference.on_failed(&trouble, now);
            preference.on_failed(&trouble, now);
            assert!(!preference.is_websocket(true, now), "{trouble}");
        }
    }

    #[test]
    fn a_refusal_is_believed_for_a_while() {
        let now = Instant::now();
        let mut preference = Preference::new(Transport::Auto);
        preference.on_failed(&refused(400), now);
        assert!(!preference.is_websocket(true, now + TRUCE / 2));
        let later = now + TRUCE;
        assert!(!preference.is_websocket(false, later), "the session of a long poll stays with it");
        assert!(preference.is_websocket(true, later));
        preference.on_failed(&refused(502), later);
        assert!(!preference.is_websocket(true, later), "what failed before has one try");
    }

    #[test]
    fn what_was_asked_for_alone_is_never_left() {
        let now = Instant::now();
        for (wanted, websocket) in [(Transport::WebSocket, true), (Transport::LongPolling, false)] {
            let mut preference = Preference::new(wanted);
            preference.on_failed(&refused(400), now);
            assert_eq!(preference.is_websocket(true, now), websocket);
            assert!(!preference.may_fall_back());
        }
    }
}
