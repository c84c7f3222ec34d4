//! Replay by ids: all that a subscribe asks for comes, or nothing does and nothing is changed.
//!
//! The homes answer for themselves, at different times; their answers lie with the batch until the last one is there.
//! What is published on their channels meanwhile is kept aside in `joining` and takes its place behind them. Questions are
//! asked in `subscribe`, and what is queued goes the way of every recovery.

use bayeux::{Code, Error};
use comet_bus::Recovered;

use crate::exchange::Exchange;
use crate::key::SessionKey;
use crate::recovery::{Recovery, Replay};

use super::Shard;

impl Shard {
    /// A home has answered: what it says waits for the answers of the others.
    pub(super) fn hold_answer(&mut self, replay: &mut Replay, recovery: Recovery) {
        let (session, number) = (recovery.session, recovery.number);
        let Some(joining) = self.joining_mut(session, number) else { return };
        // From here on its home publishes what comes with no answer.
        joining.is_held = true;
        if replay.missing.is_some() {
            return;
        }
        let mut missing = None;
        for (channel, recovered) in &recovery.channels {
            match recovered {
                Recovered::Gap { .. } => missing = Some(channel),
                Recovered::Messages { publications, .. } => {
                    let wanted = self.wanted(session, channel, publications);
                    replay.messages += wanted.len();
                    replay.bytes += wanted.iter().map(|one| one.event.len()).sum::<usize>();
                    missing = missing.or_else(|| (!self.has_room(session, replay)).then_some(channel));
                }
            }
        }
        replay.missing = missing.map(|channel| channel.as_str().into());
        replay.answers.push(recovery);
        if replay.missing.is_some() {
            replay.answers = Vec::new();
        }
    }

    /// All homes have answered: the session gets everything, or is as if it had not asked.
    pub(super) fn finish_replay(
        &mut self,
        exchange: &mut Exchange,
        session: SessionKey,
        reply: usize,
        mut replay: Replay,
    ) {
        if replay.missing.is_none() && !self.has_room(session, &replay) {
            // Another recovery has taken it meanwhile.
            let first = replay.answers.iter().find_map(|answer| answer.channels.first());
            replay.missing = first.map(|(channel, _)| channel.as_str().into());
        }
        let Some(reply) = exchange.replies.get_mut(reply) else { return };
        if let (Some(missing), Ok(_)) = (&replay.missing, &reply.outcome) {
            self.counters.ending(Code::HistoryGap);
            self.counters.ending(Code::ReplayInvalid);
            reply.outcome = Err(Error::new(Code::ReplayInvalid, missing));
        }
        if reply.outcome.is_ok() {
            reply.ext.recovered();
            for Recovery { number, home, channels, .. } in std::mem::take(&mut replay.answers) {
                if !self.end_joining(session, number, home) {
                    continue;
                }
                for (channel, recovered) in channels {
                    if let Recovered::Messages { publications, .. } = recovered {
                        self.queue_recovered(session, &channel, &publications);
                    }
                }
            }
        } else {
            for one in replay.names.iter().filter(|one| one.is_new) {
                // What was ended since and begun anew is another message's.
                if self.joining_mut(session, one.number).is_some() {
                    self.unsubscribe(session, one.name.as_str());
                }
            }
        }
        if let Some(aside) = self.seat(session).and_then(|seat| seat.aside.as_mut()) {
            aside.joining.retain(|joining| replay.names.iter().all(|one| one.number != joining.number));
        }
        self.release_withheld(session);
        self.mark_dirty(session);
    }

    /// Whether all of a replay finds room in the queue of its session.
    fn has_room(&mut self, session: SessionKey, replay: &Replay) -> bool {
        let config = self.config.clone();
        let Some(seat) = self.seat(session) else { return true };
        let (messages, bytes) = seat.session.recovery_room(&config.session);
        replay.messages <= messages && replay.bytes <= bytes
    }
}
