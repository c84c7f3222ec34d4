//! Who is on which channel, for all channels of one home shard.
//!
//! The rosters of the channels, their bounds and the order in which their changes are due live here; what a roster
//! is lives in its own module, and who may be present is not asked. Shards say who joins and leaves; pages go back to
//! them, and changes become publications of the channel's home.

mod full;
mod queue;

use std::collections::HashMap;

use slab::Slab;

use crate::roster::{Change, Changes, ChangesLimits, Count, Cursor, Member, Page, Roster};

pub use full::PresenceFull;
use queue::{Place, Queue};

/// The bounds of the presence of one home shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceLimits {
    /// The most sessions on one channel; a user has at least one.
    pub members_per_channel: usize,
    /// The most sessions on all channels together, departures that wait to be told included.
    pub members_in_all: usize,
    /// The longest info of a member, in bytes, and the longest name of its user.
    pub info_bytes: usize,
    /// The most channels with members or with changes to tell.
    pub channels: usize,
    /// How large one batch of changes grows.
    pub changes: ChangesLimits,
}

impl Default for PresenceLimits {
    fn default() -> PresenceLimits {
        PresenceLimits {
            members_per_channel: 100_000,
            members_in_all: 1_000_000,
            info_bytes: 4 * 1024,
            channels: 100_000,
            changes: ChangesLimits::default(),
        }
    }
}

/// The rosters of one home shard.
pub struct Presence {
    limits: PresenceLimits,
    channels: Slab<Attended>,
    by_name: HashMap<Box<str>, u32>,
    queue: Queue,
    weight: usize,
    /// The number of the next stay on a roster that is made anew.
    first: u64,
}

/// A channel with a roster.
struct Attended {
    name: Box<str>,
    roster: Roster,
    /// The roster's weight as it is counted in that of all.
    weight: usize,
    place: Option<Place>,
}

impl Presence {
    /// The presence of a home shard on whose channels nobody is yet.
    pub fn new(limits: PresenceLimits) -> Presence {
        Presence {
            limits,
            channels: Slab::new(),
            by_name: HashMap::new(),
            queue: Queue::default(),
            weight: 0,
            first: 0,
        }
    }

    /// A session joins a channel as `member`; see [`Roster::join`]. `session` is a number that no other session of
    /// the node has. Changes of the channel are gathered for `debounce_ms` milliseconds after the first, unless
    /// somebody is there and has said otherwise; 0 tells each at once.
    ///
    /// # Errors
    /// [`PresenceFull`] names the bound that is reached; nobody joined then.
    pub fn on_join(
        &mut self,
        channel: &str,
        session: u64,
        member: Member,
        debounce_ms: u64,
        now_ms: u64,
    ) -> Result<Change, PresenceFull> {
        let slot = self.by_name.get(channel).copied();
        self.admit(slot, session, &member)?;
        let slot = slot.unwrap_or_else(|| self.open(channel, debounce_ms));
        Ok(self.change(slot, |roster| roster.join(session, member, now_ms)))
    }

    /// A session leaves a channel.
    pub fn on_leave(&mut self, channel: &str, session: u64, now_ms: u64) -> Change {
        match self.by_name.get(channel) {
            Some(&slot) => self.change(slot, |roster| roster.leave(session, now_ms)),
            None => Change::Nothing,
        }
    }

    /// When [`take_next`](Presence::take_next) has something next, in the caller's milliseconds; a time that is not
    /// after `now_ms` means at once.
    pub fn due(&self, now_ms: u64) -> Option<u64> {
        let (due, slot) = self.queue.first()?;
        Some(if self.channels[slot as usize].roster.is_due(now_ms) { due.min(now_ms) } else { due })
    }

    /// The channel whose changes are told next, if some are due. Channels take turns.
    pub fn next_due(&self, now_ms: u64) -> Option<&str> {
        let (_, slot) = self.queue.first()?;
        let attended = &self.channels[slot as usize];
        attended.roster.is_due(now_ms).then_some(&*attended.name)
    }

