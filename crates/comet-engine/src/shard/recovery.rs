//! Recovery: a session that comes back gets what it missed, all of a channel or none, before what is new.
//!
//! At the home the question is answered from the history; at the session's shard the answer goes into its queue.
//! Letters between two shards keep their order, so what a home publishes after its answer arrives after it, and
//! what it published before is in it: nothing is held back and nothing comes twice. A gap stands in the queue
//! where the messages are missing.

use bayeux::{Channel, Code, Pushed, event};
use comet_bus::{Position, Publication, Recovered, RecoveryLimits, Since, home_of};
use std::sync::Arc;

use crate::delivery::Delivery;
use crate::exchange::Exchange;
use crate::key::SessionKey;
use crate::recovery::{Question, Recover, Recovery};

use super::Shard;

impl Shard {
    /// At a home: answers a question about its channels.
    pub(super) fn recover(&mut self, recover: Recover) -> Recovery {
        self.learn_interest();
        let Recover { exchange, reply, session, name, question, .. } = recover;
        let (now_ms, settings) = (self.unix_ms(), &self.config.session);
        let limits = RecoveryLimits { messages: settings.recovery_messages, bytes: settings.recovery_bytes };
        let mut incomplete = None;
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
                matching.channels
            }
        };
        Recovery { exchange, reply, session, name, home: self.index, channels, incomplete }
    }

    /// At the session's shard: a home has answered from elsewhere.
    pub(super) fn on_recovered(&mut self, recovery: Recovery) {
        let (key, session, reply) = (recovery.exchange, recovery.session, recovery.reply);
        let Some(mut exchange) = self.take_exchange(key) else { return };
        self.on_recovery(&mut exchange, recovery);
        self.finish_recovery(&mut exchange, session, reply);
        self.go_on(key, exchange);
    }

    /// Puts what a home has answered into the session's queue.
    pub(super) fn on_recovery(&mut self, exchange: &mut Exchange, recovery: Recovery) {
        let Recovery { reply, session, name, home, channels, incomplete, .. } = recovery;
        let Some(recovering) = exchange.recovering(reply) else { return };
        recovering.awaited -= 1;
        let counts = recovering.counts;
        self.end_joining(session, name.as_str(), home);
        if self.seat(session).is_none() || !self.hub.is_subscribed(session.slot, name.as_str()) {
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
        if let Some(head) = incomplete
            && !gaps.iter().chain(known).any(|(gap, _)| **gap == *name.as_str())
        {
            gaps.push((name.as_str().into(), head));
        }
        if counts && !gaps.is_empty() && !exchange.replays(reply) {
            let mut told = Vec::new();
            let epochs: Vec<_> = gaps.iter().map(|(_, head)| format!("{:x}", head.epoch)).collect();
            let heads =
                gaps.iter().zip(&epochs).map(|((name, head), epoch)| (&**name, &**epoch, head.offset));
            event::write_gaps(heads, &mut told);
            self.push_told(session, told);
        }
        gaps.iter().for_each(|_| self.counters.ending(Code::HistoryGap));
        if let Some(recovering) = exchange.recovering(reply) {
            recovering.gaps.extend(gaps);
        }
        self.mark_dirty(session);
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

    /// From here on a session hears what this home publishes.
    fn end_joining(&mut self, session: SessionKey, name: &str, home: usize) {
        let Some(seat) = self.seat(session) else { return };
        let Some(joining) = seat.aside.as_mut().map(|aside| &mut aside.joining) else { return };
        if let Some(at) = joining.iter().position(|one| one.name.as_str() == name) {
            joining[at].awaited.remove(home);
            if joining[at].awaited.is_empty() {
                joining.swap_remove(at);
            }
        }
        seat.trim_aside();
    }

    /// Whether a live message goes to a session that is joining: not where it comes with the awaited answer.
    pub(super) fn hears_live(&mut self, session: SessionKey, channel: &Channel) -> bool {
        let home = home_of(channel.as_str(), self.peers.len());
        let Some(seat) = self.sessions.get(session.slot as usize) else { return false };
        let mut hears = false;
        channel.matching_names(|name| {
            let awaited =
                seat.joining().iter().any(|one| one.name.as_str() == name && one.awaited.contains(home));
            hears |= !awaited && self.hub.is_subscribed(session.slot, name);
        });
        hears
    }
}
