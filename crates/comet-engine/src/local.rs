//! Sessions of the server's own process: what code is given that listens without a wire.
//!
//! A session of this kind has a seat on a shard like any other; its wire is a bounded queue into the process. What is
//! asked of the shard goes as a letter, what it delivers comes out of a [`LocalStream`]. What events mean is the
//! reader's business.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bayeux::{Code, Pattern, Reply, SinceRequest};
use comet_bus::Publication;
use tokio::sync::{mpsc, oneshot};

use crate::handle::Handle;
use crate::host::{Identity, Who};
use crate::inbox::{Letter, Peer};
use crate::key::SessionKey;

/// Events that wait in the queue of a reader; what is more waits on the shard.
const QUEUED: usize = 256;

/// One event for a reader.
#[derive(Clone, Debug)]
pub enum LocalEvent {
    /// A publication.
    Published(Arc<Publication>),
    /// The JSON of an event for this session alone.
    Direct(Box<[u8]>),
}

/// What is asked of a shard for a session of the process.
pub(crate) enum LocalAsk {
    Open {
        identity: Identity,
        wire: LocalWire,
        answer: oneshot::Sender<Result<Arc<Who>, Code>>,
    },
    Subscribe {
        session: SessionKey,
        patterns: Vec<Pattern>,
        since: Option<SinceRequest>,
        answer: ReplyTo,
    },
    Unsubscribe {
        session: SessionKey,
        pattern: Pattern,
    },
    /// The reader has room again.
    Ready {
        session: SessionKey,
    },
}

/// Takes the reply to a subscribe.
pub(crate) type ReplyTo = oneshot::Sender<Reply>;

/// The shard's end of a reader's queue.
pub(crate) struct LocalWire {
    pub(crate) sender: mpsc::Sender<LocalEvent>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// The shard waits for room.
    stalled: AtomicBool,
    ended: OnceLock<Code>,
}

impl LocalWire {
    /// Whether the reader can take more; if not, it says when it can.
    pub(crate) fn has_room(&self) -> bool {
        self.sender.capacity() > 0 || {
            self.await_room();
            self.sender.capacity() > 0
        }
    }

    /// The queue is full: the reader says when it is no longer. Whoever has called this looks at the room once more.
    pub(crate) fn await_room(&self) {
        self.state.stalled.store(true, Ordering::SeqCst);
    }

    /// The session ends.
    pub(crate) fn end(&self, code: Code) {
        // The first reason is the true one.
        let _ = self.state.ended.set(code);
    }
}

/// The events of one session of the process. Dropping it ends the session.
pub struct LocalStream {
    receiver: mpsc::Receiver<LocalEvent>,
    state: Arc<State>,
    who: Arc<Who>,
    peer: Peer,
}

impl LocalStream {
    /// The next event; `None` when the session has ended and everything was taken.
    pub async fn next(&mut self) -> Option<LocalEvent> {
        let event = self.receiver.recv().await;
        self.on_taken();
        event
    }

    /// Like [`LocalStream::next`], for those who poll.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<LocalEvent>> {
        let event = self.receiver.poll_recv(context);
        self.on_taken();
        event
    }

    /// Why the session has ended, if it has.
    pub fn ended(&self) -> Option<Code> {
        let gone = || self.receiver.is_closed().then_some(Code::Draining);
        self.state.ended.get().copied().or_else(gone)
    }

    fn on_taken(&self) {
        if self.receiver.len() <= QUEUED / 2 && self.state.stalled.swap(false, Ordering::SeqCst) {
            self.peer.post(Letter::Local(Box::new(LocalAsk::Ready { session: self.who.key })));
        }
    }
}

impl Drop for LocalStream {
    fn drop(&mut self) {
        self.peer.post(Letter::End { session: self.who.key, code: Code::Disconnected });
    }
}

impl Handle {
    /// Opens a session of the process, as this identity; no policy is asked. It counts like any other against the bound
    /// of sessions, and so does what waits for its reader against the bounds of a queue.
    ///
    /// # Errors
    /// `too_many_sessions`; `draining` when the engine stops.
    pub async fn open_local(&self, identity: Identity) -> Result<(Arc<Who>, LocalStream), Code> {
        let (sender, receiver) = mpsc::channel(QUEUED);
        let (answer, answered) = oneshot::channel();
        let state = Arc::new(State::default());
        let wire = LocalWire { sender, state: state.clone() };
        let peer = self.next_peer().clone();
        peer.post(Letter::Local(Box::new(LocalAsk::Open { identity, wire, answer })));
        let who = answered.await.unwrap_or(Err(Code::Draining))?;
        Ok((who.clone(), LocalStream { receiver, state, who, peer }))
    }

    /// Makes a session of the process listen, to what is new and to what it asks of the past; the reply is that of a
    /// `/meta/subscribe`. What is recovered is queued when the reply is there.
    ///
    /// # Errors
    /// `session_unknown` when it has ended; `draining` when the engine has stopped.
    pub async fn subscribe_local(
        &self,
        who: &Who,
        patterns: Vec<Pattern>,
        since: Option<SinceRequest>,
    ) -> Result<Reply, Code> {
        let (answer, answered) = oneshot::channel();
        let session = who.key;
        let ask = LocalAsk::Subscribe { session, patterns, since, answer };
        self.peer_of(who).post(Letter::Local(Box::new(ask)));
        answered.await.map_err(|_| if who.has_ended() { Code::SessionUnknown } else { Code::Draining })
    }

    /// Ends a subscription of a session of the process.
    pub fn unsubscribe_local(&self, who: &Who, pattern: Pattern) {
        let ask = LocalAsk::Unsubscribe { session: who.key, pattern };
        self.peer_of(who).post(Letter::Local(Box::new(ask)));
    }
}
