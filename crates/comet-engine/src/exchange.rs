//! A batch of messages on its way to being answered.
//!
//! Messages are taken in order and their replies leave in order, though a policy or the home of a channel
//! may keep some of them waiting. What each message means is decided in `bayeux::session`; the shard carries
//! out the steps and fills the replies in here.

use bayeux::{Message, Reply};
use comet_bus::Position;

use crate::host::RequestInfo;
use crate::key::{ConnectionKey, SessionKey};

/// A batch on its way.
pub(crate) struct Exchange {
    pub(crate) generation: u32,
    pub(crate) connection: ConnectionKey,
    /// It came over a WebSocket.
    pub(crate) websocket: bool,
    /// Over HTTP: events leave only with connect replies (callback polling).
    pub(crate) connect_only: bool,
    /// It is the only message of its batch.
    pub(crate) lone: bool,
    pub(crate) session: Option<SessionKey>,
    pub(crate) messages: std::vec::IntoIter<Message>,
    pub(crate) replies: Vec<Option<Reply>>,
    /// Replies that wait for the home of a channel.
    pub(crate) unpublished: u32,
    /// A step that waits for the host.
    pub(crate) asked: Option<Asked>,
    /// One of the replies answers a connect.
    pub(crate) connect: bool,
    /// A connect is held: it is answered on its own.
    pub(crate) held: bool,
    /// The first reply opens the session: it goes before the events.
    pub(crate) opened: bool,
    /// The session is to end when the replies are written.
    pub(crate) ends: bool,
    /// The request, while a handshake may need it.
    pub(crate) request: Option<Box<RequestInfo>>,
    /// The browser cookie of the request.
    pub(crate) cookie: Option<Box<str>>,
}

/// A step that waits for the host's ruling.
pub(crate) enum Asked {
    Handshake(bayeux::HandshakeRequest),
    Subscribe { patterns: Vec<bayeux::Pattern>, reply: Reply },
    Publish { publish: crate::inbox::Publish, reply: Reply },
}

impl Exchange {
    /// Whether every message has its reply.
    pub(crate) fn is_done(&self) -> bool {
        self.asked.is_none() && self.unpublished == 0 && self.messages.len() == 0
    }

    /// Fills in what became of a publication.
    pub(crate) fn published(&mut self, reply: usize, outcome: Result<Position, bayeux::Code>) {
        self.unpublished -= 1;
        if let (Err(code), Some(Some(reply))) = (outcome, self.replies.get_mut(reply)) {
            reply.outcome = Err(bayeux::Error::new(code, ""));
        }
    }
}
