//! What comes on a wire: answers to those who wait, events to those who listen.
//!
//! A message is looked at once. In a session that counts, an event that comes a second time on its way is dropped here;
//! what a listener has heard already is known to the listener.

use bayeux::meta;
use tokio::time::Instant;

use super::interest::Settled;
use super::pace::Pace;
use super::{Outcome, Session, Waiting};
use crate::message::{Incoming, Reconnect};
use crate::position::unix_ms;
use crate::wire::{Arrival, Wire};
use crate::{Error, Event, Published};

/// The error number of a server that does not know the session.
const SESSION_UNKNOWN: u16 = 402;

impl Session {
    pub(super) fn on_arrival(
        &mut self,
        arrival: Arrival,
        wire: &Wire,
        pace: &mut Pace,
    ) -> Result<(), Outcome> {
        match arrival {
            Arrival::Batch(batch) => self.on_batch(batch, wire, pace),
            Arrival::Unanswered { requests, error } => {
                for number in requests {
                    match self.pending.take(number) {
                        Some(Waiting::Subscribe(pattern, numbers, _)) => {
                            let settled = self.interests.settle(&numbers, Err(error.clone()));
                            self.on_settled(pattern, settled);
                        }
                        Some(waiting) => waiting.fail(error.clone()),
                        None if number == self.last_connect.0 => return Err(Outcome::Broken(error)),
                        None => {}
                    }
                }
                Ok(())
            }
            Arrival::Lost(error) => Err(Outcome::Broken(error)),
        }
    }

    fn on_batch(&mut self, batch: Vec<Incoming>, wire: &Wire, pace: &mut Pace) -> Result<(), Outcome> {
        // Over HTTP events come with connects, and only the newest one's are what the server thinks it has sent.
        let current = wire.is_websocket() || batch.iter().any(|message| self.answers_connect(message));
        for message in batch {
            if message.counts()
                && let Some(tally) = &mut self.tally
                && !(current && tally.take())
            {
                continue;
            }
            self.on_message(message, wire, pace)?;
        }
        let now = Instant::now();
        if wire.is_websocket() && self.tally.as_mut().is_some_and(|tally| tally.is_due(now)) {
            self.send_received(wire)?;
        }
        Ok(())
    }

    /// Whether this is the answer to the newest connect. Servers need not repeat its number.
    fn answers_connect(&self, message: &Incoming) -> bool {
        message.channel == meta::CONNECT
            && message.request().is_none_or(|number| number == self.last_connect.0)
    }

    fn on_message(&mut self, message: Incoming, wire: &Wire, pace: &mut Pace) -> Result<(), Outcome> {
        if let Some(fields) = &message.advice {
            self.advice.follow(fields);
        }
        match message.channel.as_str() {
            // An older connect was answered after all: there is a newer one.
            meta::CONNECT if !self.answers_connect(&message) => Ok(()),
            meta::CONNECT => self.on_connected(&message, pace),
            // An answer comes only to a session that ends itself; anything else is the server's farewell.
            meta::DISCONNECT => match self.advice.reconnect {
                Reconnect::Never => Err(Outcome::Over(Some(reason(&message)))),
                _ => Err(Outcome::Forgotten),
            },
            meta::GAP => {
                self.interests.on_missed(&message.ext(), self.server_ms(Instant::now()));
                Ok(())
            }
            _ if message.is_event() => {
                self.on_event(message);
                Ok(())
            }
            _ => self.on_reply(&message, wire, pace),
        }
    }

    fn on_connected(&mut self, reply: &Incoming, pace: &mut Pace) -> Result<(), Outcome> {
        if reply.successful == Some(true) {
            self.backoff.reset();
            let now = self.server_ms(Instant::now());
            self.interests.on_connected(self.last_connect.1, reply.ext().time, now);
            self.on_wire_works();
        }
        match self.advice.reconnect {
            Reconnect::Retry => {
                pace.on_answered(self.advice.interval);
                Ok(())
            }
            Reconnect::Handshake => Err(Outcome::Forgotten),
            Reconnect::Never => Err(Outcome::Over(Some(reason(reply)))),
        }
    }

