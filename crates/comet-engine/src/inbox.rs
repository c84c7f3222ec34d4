//! How shards are talked to: letters.
//!
//! Every shard has one inbox; other shards, the host and the control runtime post into it through a
//! [`Peer`]. Posting never waits; the shard is woken only when it may be asleep. What waits is counted in
//! bytes, so that whoever publishes can be refused before an inbox grows without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use bayeux::{Channel, Code};
use comet_bus::Publication;
use comet_bus::journal::JournalError;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::accepted::Accepted;
use crate::attendance::{Arrival, Arrived, Departure, RosterQuestion};
use crate::connection::Moved;
use crate::host::Ruling;
use crate::key::{ExchangeKey, SessionKey};
use crate::lag::{CatchUp, CaughtUp};
use crate::local::LocalAsk;
use crate::past::PastQuestion;
use crate::receipt::{Report, Wish};
use crate::recovery::{Recover, Recovery};
use crate::stop::Order;

/// What can be posted to a shard.
pub(crate) enum Letter {
    /// To the home of a channel: number this and hand it out.
    Publish { publish: Publish, answer: Answer },
    /// To a shard with listeners: a numbered publication.
    Publication(Arc<Publication>),
    /// To a publisher's shard: what became of the publication.
    Published { exchange: ExchangeKey, reply: usize, outcome: Result<Accepted, Code> },
    /// From the journal: a group of messages is kept but for these, or the journal is gone.
    Kept { group: u64, refusals: Option<Vec<(usize, JournalError)>> },
    /// To a home: is this channel there?
    Exists { channel: Channel, answer: oneshot::Sender<bool> },
    /// To a home: what did somebody miss?
    Recover(Box<Recover>),
    /// From a home: what it remembers of that.
    Recovered(Box<Recovery>),
    /// To a home: a session that had fallen behind reads on.
    CatchUp(Box<CatchUp>),
    /// From a home: what comes next.
    CaughtUp(Box<CaughtUp>),
    /// To a home: a session comes to a channel.
    Arrival(Box<Arrival>),
    /// From a home: whether it could.
    Arrived(Arrived),
    /// To a home: a session has left a channel.
    Departure(Box<Departure>),
    /// To a home: who is on a channel?
    Roster(Box<RosterQuestion>),
    /// To a home: what does a channel remember?
    Past(Box<PastQuestion>),
    /// To a home: how many have received a publication.
    Receipt(Report),
    /// From the host: its ruling.
    Ruling { exchange: ExchangeKey, ruling: Ruling },
    /// From the host: an event for one session.
    Deliver { session: SessionKey, event: Box<[u8]> },
    /// From the process: what a session of its own asks.
    Local(Box<LocalAsk>),
    /// From the host: end this session.
    End { session: SessionKey, code: Code },
    /// From another shard or from the host: a connection that belongs here.
    Moved(Box<Moved>),
    /// The next phase of a graceful stop.
    Drain(Order),
    /// Stop now.
    Stop,
}

/// To a home: `shard` has its first listener of `name`, or lost the last.
pub(crate) struct Interest {
    pub(crate) shard: usize,
    pub(crate) name: Box<str>,
    pub(crate) interested: bool,
}

/// A message on its way to its channel's home.
pub(crate) struct Publish {
    pub(crate) channel: Channel,
    pub(crate) data: Box<RawValue>,
    pub(crate) ext: Option<Box<RawValue>>,
    /// Makes it one and the same when it comes again.
    pub(crate) key: Option<Box<str>>,
    /// Who has given the key; nobody where it is the server itself.
    pub(crate) key_owner: Option<Box<str>>,
    /// Which older message of its channel it stands for.
    pub(crate) conflate: Option<Box<str>>,
    /// What its receivers are told of who publishes it, raw JSON.
    pub(crate) identity: Option<Box<str>>,
    /// The age at which it loses its meaning, in milliseconds.
    pub(crate) expires_ms: Option<u64>,
    /// Who wants to hear how many have received it.
    pub(crate) receipt: Option<Box<Wish>>,
    /// The session that publishes, as a number.
    pub(crate) publisher: Option<u64>,
    /// Whether that session gets it too.
    pub(crate) echo: bool,
}

