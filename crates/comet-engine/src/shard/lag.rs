//! Sessions that have fallen behind: their queue was full, and it is filled again from the history when it has emptied.
//!
//! Nobody is cut off for a burst: the queue stays as it is, and each channel goes on where it stopped, without a gap or
//! a repetition as far as its home remembers, page by page. A WebSocket that takes nothing more for a while is ended;
//! its session is kept. What is lost is told in its place, or ends the session of a client that could not be told.

use bayeux::{Channel, Code, Pushed, event};
use comet_bus::{Paged, Position, RecoveryLimits, Since};

use crate::delivery::{Delivery, Shared};
use crate::inbox::Letter;
use crate::key::SessionKey;
use crate::lag::{CatchUp, CaughtUp, Look, Reception};
use crate::seat::Seat;

use super::Shard;
use super::timer::Timer;

impl Shard {
    /// Whether a delivery may be queued now, as far as its channel has not stopped.
    pub(super) fn is_live(&mut self, key: SessionKey, delivery: &Shared) -> bool {
        let most = self.config.limits.lagging_channels;
        let Some(seat) = self.seat(key) else { return false };
        let (Some(lag), Some(publication)) = (seat.lag_mut(), delivery.0.publication()) else { return true };
        let reception = lag.on_publication(publication, most);
        match reception {
            Reception::Live => return true,
            Reception::Withheld => self.counters.messages_withheld.add(1),
            Reception::TooMany => self.end_session(key, Code::ResumeFailed),
        }
        false
    }

    /// The queue of a session is full, and this did not fit.
    pub(super) fn fall_behind(&mut self, key: SessionKey, delivery: &Shared) {
        if delivery.0.publication().is_none() {
            // No history has it.
            return self.end_session(key, Code::ResumeFailed);
        }
        let look = self.look_at_wire(key);
        let Some(seat) = self.seat(key) else { return };
        let lag = seat.aside_mut().lag.get_or_insert_default();
        lag.on_full();
        if lag.armed == 0 {
            lag.look = look;
            self.watch_lag(key);
            self.counters.sessions_behind.add(1);
        }
        self.is_live(key, delivery);
    }

    /// How far the wire of a session has come; `None` when nothing keeps it.
    fn look_at_wire(&mut self, key: SessionKey) -> Option<Look> {
        let seat = self.seat(key)?;
        let (wire, pending) = (seat.attached?, seat.session.pending());
        Some((wire, pending, self.connection(wire)?.stalled_until()?))
    }

    /// What a session has missed on channels that it does not listen to any more is nothing to it.
    pub(super) fn forget_missed(&mut self, key: SessionKey) {
        let hub = &self.hub;
        let Some(seat) = self.sessions.get_mut(key.slot as usize) else { return };
        if let Some(lag) = seat.lag_mut() {
            lag.retain(|channel| hub.hears(key.slot, channel));
        }
        seat.trim_aside();
    }

    /// Looks at a session that has fallen behind again after a while.
    fn watch_lag(&mut self, key: SessionKey) {
        let armed = self.wheel.arm(Timer::Lag(key), self.now + self.config.limits.lag_grace_ms);
        if let Some(lag) = self.seat(key).and_then(|seat| seat.lag_mut()) {
            lag.armed = armed;
        }
    }

    /// A session has been behind for a while: a WebSocket that took nothing in the meantime ends.
    pub(super) fn on_lag_timer(&mut self, key: SessionKey) {
        let now = self.now;
        if let Some((wire, ..)) = self.look_at_wire(key) {
            // The system tells of room only when there is much of it; a slow reader has made some.
            self.on_writable(wire);
        }
        let look = self.look_at_wire(key);
        let Some(lag) = self.seat(key).and_then(|seat| seat.lag_mut()).filter(|lag| lag.armed <= now) else {
            return;
        };
        let before = std::mem::replace(&mut lag.look, look);
        self.watch_lag(key);
        if let Some((wire, ..)) = look
            && look == before
        {
            self.end_connection(wire, Code::SlowConsumer);
        }
    }

    /// The queue of a session has emptied: asks for what comes next on the channels that have stopped.
    pub(super) fn catch_up(&mut self, key: SessionKey) {
        let (shards, config) = (self.peers.len(), self.config.clone());
        let Some(seat) = self.seat(key) else { return };
        let wire = seat.attached;
        if !seat.lag_mut().is_some_and(|lag| lag.is_due()) || !seat.joining().is_empty() {
            return;
        }
        if wire.is_some_and(|wire| self.has_output(wire)) {
            // When that has left, the session comes into the list again.
            return;
        }
        let Some(seat) = self.seat(key) else { return };
        let (messages, bytes) = seat.session.recovery_room(&config.session);
        let Some(lag) = seat.lag_mut() else { return };
        let (round, homes) = lag.ask(shards);
        let limits = RecoveryLimits {
            messages: messages.min(config.session.mailbox_messages) / homes.len().max(1),
            bytes: bytes.min(config.session.mailbox_bytes) / homes.len().max(1),
        };
        for (home, channels) in homes {
            let question = CatchUp { shard: self.index, session: key, round, channels, limits };
            if home == self.index {
                let answer = self.read_on(question);
                self.on_caught_up(answer);
            } else {
                self.peers[home].post(Letter::CatchUp(Box::new(question)));
            }
        }
    }