    /// A message with data: the answer to a call, or an event.
    fn on_event(&mut self, message: Incoming) {
        let number = message.request();
        if let Some(number) = number
            && matches!(self.pending.find(number), Some(Waiting::Call(_)))
            && let Some(Waiting::Call(answer)) = self.pending.take(number)
        {
            let refused = message.successful == Some(false);
            let data = message.data.filter(|_| !refused);
            // Who gave up waiting is told nothing.
            let _ = answer.send(data.ok_or_else(|| Error::refused(message.error.as_deref())));
            return;
        }
        let Some(data) = &message.data else { return };
        let (position, now) = (message.position(), self.server_ms(Instant::now()));
        self.interests.deliver(&message.channel, now, |channel| Event {
            channel,
            data: data.clone(),
            ext: message.ext.clone(),
            position: position.clone(),
        });
    }

    /// A message without data: whether a request was accepted.
    fn on_reply(&mut self, reply: &Incoming, wire: &Wire, pace: &mut Pace) -> Result<(), Outcome> {
        let Some(number) = reply.request() else { return Ok(()) };
        let accepted = reply.successful == Some(true);
        // A call that was accepted goes on waiting for its answer.
        if accepted && matches!(self.pending.find(number), Some(Waiting::Call(_))) {
            return Ok(());
        }
        let outcome = if accepted { Ok(()) } else { Err(Error::refused(reply.error.as_deref())) };
        let forgotten = matches!(outcome, Err(Error::Refused { code: SESSION_UNKNOWN, .. }));
        match (self.pending.take(number), outcome) {
            // Not the subscription was refused, but the session; the next one asks again.
            (Some(Waiting::Subscribe(..)), _) if forgotten => {}
            (Some(Waiting::Subscribe(pattern, numbers, asked)), outcome) => {
                let ext = reply.ext();
                if let Some(time) = ext.time {
                    // The reply was written after the request was sent, so this is no less than the difference.
                    self.ahead = Some(time.cast_signed() - self.local_ms(asked));
                }
                let settled =
                    self.interests.settle(&numbers, outcome.as_ref().map(|()| &ext).map_err(Clone::clone));
                if self.tally.is_none() {
                    self.interests.on_missed(&ext, self.server_ms(Instant::now()));
                }
                self.on_settled(pattern, settled);
                if self.interests.is_catching_up() && wire.is_websocket() && pace.is_held() {
                    // The past has come when a connect is answered that leaves now.
                    self.send_connect(wire, pace, true)?;
                }
            }
            (Some(Waiting::Publish(publishing)), Ok(())) => {
                let ext = reply.ext();
                let published = Published { position: ext.position, durability: ext.durability };
                drop(publishing.answer.send(Ok(published)));
            }
            (Some(Waiting::Publish(publishing)), Err(error)) if forgotten => {
                self.pending.on_refused_for_session(publishing, error);
            }
            (Some(waiting), outcome) => waiting.fail(outcome.err().unwrap_or(Error::Ended)),
            (None, _) => {}
        }
        if forgotten { Err(Outcome::Forgotten) } else { Ok(()) }
    }

    /// Milliseconds on this program's own clock.
    fn local_ms(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.began).as_millis()).unwrap_or(i64::MAX)
    }

    /// Unix milliseconds, never before the server's own clock; this machine's until the server has told.
    fn server_ms(&self, now: Instant) -> u64 {
        match self.ahead {
            Some(ahead) => u64::try_from(ahead + self.local_ms(now) + 1).unwrap_or(0),
            None => unix_ms(std::time::SystemTime::now()),
        }
    }

    fn on_settled(&mut self, pattern: bayeux::Pattern, settled: Settled) {
        match settled {
            Settled::AskAgain => self.again.on_refused(pattern, Instant::now()),
            Settled::Done => self.again.forget(&pattern),
        }
    }
}

/// Why the server ends a session.
fn reason(message: &Incoming) -> Error {
    message.error.as_deref().map_or(Error::Ended, |error| Error::refused(Some(error)))
}
