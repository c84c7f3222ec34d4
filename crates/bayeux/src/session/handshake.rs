//! Before a session there is only the handshake.
//!
//! Everything an unknown client can say is judged here; whether this person may come in is left to the policy, and the
//! id of the new session is chosen by the caller. A handshake comes in, and a session and its reply go out.

use super::habits::Habits;
use super::mailbox::Mailbox;
use super::retained::{Manner, Retained};
use super::{Session, Settings};
use crate::Millis;
use crate::advice::{Advice, Reconnect};
use crate::code::Code;
use crate::connection_type::ConnectionType;
use crate::error::Error;
use crate::event::Rendering;
use crate::message::Message;
use crate::meta;
use crate::reply::Reply;

/// A client without session.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unidentified;

impl Unidentified {
    /// Takes a handshake; anything else is answered with the error in `Err`.
    ///
    /// # Errors
    ///
    /// The reply to send: `session_unknown` for all messages that need a session, with the advice to handshake when it
    /// was a connect; `connection_types_unsupported` for a handshake without common kind of wire.
    pub fn on_message(&self, message: Message, settings: &Settings) -> Result<HandshakeRequest, Box<Reply>> {
        if let Some(code) = message.invalid {
            return Err(Box::new(settings.refuse(&message, code)));
        }
        match message.channel.as_deref() {
            Some(meta::HANDSHAKE) => HandshakeRequest::new(message, settings),
            Some(_) => Err(Box::new(settings.refuse(&message, Code::SessionUnknown))),
            None => Err(Box::new(settings.refuse(&message, Code::ChannelMissing))),
        }
    }
}

/// A well-formed handshake that waits for the policy's verdict.
#[derive(Debug)]
pub struct HandshakeRequest {
    /// The handshake; its `raw` holds the application's own fields.
    pub message: Message,
    /// The kinds of wire that client and server have in common, in the server's order.
    pub connection_types: Vec<ConnectionType>,
    supported: Box<[ConnectionType]>,
    retry_interval_ms: Millis,
    advice: Advice,
}

impl HandshakeRequest {
    fn new(message: Message, settings: &Settings) -> Result<HandshakeRequest, Box<Reply>> {
        // Old and small clients leave their list out; they get to know ours.
        let offers = |kind: &ConnectionType| {
            message
                .supported_connection_types
                .as_ref()
                .is_none_or(|names| names.iter().any(|name| **name == *kind.name()))
        };
        let connection_types: Vec<_> = settings.connection_types.iter().copied().filter(offers).collect();
        if connection_types.is_empty() {
            return Err(Box::new(settings.refuse(&message, Code::ConnectionTypesUnsupported)));
        }
        Ok(HandshakeRequest {
            message,
            connection_types,
            supported: settings.connection_types.as_slice().into(),
            retry_interval_ms: settings.retry_interval_ms,
            advice: settings.advice(Reconnect::Retry),
        })
    }

    /// Opens the session. `client_id` is a new secret of at least 128 random bits. A client that asks for it gets what it
    /// did not receive once more: one that counts (`ext.received`), or else one that acknowledges (`ext.ack`).
    pub fn accept<D>(self, client_id: Box<str>, settings: &Settings, now: Millis) -> (Session<D>, Reply) {
        let mut reply = Reply::accept(&self.message).with_advice(self.advice);
        reply.client_id = Some(client_id.clone());
        reply.supported = Some(self.supported);
        let manner = Manner::of(&self.message);
        let acknowledges = matches!(manner, Some(Manner::Batch(_)));
        match &manner {
            Some(Manner::Count(_)) => reply.ext.received(),
            Some(Manner::Batch(_)) => reply.ext.acknowledges(),
            None => {}
        }
        let rendering = Rendering::of(self.message.ext.as_deref(), settings);
        if rendering.replay_ids {
            reply.ext.replay();
        }
        let mut session = Session {
            client_id,
            mailbox: Mailbox::default(),
            retained: manner.map(|manner| Box::new(Retained::new(manner, settings))),
            held: None,
            deadline: now,
            interval_ms: 0,
            attached: 0,
            connection_type: None,
            connects: 0,
            turn: 0,
            rendering,
            habits: Habits::of(settings, now),
            connect_only: acknowledges,
            rests: false,
            advise: true,
            ended: false,
        };
        session.on_connect_written(settings, now);
        (session, reply)
    }

    /// Refuses the client. Without advice of its own the refusal says what the code's row in the table says.
    pub fn deny(self, error: impl Into<Error>, advice: Option<Advice>) -> Reply {
        let error = error.into();
        let advice = advice.unwrap_or(Advice {
            reconnect: error.code.reconnect().without_session(),
            interval_ms: self.retry_interval_ms,
            ..self.advice
        });
        let mut reply = Reply::refuse(&self.message, error).with_advice(advice);
        reply.supported = Some(self.supported);
        reply
    }
}
