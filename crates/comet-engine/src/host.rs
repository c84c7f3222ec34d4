//! The seam to whoever runs the engine: who may, what services answer, and every other request.
//!
//! The engine asks, the [`Host`] rules; both sides use plain values, so that no socket or session is ever
//! seen from outside. A question is answered at once on the shard's own thread, or later through a
//! [`Resume`] from any thread; meanwhile only the batch that asked waits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bayeux::{Advice, Channel, Code, Pattern};
use serde_json::value::RawValue;

use crate::call_permit::{CallPermit, OpenCalls};
use crate::inbox::{Letter, Peer};
use crate::key::{ExchangeKey, SessionKey};

/// What a host knows and decides. Every method is called on a shard's thread and must not block it.
pub trait Host: Send + Sync + 'static {
    /// Rules on a question now, or takes `later` and rules through it when the answer is known.
    fn judge(&self, ask: Ask<'_>, later: Later<'_>) -> Option<Ruling>;

    /// Whether a service answers on this channel.
    fn serves(&self, channel: &Channel) -> bool;

    /// Starts a call of a service that [`Host::serves`]; the answer goes through `call.responder`.
    fn call(&self, call: Call);

    /// A session ended, for the reason given.
    fn session_ended(&self, who: &Arc<Who>, code: Code);

    /// Takes over a connection whose request is for no transport of the engine. `Handle::adopt` brings it
    /// back when a later request is.
    fn take_over(&self, connection: HandedOver);
}

/// A question to the host.
#[derive(Debug)]
pub enum Ask<'a> {
    /// May this client open a session, and as whom? `message` is the whole handshake message.
    Handshake {
        /// The handshake message as it came.
        message: &'a RawValue,
        /// The request or the WebSocket that carries it.
        request: &'a RequestInfo,
    },
    /// May this session listen to all of these?
    Subscribe {
        /// Who asks.
        who: &'a Arc<Who>,
        /// What it wants to listen to.
        patterns: &'a [Pattern],
    },
    /// May this session publish here?
    Publish {
        /// Who asks.
        who: &'a Arc<Who>,
        /// Where.
        channel: &'a Channel,
        /// What, as raw JSON.
        data: &'a RawValue,
    },
}

/// What the host rules.
#[derive(Clone, Debug)]
pub enum Ruling {
    /// It may.
    Allow,
    /// It may open a session, as this identity.
    AllowAs(Identity),
    /// It may not.
    Deny(Denial),
}

impl Ruling {
    /// A refusal with nothing to add to its code.
    pub fn deny(code: Code) -> Ruling {
        Ruling::Deny(Denial { code, reason: String::new(), advice: None })
    }

    pub(crate) fn identity(self) -> Identity {
        match self {
            Ruling::AllowAs(identity) => identity,
            Ruling::Allow | Ruling::Deny(_) => Identity::default(),
        }
    }
}

/// A refusal with its reason.
#[derive(Clone, Debug)]
pub struct Denial {
    /// The code of the table.
    pub code: Code,
    /// Words for the client's developer; empty for none.
    pub reason: String,
    /// What the client should do next, where the code's own advice does not fit.
    pub advice: Option<Advice>,
}

/// Who a session is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user, empty when nobody said.
    pub subject: String,
    /// What else the policy knows, as JSON text; empty for nothing.
    pub info: String,
}

/// A session as the host sees it.
#[derive(Debug)]
pub struct Who {
    /// The session's id. A secret between it and the server: never show it to other clients.
    pub client_id: Box<str>,
    /// Who it is.
    pub identity: Identity,
    /// Where its handshake came from.
    pub address: SocketAddr,
    /// Where the engine keeps it.
    pub(crate) shard: u8,
    pub(crate) key: SessionKey,
    pub(crate) ended: AtomicBool,
    pub(crate) open_calls: OpenCalls,
}

impl Who {
    /// Whether the session has ended. True from before [`Host::session_ended`] is called, so that a call which
    /// is served late and the end of its session can be put in order.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }
}