impl Publish {
    /// Nothing but data, published by nobody who could hear it.
    pub(crate) fn new(channel: Channel, data: Box<RawValue>) -> Publish {
        Publish {
            channel,
            data,
            ext: None,
            key: None,
            key_owner: None,
            conflate: None,
            identity: None,
            expires_ms: None,
            receipt: None,
            publisher: None,
            echo: true,
        }
    }

    /// Bytes it counts for, no less than those of its event.
    pub(crate) fn weight(&self) -> usize {
        128 + self.channel.as_str().len()
            + self.data.get().len()
            + self.ext.as_ref().map_or(0, |ext| ext.get().len())
            + self.identity.as_ref().map_or(0, |identity| identity.len())
    }
}

/// Who waits to hear what became of a publication.
pub(crate) enum Answer {
    /// A batch of a session of `shard`.
    Exchange { shard: usize, exchange: ExchangeKey, reply: usize },
    /// A publisher outside the shards.
    Caller(oneshot::Sender<Result<Accepted, Code>>),
}

/// Posts letters to one shard.
#[derive(Clone)]
pub(crate) struct Peer {
    sender: Sender<Letter>,
    interest: Sender<Interest>,
    state: Arc<State>,
    waker: Arc<mio::Waker>,
}

#[derive(Default)]
struct State {
    /// Set by the first poster after the shard went to sleep or emptied its inbox.
    woken: AtomicBool,
    bytes: AtomicUsize,
}

/// The receiving end, owned by the shard.
pub(crate) struct Inbox {
    receiver: Receiver<Letter>,
    interest: Receiver<Interest>,
    state: Arc<State>,
}

/// An inbox and the peer that posts to it; `waker` wakes the owner's poll.
pub(crate) fn inbox(waker: mio::Waker) -> (Peer, Inbox) {
    let (sender, receiver) = channel();
    let (interest_sender, interest) = channel();
    let state = Arc::new(State::default());
    let peer = Peer { sender, interest: interest_sender, state: state.clone(), waker: Arc::new(waker) };
    (peer, Inbox { receiver, interest, state })
}

impl Peer {
    /// Posts a letter. A shard that has stopped takes no letters; then nothing happens.
    pub(crate) fn post(&self, letter: Letter) {
        self.state.bytes.fetch_add(weight(&letter), Ordering::Relaxed);
        if self.sender.send(letter).is_ok() {
            self.wake();
        }
    }

    /// Tells a home who listens. It knows before the next publication that it numbers, whatever else waits.
    pub(crate) fn tell(&self, interest: Interest) {
        if self.interest.send(interest).is_ok() {
            self.wake();
        }
    }

    fn wake(&self) {
        if !self.state.woken.swap(true, Ordering::AcqRel) {
            // A poll that cannot be woken belongs to a shard that is gone.
            let _ = self.waker.wake();
        }
    }

    /// Bytes posted and not yet taken.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.state.bytes.load(Ordering::Relaxed)
    }
}

impl Inbox {
    /// Must be called before the letters of one turn are taken: posts from here on wake the poll again.
    pub(crate) fn listen(&self) {
        // A swap and not a store: what was posted by whoever set it last is then seen by `take`.
        self.state.woken.swap(false, Ordering::AcqRel);
    }

    /// Who listens to what has changed. Asked before each publication is numbered: a subscriber that was told
    /// of its subscription may have told a publisher, whose message must not be numbered without it.
    pub(crate) fn take_interest(&self) -> Option<Interest> {
        self.interest.try_recv().ok()
    }

    /// The next letter, if one waits.
    pub(crate) fn take(&self) -> Option<Letter> {
        let letter = self.receiver.try_recv().ok()?;
        self.state.bytes.fetch_sub(weight(&letter), Ordering::Relaxed);
        Some(letter)
    }
}

fn weight(letter: &Letter) -> usize {
    match letter {
        Letter::Publish { publish, .. } => publish.weight(),
        Letter::Publication(publication) => 64 + publication.event.len(),
        Letter::Deliver { event, .. } => 64 + event.len(),
        Letter::Recover(recover) => recover.weight(),
        Letter::Recovered(recovery) => recovery.weight(),
        _ => 64,
    }
}
