//! Timed polling: connects that are never held, and requests without a body that stand for them.
//!
//! What such a request means as a message, whether the session takes it, and when the client need not wait for its next
//! turn are decided here; how the request looks is the wire's business. A count comes in, and a message like any other
//! connect goes on to the session.

use serde_json::value::RawValue;

use super::outbound::Delivery;
use super::{Session, Settings};
use crate::advice::{Advice, Reconnect};
use crate::code::Code;
use crate::connection_type::ConnectionType;
use crate::message::Message;
use crate::meta;
use crate::reply::Reply;

impl Message {
    /// The connect that a poll without a body stands for: of this session, by `polling`, with this count of what its
    /// client has received.
    pub fn poll(client_id: &str, received: u64) -> Message {
        let ext = RawValue::from_string(format!("{{\"received\":{received}}}"));
        Message {
            channel: Some(meta::CONNECT.into()),
            client_id: Some(client_id.into()),
            connection_type: Some(ConnectionType::Polling.name().into()),
            ext: Some(ext.expect("a number makes an object")),
            ..Message::default()
        }
    }
}

impl<D: Delivery> Session<D> {
    /// Whether a poll without a body may stand for a connect of the session. It bears no number as other connects may,
    /// so that one which was on its way for long must not win the session back for what its client has left behind.
    ///
    /// # Errors
    ///
    /// `request_invalid` when the client does not count what it receives, and `superseded` when the last connect was
    /// by another kind of wire, or the client has confirmed more since.
    pub fn admit_poll(&self, received: u64) -> Result<(), Code> {
        match self.confirmed() {
            _ if !self.counts() => Err(Code::RequestInvalid),
            _ if self.connection_type != Some(ConnectionType::Polling) => Err(Code::Superseded),
            Some(confirmed) if received < confirmed => Err(Code::Superseded),
            _ => Ok(()),
        }
    }

    /// What may leave with the answer to a connect was taken. If more is queued than one answer carries, a client that
    /// polls by the clock is told to come at once, and with its next reply how long it waits again.
    pub fn hasten(&mut self, reply: &mut Reply, settings: &Settings) {
        if self.connection_type != Some(ConnectionType::Polling) || self.pending() == 0 {
            return;
        }
        let advice = settings.advice(Reconnect::Retry);
        reply.advice = Some(Advice { timeout_ms: 0, ..advice });
        self.interval_ms = u32::try_from(advice.interval_ms).unwrap_or(u32::MAX);
        self.advise = true;
    }
}
