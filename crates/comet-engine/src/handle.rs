//! How the rest of the process talks to a running engine.
//!
//! A handle posts letters and reads counts; it holds no state of its own and outlives nothing. Futures here
//! need no particular runtime.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bayeux::{Channel, Code, event};
use comet_bus::journal::Keeper;
use comet_bus::{ChannelTable, Cursor, Since, home_of};
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, oneshot};

use crate::accepted::Accepted;
use crate::attendance::{Asker, RosterPage, RosterQuestion};
use crate::client_id::Ids;
use crate::connection::{Freight, Moved};
use crate::counters::{Counters, Snapshot};
use crate::host::{HandedOver, Who};
use crate::inbox::{Answer, Letter, Peer, Publish};
use crate::past::{HistoryPage, PastQuestion};
use crate::permit::Gate;
use crate::publish_options::PublishOptions;
use crate::receipt::Wish;

/// Publications and questions for the past of one process that may wait for their homes at the same time.
const UNANSWERED: usize = 4_096;
/// Bytes of a key of a publication, of either kind.
pub const KEY_BYTES: RangeInclusive<usize> = 1..=64;

/// What is known of a publication beside its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Makes it one and the same when it comes again.
    pub key: Option<Box<str>>,
    /// Which older message of its channel it stands for, where those give way to newer ones.
    pub conflate: Option<Box<str>>,
}

/// Talks to a running engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
}

struct Inner {
    peers: Vec<Peer>,
    counters: Vec<Arc<Counters>>,
    gate: Gate,
    unanswered: Semaphore,
    /// The largest event that fits into the queue of a session.
    event_bytes: usize,
    keeper: Option<Arc<dyn Keeper>>,
    ids: Ids,
    /// Whose movies may connect, where there is something to connect to.
    flash_policy: Option<Arc<str>>,
    /// Which channels tell what.
    table: Arc<ChannelTable>,
    /// The shard that takes the next session of the process.
    turn: AtomicUsize,
}

/// What an engine knows of itself from its start on.
pub(crate) struct Facts {
    /// The largest event that fits into the queue of a session.
    pub(crate) event_bytes: usize,
    /// Whose movies may connect, where there is something to connect to.
    pub(crate) flash_policy: Option<Arc<str>>,
}

impl Handle {
    pub(crate) fn new(
        peers: Vec<Peer>,
        counters: Vec<Arc<Counters>>,
        gate: Gate,
        facts: Facts,
        ids: Ids,
        table: Arc<ChannelTable>,
        keeper: Option<Arc<dyn Keeper>>,
    ) -> Handle {
        let Facts { event_bytes, flash_policy } = facts;
        let (unanswered, turn) = (Semaphore::new(UNANSWERED), AtomicUsize::new(0));
        let inner =
            Inner { peers, counters, gate, unanswered, event_bytes, keeper, ids, flash_policy, table, turn };
        Handle { inner: Arc::new(inner) }
    }

    pub(crate) fn post_all(&self, letter: impl Fn() -> Letter) {
        self.inner.peers.iter().for_each(|peer| peer.post(letter()));
    }

    /// Publishes `data`, raw JSON, as the options say, and waits for its place in the channel; on a durable channel, until
    /// it is as safe there as the channel promises.
    ///
    /// # Errors
    /// `message_invalid` when the options cannot be; `overloaded` when the engine cannot take more, `journal_unavailable`
    /// when the channel is durable and its journal takes nothing, `draining` when the engine has stopped.
    pub async fn publish_with(
        &self,
        channel: Channel,
        data: Box<RawValue>,
        options: PublishOptions,
    ) -> Result<Accepted, Code> {
        self.number(options.apply(channel, data)?).await
    }

    /// Publishes `data` for a session of the process, which hears itself unless `echo` says no.
    ///
    /// # Errors
    /// As [`Handle::publish_with`].
    pub async fn publish_as(
        &self,
        who: &Who,
        channel: Channel,
        data: Box<RawValue>,
        options: PublishOptions,
        echo: bool,
    ) -> Result<Accepted, Code> {
        let names_itself = options.publisher.is_none() && self.inner.table.identifies(&channel);
        let wish = Wish {
            shard: usize::from(who.shard),
            session: who.key,
            key: options.key.as_deref().map(Into::into),
        };
        let receipt = options.receipt.then(|| Box::new(wish));
        let mut publish = options.apply(channel, data)?;
        publish.receipt = receipt;
        publish.publisher = Some(who.key.number(usize::from(who.shard)));
        publish.echo = echo;
        if names_itself {
            publish.identity = Some(event::publisher(&who.identity.subject, Some(&self.public_id(who))));
        }
        self.number(publish).await
    }

    /// Asks the home of the channel for a place.
    async fn number(&self, publish: Publish) -> Result<Accepted, Code> {
        let _permit = self.inner.unanswered.acquire().await.map_err(|_| Code::Draining)?;
        let (sender, receiver) = oneshot::channel();
        let home = home_of(publish.channel.as_str(), self.inner.peers.len());
        self.inner.peers[home].post(Letter::Publish { publish, answer: Answer::Caller(sender) });
        receiver.await.unwrap_or(Err(Code::Draining))
    }

