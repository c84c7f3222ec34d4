//! Sessions that wait for the past of a name: what of the present reaches them meanwhile, and in which place.
//!
//! What comes with an awaited answer is not delivered beside it. Where another subscription of the session hears the
//! same channel, a publication is kept aside until the answer is there, and takes its place among what that brings.
//! Questions and answers are in `recovery`; here every message of a channel finds its place, once.

use std::collections::HashMap;
use std::sync::Arc;

use bayeux::Channel;
use comet_bus::{Position, Publication, home_of};

use crate::delivery::Shared;
use crate::key::SessionKey;
use crate::recovery::Joining;

use super::Shard;

/// What becomes of a publication for a session that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearing {
    /// Nothing that is awaited concerns its channel.
    Now,
    /// It comes with the answer.
    WithAnswer,
    /// It may or may not come with the answer, and has to come.
    AfterAnswer,
}

/// What a session that waits has got, and what is kept for it.
#[derive(Default)]
pub(crate) struct Meanwhile {
    /// Kept until the answers are there, oldest first.
    withheld: Vec<(Arc<Publication>, Shared)>,
    bytes: usize,
    /// Offsets from and to which answers have brought, by channel and epoch.
    brought: HashMap<(Channel, u64), (u64, u64)>,
}

impl Meanwhile {
    pub(crate) fn is_empty(&self) -> bool {
        self.withheld.is_empty()
    }

    /// Whether an answer has brought this already.
    pub(crate) fn has_brought(&self, publication: &Publication) -> bool {
        let Position { epoch, offset } = publication.position;
        let brought = self.brought.get(&(publication.channel.clone(), epoch));
        brought.is_some_and(|(first, last)| (*first..=*last).contains(&offset))
    }

    /// Notes what an answer brings; of at most so many channels.
    pub(crate) fn note(&mut self, publication: &Publication, most: usize) {
        let Position { epoch, offset } = publication.position;
        let key = (publication.channel.clone(), epoch);
        if let Some((first, last)) = self.brought.get_mut(&key) {
            (*first, *last) = ((*first).min(offset), (*last).max(offset));
        } else if self.brought.len() < most {
            self.brought.insert(key, (offset, offset));
        }
    }

    /// Up to where a channel is missing, of which an answer says that it is missing up to `head`: what is kept from
    /// there on was heard by another subscription, and comes.
    pub(crate) fn missing_up_to(&self, channel: &Channel, head: Position) -> Position {
        let kept = self.withheld.iter().filter(|(publication, _)| publication.channel == *channel);
        let heard = kept.map(|(publication, _)| publication.position).filter(|at| at.epoch == head.epoch);
        let before = heard.map(|at| at.offset.saturating_sub(1)).min();
        Position { offset: before.map_or(head.offset, |before| before.min(head.offset)), ..head }
    }

    /// Takes out what is kept of a channel.
    pub(crate) fn take(&mut self, channel: &Channel) -> Vec<(Arc<Publication>, Shared)> {
        let is_of = |(publication, _): &(Arc<Publication>, Shared)| publication.channel == *channel;
        let taken: Vec<_> = self.withheld.extract_if(.., |kept| is_of(kept)).collect();
        self.bytes -= taken.iter().map(|(publication, _)| publication.event.len()).sum::<usize>();
        taken
    }
}

impl Shard {
    /// A publication for a session that may be waiting for the past of one of its names.
    pub(super) fn push_meanwhile(
        &mut self,
        key: SessionKey,
        publication: &Arc<Publication>,
        delivery: Shared,
    ) {
        match self.hearing(key, &publication.channel) {
            Hearing::Now => self.push_in_manner(key, publication, delivery),
            Hearing::WithAnswer => {}
            Hearing::AfterAnswer => self.withhold(key, publication, delivery),
        }
    }

    fn hearing(&self, key: SessionKey, channel: &Channel) -> Hearing {
        let home = home_of(channel.as_str(), self.peers.len());
        let Some(seat) = self.sessions.get(key.slot as usize) else { return Hearing::WithAnswer };
        if seat.joining().is_empty() {
            return Hearing::Now;
        }
        let (mut awaited, mut live) = (false, false);
        channel.matching_names(|name| {
            let asks = |one: &&Joining| one.name.as_str() == name && one.awaited.contains(home);
            awaited |= seat.joining().iter().any(|one| asks(&one));
            live |= self.hub.is_subscribed(key.slot, name)
                && !seat.joining().iter().any(|one| asks(&one) && !one.was_live && !one.is_held);
        });
        match (awaited, live) {
            (false, _) => Hearing::Now,
            (true, false) => Hearing::WithAnswer,
            (true, true) => Hearing::AfterAnswer,
        }
    }

    /// Keeps a publication until the answer is there; a session for which too much would be kept falls behind.
    fn withhold(&mut self, key: SessionKey, publication: &Arc<Publication>, delivery: Shared) {
        let (messages, bytes) = (self.config.session.mailbox_messages, self.config.session.mailbox_bytes);
        let Some(seat) = self.seat(key) else { return };
        let meanwhile = &mut seat.aside_mut().meanwhile;
        meanwhile.bytes += publication.event.len();
        meanwhile.withheld.push((publication.clone(), delivery));
        if meanwhile.withheld.len() > messages || meanwhile.bytes > bytes {
            meanwhile.bytes = 0;
            for (_, delivery) in std::mem::take(&mut meanwhile.withheld) {
                self.fall_behind(key, &delivery);
            }
        }
    }

    /// An answer is there, or a subscription has ended: what waits for nothing any more goes on.
    pub(super) fn release_withheld(&mut self, key: SessionKey) {
        let Some(aside) = self.seat(key).and_then(|seat| seat.aside.as_mut()) else { return };
        aside.meanwhile.bytes = 0;
        for (publication, delivery) in std::mem::take(&mut aside.meanwhile.withheld) {
            if !self.hub.hears(key.slot, &publication.channel) {
                continue;
            }
            match self.hearing(key, &publication.channel) {
                Hearing::Now => self.push_in_manner(key, &publication, delivery),
                Hearing::WithAnswer | Hearing::AfterAnswer => self.withhold(key, &publication, delivery),
            }
        }
        if let Some(seat) = self.seat(key) {
            seat.trim_aside();
        }
    }
}
