//! Deliveries on their way from a session's queue to its wire.
//!
//! Sessions with something to send stand in one list; each turn takes a bounded number of them. A session
//! on a WebSocket gets its queue as frames in one write, one that polls gets it as the answer to its held
//! connect, one with no wire keeps it. The queue and what may leave are the session's own rules.

use std::rc::Rc;
use std::sync::Arc;

use bayeux::Pushed;
use comet_bus::Publication;

use crate::delivery::{Chunk, Delivery, Shared};
use crate::key::SessionKey;
use crate::stream::Form;

use super::Shard;

impl Shard {
    /// Queues a delivery for a session, which falls behind when its queue is full.
    pub(super) fn push(&mut self, key: SessionKey, delivery: Shared) {
        let behind = self.seat(key).is_some_and(|seat| seat.lag_mut().is_some());
        if behind && !self.is_live(key, &delivery) {
            return;
        }
        let config = &self.config.session;
        let Some(seat) = self.sessions.get_mut(key.slot as usize) else { return };
        if seat.generation != key.generation {
            return;
        }
        seat.expiring |= delivery.0.expires();
        match seat.session.push(delivery.clone(), config) {
            Pushed::Queued => {
                delivery.0.on_queued(seat.session.confirms());
                if !seat.dirty {
                    seat.dirty = true;
                    self.dirty.push_back(key);
                }
            }
            Pushed::Overflow => self.push_overflowing(key, delivery),
        }
    }

    /// A queue that is full in the middle of a turn may be that of somebody who reads well: what may leave leaves
    /// now. Only when that makes no room the session falls behind.
    pub(super) fn push_overflowing(&mut self, key: SessionKey, delivery: Shared) {
        self.push_session(key);
        let config = &self.config.session;
        let Some(seat) = self.sessions.get_mut(key.slot as usize) else { return };
        if seat.generation != key.generation {
            return;
        }
        match seat.session.push(delivery.clone(), config) {
            Pushed::Queued => {
                delivery.0.on_queued(seat.session.confirms());
                self.mark_dirty(key);
            }
            Pushed::Overflow => self.fall_behind(key, &delivery),
        }
    }

    /// Queues what tells a client of messages that it does not get. It has room of its own, beside theirs.
    pub(super) fn push_told(&mut self, key: SessionKey, told: Vec<u8>) {
        let (told, config) = (Delivery::direct(told.into_boxed_slice()), self.config.clone());
        let Some(seat) = self.seat(key) else { return };
        match seat.session.push_recovered(told.clone(), &config.session) {
            Pushed::Queued => self.mark_dirty(key),
            Pushed::Overflow => self.push(key, told),
        }
    }

    /// Puts a session into the list of those that may have something to send.
    pub(super) fn mark_dirty(&mut self, key: SessionKey) {
        let Some(seat) = self.seat(key) else { return };
        if !seat.dirty && seat.has_work() {
            seat.dirty = true;
            self.dirty.push_back(key);
        }
    }

    /// Lets queued deliveries leave, for a bounded number of sessions.
    pub(super) fn push_dirty(&mut self) {
        let turn = self.config.limits.sends_per_turn.min(self.dirty.len());
        for _ in 0..turn {
            let Some(key) = self.dirty.pop_front() else { break };
            if let Some(seat) = self.seat(key) {
                seat.dirty = false;
                self.push_session(key);
            }
        }
        if self.dirty.is_empty() {
            self.joiner.clear();
        }
    }