    /// Whether a channel is there: something was published on it lately, or somebody listens to it by its own name.
    ///
    /// # Errors
    /// `draining` when the engine has stopped.
    pub async fn exists(&self, channel: Channel) -> Result<bool, Code> {
        let (answer, receiver) = oneshot::channel();
        let home = home_of(channel.as_str(), self.inner.peers.len());
        self.inner.peers[home].post(Letter::Exists { channel, answer });
        receiver.await.map_err(|_| Code::Draining)
    }

    /// Lists who is on a channel, at most `members` of them from where the page before ended; 0 asks for the counts
    /// alone. `None` for a channel that has no presence.
    ///
    /// # Errors
    /// `draining` when the engine has stopped.
    pub async fn presence(
        &self,
        channel: &Channel,
        after: Option<Cursor>,
        members: usize,
    ) -> Result<Option<RosterPage>, Code> {
        let Some(companion) = self.inner.table.companion(channel) else { return Ok(None) };
        let (sender, receiver) = oneshot::channel();
        let home = home_of(companion.as_str(), self.inner.peers.len());
        let asker = Asker::Caller(sender);
        let question = RosterQuestion { channel: channel.clone(), after, members, asker };
        self.inner.peers[home].post(Letter::Roster(Box::new(question)));
        receiver.await.map(Some).map_err(|_| Code::Draining)
    }

    /// What a channel remembers since then, from the oldest on: at most `messages` messages, and never more than 1,000 or
    /// 1 MiB, but for one that is larger; 0 asks for the position alone.
    ///
    /// # Errors
    /// `draining` when the engine has stopped.
    pub async fn history(
        &self,
        channel: &Channel,
        since: Since,
        messages: usize,
    ) -> Result<HistoryPage, Code> {
        let _permit = self.inner.unanswered.acquire().await.map_err(|_| Code::Draining)?;
        let (asker, receiver) = oneshot::channel();
        let home = home_of(channel.as_str(), self.inner.peers.len());
        let question = PastQuestion { channel: channel.clone(), since, messages, asker };
        self.inner.peers[home].post(Letter::Past(Box::new(question)));
        receiver.await.map_err(|_| Code::Draining)
    }

    /// Sends an event to one session alone. A session that is gone gets nothing.
    ///
    /// # Errors
    /// `data_too_large` when the event would not fit into the queue of a session.
    pub fn deliver(&self, who: &Who, channel: &Channel, data: &RawValue) -> Result<(), Code> {
        self.deliver_with(who, channel, data, None)
    }

    /// Sends an event like [`Handle::deliver`], with extension fields: a JSON object.
    ///
    /// # Errors
    /// As for [`Handle::deliver`].
    pub fn deliver_with(
        &self,
        who: &Who,
        channel: &Channel,
        data: &RawValue,
        ext: Option<&str>,
    ) -> Result<(), Code> {
        let mut event = Vec::new();
        event::write_event(channel.as_str(), data.get(), ext, &mut event);
        if event.len() > self.inner.event_bytes {
            return Err(Code::DataTooLarge);
        }
        self.post_to(who, Letter::Deliver { session: who.key, event: event.into_boxed_slice() });
        Ok(())
    }

    /// What others may know a session by: no secret, and the same as in the events it has published where these say
    /// who it was.
    pub fn public_id(&self, who: &Who) -> String {
        self.inner.ids.public(&who.client_id)
    }

    /// Ends a session for the reason of `code`.
    pub fn end_session(&self, who: &Who, code: Code) {
        self.post_to(who, Letter::End { session: who.key, code });
    }

    fn post_to(&self, who: &Who, letter: Letter) {
        self.peer_of(who).post(letter);
    }

    /// The shard of a session.
    pub(crate) fn peer_of(&self, who: &Who) -> &Peer {
        &self.inner.peers[usize::from(who.shard)]
    }

    /// A shard, another one each time.
    pub(crate) fn next_peer(&self) -> &Peer {
        &self.inner.peers[self.inner.turn.fetch_add(1, Ordering::Relaxed) % self.inner.peers.len()]
    }

    /// Brings a connection back to its shard, with what was read and not answered.
    pub fn adopt(&self, connection: HandedOver) {
        let HandedOver { stream, unread, address, shard, permit } = connection;
        let freight = Freight::Unread(unread);
        let moved = Moved { stream, address, permit, half_closed: false, output: Vec::new(), freight };
        self.inner.peers[shard].post(Letter::Moved(Box::new(moved)));
    }

    /// The counts of all shards.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.inner.counters.iter().for_each(|counters| snapshot.add(counters));
        if let Some(keeper) = &self.inner.keeper {
            let figures = keeper.figures();
            snapshot.journal_entries = figures.entries;
            snapshot.journal_groups = figures.groups;
            snapshot.journal_syncs = figures.syncs;
            snapshot.journal_waiting = figures.waiting;
        }
        snapshot
    }

    /// The document that says whose movies may open XMLSockets, if there are any.
    pub fn flash_policy(&self) -> Option<&str> {
        self.inner.flash_policy.as_deref()
    }

    /// Connections that are open, those handed to the host included.
    pub fn connections(&self) -> usize {
        self.inner.gate.connections()
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.inner.peers.len()
    }
}
