//! A batch of messages on its way to being answered.
//!
//! Messages are taken in order and their replies leave in order, though a policy or the home of a channel
//! may keep some of them waiting. What each message means is decided in `bayeux::session`; the shard carries
//! out the steps and fills the replies in here.

use bayeux::{Carrier, Code, DeliverRequest, HandshakeRequest, Message, Pattern, Reply, SinceRequest, Turn};
use comet_bus::{Position, PresenceFull};
use serde_json::value::RawValue;

use crate::accepted::Accepted;
use crate::attendance::{self, Arrived};
use crate::feed::Feed;
use crate::host::RequestInfo;
use crate::inbox::Publish;
use crate::key::{ConnectionKey, SessionKey};
use crate::local::ReplyTo;
use crate::recovery::{Questions, Replay};

/// A place for a batch; empty while the batch is being worked on.
pub(crate) struct Slot {
    pub(crate) generation: u32,
    pub(crate) exchange: Option<Box<Exchange>>,
}

/// A batch on its way.
pub(crate) struct Exchange {
    pub(crate) connection: ConnectionKey,
    pub(crate) carrier: Carrier,
    /// Bytes of its text, counted while it is in the slab.
    pub(crate) bytes: usize,
    /// It is the only message of its batch.
    pub(crate) lone: bool,
    pub(crate) session: Option<SessionKey>,
    pub(crate) messages: std::vec::IntoIter<Message>,
    /// The replies so far, in the order of their messages.
    pub(crate) replies: Vec<Reply>,
    /// Replies that wait for the homes of channels.
    pub(crate) awaited: u32,
    /// Those of them that wait for a recovery.
    pub(crate) recoveries: Vec<Recovering>,
    /// Those of them that wait until the session is on the roster of a channel.
    pub(crate) arrivals: Vec<Arriving>,
    /// A step that waits for the host.
    pub(crate) asked: Option<Asked>,
    /// The last of the replies that answers a connect.
    pub(crate) connect: Option<Answered>,
    /// A connect is held: it is answered on its own.
    pub(crate) held: bool,
    /// The answer to its only message, a connect, goes on as a stream.
    pub(crate) streams: bool,
    /// The feed that its session is made for, and that begins in the place of replies.
    pub(crate) feed: Option<Box<Feed>>,
    /// Why the session is to end when the replies are written.
    pub(crate) ends: Option<Code>,
    /// The connection was told to wait for this batch.
    pub(crate) waits: bool,
    /// It is this batch that what comes behind must not overtake.
    pub(crate) blocks: bool,
    /// The request, while a handshake may need it.
    pub(crate) request: Option<Box<RequestInfo>>,
    /// The browser cookie of the request.
    pub(crate) cookie: Option<Box<str>>,
    /// Who waits for its only reply, when it is of a session of the process.
    pub(crate) local: Option<ReplyTo>,
}

/// A connect that is answered with its batch.
#[derive(Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) turn: Turn,
    /// The place of its reply.
    pub(crate) reply: usize,
}

/// A subscription whose past is being asked for.
pub(crate) struct Recovering {
    /// The place of its reply.
    pub(crate) reply: usize,
    /// Answers that are not there yet.
    pub(crate) awaited: u32,
    /// It asks by ids: a gap refuses it.
    pub(crate) replay: Option<Box<Replay>>,
    /// Nobody has asked: the channels give their newest message by themselves, and the reply says which have one.
    pub(crate) silent: bool,
    /// Those of them that have answered, and whether their newest message comes.
    pub(crate) cached: Vec<(Box<str>, bool)>,
    /// The client counts what it receives, and so understands a gap in its queue.
    pub(crate) counts: bool,
    /// Channels of which something is missing, with their heads.
    pub(crate) gaps: Vec<(Box<str>, Position)>,
}

/// A subscription whose session is coming to channels with presence.
pub(crate) struct Arriving {
    /// The place of its reply.
    pub(crate) reply: usize,
    /// Answers that are not there yet: of homes, and of subscriptions that added some of its names.
    pub(crate) awaited: u32,
    /// Why it cannot come, if a home has said so.
    pub(crate) refused: Option<PresenceFull>,
    /// What it asks of the past, if it comes.
    pub(crate) questions: Questions,
}

/// A step that waits for the host's ruling.
pub(crate) enum Asked {
    Handshake(HandshakeRequest),
    Subscribe {
        patterns: Vec<Pattern>,
        since: Option<SinceRequest>,
        deliver: Option<DeliverRequest>,
        reply: Reply,
    },
    Publish {
        publish: Publish,
        reply: Reply,
    },
    Call {
        call: Publish,
        id: Option<Box<RawValue>>,
        reply: Reply,
    },
    Roster {
        call: Publish,
        question: Box<(Pattern, attendance::Asked)>,
        id: Option<Box<RawValue>>,
        reply: Reply,
    },
}

impl Exchange {
    /// A batch of a session of the process: it came over no connection.
    pub(crate) fn local(session: SessionKey, answer: ReplyTo) -> Exchange {
        Exchange {
            connection: ConnectionKey { slot: u32::MAX, generation: 0 },
            carrier: Carrier::WebSocket,
            bytes: 0,
            lone: true,
            session: Some(session),
            messages: Vec::new().into_iter(),
            replies: Vec::new(),
            awaited: 0,
            recoveries: Vec::new(),
            arrivals: Vec::new(),
            asked: None,
            connect: None,
            held: false,
            streams: false,
            feed: None,
            ends: None,
            waits: false,
            blocks: false,
            request: None,
            cookie: None,
            local: Some(answer),
        }
    }

    /// Whether it came over a WebSocket.
    pub(crate) fn is_websocket(&self) -> bool {
        self.carrier == Carrier::WebSocket
    }

    /// Fills in what became of a publication; `tells` whether the reply says where it stands.
    pub(crate) fn published(&mut self, reply: usize, outcome: Result<Accepted, Code>, tells: bool) {
        self.awaited -= 1;
        match (outcome, self.replies.get_mut(reply)) {
            (Err(code), Some(reply)) => reply.outcome = Err(code.into()),
            (Ok(Accepted { position: Position { epoch, offset }, durability }), Some(reply)) if tells => {
                reply.ext.position(&format!("{epoch:x}"), offset);
                reply.ext.durability(durability.name());
            }
            _ => {}
        }
    }

    /// Takes in what became of an arrival.
    pub(crate) fn arrived(&mut self, arrived: &Arrived) {
        let arriving = self.arrivals.iter_mut().find(|arriving| arriving.reply == arrived.reply);
        let Some(arriving) = arriving else { return };
        arriving.awaited -= 1;
        arriving.refused = arriving.refused.or(arrived.outcome.err());
    }

    /// The recovery that the reply at this place waits for.
    pub(crate) fn recovering(&mut self, reply: usize) -> Option<&mut Recovering> {
        self.recoveries.iter_mut().find(|recovering| recovering.reply == reply)
    }
}