/// The request that carried a handshake.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    /// Where the request came from: the peer's end of the connection, or the client that a trusted proxy names,
    /// whose port is then 0.
    pub address: SocketAddr,
    /// The request target of the HTTP request or the WebSocket's opening.
    pub target: Box<str>,
    /// The `Origin` field.
    pub origin: Option<Box<str>>,
    /// The `Cookie` field.
    pub cookie: Option<Box<str>>,
    /// The `Authorization` field.
    pub authorization: Option<Box<str>>,
}

/// Leave to answer a question later.
pub struct Later<'a> {
    pub(crate) peer: &'a Peer,
    pub(crate) exchange: ExchangeKey,
}

impl Later<'_> {
    /// Promises a ruling. The promise is kept even when the [`Resume`] is dropped: that denies.
    pub fn promise(self) -> Resume {
        Resume { peer: self.peer.clone(), exchange: Some(self.exchange) }
    }
}

/// A promised ruling; dropping it denies with `internal`.
pub struct Resume {
    peer: Peer,
    exchange: Option<ExchangeKey>,
}

impl Resume {
    /// Rules, from any thread.
    pub fn rule(mut self, ruling: Ruling) {
        if let Some(exchange) = self.exchange.take() {
            self.peer.post(Letter::Ruling { exchange, ruling });
        }
    }
}

impl Drop for Resume {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            let ruling = Ruling::Deny(Denial { code: Code::Internal, reason: String::new(), advice: None });
            self.peer.post(Letter::Ruling { exchange, ruling });
        }
    }
}

/// A message on a service channel.
pub struct Call {
    /// The session that sent it.
    pub who: Arc<Who>,
    /// The service channel.
    pub channel: Channel,
    /// The data, raw JSON.
    pub data: Box<RawValue>,
    /// Extension fields of the call: a JSON object.
    pub ext: Option<Box<RawValue>>,
    /// Takes the answer, if there is one.
    pub responder: Responder,
}

/// Takes the answer to a call; dropping it answers nothing.
pub struct Responder {
    pub(crate) peer: Peer,
    pub(crate) session: SessionKey,
    pub(crate) channel: Channel,
    pub(crate) id: Option<Box<RawValue>>,
    /// The largest event that fits into the queue of a session.
    pub(crate) event_bytes: usize,
    pub(crate) permit: CallPermit,
}

impl Responder {
    /// Answers the caller: data as raw JSON text, or a code with the reason. Data that would not fit into the
    /// session's queue becomes `data_too_large`.
    pub fn answer(self, answer: Result<Box<RawValue>, bayeux::Error>) {
        self.answer_with(answer, None);
    }

    /// Answers the caller like [`Responder::answer`], with extension fields beside the data: a JSON object.
    pub fn answer_with(self, answer: Result<Box<RawValue>, bayeux::Error>, ext: Option<&str>) {
        let mut event = self.event(&answer, ext);
        if event.len() > self.event_bytes {
            event = self.event(&Err(bayeux::Error::from(Code::DataTooLarge)), None);
        }
        let Responder { peer, session, permit, .. } = self;
        // Who has the answer may call again at once.
        drop(permit);
        peer.post(Letter::Deliver { session, event: event.into_boxed_slice() });
    }

    fn event(&self, answer: &Result<Box<RawValue>, bayeux::Error>, ext: Option<&str>) -> Vec<u8> {
        let mut event = Vec::new();
        let (channel, id) = (self.channel.as_str(), self.id.as_deref());
        let (data, error) = match answer {
            Ok(data) => (data.get(), None),
            Err(error) => ("null", Some(error)),
        };
        bayeux::event::write_answer(channel, id, error.is_none(), data, error, ext, &mut event);
        event
    }
}

/// A connection on its way to the host, with everything that was read from it.
pub struct HandedOver {
    /// The connection, not blocking.
    pub stream: std::net::TcpStream,
    /// What was read and not yet answered, from the first byte of a request head on.
    pub unread: Vec<u8>,
    /// The peer's end.
    pub address: SocketAddr,
    /// Which shard it comes from and belongs to.
    pub shard: usize,
    /// Keeps the connection counted against the caps while the host has it.
    pub permit: crate::Permit,
}