    pub(super) fn push_session(&mut self, key: SessionKey) {
        self.refill(key);
        self.shed_expired(key);
        let Some(seat) = self.seat(key) else { return };
        if seat.session.pending() == 0 {
            return self.catch_up(key);
        }
        if let (Some(connection), true) = (seat.attached, seat.session.may_push_now()) {
            let wire = self.connection(connection).filter(|connection| !connection.is_stalled());
            let Some(form) = wire.and_then(|connection| connection.form()) else {
                // When the output has left, the session comes into the list again.
                return;
            };
            let (messages, bytes) =
                (self.config.limits.messages_per_write, self.config.limits.bytes_per_write);
            let mut queue = std::mem::take(&mut self.queue);
            let session = &mut self.sessions[key.slot as usize].session;
            let rendering = session.rendering();
            queue.extend(session.take(messages, bytes));
            if !form.is_anonymous() {
                self.render(rendering, &mut queue);
            }
            self.counters.deliveries.add(queue.len() as u64);
            // Who counts is told the count of each event, so that its browser can say it.
            let counted = self.sessions[key.slot as usize].session.sent().filter(|_| form == Form::Events);
            let chunk = match (queue.len(), counted) {
                (0, _) => None,
                _ if form.is_anonymous() => self.fed(key, &mut queue),
                _ if form == Form::Frame => self.framed(connection, &queue),
                (_, Some(sent)) => Some(Chunk::Owned(self.numbered_events(key, &queue, sent))),
                (1, None) => queue.pop().map(|only| Chunk::Frame(only.0, form)),
                (_, None) => Some(Chunk::Run(self.joiner.join(&mut queue, form))),
            };
            queue.clear();
            self.queue = queue;
            if let Some(chunk) = chunk {
                let bytes = chunk.bytes().len();
                self.write(connection, chunk);
                if form != Form::WebSocket {
                    self.on_pushed(connection, bytes);
                }
            }
            self.mark_dirty(key);
        } else if seat.session.wakes_connect() {
            self.answer_held(key);
        } else if seat.local.is_some() {
            self.push_local(key);
        }
    }

    /// Takes a session's queue as far as one HTTP answer goes; the events' JSON.
    pub(super) fn take_events(&mut self, key: SessionKey) -> Vec<Shared> {
        let (messages, bytes) = (self.config.limits.messages_per_write, self.config.limits.bytes_per_write);
        let mut events = Vec::new();
        self.shed_expired(key);
        if let Some(seat) = self.seat(key) {
            let rendering = seat.session.rendering();
            events.extend(seat.session.take(messages, bytes));
            self.render(rendering, &mut events);
        }
        self.counters.deliveries.add(events.len() as u64);
        events
    }

    /// Hands a publication to every session of this shard that listens, but for its publisher if that wants so.
    pub(super) fn hand_out(&mut self, publication: &Arc<Publication>) {
        let expires = publication.expires_at_ms.is_some();
        let tally = self.tally(publication);
        let delivery = Delivery::counted(publication.clone(), tally.clone());
        if expires && publication.is_expired(self.unix_ms()) {
            if let Some(tally) = tally {
                self.report_handed_out(publication, &tally);
            }
            return;
        }
        let except = publication.except.and_then(|number| SessionKey::of_number(number, self.index));
        let (sessions, dirty, config) = (&mut self.sessions, &mut self.dirty, &self.config.session);
        let paced = self.paces && !self.table.options(&publication.channel).is_plain();
        let mut overflowed = Vec::new();
        let mut aside = Vec::new();
        self.hub.each_listener(&publication.channel, |listener| {
            let Some(seat) = sessions.get_mut(listener as usize) else { return };
            let key = SessionKey { slot: listener, generation: seat.generation };
            if except == Some(key) {
                return;
            }
            if paced || seat.aside.is_some() {
                return aside.push(key);
            }
            if expires {
                seat.expiring = true;
            }
            let pushed = seat.session.push(Shared(Rc::clone(&delivery.0)), config);
            if tally.is_some() && pushed == Pushed::Queued {
                delivery.0.on_queued(seat.session.confirms());
            }
            match pushed {
                Pushed::Queued if seat.dirty => {}
                Pushed::Queued => {
                    seat.dirty = true;
                    dirty.push_back(key);
                }
                Pushed::Overflow => overflowed.push(key),
            }
        });
        for key in overflowed {
            self.push_overflowing(key, Shared(Rc::clone(&delivery.0)));
        }
        for key in aside {
            self.push_meanwhile(key, publication, Shared(Rc::clone(&delivery.0)));
        }
        if let Some(tally) = tally {
            self.report_handed_out(publication, &tally);
        }
    }
}
