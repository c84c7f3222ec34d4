//! Messages that a journal keeps before anybody gets them.
//!
//! A message of a durable channel is numbered and frozen, and then it waits: it is nobody's until the journal has it, and
//! nothing is known of it but its ticket. Journals answer in the order they were asked in, so the oldest is always next.
//! Whoever has the journal takes entries to it and comes back with its word; what the journal may forget is gathered here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{Full, Home, Published};
use crate::idempotency;
use crate::journal::{Entry, Record};
use crate::{Draft, Durability, Position, Publication, ShardSet};

/// Messages that leave histories before a journal should be told at once.
const MANY_DROPPED: usize = 1_024;

/// The messages of one home that wait for a journal, oldest first.
#[derive(Default)]
pub(super) struct Waiting {
    queue: VecDeque<Numbered>,
    /// The ticket of the oldest.
    first: u64,
    /// The tickets of those with a key, by channel and key.
    keys: HashMap<String, u64>,
    /// What else the journal has to be told, in this order.
    untold: VecDeque<Entry>,
}

/// A message with its number.
struct Numbered {
    slot: u32,
    publication: Publication,
    key: Option<Box<str>>,
    key_owner: Option<Box<str>>,
}

/// A message that a journal has.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The frozen message.
    pub publication: Arc<Publication>,
    /// The shards with listeners.
    pub shards: ShardSet,
    /// What its channel promises.
    pub durability: Durability,
}

impl Home {
    /// The ticket of the message with this key, should it be waiting.
    pub(super) fn waiting_ticket(&self, draft: &Draft<'_>) -> Option<u64> {
        let key = draft.key.filter(|_| !self.waiting.keys.is_empty())?;
        self.waiting.keys.get(&idempotency::name(draft.channel.as_str(), key)).copied()
    }

    /// Numbers a message of a durable channel.
    pub(super) fn number_waiting(
        &mut self,
        slot: u32,
        draft: Draft<'_>,
        now_ms: u64,
    ) -> Result<Published, Full> {
        let durability = self.options(slot).durability;
        let key: Option<Box<str>> = draft.key.map(Into::into);
        let key_owner = draft.key_owner.map(Into::into);
        let entry = self.ledger.entry_mut(slot);
        let written = entry.written.as_mut().expect("a durable channel is written");
        let offset = written.number().ok_or(Full)?;
        let position = Position { offset, ..entry.head };
        let publication = Publication::freeze(draft, position, now_ms);
        let record = Record::of(&publication, key.as_deref());
        let waiting = &mut self.waiting;
        let ticket = waiting.first + waiting.queue.len() as u64;
        if let Some(key) = &key {
            waiting.keys.insert(idempotency::name(publication.channel.as_str(), key), ticket);
        }
        waiting.queue.push_back(Numbered { slot, publication, key, key_owner });
        Ok(Published::Waiting { ticket, entry: Box::new(Entry::Append { record, durability }) })
    }

    /// The oldest message that waits is kept: from now on it is remembered, and it goes to the shards that are named.
    /// `None` when none waits.
    pub fn on_kept(&mut self, now_ms: u64) -> Option<Kept> {
        let Numbered { slot, mut publication, key, key_owner } = self.take_oldest()?;
        // Whoever was told meanwhile that everything older has been sent must not miss it later.
        publication.at_ms = publication.at_ms.max(now_ms);
        let publication = Arc::new(publication);
        let entry = self.ledger.entry_mut(slot);
        entry.head = publication.position;
        if let Some(written) = &mut entry.written {
            written.on_kept();
        }
        self.ledger.on_use(slot, now_ms);
        self.remember(slot, &publication, now_ms);
        if let Some(key) = key {
            let (channel, position) = (publication.channel.as_str(), publication.position);
            self.idempotency.remember(channel, &key, key_owner.as_deref(), position);
        }
        let shards = self.interest.shards(&publication.channel);
        Some(Kept { publication, shards, durability: self.options(slot).durability })
    }

    /// The journal refuses the oldest message that waits: it was never published. Those of its channel that wait behind
    /// it will be refused, too, and until then the channel takes no others.
    pub fn on_refused(&mut self) {
        let Some(Numbered { slot, .. }) = self.take_oldest() else { return };
        let entry = self.ledger.entry_mut(slot);
        let head = entry.head.offset;
        if let Some(written) = &mut entry.written {
            written.on_refused(head);
        }
    }

    /// The newest so many messages that wait were not given to the journal: their numbers are free again.
    pub fn take_back(&mut self, count: usize) {
        for _ in 0..count {
            let Some(Numbered { slot, publication, key, .. }) = self.waiting.queue.pop_back() else { return };
            self.waiting.forget_key(&publication, key.as_deref());
            if let Some(written) = &mut self.ledger.entry_mut(slot).written {
                written.take_back();
            }
        }
    }

    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        self.waiting.queue.len()
    }

    fn take_oldest(&mut self) -> Option<Numbered> {
        let numbered = self.waiting.queue.pop_front()?;
        self.waiting.first += 1;
        self.waiting.forget_key(&numbered.publication, numbered.key.as_deref());
        Some(numbered)
    }

    /// Whether there is so much for the journal to forget that it should be told now.
    pub fn has_many_chores(&self) -> bool {
        self.ledger.dropped >= MANY_DROPPED || self.waiting.untold.len() >= MANY_DROPPED
    }

    /// What the journal has to be told, at most so many entries: that channels are forgotten here, and that messages are not
    /// remembered here any more. Each is told once.
    pub fn take_chores(&mut self, most: usize) -> Vec<Entry> {
        let untold = &mut self.waiting.untold;
        let mut chores: Vec<Entry> = untold.drain(..most.min(untold.len())).collect();
        while chores.len() < most
            && let Some(slot) = self.ledger.untrimmed.pop()
        {
            // The slot may have another tenant, which is listed by itself.
            let Some(entry) = self.ledger.found(slot) else { continue };
            let kept_from = entry.kept_from();
            let Some(written) = entry.written.as_mut().filter(|written| written.is_listed) else { continue };
            written.is_listed = false;
            written.kept_from = kept_from;
            let (channel, epoch, below) = (&*entry.name, entry.head.epoch, written.kept_from);
            chores.push(Entry::Trim { channel: channel.into(), epoch, below });
        }
        if self.ledger.untrimmed.is_empty() {
            self.ledger.dropped = 0;
        }
        chores
    }

    /// The journal has to forget a channel.
    pub(super) fn leave_journal(&mut self, channel: &str, epoch: u64) {
        self.tell_journal(Entry::Forget { channel: channel.into(), epoch });
    }

    /// The journal has to be told something, before it is told of what comes later.
    pub(super) fn tell_journal(&mut self, entry: Entry) {
        self.waiting.untold.push_back(entry);
    }
}

impl Waiting {
    /// How many messages with a key wait.
    pub(super) fn keys(&self) -> usize {
        self.keys.len()
    }

    fn forget_key(&mut self, publication: &Publication, key: Option<&str>) {
        if let Some(key) = key {
            self.keys.remove(&idempotency::name(publication.channel.as_str(), key));
            if self.keys.is_empty() {
                self.keys.shrink_to(64);
            }
        }
        if self.queue.is_empty() {
            self.queue.shrink_to(64);
        }
    }
}
