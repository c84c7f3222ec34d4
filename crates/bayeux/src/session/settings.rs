//! The numbers that shape a session.
//!
//! Times and bounds stand here with their defaults, and the advice made of them; what a message may do is not. They come from the configuration of the
//! server and go by reference into every call of the session, so that a reload acts on live sessions.

use crate::Millis;
use crate::advice::{Advice, Reconnect};
use crate::code::Code;
use crate::connection_type::ConnectionType;
use crate::error::Error;
use crate::message::Message;
use crate::meta;
use crate::reply::Reply;

/// Times and bounds of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a connect is held, in milliseconds.
    pub timeout_ms: Millis,
    /// The pause clients make between two connects, in milliseconds.
    pub interval_ms: Millis,
    /// How long after the interval a silent session lives, in milliseconds.
    pub max_interval_ms: Millis,
    /// The pause of sessions whose browser already holds a poll, in milliseconds. At 0 they would never rest.
    pub multi_session_interval_ms: Millis,
    /// The pause of plain timed polling, in milliseconds. At 0 it would never rest.
    pub poll_interval_ms: Millis,
    /// The pause after a refusal that does not end in `none`, in milliseconds.
    pub retry_interval_ms: Millis,
    /// The longest pause a client may announce for itself, in milliseconds.
    pub client_interval_max_ms: Millis,
    /// Whether advice tells clients `maxInterval`, after which they may handshake without being told to.
    pub advise_max_interval: bool,
    /// Whether queued events may leave with the answer to any request, as CometD lets them, and not only with that to a
    /// connect. Sooner by one answer, but two answers on two connections may overtake each other, and events with them.
    pub early_delivery: bool,
    /// Whether every session gets the ids of events in `data.event.replayId`, and not only those that ask: clients of
    /// Salesforce expect them unasked.
    pub replay_ids: bool,
    /// Whether every message to every session carries a `timestamp`, and not only those to sessions that ask.
    pub timestamps: bool,
    /// How long a session may say nothing but connects before it is ended, in milliseconds; 0 for ever.
    pub max_inactivity_ms: Millis,
    /// Whether a session is active as well while events are sent to it.
    pub events_are_activity: bool,
    /// The kinds of wire we speak, the most wanted first.
    pub connection_types: Vec<ConnectionType>,
    /// The most events queued for one session.
    pub mailbox_messages: usize,
    /// The most bytes queued for one session.
    pub mailbox_bytes: usize,
    /// The most events kept for one client after they were sent, until it confirms them.
    pub retained_messages: usize,
    /// The most bytes kept for one client after they were sent, until it confirms them.
    pub retained_bytes: usize,
    /// The most events of the past queued for one session beside those above.
    pub recovery_messages: usize,
    /// The most bytes of the past queued for one session beside those above.
    pub recovery_bytes: usize,
    /// The most subscriptions of one session.
    pub subscriptions: usize,
    /// The most names in one subscribe or unsubscribe message.
    pub subscription_names_per_message: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timeout_ms: 25_000,
            interval_ms: 0,
            max_interval_ms: 10_000,
            multi_session_interval_ms: 2_000,
            poll_interval_ms: 3_000,
            retry_interval_ms: 2_000,
            client_interval_max_ms: 60_000,
            advise_max_interval: false,
            early_delivery: false,
            replay_ids: false,
            timestamps: false,
            max_inactivity_ms: 0,
            events_are_activity: false,
            connection_types: ConnectionType::ALL.to_vec(),
            mailbox_messages: 1_000,
            mailbox_bytes: 1 << 20,
            retained_messages: 1_000,
            retained_bytes: 1 << 20,
            recovery_messages: 10_000,
            recovery_bytes: 8 << 20,
            subscriptions: 128,
            subscription_names_per_message: 128,
        }
    }
}

impl Settings {
    /// The advice of an ordinary reply.
    pub fn advice(&self, reconnect: Reconnect) -> Advice {
        Advice {
            reconnect,
            interval_ms: self.interval_ms,
            timeout_ms: self.timeout_ms,
            max_interval_ms: self.advise_max_interval.then_some(self.max_interval_ms),
            multiple_clients: false,
        }
    }

    /// The advice of a refused handshake or connect. A lost session is replaced at once, everything else after a pause.
    pub fn refusal_advice(&self, code: Code) -> Advice {
        let interval_ms = match code {
            Code::SessionUnknown | Code::SessionExpired | Code::ResumeFailed => 0,
            _ => self.retry_interval_ms,
        };
        Advice { interval_ms, ..self.advice(code.reconnect()) }
    }

    /// Refuses a message. Refused handshakes and connects carry advice, because clients retry them by it; refused
    /// handshakes also name the kinds of wire we speak.
    pub fn refuse(&self, message: &Message, error: impl Into<Error>) -> Reply {
        let error = error.into();
        let code = error.code;
        let mut reply = Reply::refuse(message, error);
        match message.channel.as_deref() {
            Some(meta::HANDSHAKE) => {
                reply.supported = Some(self.connection_types.as_slice().into());
                let advice = self.refusal_advice(code);
                reply.advice = Some(Advice { reconnect: advice.reconnect.without_session(), ..advice });
            }
            Some(meta::CONNECT) => reply.advice = Some(self.refusal_advice(code)),
            _ => {}
        }
        reply
    }
}
