//! What happens because time passes.
//!
//! Connections and sessions each have one next deadline and at most a few entries in the wheel; an entry
//! that comes up too early, or for someone who is gone, means nothing. The rules of sessions decide what
//! their deadlines mean; those of connections are here.

use bayeux::{Code, Due, Millis};

use crate::connection::Protocol;
use crate::key::{ConnectionKey, SessionKey};
use crate::wheel::TICK_MS;

use super::Shard;

/// How often the home drops messages that are too old.
pub(super) const SWEEP_MS: u64 = 5_000;
/// Channels it looks at each time.
const SWEPT_CHANNELS: usize = 10_000;
/// How often the home forgets channels that nobody uses.
pub(super) const FORGET_MS: u64 = 60_000;
/// Channels it looks at each time; if there are more, the next time is soon.
const FORGOTTEN_CHANNELS: usize = 10_000;
/// How long a channel must have been silent to be forgotten.
const CHANNEL_MEMORY_MS: u64 = 600_000;

/// Whom the wheel wakes.
#[derive(Clone, Copy)]
pub(super) enum Timer {
    Connection(ConnectionKey),
    Session(SessionKey),
    /// A session that has fallen behind.
    Lag(SessionKey),
    /// A session with messages that may not leave yet.
    Pace(SessionKey),
    /// A session with messages that are in no hurry.
    Rest(SessionKey),
    Accept(u32),
    /// Nobody: the poll only has to return.
    Wake,
    Sweep,
    Forget,
    /// Changes of presence are due.
    Presence,
    Receipts,
}

impl Shard {
    pub(super) fn on_timers(&mut self) {
        let mut due = Vec::new();
        self.wheel.expire(self.now, &mut due);
        for timer in due {
            match timer {
                Timer::Connection(key) => self.on_connection_timer(key),
                Timer::Session(key) => self.on_session_timer(key),
                Timer::Lag(key) => self.on_lag_timer(key),
                Timer::Pace(key) => self.on_pace_timer(key),
                Timer::Rest(key) => self.on_rest_timer(key),
                Timer::Accept(listener) => self.on_acceptable(listener as usize),
                Timer::Wake => {}
                Timer::Presence => self.on_presence_timer(),
                Timer::Receipts => self.on_receipts_timer(),
                Timer::Sweep => {
                    let now_ms = self.unix_ms();
                    self.home.sweep(now_ms, SWEPT_CHANNELS);
                    self.gathered.sweep(self.now);
                    self.do_chores();
                    self.wheel.arm(Timer::Sweep, self.now + SWEEP_MS);
                }
                Timer::Forget => {
                    let now_ms = self.unix_ms();
                    let before_ms = now_ms.saturating_sub(CHANNEL_MEMORY_MS);
                    let more = self.home.forget(before_ms, now_ms, FORGOTTEN_CHANNELS);
                    self.do_chores();
                    self.counters.channels.set(self.home.channels() as u64);
                    let wait_ms = if more { TICK_MS } else { FORGET_MS };
                    self.wheel.arm(Timer::Forget, self.now + wait_ms);
                }
            }
        }
    }

    /// Sets when a connection is looked at next; 0 for never.
    pub(super) fn set_connection_deadline(&mut self, key: ConnectionKey, deadline: Millis) {
        let Some(connection) = self.connection(key) else { return };
        connection.deadline = deadline;
        self.arm_connection(key);
    }

    /// Puts a connection into the wheel for its deadline, or for that of its output when that is earlier.
    pub(super) fn arm_connection(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connection(key) else { return };
        let deadline = Some(connection.deadline).filter(|deadline| *deadline != 0);
        let Some(look) = deadline.into_iter().chain(connection.stalled_until()).min() else { return };
        let armed = connection.armed;
        if armed == 0 || look < armed {
            let armed = self.wheel.arm(Timer::Connection(key), look);
            self.connections[key.slot as usize].armed = armed;
        }
    }

    /// Puts a session into the wheel for its next deadline,
    pub(super) fn arm_session(&mut self, key: SessionKey) {
        let Some(seat) = self.seat(key) else { return };
        let (armed, deadline) = (seat.armed, seat.session.deadline());
        if armed == 0 || deadline < armed {
            let armed = self.wheel.arm(Timer::Session(key), deadline);
            self.sessions[key.slot as usize].armed = armed;
        }
    }

    fn on_session_timer(&mut self, key: SessionKey) {
        let now = self.now;
        let Some(seat) = self.seat(key) else { return };
        if seat.armed > now {
            return;
        }
        seat.armed = 0;
        match seat.session.on_deadline(now) {
            Due::NotYet => {}
            Due::AnswerConnect => self.answer_held(key),
            Due::Expired => return self.end_session(key, Code::SessionExpired),
        }
        self.arm_session(key);
    }

    fn on_connection_timer(&mut self, key: ConnectionKey) {
        let now = self.now;
        let Some(connection) = self.connection(key) else { return };
        if connection.armed > now {
            return;
        }
        connection.armed = 0;
        if connection.stalled_until().is_some_and(|until| until <= now) {
            // The system tells of room only when there is much of it; a slow reader has made some.
            self.on_writable(key);
        }
        let Some(connection) = self.connection(key) else { return };
        let (deadline, stalled_until) = (connection.deadline, connection.stalled_until());
        let closing = matches!(connection.protocol, Protocol::Closing);
        if stalled_until.is_some_and(|until| until <= now) {
            return if closing {
                self.drop_connection(key)
            } else {
                self.end_connection(key, Code::WriteStalled)
            };
        }
        if deadline == 0 || deadline > now {
            return self.arm_connection(key);
        }
        if let (Some(until), Protocol::Http | Protocol::Closing) = (stalled_until, &connection.protocol) {
            // Nothing more is read from a peer before it has its answer: till then it is not late.
            return self.set_connection_deadline(key, until);
        }
        connection.deadline = 0;
        if matches!(connection.protocol, Protocol::Streaming(_)) {
            return self.on_stream_timer(key);
        }
        let code = if closing {
            return self.drop_connection(key);
        } else if connection.cold.as_ref().is_some_and(|cold| cold.request.is_some()) {
            return self.look_at_body_rate(key);
        } else {
            match connection.protocol {
                _ if connection.is_open_socket() && connection.session.is_none() => Code::HandshakeTimeout,
                Protocol::Http if connection.has_input() => Code::HeaderTimeout,
                // Idle between requests: nobody needs to be told.
                Protocol::Http | Protocol::Policy => return self.drop_connection(key),
                _ => return,
            }
        };
        self.end_connection(key, code);
    }
}
