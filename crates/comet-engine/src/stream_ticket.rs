//! The ticket with which a stream is opened whose request can carry nothing else.
//!
//! A browser's `EventSource` sends no body and no field of ours, and what stands in a URL is written down in many places: so
//! a session's id does not, but a ticket that is good once and not for long. The one that follows it is never in a URL. Who
//! may use it, and for what, is decided in `shard/event_source.rs`.

use bayeux::Millis;

use crate::client_id::same_secret;
use crate::frame::Frame;

/// What a session's next stream is opened with.
pub(crate) enum StreamTicket {
    /// Named in the reply to a connect, good in a URL until this time; for a frame where that was asked for.
    Reply { secret: Box<str>, until: Millis, frame: Option<Box<Frame>> },
    /// Named in the stream itself, for when it is lost.
    Stream { secret: Box<str> },
}

impl StreamTicket {
    /// Whether this is it, named in a URL.
    pub(crate) fn opens(&self, named: &str, now: Millis) -> bool {
        matches!(self, StreamTicket::Reply { secret, until, .. } if same_secret(secret, named) && now < *until)
    }

    /// Whether this is it, named by a browser that has lost its stream.
    pub(crate) fn reopens(&self, named: &str) -> bool {
        matches!(self, StreamTicket::Stream { secret } if same_secret(secret, named))
    }

    /// The frame that it opens, if it opens one.
    pub(crate) fn frame(&self) -> Option<&Frame> {
        match self {
            StreamTicket::Reply { frame, .. } => frame.as_deref(),
            StreamTicket::Stream { .. } => None,
        }
    }

    /// The secret, as it is told to the client.
    pub(crate) fn secret(&self) -> &str {
        match self {
            StreamTicket::Reply { secret, .. } | StreamTicket::Stream { secret } => secret,
        }
    }
}