    /// Takes the changes of that channel, at most `entries` of them. What this or the size of a batch leaves over stays
    /// due.
    pub fn take_next(&mut self, now_ms: u64, entries: usize) -> Option<Changes> {
        let (_, slot) = self.queue.first()?;
        let limits =
            ChangesLimits { entries: self.limits.changes.entries.min(entries), ..self.limits.changes };
        let changes = self.channels[slot as usize].roster.take_changes(now_ms, &limits)?;
        self.requeue(slot);
        Some(changes)
    }

    /// The changes of that channel cannot be told now: others have their turn first. Nothing is lost.
    pub fn put_off_next(&mut self, now_ms: u64) {
        let Some((_, slot)) = self.queue.first() else { return };
        if !self.channels[slot as usize].roster.is_due(now_ms) {
            return;
        }
        self.channels[slot as usize].roster.put_off(now_ms);
        self.requeue(slot);
    }

    /// Gives the channel that is first in the queue its place anew.
    fn requeue(&mut self, slot: u32) {
        self.channels[slot as usize].place = None;
        self.queue.pop();
        self.settle(slot);
    }

    /// How many users and sessions are on a channel.
    pub fn count(&self, channel: &str) -> Count {
        self.roster(channel).map_or_else(Count::default, Roster::count)
    }

    /// Lists who is on a channel, piece by piece; see [`Roster::page`].
    pub fn page(&self, channel: &str, after: Option<Cursor>, limit: usize) -> Page {
        self.roster(channel).map_or_else(Page::default, |roster| roster.page(after, limit))
    }

    /// Lists whom those know to be there who follow the changes; see [`Roster::page_told`].
    pub fn page_told(&self, channel: &str, after: Option<Cursor>, limit: usize) -> Page {
        self.roster(channel).map_or_else(Page::default, |roster| roster.page_told(after, limit))
    }

    /// How many channels have members or changes to tell.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Sessions on all channels and departures that wait to be told: what `members_in_all` bounds.
    pub fn weight(&self) -> usize {
        self.weight
    }

    fn roster(&self, channel: &str) -> Option<&Roster> {
        self.by_name.get(channel).map(|slot| &self.channels[*slot as usize].roster)
    }

    fn admit(&self, slot: Option<u32>, session: u64, member: &Member) -> Result<(), PresenceFull> {
        if [member.user(), member.info()]
            .into_iter()
            .flatten()
            .any(|text| text.len() > self.limits.info_bytes)
        {
            return Err(PresenceFull::Info);
        }
        let roster = slot.map(|slot| &self.channels[slot as usize].roster);
        if roster.is_some_and(|roster| roster.has_session(session)) {
            return Ok(());
        }
        if roster.map_or(0, |roster| roster.count().sessions) >= self.limits.members_per_channel {
            return Err(PresenceFull::Channel);
        }
        let returns = || roster.is_some_and(|roster| roster.is_departed(member));
        if self.weight >= self.limits.members_in_all && !returns() {
            return Err(PresenceFull::Members);
        }
        if roster.is_none() && self.channels.len() >= self.limits.channels {
            return Err(PresenceFull::Channels);
        }
        Ok(())
    }

    fn open(&mut self, channel: &str, debounce_ms: u64) -> u32 {
        let roster = Roster::new(self.first, debounce_ms);
        let slot =
            self.channels.insert(Attended { name: channel.into(), roster, weight: 0, place: None }) as u32;
        self.by_name.insert(channel.into(), slot);
        slot
    }

    /// Lets the roster in `slot` change; all that depends on it follows.
    fn change(&mut self, slot: u32, change: impl FnOnce(&mut Roster) -> Change) -> Change {
        let changed = change(&mut self.channels[slot as usize].roster);
        self.settle(slot);
        changed
    }

    /// Counts the weight of a roster anew, puts it into its place in the queue, and drops it when it is idle.
    fn settle(&mut self, slot: u32) {
        let attended = &mut self.channels[slot as usize];
        let weight = attended.roster.weight();
        self.weight = self.weight - attended.weight + weight;
        attended.weight = weight;
        attended.place = self.queue.put(slot, attended.place, attended.roster.due_at());
        if attended.roster.is_idle() {
            self.first = self.first.max(attended.roster.end());
            let attended = self.channels.remove(slot as usize);
            self.by_name.remove(&attended.name);
        }
    }
}
