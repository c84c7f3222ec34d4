//! One room: who is in it, what was said last, and the number of its last event.
//!
//! A room keeps its own books and nothing else; who may come in, and what becomes of an empty room, is decided in
//! `rooms`. Every change returns the event to be published.

use std::collections::VecDeque;

use crate::limits::Limits;
use crate::name::MemberName;
use crate::news::{Change, Event, Message, Person};
use crate::request::Key;
use crate::text::Text;

/// One room; `C` stands for a client's session.
pub(crate) struct Room<C> {
    /// Differs from that of every earlier room of the same name.
    pub(crate) epoch: u64,
    /// Stays when everybody has gone.
    pub(crate) fixed: bool,
    /// Since when nobody is here.
    pub(crate) empty_since_ms: u64,
    number: u64,
    last_id: u32,
    members: Vec<Member<C>>,
    recent: VecDeque<Message>,
    recent_bytes: usize,
    forgotten: u64,
    keys: VecDeque<(Key, u64)>,
}

struct Member<C> {
    client: C,
    person: Person,
    folded: String,
    seat: Key,
}

impl<C: PartialEq> Room<C> {
    pub(crate) fn new(fixed: bool, epoch: u64, now_ms: u64) -> Room<C> {
        Room {
            epoch,
            fixed,
            empty_since_ms: now_ms,
            number: 0,
            last_id: 0,
            members: Vec::new(),
            recent: VecDeque::new(),
            recent_bytes: 0,
            forgotten: 0,
            keys: VecDeque::new(),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn people(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn roster(&self) -> Vec<Person> {
        self.members.iter().map(|member| member.person.clone()).collect()
    }

    pub(crate) fn recent(&self) -> Vec<Message> {
        self.recent.iter().cloned().collect()
    }

    /// The number of the last message that was once recent; 0 for none.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The member that a client is.
    pub(crate) fn member(&self, client: &C) -> Option<&Person> {
        self.members.iter().find(|member| member.client == *client).map(|member| &member.person)
    }

    /// The client that has the name, whatever its case.
    pub(crate) fn holder(&self, name: &MemberName) -> Option<&C> {
        let folded = name.folded();
        self.members.iter().find(|member| member.folded == folded).map(|member| &member.client)
    }

    /// The client that sits where the key fits.
    pub(crate) fn sitter(&self, seat: &Key) -> Option<&C> {
        self.members.iter().find(|member| member.seat == *seat).map(|member| &member.client)
    }

    /// Gives the place of `from` to `to`, with its name and id; nobody has to be told.
    pub(crate) fn reseat(&mut self, from: &C, to: C) {
        if let Some(member) = self.members.iter_mut().find(|member| member.client == *from) {
            member.client = to;
        }
    }

    pub(crate) fn add(&mut self, client: C, name: MemberName, seat: Key) -> Event {
        self.last_id += 1;
        let person = Person { id: self.last_id, name };
        self.members.push(Member { client, folded: person.name.folded(), seat, person: person.clone() });
        self.event(Change::Joined { member: person })
    }

    pub(crate) fn remove(&mut self, client: &C, now_ms: u64) -> Option<Event> {
        let place = self.members.iter().position(|member| member.client == *client)?;
        let Member { person, .. } = self.members.remove(place);
        self.empty_since_ms = now_ms;
        Some(self.event(Change::Left { member: person }))
    }

    pub(crate) fn typing(&mut self, person: Person, typing: bool) -> Event {
        self.event(Change::Typing { member: person, typing })
    }

    /// The number under which a message with this key was said already.
    pub(crate) fn known(&self, key: &Key) -> Option<u64> {
        self.keys.iter().find(|(known, _)| known == key).map(|(_, number)| *number)
    }

    pub(crate) fn say(&mut self, from: Person, text: Text, key: Key, limits: &Limits, at_ms: u64) -> Event {
        let message = Message { number: self.number + 1, from, text, key, at_ms };
        self.keys.push_back((message.key.clone(), message.number));
        self.recent_bytes += message.text.len();
        self.recent.push_back(message.clone());
        while self.keys.len() > limits.known_keys {
            self.keys.pop_front();
        }
        while self.recent.len() > limits.recent_messages || self.recent_bytes > limits.recent_bytes {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.recent_bytes -= oldest.text.len();
            self.forgotten = oldest.number;
        }
        self.event(Change::Said { message })
    }

    fn event(&mut self, change: Change) -> Event {
        self.number += 1;
        Event { number: self.number, change }
    }
}
