//! Recovery: a session that comes back gets what it missed, all of a channel or none, before what is new.
//!
//! At the home the question is answered from the history; at the session's shard the answer goes into its queue.
//! Letters between two shards keep their order, so what a home publishes after its answer arrives after it, and
//! what it published before is in it: nothing is held back and nothing comes twice. A gap stands in the queue
//! where the messages are missing.

use bayeux::{Channel, Code, Pushed, event};
use comet_bus::{Position, Publication, Recovered, RecoveryLimits, Since, home_of};
use std::sync::Arc;

use crate::delivery::{Delivery, Shared};
use crate::exchange::Exchange;
use crate::key::SessionKey;
use crate::recovery::{Joining, Question, Recover, Recovery};

use super::Shard;

/// Gaps that the reply to one subscribe names; of more, the pattern is the gap.
const MOST_GAPS_IN_REPLY: usize = 1_024;
/// About the size of one event that tells of gaps.
const GAP_EVENT_BYTES: usize = 16 << 10;

impl Shard {
    /// At a home: answers a question about its channels, and tells how many of them it looked at.
    pub(super) fn recover(&mut self, recover: Recover) -> (Recovery, usize) {
        self.learn_interest();
        let Recover { exchange, reply, session, number, name, question, .. } = recover;
        let (now_ms, settings) = (self.unix_ms(), &self.config.session);
        let limits = RecoveryLimits { messages: settings.recovery_messages, bytes: settings.recovery_bytes };
        let (mut incomplete, mut visits) = (None, 1);
        let channels = match question {
            Question::Channel(channel, since) => {
                let recovered = self.home.recover(&channel, since, limits, now_ms);
                vec![(channel, recovered)]
            }
            Question::Replay(channel, offset) => {
                let since = Since::Position(Position { offset, ..self.home.head(&channel) });
                let recovered = self.home.recover(&channel, since, limits, now_ms);
                vec![(channel, recovered)]
            }
            Question::Matching { positions, time_ms } => {
                let matching = self.home.recover_matching(&name, &positions, Some(time_ms), limits, now_ms);
                if !matching.complete {
                    incomplete = Some(self.home.unknown_head());
                }
                visits += matching.visits;
                matching.channels
            }
        };
        (Recovery { exchange, reply, session, number, name, home: self.index, channels, incomplete }, visits)
    }

    /// At the session's shard: a home has answered.
    pub(super) fn on_recovered(&mut self, recovery: Recovery) {
        let (key, session, reply) = (recovery.exchange, recovery.session, recovery.reply);
        let Some(mut exchange) = self.take_exchange(key) else { return };
        self.on_recovery(&mut exchange, recovery);
        self.finish_recovery(&mut exchange, session, reply);
        self.go_on(key, exchange);
    }

    /// Puts what a home has answered into the session's queue.
    pub(super) fn on_recovery(&mut self, exchange: &mut Exchange, recovery: Recovery) {
        let Recovery { reply, session, number, name, home, channels, mut incomplete, .. } = recovery;
        let channels_of_pattern = name.as_str().ends_with('*');
        let Some(recovering) = exchange.recovering(reply) else { return };
        recovering.awaited -= 1;
        let counts = recovering.counts;
        if !self.end_joining(session, number, home) {
            // The subscription that has asked is gone; another of the same name asks for itself.
            return;
        }
        // One gap tells of all channels that cannot be named, whichever homes they have.
        let known = exchange.recovering(reply).map(|recovering| recovering.gaps.clone());
        let known = known.iter().flatten();
        let mut gaps: Vec<(Box<str>, Position)> = Vec::new();
        for (channel, recovered) in channels {
            match recovered {
                Recovered::Messages { publications, head } => {
                    if !self.queue_recovered(session, &publications) {
                        gaps.push((channel.as_str().into(), head));
                    }
                }
                Recovered::Gap { head } => gaps.push((channel.as_str().into(), head)),
            }
        }
        let named = exchange.recovering(reply).map_or(0, |recovering| recovering.gaps.len());
        if channels_of_pattern && named + gaps.len() > MOST_GAPS_IN_REPLY {
            incomplete = gaps.first().map(|(_, head)| *head);
            gaps.clear();
        }
        if let Some(head) = incomplete
            && !gaps.iter().chain(known).any(|(gap, _)| **gap == *name.as_str())
        {
            gaps.push((name.as_str().into(), head));
        }
        if counts && !gaps.is_empty() && !exchange.replays(reply) {
            self.tell_gaps(session, name.as_str(), &gaps);
        }
        gaps.iter().for_each(|_| self.counters.ending(Code::HistoryGap));
        if let Some(recovering) = exchange.recovering(reply) {
            recovering.gaps.extend(gaps);
        }
        self.mark_dirty(session);
    }

