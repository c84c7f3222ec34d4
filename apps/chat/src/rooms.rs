//! The rules of the chat: who may be where, and who may say what.
//!
//! All rooms and all clients are kept here, without a socket, a clock or a task: calls come in with the time,
//! answers go out as values, and what everyone should hear waits in order until it is taken.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::limits::Limits;
use crate::name::{MemberName, RoomName};
use crate::news::{Change, Event, News, RoomEntry, RoomList, Said, Snapshot};
use crate::pace::Pace;
use crate::refused::Refused;
use crate::request::{Join, Key, Say, Typing};
use crate::room::Room;
use crate::text::Text;

/// Rooms that are always there.
const FIXED: [&str; 3] = ["lobby", "random", "help"];

/// All rooms; `C` stands for a client's session.
pub(crate) struct Rooms<C> {
    limits: Limits,
    rooms: BTreeMap<RoomName, Room<C>>,
    clients: HashMap<C, Visitor>,
    /// The number of the last change of the list.
    number: u64,
    last_epoch: u64,
    news: Vec<News>,
}

/// What is known of a client.
struct Visitor {
    pace: Pace,
    room: Option<RoomName>,
}

impl<C: Clone + Eq + Hash> Rooms<C> {
    pub(crate) fn new(limits: Limits, now_ms: u64) -> Rooms<C> {
        let fixed = FIXED.iter().filter_map(|name| RoomName::parse(name, &limits).ok());
        let rooms = fixed.map(|name| (name, Room::new(true, now_ms, now_ms))).collect();
        Rooms { limits, rooms, clients: HashMap::new(), number: 0, last_epoch: now_ms, news: Vec::new() }
    }

    /// What has to be published since this was asked last, in order.
    pub(crate) fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Puts a client into a room, out of the one it was in; or shows the room again to somebody who is there.
    pub(crate) fn on_join(&mut self, client: &C, join: Join, now_ms: u64) -> Result<Snapshot, Refused> {
        self.pay(client, 2, now_ms)?;
        let room = RoomName::parse(&join.room, &self.limits)?;
        let name = MemberName::parse(&join.name, &self.limits)?;
        join.seat.check()?;
        self.settle(client, &room, name, join.seat, now_ms)?;
        self.snapshot(client, &room).ok_or(Refused::NotHere)
    }

    /// Says something in the room the client is in. A message whose key is known has been said.
    pub(crate) fn on_say(&mut self, client: &C, say: Say, now_ms: u64) -> Result<Said, Refused> {
        self.pay(client, 1, now_ms)?;
        let text = Text::parse(&say.text, &self.limits)?;
        say.key.check()?;
        let (name, room) = self.room_of(client, &say.room).ok_or(Refused::NotHere)?;
        if let Some(number) = room.known(&say.key) {
            return Ok(Said { number });
        }
        let from = room.member(client).cloned().ok_or(Refused::NotHere)?;
        let limits = self.limits.clone();
        let room = self.rooms.get_mut(&name).ok_or(Refused::NotHere)?;
        let event = room.say(from, text, say.key, &limits, now_ms);
        let number = event.number;
        self.tell(name, event);
        Ok(Said { number })
    }

    /// Tells the others that somebody writes. Of somebody who types too fast nothing is told.
    pub(crate) fn on_typing(&mut self, client: &C, typing: Typing, now_ms: u64) -> Result<(), Refused> {
        self.pay(client, 1, now_ms)?;
        let (name, room) = self.room_of(client, &typing.room).ok_or(Refused::NotHere)?;
        let person = room.member(client).cloned().ok_or(Refused::NotHere)?;
        let room = self.rooms.get_mut(&name).ok_or(Refused::NotHere)?;
        let event = room.typing(person, typing.typing);
        self.tell(name, event);
        Ok(())
    }

    /// Takes a client out of its room.
    pub(crate) fn on_leave(&mut self, client: &C, now_ms: u64) -> Result<(), Refused> {
        self.pay(client, 1, now_ms)?;
        self.leave(client, now_ms);
        Ok(())
    }

    /// The list of rooms.
    pub(crate) fn on_list(&mut self, client: &C, now_ms: u64) -> Result<RoomList, Refused> {
        self.pay(client, 1, now_ms)?;
        Ok(self.list())
    }

    /// A client is gone for good, and with it all that was known of it.
    pub(crate) fn on_end(&mut self, client: &C, now_ms: u64) {
        self.leave(client, now_ms);
        self.clients.remove(client);
    }

    fn pay(&mut self, client: &C, cost: u32, now_ms: u64) -> Result<(), Refused> {
        let limits = &self.limits;
        let fresh = || Visitor { pace: Pace::new(limits, now_ms), room: None };
        let visitor = self.clients.entry(client.clone()).or_insert_with(fresh);
        if visitor.pace.take(cost, limits, now_ms) { Ok(()) } else { Err(Refused::TooFast) }
    }

