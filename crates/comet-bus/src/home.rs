//! The home of channels: numbers publications, remembers them, and knows which shards listen.
//!
//! Every channel has one home shard, found by [`home_of`]; there its offsets are counted and its newest messages kept.
//! Interest comes in from the shards' hubs, drafts from publishers; the numbered publication goes out to the shards the
//! answer names. What those who come back get is in `recovery`, what is forgotten and when in `forgetting`.

mod epochs;
mod forgetting;
mod keeping;
mod mark;
mod recovery;
mod restoring;

pub use self::keeping::Kept;
pub use self::mark::Marks;

use std::sync::Arc;

use bayeux::Channel;

use self::epochs::Epochs;
use self::keeping::Waiting;
use self::mark::Mark;
use crate::idempotency::Idempotency;
use crate::interest::Interest;
use crate::journal::Entry;
use crate::ledger::{Ledger, MAX_ENTRIES};
use crate::recency::Walk;
use crate::{ChannelOptions, ChannelTable, Draft, Durability, History, Position, Publication, ShardSet};

/// What a home is made with.
#[derive(Clone, Debug)]
pub struct HomeConfig {
    /// The epoch of its first channels. It must differ from every earlier one of the same shard, also across restarts.
    pub epoch: u64,
    /// When it begins to know, in unix milliseconds: messages that were numbered up to then may be missing without a
    /// trace, so that whoever wants them is told of a gap. The time of the start, or 0 where nothing came before.
    pub known_since_ms: u64,
    /// The most channels that are counted at the same time.
    pub channels: usize,
    /// The most memory of the messages of all channels, in bytes.
    pub history_bytes: usize,
    /// The most idempotency keys of peers that are remembered, and as many of the server's own.
    pub keys: usize,
    /// The most of them that one owner has given.
    pub keys_per_owner: usize,
    /// How long an idempotency key is remembered, in milliseconds.
    pub key_age_ms: u64,
    /// The options of the channels.
    pub table: Arc<ChannelTable>,
}

/// The home side of every channel that hashes to this shard.
pub struct Home {
    ledger: Ledger,
    interest: Interest,
    idempotency: Idempotency,
    waiting: Waiting,
    /// Keys of restored messages, until all are restored: when, on which channel, what, where.
    restored_keys: Vec<(u64, Box<str>, Box<str>, Position)>,
    table: Arc<ChannelTable>,
    epochs: Epochs,
    /// Messages numbered up to then may be missing in channels that are not counted.
    known_since_ms: u64,
    /// Likewise, of durable channels.
    durable_since_ms: u64,
    mark: Option<Mark>,
    capacity: usize,
    history_bytes: usize,
}

/// What became of a draft.
#[derive(Clone, Debug)]
pub enum Published {
    /// It was numbered now.
    New {
        /// The frozen message; `None` when nobody listens and nobody remembers.
        publication: Option<Arc<Publication>>,
        /// Its place in the channel.
        position: Position,
        /// The shards with listeners.
        shards: ShardSet,
    },
    /// A message with its key was published before.
    Again {
        /// Where.
        position: Position,
        /// What its channel promises.
        durability: Durability,
    },
    /// It was numbered, and is published when a journal has it: see [`Home::on_kept`].
    Waiting {
        /// Counts up by one from message to message that waits; one that is taken back gives its ticket back.
        ticket: u64,
        /// What to tell the journal.
        entry: Box<Entry>,
    },
    /// A message with its key waits for a journal under this ticket.
    WaitingAgain(u64),
}

impl Published {
    /// The place of the message in its channel, now or before; `None` while it waits.
    pub fn position(&self) -> Option<Position> {
        match self {
            Published::New { position, .. } | Published::Again { position, .. } => Some(*position),
            Published::Waiting { .. } | Published::WaitingAgain(_) => None,
        }
    }
}

