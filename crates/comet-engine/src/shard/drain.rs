//! A graceful stop: everyone is sent away, nothing queued is lost.
//!
//! New sessions and publications are refused; then held polls are answered with what is queued, WebSockets get
//! their queue and a close frame, and a client that is away has a bounded time to come for its messages.
//! Whoever comes back is told when, spread out, so that not all come at once. When all shards are ready for
//! the next phase is decided in `stop`.

use bayeux::{Code, Millis};

use crate::client_id::random_bytes;
use crate::connection::{Connection, Protocol};
use crate::key::{ConnectionKey, SessionKey};
use crate::stream::Form;

use super::Shard;
use super::stream::Ending;
use super::timer::Timer;
use crate::stop::{Order, Phase};

/// How often sessions are looked at while draining.
const LOOK_MS: u64 = 50;
/// Clients are told to come back within this time, spread evenly; sooner where the stop is shorter.
const RETURN_MS: u64 = 5_000;
/// Answers that left a moment ago get this long before their connections are cut.
const SETTLE_MS: u64 = 200;

/// A stop in progress.
pub(super) struct Drain {
    since: Millis,
    until: Millis,
    next_look: Millis,
    phase: Phase,
    /// Connections up to this generation have had their time to ask; those of the next are counted since
    /// `next_mark - SETTLE_MS`.
    old: u32,
    next_old: u32,
    next_mark: Millis,
}

impl Shard {
    pub(super) fn on_drain(&mut self, order: Order) {
        let phase = order.phase;
        let (now, limit) = (self.now, self.config.limits.drain_ms);
        let generation = self.generation;
        let drain = self.drain.get_or_insert(Drain {
            since: now,
            until: now + limit,
            next_look: now,
            phase,
            old: generation,
            next_old: generation,
            next_mark: now + SETTLE_MS,
        });
        drain.phase = phase;
        drain.next_look = now;
        if phase == Phase::Keep {
            self.keep_all(order);
        }
    }

    pub(super) fn look_at_drain(&mut self) {
        let now = self.now;
        let Some(drain) = &mut self.drain else { return };
        if now < drain.next_look {
            return;
        }
        drain.next_look = now + LOOK_MS;
        if now >= drain.next_mark {
            drain.old = std::mem::replace(&mut drain.next_old, self.generation);
            drain.next_mark = now + SETTLE_MS;
        }
        let (old, until) = (drain.old, drain.until);
        if drain.phase == Phase::Keep {
            self.wheel.arm(Timer::Wake, now + LOOK_MS);
            if now >= until {
                self.stop_keeping();
            }
            return;
        }
        if drain.phase != Phase::SendAway {
            return;
        }
        let since = drain.since;
        self.wheel.arm(Timer::Wake, now + LOOK_MS);
        let keys: Vec<SessionKey> = self
            .sessions
            .iter()
            .map(|(slot, seat)| SessionKey { slot: slot as u32, generation: seat.generation })
            .collect();
        let mut queued = 0;
        for key in keys {
            queued += usize::from(!self.send_away(key));
        }
        for key in self.connections_that(|connection| {
            let says_nothing = connection.is_open_socket() && connection.session.is_none();
            (says_nothing || matches!(connection.protocol, Protocol::Policy)) && connection.generation <= old
        }) {
            self.end_connection(key, Code::Draining);
        }
        let keys = self.connections_that(|connection| {
            // Who has only just connected comes for messages: its request is on its way.
            matches!(connection.protocol, Protocol::Http)
                && connection.cold.as_ref().is_none_or(|cold| cold.input.is_empty() && cold.request.is_none())
                && connection.generation <= old
        });
        if queued == 0 && now >= since + SETTLE_MS {
            for key in keys {
                if !self.has_output(key) {
                    self.linger(key);
                }
            }
        }
        let quiet = self.connections.is_empty() && queued == 0 && now >= since + SETTLE_MS;
        self.stopped |= quiet || now >= until;
    }

    fn connections_that(&self, are_so: impl Fn(&Connection) -> bool) -> Vec<ConnectionKey> {
        let those = self.connections.iter().filter(|(_, connection)| are_so(connection));
        those
            .map(|(slot, connection)| ConnectionKey { slot: slot as u32, generation: connection.generation })
            .collect()
    }

    /// Sends one client away as far as its queue allows; whether nothing of it is left to send.
    fn send_away(&mut self, key: SessionKey) -> bool {
        let now = self.now;
        let spread =
            u64::from_be_bytes(random_bytes()) % RETURN_MS.min(self.config.limits.drain_ms / 2).max(1);
        self.release_all_paced(key);
        self.end_rest(key);
        if self.reads_on(key) {
            return false;
        }
        let Some(seat) = self.seat(key) else { return true };
        let attached = seat.attached;
        let held = seat.session.held_ticket();
        if let Some(connection) = attached {
            if seat.session.pending() > 0 && seat.session.may_push_now() {
                self.mark_dirty(key);
                return false;
            }
            if seat.session.pending() > 0 && held.is_none() {
                // It takes its events with connects only, and its next one is on its way.
                return false;
            }
            // A batch that waits for a ruling still wants its replies.
            if self.has_output(connection) || self.connection(connection).is_some_and(Connection::has_batches)
            {
                return false;
            }
            self.answer_drained(key, now, spread);
            match self.connection(connection).and_then(|wire| wire.form()) {
                Some(Form::WebSocket) => self.end_connection(connection, Code::Draining),
                Some(Form::XmlSocket | Form::XmlSocketFrame) => {
                    self.counters.ending(Code::Draining);
                    self.end_xml_socket(connection, Ending::Drained(spread));
                }
                _ => {
                    self.counters.ending(Code::Draining);
                    self.end_stream(connection, Ending::Drained(spread));
                }
            }
            return true;
        }
        if held.is_some() {
            self.answer_drained(key, now, spread);
        }
        self.seat(key).is_none_or(|seat| seat.session.pending() == 0)
    }

    /// Answers a held connect with the advice to come back after a while.
    fn answer_drained(&mut self, key: SessionKey, now: Millis, interval_ms: u64) {
        let config = self.config.clone();
        let Some(seat) = self.seat(key) else { return };
        let Some((ticket, mut reply)) = seat.session.release(&config.session, now) else { return };
        let advice = config.session.advice(bayeux::Reconnect::Retry);
        reply.advice = Some(bayeux::Advice { interval_ms, ..advice });
        self.answer_with(ConnectionKey::unpack(ticket.0), key, reply);
    }
}