    /// The room a client is in, when it is the one it speaks of.
    fn room_of(&self, client: &C, room: &str) -> Option<(RoomName, &Room<C>)> {
        let name = self.clients.get(client)?.room.as_ref().filter(|name| name.as_str() == room)?;
        Some((name.clone(), self.rooms.get(name)?))
    }

    fn settle(
        &mut self,
        client: &C,
        to: &RoomName,
        name: MemberName,
        seat: Key,
        now_ms: u64,
    ) -> Result<(), Refused> {
        if let Some(room) = self.rooms.get_mut(to) {
            let holder = room.holder(&name).cloned();
            let sitter = room.sitter(&seat).cloned();
            if holder.is_some() && (holder.as_ref() == Some(client) || holder == sitter) {
                return self.resettle(client, to, holder, now_ms);
            }
            if holder.is_some() {
                return Err(Refused::NameTaken);
            }
            // Somebody who is here already, under another name, makes room.
            let own = usize::from(room.member(client).is_some() || sitter.is_some());
            if room.people() - own >= self.limits.members_per_room {
                return Err(Refused::RoomFull);
            }
            if let Some(sitter) = sitter {
                self.leave(&sitter, now_ms);
            }
        } else {
            self.make_place()?;
        }
        self.leave(client, now_ms);
        let last_epoch = &mut self.last_epoch;
        let room = self.rooms.entry(to.clone()).or_insert_with(|| {
            *last_epoch = now_ms.max(*last_epoch + 1);
            Room::new(false, *last_epoch, now_ms)
        });
        let event = room.add(client.clone(), name, seat);
        self.place(client, Some(to.clone()));
        self.tell(to.clone(), event);
        self.tell_room(to);
        Ok(())
    }

    /// Gives a client the place that is its own, in whatever session it was taken.
    fn resettle(&mut self, client: &C, to: &RoomName, holder: Option<C>, now_ms: u64) -> Result<(), Refused> {
        let Some(holder) = holder.filter(|holder| holder != client) else { return Ok(()) };
        self.leave(client, now_ms);
        self.place(&holder, None);
        if let Some(room) = self.rooms.get_mut(to) {
            room.reseat(&holder, client.clone());
        }
        self.place(client, Some(to.clone()));
        Ok(())
    }

    fn place(&mut self, client: &C, room: Option<RoomName>) {
        if let Some(visitor) = self.clients.get_mut(client) {
            visitor.room = room;
        }
    }

    fn leave(&mut self, client: &C, now_ms: u64) {
        let Some(name) = self.clients.get_mut(client).and_then(|visitor| visitor.room.take()) else { return };
        let Some(event) = self.rooms.get_mut(&name).and_then(|room| room.remove(client, now_ms)) else {
            return;
        };
        self.tell(name.clone(), event);
        self.tell_room(&name);
    }

    /// Makes sure that one more room fits; the one that has been empty longest is forgotten for it.
    fn make_place(&mut self) -> Result<(), Refused> {
        if self.rooms.len() < self.limits.rooms {
            return Ok(());
        }
        let empty = self.rooms.iter().filter(|(_, room)| room.people() == 0 && !room.fixed);
        let oldest = empty.min_by_key(|(_, room)| room.empty_since_ms).map(|(name, _)| name.clone());
        self.rooms.remove(&oldest.ok_or(Refused::TooManyRooms)?);
        Ok(())
    }

    fn snapshot(&self, client: &C, name: &RoomName) -> Option<Snapshot> {
        let room = self.rooms.get(name)?;
        Some(Snapshot {
            you: room.member(client)?.clone(),
            epoch: room.epoch,
            number: room.number(),
            roster: room.roster(),
            recent: room.recent(),
            forgotten: room.forgotten(),
        })
    }

    fn list(&self) -> RoomList {
        let entries = self.rooms.iter().map(|(name, room)| entry(name, room));
        RoomList {
            number: self.number,
            list: entries.filter(|entry| entry.fixed || entry.people > 0).collect(),
        }
    }

    fn tell(&mut self, room: RoomName, event: Event) {
        self.news.push(News { room: Some(room), event });
    }

    /// The number of people in a room is news for the list.
    fn tell_room(&mut self, name: &RoomName) {
        let Some(room) = self.rooms.get(name) else { return };
        self.number += 1;
        let event = Event { number: self.number, change: Change::Room { room: entry(name, room) } };
        self.news.push(News { room: None, event });
    }
}

fn entry<C: PartialEq>(name: &RoomName, room: &Room<C>) -> RoomEntry {
    RoomEntry { name: name.clone(), people: room.people(), fixed: room.fixed }
}