/// There is no room now: the home counts as many channels as it may and found none that can be forgotten, a channel
/// has messages waiting that its journal refuses, or all keys are remembered that may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Home {
    /// A home that counts no channel yet.
    pub fn new(config: HomeConfig) -> Home {
        let HomeConfig { epoch, known_since_ms, channels, history_bytes, table, .. } = config;
        Home {
            ledger: Ledger::default(),
            interest: Interest::default(),
            idempotency: Idempotency::new(config.keys, config.keys_per_owner, config.key_age_ms),
            waiting: Waiting::default(),
            restored_keys: Vec::new(),
            table,
            epochs: Epochs::new(epoch),
            known_since_ms,
            durable_since_ms: known_since_ms,
            mark: None,
            capacity: channels.min(MAX_ENTRIES),
            history_bytes,
        }
    }

    /// Notes that `shard` has gained its first or lost its last listener of `name`, a channel or a
    /// pattern.
    pub fn on_interest(&mut self, shard: usize, name: &str, interested: bool) {
        self.interest.note(shard, name, interested);
        if !interested {
            // This channel may go again, wherever the search for one has come to.
            self.ledger.recency.restart(Walk::MakingRoom);
        }
    }

    /// Numbers a message, remembers it as far as its channel wants, and names the shards that have listeners of the
    /// channel; on a durable channel it only numbers it. `now_ms` is the time, in unix milliseconds.
    ///
    /// # Errors
    /// [`Full`] when the channel is new and there is no room for it, or takes nothing for a moment; when the message has a
    /// key, and keys of others would have to be forgotten for it.
    pub fn publish(&mut self, mut draft: Draft<'_>, now_ms: u64) -> Result<Published, Full> {
        if let Some(key) = draft.key
            && let Some(position) = self.idempotency.place(draft.channel.as_str(), key, now_ms)
        {
            let durability = self.table.durability(&draft.channel);
            return Ok(Published::Again { position, durability });
        }
        if let Some(ticket) = self.waiting_ticket(&draft) {
            return Ok(Published::WaitingAgain(ticket));
        }
        if draft.key.is_some() && !self.idempotency.has_room(draft.key_owner, self.waiting.keys()) {
            return Err(Full);
        }
        let slot = self.count(&draft.channel, now_ms)?;
        let options = *self.options(slot);
        draft.echo &= options.echo;
        if draft.expires_at_ms.is_none() && options.expires_ms > 0 {
            draft.expires_at_ms = Some(now_ms.saturating_add(options.expires_ms));
        }
        if self.ledger.entry(slot).written.is_some() {
            return self.number_waiting(slot, draft, now_ms);
        }
        let position = self.ledger.number(slot, now_ms);
        if let Some(key) = draft.key {
            self.idempotency.remember(draft.channel.as_str(), key, draft.key_owner, position);
        }
        let shards = self.interest.shards(&draft.channel);
        if !shards.is_empty() || !options.history.is_none() {
            let publication = Arc::new(Publication::freeze(draft, position, now_ms));
            self.remember(slot, &publication, now_ms);
            Ok(Published::New { publication: Some(publication), position, shards })
        } else {
            let expired = draft.expires_at_ms.is_some_and(|expires_at_ms| expires_at_ms <= now_ms);
            self.ledger.change(slot, |history| history.pass_over(position.offset, now_ms, expired));
            Ok(Published::New { publication: None, position, shards })
        }
    }

    /// Counts a channel from now on, so that the next message on it finds its place.
    ///
    /// # Errors
    /// [`Full`] when there is no room for it.
    pub fn reserve(&mut self, channel: &Channel, now_ms: u64) -> Result<(), Full> {
        self.count(channel, now_ms).map(|_| ())
    }

    /// Whether the events of a channel, wherever its home is, say who has published them.
    pub fn identifies(&self, channel: &Channel) -> bool {
        self.table.identifies(channel)
    }

    /// The slot of a channel, which is counted from now on.
    fn count(&mut self, channel: &Channel, now_ms: u64) -> Result<u32, Full> {
        if let Some(slot) = self.ledger.slot(channel.as_str()) {
            return Ok(slot);
        }
        self.make_room(now_ms)?;
        let history = History::after(self.unknown_since_ms(channel));
        let slot =
            self.ledger.insert(channel.as_str(), self.unknown_head(), self.table.index(channel), history);
        self.epochs.on_counted();
        if self.table.durability(channel) > Durability::Memory {
            self.ledger.write(slot, 1);
        }
        Ok(slot)
    }

    /// Messages numbered up to then may be missing in a channel that is not counted.
    fn unknown_since_ms(&self, channel: &Channel) -> u64 {
        let is_durable = self.table.durability(channel) > Durability::Memory;
        if is_durable { self.durable_since_ms } else { self.known_since_ms }
    }

    fn room(&self) -> Result<(), Full> {
        if self.ledger.len() < self.capacity { Ok(()) } else { Err(Full) }
    }

    /// Puts a numbered message into the history of its channel.
    fn remember(&mut self, slot: u32, publication: &Arc<Publication>, now_ms: u64) {
        let retention = self.options(slot).history;
        self.ledger.change(slot, |history| history.push(publication.clone(), &retention, now_ms));
        self.ledger.give_up(self.history_bytes, now_ms);
    }

    fn options(&self, slot: u32) -> &ChannelOptions {
        self.table.at(self.ledger.entry(slot).options)
    }

    /// Where a channel stands that is not counted: before its first message.
    pub fn unknown_head(&self) -> Position {
        Position { epoch: self.epochs.present(), offset: 0 }
    }

    /// How many channels are counted here.
    pub fn channels(&self) -> usize {
        self.ledger.len()
    }

    /// The memory of all messages that are remembered here, in bytes.
    pub fn history_bytes(&self) -> usize {
        self.ledger.bytes()
    }

    /// How many idempotency keys are remembered here.
    pub fn keys(&self) -> usize {
        self.idempotency.len()
    }
}

/// The shard, of `shards`, at which the channel of this name is numbered. Every shard of a node gets the
/// same answer; it is not kept anywhere, so it may differ between versions.
pub fn home_of(name: &str, shards: usize) -> usize {
    // FNV-1a: whoever invents names so that they collide only crowds one shard, never a table.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    // FNV leaves names that differ in their last characters close together: mix before dividing.
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((mixed >> 32) as usize) % shards.max(1)
}