    /// Whether a session whose queue has emptied still gets what it has missed.
    pub(super) fn reads_on(&mut self, key: SessionKey) -> bool {
        let has_emptied = |seat: &mut Seat| seat.session.pending() == 0 && seat.lag_mut().is_some();
        if !self.seat(key).is_some_and(has_emptied) {
            return false;
        }
        self.catch_up(key);
        self.seat(key).is_some_and(|seat| seat.session.pending() > 0 || seat.lag_mut().is_some())
    }

    /// At a home: what follows on these channels.
    pub(super) fn read_on(&mut self, question: CatchUp) -> CaughtUp {
        let CatchUp { session, round, channels, mut limits, .. } = question;
        let now_ms = self.unix_ms();
        let mut answered = false;
        let mut page = |channel: &Channel, since: Position| {
            if answered && (limits.messages == 0 || limits.bytes == 0) {
                return None;
            }
            let page = self.home.page(channel, Since::Position(since), limits, now_ms);
            if let Paged::Messages { publications, .. } = &page {
                answered |= !publications.is_empty();
                let bytes = publications.iter().map(|publication| publication.size_bytes()).sum();
                limits.messages = limits.messages.saturating_sub(publications.len());
                limits.bytes = limits.bytes.saturating_sub(bytes);
            }
            Some(page)
        };
        let channels = channels.into_iter().map(|(channel, since)| {
            let page = page(&channel, since);
            (channel, page)
        });
        CaughtUp { session, round, channels: channels.collect() }
    }

    /// At the session's shard: a home has answered.
    pub(super) fn on_caught_up(&mut self, answer: CaughtUp) {
        let CaughtUp { session: key, round, channels } = answer;
        let mut lost = Vec::new();
        for (channel, page) in channels {
            let Some(lag) = self.seat(key).and_then(|seat| seat.lag_mut()) else { return };
            if !lag.awaits(&channel, round) {
                continue;
            }
            match page {
                None => lag.go_on(&channel, None, 0),
                Some(Paged::Messages { publications, more }) => {
                    self.queue_page(key, &channel, &publications, more);
                }
                Some(Paged::Gap { head }) => {
                    let count = lag.remove(&channel);
                    self.counters.messages_lost.add(count);
                    self.counters.ending(Code::HistoryGap);
                    lost.push((channel, head, count));
                }
            }
        }
        if !lost.is_empty() && !self.tell_lost(key, &lost) {
            return self.end_session(key, Code::ResumeFailed);
        }
        if let Some(seat) = self.seat(key) {
            seat.trim_aside();
        }
        self.mark_dirty(key);
    }

    /// Queues what follows on a channel; what finds no room is asked for again.
    fn queue_page(
        &mut self,
        key: SessionKey,
        channel: &Channel,
        publications: &[std::sync::Arc<comet_bus::Publication>],
        more: bool,
    ) {
        let (number, config) = (key.number(self.index), self.config.clone());
        let Some(seat) = self.seat(key) else { return };
        let (mut last, mut queued, mut all) = (None, 0, !more);
        for publication in publications {
            if publication.except != Some(number) {
                let delivery = Delivery::published(publication.clone());
                seat.expiring |= publication.expires_at_ms.is_some();
                if seat.session.push_recovered(delivery, &config.session) == Pushed::Overflow {
                    all = false;
                    break;
                }
                if !seat.joining().is_empty() {
                    seat.aside_mut().meanwhile.note(publication, config.session.recovery_messages);
                }
                queued += 1;
            }
            last = Some(publication.position);
        }
        let Some(lag) = seat.lag_mut() else { return };
        if all {
            lag.remove(channel);
        } else {
            lag.go_on(channel, last, queued);
        }
    }

    /// Tells a client of the channels that have lost messages for good, in their place; false when it would not
    /// understand.
    fn tell_lost(&mut self, key: SessionKey, lost: &[(Channel, Position, u64)]) -> bool {
        if !self.seat(key).is_some_and(|seat| seat.hears_gaps()) {
            return false;
        }
        let epochs: Vec<String> = lost.iter().map(|(_, head, _)| format!("{:x}", head.epoch)).collect();
        let heads = lost.iter().zip(&epochs);
        let heads = heads.map(|((channel, head, _), epoch)| (channel.as_str(), &**epoch, head.offset));
        let dropped = lost.iter().map(|(channel, _, count)| (channel.as_str(), *count));
        let mut told = Vec::new();
        event::write_missed(heads, dropped, [], &mut told);
        self.push_told(key, told);
        true
    }
}
