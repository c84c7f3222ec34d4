//! A shard's subscriber lists.
//!
//! The hub knows, for the sessions of one shard, who listens to which name; a name is a channel or a
//! pattern. It numbers nothing and sends nothing: a listener is the caller's own small number. It tells
//! when the first listener of a name came or the last one went, so that the channel's home can be told.

use std::collections::HashMap;

use bayeux::Channel;
use slab::Slab;
use smallvec::SmallVec;

/// Whoever listens: the slot of a session in its shard. Small and dense, for it indexes a table.
pub type Listener = u32;

/// The subscriber lists of one shard.
#[derive(Default)]
pub struct Hub {
    topics: Slab<Topic>,
    by_name: HashMap<Box<str>, u32>,
    seats: Vec<Seat>,
    walk: u32,
}

/// One name and those who listen to it.
struct Topic {
    name: Box<str>,
    listeners: Vec<Listener>,
}

/// What one listener listens to: topic and its own index in that topic's list, so that leaving is O(1).
#[derive(Default)]
struct Seat {
    topics: SmallVec<[(u32, u32); 2]>,
    /// The walk in which this listener was last visited: several matching names count once.
    visited: u32,
}

/// What became of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribed {
    /// It was there already.
    Already,
    /// It is new, and others of this shard listen too.
    Joined,
    /// It is the first of this shard: the home has to know.
    First,
}

/// What became of an end of subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsubscribed {
    /// There was none.
    Absent,
    /// It is gone, others of this shard still listen.
    Left,
    /// It was the last of this shard: the home has to know.
    Last,
}

impl Hub {
    /// Makes `listener` listen to `name`.
    pub fn subscribe(&mut self, listener: Listener, name: &str) -> Subscribed {
        if self.seats.len() <= listener as usize {
            self.seats.resize_with(listener as usize + 1, Seat::default);
        }
        let id = match self.by_name.get(name) {
            Some(id) => *id,
            None => {
                let id = self.topics.insert(Topic { name: name.into(), listeners: Vec::new() }) as u32;
                self.by_name.insert(name.into(), id);
                id
            }
        };
        let seat = &mut self.seats[listener as usize];
        if seat.topics.iter().any(|(topic, _)| *topic == id) {
            return Subscribed::Already;
        }
        let listeners = &mut self.topics[id as usize].listeners;
        seat.topics.push((id, listeners.len() as u32));
        listeners.push(listener);
        if listeners.len() == 1 { Subscribed::First } else { Subscribed::Joined }
    }

    /// Ends one subscription.
    pub fn unsubscribe(&mut self, listener: Listener, name: &str) -> Unsubscribed {
        let Some(id) = self.by_name.get(name).copied() else { return Unsubscribed::Absent };
        let Some(seat) = self.seats.get_mut(listener as usize) else { return Unsubscribed::Absent };
        let Some(at) = seat.topics.iter().position(|(topic, _)| *topic == id) else {
            return Unsubscribed::Absent;
        };
        let (_, index) = seat.topics.swap_remove(at);
        if self.leave(id, index) { Unsubscribed::Last } else { Unsubscribed::Left }
    }

    /// Ends all subscriptions of a listener; `ended` is called with each of their names.
    pub fn remove(&mut self, listener: Listener, mut ended: impl FnMut(&str, Unsubscribed)) {
        let Some(seat) = self.seats.get_mut(listener as usize) else { return };
        for (id, index) in std::mem::take(&mut seat.topics) {
            let name = std::mem::take(&mut self.topics[id as usize].name);
            if self.leave_named(id, index, &name) {
                ended(&name, Unsubscribed::Last);
            } else {
                ended(&name, Unsubscribed::Left);
                self.topics[id as usize].name = name;
            }
        }
    }

    fn leave(&mut self, id: u32, index: u32) -> bool {
        let name = std::mem::take(&mut self.topics[id as usize].name);
        let last = self.leave_named(id, index, &name);
        if !last {
            self.topics[id as usize].name = name;
        }
        last
    }

    /// Takes the entry at `index` out of a topic's list and tells the listener that moves into its place.
    /// Returns whether the list is empty, in which case the topic is gone.
    fn leave_named(&mut self, id: u32, index: u32, name: &str) -> bool {
        let listeners = &mut self.topics[id as usize].listeners;
        listeners.swap_remove(index as usize);
        if let Some(moved) = listeners.get(index as usize) {
            let seat = &mut self.seats[*moved as usize];
            let entry = seat.topics.iter_mut().find(|(topic, _)| *topic == id);
            entry.expect("a listed listener has a seat entry for the topic").1 = index;
        }
        if listeners.len() * 4 < listeners.capacity() {
            listeners.shrink_to(listeners.len() * 2);
        }
        if !listeners.is_empty() {
            return false;
        }
        self.topics.remove(id as usize);
        self.by_name.remove(name);
        true
    }

    /// Visits every listener of a channel once, however many of its subscriptions match.
    pub fn each_listener(&mut self, channel: &Channel, mut visit: impl FnMut(Listener)) {
        let mut matched: SmallVec<[u32; 8]> = SmallVec::new();
        channel.matching_names(|name| matched.extend(self.by_name.get(name).copied()));
        if let [only] = matched[..] {
            self.topics[only as usize].listeners.iter().for_each(|listener| visit(*listener));
            return;
        }
        self.walk = self.walk.wrapping_add(1);
        if self.walk == 0 {
            self.seats.iter_mut().for_each(|seat| seat.visited = 0);
            self.walk = 1;
        }
        for id in matched {
            for listener in &self.topics[id as usize].listeners {
                let seat = &mut self.seats[*listener as usize];
                if seat.visited != self.walk {
                    seat.visited = self.walk;
                    visit(*listener);
                }
            }
        }
    }

    /// Whether a listener listens to this very name.
    pub fn is_subscribed(&self, listener: Listener, name: &str) -> bool {
        let Some(id) = self.by_name.get(name) else { return false };
        self.seats.get(listener as usize).is_some_and(|seat| seat.topics.iter().any(|(topic, _)| topic == id))
    }

    /// Whether one of a listener's subscriptions matches a channel.
    pub fn hears(&self, listener: Listener, channel: &Channel) -> bool {
        let mut hears = false;
        channel.matching_names(|name| hears = hears || self.is_subscribed(listener, name));
        hears
    }

    /// How many subscriptions a listener has.
    pub fn subscriptions(&self, listener: Listener) -> usize {
        self.seats.get(listener as usize).map_or(0, |seat| seat.topics.len())
    }

    /// The names that somebody of this shard listens to, with the number of listeners.
    pub fn names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.topics.iter().map(|(_, topic)| (&*topic.name, topic.listeners.len()))
    }
}
