//! Advice: what the server tells a client about its next connect.
//!
//! The values and their JSON form live here; when advice is sent is decided in `session`. Advice is always written
//! whole, because the most used client replaces its old advice by the new one and fills gaps with its own defaults.

use crate::Millis;
use crate::json::write::Object;

/// What a client does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reconnect {
    /// Connect again after the interval.
    Retry,
    /// The session is lost: handshake again.
    Handshake,
    /// Stop for good.
    None,
}

impl Reconnect {
    /// The protocol word.
    pub fn name(self) -> &'static str {
        match self {
            Reconnect::Retry => "retry",
            Reconnect::Handshake => "handshake",
            Reconnect::None => "none",
        }
    }

    /// The same for a client whose handshake was refused: it has no session whose connect it could retry, so trying
    /// again means another handshake. Clients take the word literally.
    pub fn without_session(self) -> Reconnect {
        if self == Reconnect::Retry { Reconnect::Handshake } else { self }
    }
}

/// One advice, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// What the client does next.
    pub reconnect: Reconnect,
    /// Pause between the end of one connect and the start of the next, in milliseconds.
    pub interval_ms: Millis,
    /// How long the server holds a connect, in milliseconds.
    pub timeout_ms: Millis,
    /// How long after the interval a silent session lives, in milliseconds; left out when `None`.
    pub max_interval_ms: Option<Millis>,
    /// Another session of the same browser already holds a poll.
    pub multiple_clients: bool,
}

impl Advice {
    /// Writes the advice as a JSON object.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        object.text("reconnect", self.reconnect.name());
        object.number("interval", self.interval_ms);
        object.number("timeout", self.timeout_ms);
        if let Some(max_interval_ms) = self.max_interval_ms {
            object.number("maxInterval", max_interval_ms);
        }
        if self.multiple_clients {
            object.truth("multiple-clients", true);
        }
        object.close();
    }
}
