//! Recovery: a session that comes back gets what it missed, all of a channel or none, before what is new.
//!
//! At the home the question is answered from the history; at the session's shard the answer goes into its queue.
//! Letters between two shards keep their order, so what a home publishes after its answer arrives after it, and
//! what it published before is in it: nothing is held back and nothing comes twice. A gap stands in the queue
//! where the messages are missing.

use bayeux::{Channel, Code, Pushed, event};
use comet_bus::{Position, Publication, Recovered, RecoveryLimits, Since};
use std::sync::Arc;

use crate::delivery::{Delivery, Shared};
use crate::exchange::Exchange;
use crate::key::SessionKey;
use crate::past::{HistoryPage, PastQuestion};
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

    /// At a home: somebody outside wants to know what there was; how many messages the answer brings.
    pub(super) fn on_past_question(&mut self, question: PastQuestion) -> usize {
        let now_ms = self.unix_ms();
        let limits = question.limits();
        let paged = self.home.page(&question.channel, question.since, limits, now_ms);
        let page = HistoryPage::of(paged, self.home.head(&question.channel), limits);
        let work = 1 + page.publications.len();
        // Whoever asked may have stopped waiting.
        drop(question.asker.send(page));
        work
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
        let Some(recovering) = exchange.recovering(recovery.reply) else { return };
        recovering.awaited -= 1;
        if let Some(replay) = &mut recovering.replay {
            return self.hold_answer(replay, recovery);
        }
        let counts = recovering.counts;
        let Recovery { reply, session, number, name, home, channels, mut incomplete, .. } = recovery;
        let channels_of_pattern = name.as_str().ends_with('*');
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
                    let fits = self.queue_recovered(session, &channel, &publications);
                    if !fits {
                        gaps.push((channel.as_str().into(), self.missing_up_to(session, &channel, head)));
                    }
                    if let Some(recovering) = exchange.recovering(reply).filter(|one| one.silent) {
                        recovering.cached.push((channel.as_str().into(), fits && !publications.is_empty()));
                    }
                }
                Recovered::Gap { head } => {
                    gaps.push((channel.as_str().into(), self.missing_up_to(session, &channel, head)));
                }
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
        if counts && !gaps.is_empty() {
            self.tell_gaps(session, name.as_str(), &gaps);
        }
        gaps.iter().for_each(|_| self.counters.ending(Code::HistoryGap));
        if let Some(recovering) = exchange.recovering(reply) {
            recovering.gaps.extend(gaps);
        }
        self.release_withheld(session);
        self.mark_dirty(session);
    }

    /// Up to where a session misses a channel; a gap stands before what was kept aside, and does not cover it.
    fn missing_up_to(&mut self, session: SessionKey, channel: &Channel, head: Position) -> Position {
        let meanwhile = self.seat(session).and_then(|seat| seat.aside.as_ref()).map(|aside| &aside.meanwhile);
        meanwhile.map_or(head, |meanwhile| meanwhile.missing_up_to(channel, head))
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

    /// What of a recovery a session is to get: what has not come already. What follows where the channel has stopped
    /// comes when the session catches up.
    pub(super) fn wanted(
        &mut self,
        session: SessionKey,
        channel: &Channel,
        publications: &[Arc<Publication>],
    ) -> Vec<Arc<Publication>> {
        let number = session.number(self.index);
        let Some(seat) = self.seat(session) else { return Vec::new() };
        let stopped = seat.lag_mut().and_then(|lag| lag.stopped_at(channel));
        let meanwhile = &mut seat.aside_mut().meanwhile;
        let wanted = publications.iter().filter(|publication| {
            let Position { epoch, offset } = publication.position;
            let follows = stopped.is_some_and(|stopped| stopped.epoch == epoch && offset > stopped.offset);
            publication.except != Some(number) && !follows && !meanwhile.has_brought(publication)
        });
        wanted.cloned().collect()
    }

    /// Queues the messages of one channel, if there is room for all of them, and between them what was kept aside.
    pub(super) fn queue_recovered(
        &mut self,
        session: SessionKey,
        channel: &Channel,
        publications: &[Arc<Publication>],
    ) -> bool {
        let config = self.config.clone();
        let wanted = self.wanted(session, channel, publications);
        let Some(seat) = self.seat(session) else { return false };
        let (messages, bytes) = seat.session.recovery_room(&config.session);
        let sizes = wanted.iter().map(|publication| publication.event.len());
        if wanted.len() > messages || sizes.sum::<usize>() > bytes {
            return false;
        }
        let meanwhile = &mut seat.aside_mut().meanwhile;
        wanted.iter().for_each(|publication| meanwhile.note(publication, config.session.recovery_messages));
        let mut kept = meanwhile.take(channel).into_iter().peekable();
        for publication in wanted {
            let at = publication.position;
            while let Some((kept, delivery)) =
                kept.next_if(|(kept, _)| kept.position.epoch == at.epoch && kept.position.offset <= at.offset)
            {
                if kept.position != at {
                    self.push_in_manner(session, &kept, delivery);
                }
            }
            let Some(seat) = self.seat(session) else { return true };
            seat.expiring |= publication.expires_at_ms.is_some();
            let pushed = seat.session.push_recovered(Delivery::published(publication), &config.session);
            debug_assert_eq!(pushed, Pushed::Queued, "there was room for all of them");
        }
        for (kept, delivery) in kept {
            if let Some(seat) = self.seat(session) {
                seat.aside_mut().meanwhile.note(&kept, config.session.recovery_messages);
            }
            self.push_in_manner(session, &kept, delivery);
        }
        true
    }

    /// Says in the reply how the recovery went, once every home has answered.
    pub(super) fn finish_recovery(&mut self, exchange: &mut Exchange, session: SessionKey, reply: usize) {
        let Some(at) = exchange.recoveries.iter().position(|one| one.reply == reply && one.awaited == 0)
        else {
            return;
        };
        let mut recovering = exchange.recoveries.swap_remove(at);
        exchange.awaited -= 1;
        if let Some(replay) = recovering.replay.take() {
            return self.finish_replay(exchange, session, reply, *replay);
        }
        let Some(reply) = exchange.replies.get_mut(reply) else { return };
        if recovering.silent {
            if !recovering.cached.is_empty() {
                reply.ext.cached(recovering.cached.iter().map(|(name, comes)| (&**name, *comes)));
            }
            return;
        }
        if recovering.gaps.is_empty() {
            return reply.ext.recovered();
        }
        let epochs: Vec<_> = recovering.gaps.iter().map(|(_, head)| format!("{:x}", head.epoch)).collect();
        let heads = recovering.gaps.iter().zip(&epochs);
        reply.ext.gaps(heads.map(|((name, head), epoch)| (&**name, &**epoch, head.offset)));
    }

    /// From here on a session hears what this home publishes; false when it does not ask any more.
    pub(super) fn end_joining(&mut self, session: SessionKey, number: u32, home: usize) -> bool {
        let Some(joining) = self.joining_mut(session, number) else { return false };
        joining.awaited.remove(home);
        if joining.awaited.is_empty()
            && let Some(aside) = self.seat(session).and_then(|seat| seat.aside.as_mut())
        {
            aside.joining.retain(|joining| joining.number != number);
        }
        true
    }

    /// The subscription that has asked with this number, if it is still there.
    pub(super) fn joining_mut(&mut self, session: SessionKey, number: u32) -> Option<&mut Joining> {
        let aside = self.seat(session)?.aside.as_mut()?;
        aside.joining.iter_mut().find(|joining| joining.number == number)
    }
}

fn gap_event<'a>(gaps: impl Iterator<Item = (&'a str, Position)>) -> Shared {
    let gaps: Vec<_> = gaps.map(|(name, head)| (name, format!("{:x}", head.epoch), head.offset)).collect();
    let mut told = Vec::new();
    event::write_gaps(gaps.iter().map(|(name, epoch, offset)| (*name, &**epoch, *offset)), &mut told);
    Delivery::direct(told.into_boxed_slice())
}
