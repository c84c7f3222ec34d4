//! Which messages were published already, by the keys their publishers gave them.
//!
//! A window of keys, bounded in age, in count, and in count for each who gives them: whoever gives too many loses the
//! oldest of their own, and where those of others would have to go there is no room. The home asks before it numbers and
//! notes what it has numbered; a message without a key never comes here.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::Position;

/// Who has given a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Owner {
    /// The server's own code. Its keys have room of their own.
    Server,
    /// Somebody in an earlier process.
    Past,
    Peer(Arc<str>),
}

impl Owner {
    fn of(peer: Option<&str>) -> Owner {
        peer.map_or(Owner::Server, |peer| Owner::Peer(peer.into()))
    }
}

/// One key.
struct Remembered {
    name: Arc<str>,
    at_ms: u64,
    position: Position,
    owner: Owner,
}

/// The keys of one home.
pub(crate) struct Idempotency {
    /// The numbers of the keys by their names.
    numbers: HashMap<Arc<str>, u64>,
    /// By number: oldest first.
    keys: BTreeMap<u64, Remembered>,
    /// The numbers of each owner's keys, oldest first.
    owners: HashMap<Owner, VecDeque<u64>>,
    next: u64,
    capacity: usize,
    per_peer: usize,
    age_ms: u64,
    /// The latest time it was given: should the caller's clock be set back, ages still come in order.
    now_ms: u64,
}

impl Idempotency {
    /// A window of `capacity` keys of peers, `per_peer` of each, and as many of the server's own.
    pub(crate) fn new(capacity: usize, per_peer: usize, age_ms: u64) -> Idempotency {
        Idempotency {
            numbers: HashMap::new(),
            keys: BTreeMap::new(),
            owners: HashMap::new(),
            next: 0,
            capacity,
            per_peer: per_peer.min(capacity),
            age_ms,
            now_ms: 0,
        }
    }

    /// Where the message with this key of this channel was published, if that is remembered.
    pub(crate) fn place(&mut self, channel: &str, key: &str, now_ms: u64) -> Option<Position> {
        self.now_ms = self.now_ms.max(now_ms);
        while let Some((number, key)) = self.keys.first_key_value()
            && key.at_ms.saturating_add(self.age_ms) <= self.now_ms
        {
            self.forget(*number);
        }
        let number = self.numbers.get(name(channel, key).as_str())?;
        Some(self.keys[number].position)
    }

    /// Whether a key of this peer finds room, beside others that `wait` to be remembered, without any of somebody else
    /// having to go. The server's own always do.
    pub(crate) fn has_room(&self, peer: Option<&str>, wait: usize) -> bool {
        let owner = Owner::of(peer);
        let of_peers = self.keys.len() - self.count(&Owner::Server);
        self.capacity == 0
            || owner == Owner::Server
            || of_peers + wait < self.capacity
            || self.count(&owner) >= self.per_peer
    }

    /// Remembers where a message was published whose key has no place yet and had room.
    pub(crate) fn remember(&mut self, channel: &str, key: &str, peer: Option<&str>, position: Position) {
        let owner = Owner::of(peer);
        let most = if owner == Owner::Server { self.capacity } else { self.per_peer };
        self.insert(name(channel, key), owner, most, position);
    }

    /// Remembers a message of an earlier process, at the time it was published; older ones come first.
    pub(crate) fn restore(&mut self, channel: &str, key: &str, position: Position, at_ms: u64) {
        self.now_ms = self.now_ms.max(at_ms);
        let name = name(channel, key);
        // A key that had been forgotten may have been used again: the later place counts.
        match self.numbers.get(name.as_str()).and_then(|number| self.keys.get_mut(number)) {
            Some(known) => known.position = position,
            None => self.insert(name, Owner::Past, self.capacity, position),
        }
    }

    /// Puts in a key of an owner, who may have at most so many.
    fn insert(&mut self, name: String, owner: Owner, most: usize, position: Position) {
        if self.capacity == 0 {
            return;
        }
        while self.count(&owner) >= most
            && let Some(oldest) = self.owners.get(&owner).and_then(|own| own.front())
        {
            self.forget(*oldest);
        }
        let (number, name): (u64, Arc<str>) = (self.next, name.into());
        self.next += 1;
        self.numbers.insert(name.clone(), number);
        self.owners.entry(owner.clone()).or_default().push_back(number);
        self.keys.insert(number, Remembered { name, at_ms: self.now_ms, position, owner });
    }

    /// Forgets a key that is the oldest of its owner.
    fn forget(&mut self, number: u64) {
        let Some(Remembered { name, owner, .. }) = self.keys.remove(&number) else { return };
        self.numbers.remove(&name);
        if let Some(own) = self.owners.get_mut(&owner) {
            own.pop_front();
            if own.is_empty() {
                self.owners.remove(&owner);
            } else if own.len() * 4 < own.capacity() {
                own.shrink_to(own.len() * 2);
            }
        }
        if self.numbers.len() * 4 < self.numbers.capacity() {
            self.numbers.shrink_to(self.numbers.len() * 2);
            self.owners.shrink_to(self.owners.len() * 2);
        }
    }

    fn count(&self, owner: &Owner) -> usize {
        self.owners.get(owner).map_or(0, VecDeque::len)
    }

    /// How many keys are remembered.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}

/// One name for both; no channel holds a line break.
pub(crate) fn name(channel: &str, key: &str) -> String {
    format!("{channel}\n{key}")
}