    /// Puts gaps into the queue where the messages are missing, in pieces that find room.
    fn tell_gaps(&mut self, session: SessionKey, name: &str, gaps: &[(Box<str>, Position)]) {
        let config = self.config.clone();
        let most = GAP_EVENT_BYTES.min(config.session.mailbox_bytes / 4);
        let mut rest = gaps;
        while let Some((_, first)) = rest.first() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|(name, _)| {
                bytes += name.len() + 64;
                bytes <= most
            });
            let (piece, others) = rest.split_at(fits.count().max(1));
            let Some(seat) = self.seat(session) else { return };
            let told = gap_event(piece.iter().map(|(name, head)| (&**name, *head)));
            if seat.session.push_recovered(told, &config.session) == Pushed::Overflow {
                // So much of the past waits already that only the name finds room.
                return self.push(session, gap_event([(name, *first)].into_iter()));
            }
            rest = others;
        }
    }

    /// Queues the messages of one channel, if there is room for all of them.
    fn queue_recovered(&mut self, session: SessionKey, publications: &[Arc<Publication>]) -> bool {
        let number = session.number(self.index);
        let config = self.config.clone();
        let Some(seat) = self.seat(session) else { return false };
        let wanted = publications.iter().filter(|publication| publication.except != Some(number));
        let (messages, bytes) = seat.session.recovery_room(&config.session);
        let sizes = || wanted.clone().map(|publication| publication.event.len());
        if sizes().count() > messages || sizes().sum::<usize>() > bytes {
            return false;
        }
        for publication in wanted {
            seat.expiring |= publication.expires_at_ms.is_some();
            let pushed =
                seat.session.push_recovered(Delivery::published(publication.clone()), &config.session);
            debug_assert_eq!(pushed, Pushed::Queued, "there was room for all of them");
        }
        true
    }

    /// Says in the reply how the recovery went, once every home has answered.
    pub(super) fn finish_recovery(&mut self, exchange: &mut Exchange, session: SessionKey, reply: usize) {
        let Some(at) = exchange.recoveries.iter().position(|one| one.reply == reply && one.awaited == 0)
        else {
            return;
        };
        let recovering = exchange.recoveries.swap_remove(at);
        exchange.awaited -= 1;
        let Some(reply) = exchange.replies.get_mut(reply) else { return };
        if recovering.silent {
            return;
        }
        if recovering.gaps.is_empty() {
            return reply.ext.recovered();
        }
        if recovering.replays {
            // Who asks by ids is refused aloud, and can ask for something else.
            let names = reply.subscription.as_ref().map(|names| names.names().to_vec()).unwrap_or_default();
            reply.outcome = Err(bayeux::Error::new(Code::ReplayInvalid, &recovering.gaps[0].0));
            if self.seat(session).is_some() {
                names.iter().for_each(|name| self.unsubscribe(session, name));
            }
            return;
        }
        let epochs: Vec<_> = recovering.gaps.iter().map(|(_, head)| format!("{:x}", head.epoch)).collect();
        let heads = recovering.gaps.iter().zip(&epochs);
        reply.ext.gaps(heads.map(|((name, head), epoch)| (&**name, &**epoch, head.offset)));
    }

    /// From here on a session hears what this home publishes; false when it does not ask any more.
    fn end_joining(&mut self, session: SessionKey, number: u32, home: usize) -> bool {
        let Some(seat) = self.seat(session) else { return false };
        let Some(joining) = seat.aside.as_mut().map(|aside| &mut aside.joining) else { return false };
        let Some(at) = joining.iter().position(|one| one.number == number) else { return false };
        joining[at].awaited.remove(home);
        if joining[at].awaited.is_empty() {
            joining.swap_remove(at);
        }
        seat.trim_aside();
        true
    }

    /// Whether a live message goes to a session that is joining: not where it comes with the awaited answer.
    pub(super) fn hears_live(&mut self, session: SessionKey, channel: &Channel) -> bool {
        let home = home_of(channel.as_str(), self.peers.len());
        let Some(seat) = self.sessions.get(session.slot as usize) else { return false };
        let mut hears = false;
        channel.matching_names(|name| {
            let awaits =
                |one: &Joining| !one.was_live && one.name.as_str() == name && one.awaited.contains(home);
            let awaited = seat.joining().iter().any(awaits);
            hears |= !awaited && self.hub.is_subscribed(session.slot, name);
        });
        hears
    }
}

fn gap_event<'a>(gaps: impl Iterator<Item = (&'a str, Position)>) -> Shared {
    let gaps: Vec<_> = gaps.map(|(name, head)| (name, format!("{:x}", head.epoch), head.offset)).collect();
    let mut told = Vec::new();
    event::write_gaps(gaps.iter().map(|(name, epoch, offset)| (*name, &**epoch, *offset)), &mut told);
    Delivery::direct(told.into_boxed_slice())
}
