//! Answers: the replies of a batch and the events that leave with them.
//!
//! Over HTTP a batch has one answer, events before replies; over a WebSocket replies are one frame and events
//! leave on their own. What may leave when is the session's rule, the bytes around it are `comet-wire`'s.

use bayeux::{Code, Reply, Ticket};
use comet_wire::{callback, long_poll};

use crate::connection::{Answering, Connection, Protocol, Special};
use crate::delivery::{Chunk, Shared};
use crate::exchange::Exchange;
use crate::key::{ConnectionKey, SessionKey};
use crate::stream::Form;

use super::Shard;

/// No letter between shards is on its way for longer.
pub(super) const LETTER_MARGIN_MS: u64 = 10_000;

impl Shard {
    /// Answers a batch whose messages all have their replies.
    pub(super) fn answer_batch(&mut self, mut exchange: Exchange) {
        if exchange.is_websocket() && exchange.lone && exchange.connect.is_some() {
            self.push_ahead(exchange.session);
        }
        let session = exchange.session.filter(|session| self.seat(*session).is_some());
        if let Some(answer) = exchange.local.take() {
            return self.answer_local(answer, exchange.replies, session);
        }
        if let Some(feed) = exchange.feed.take() {
            return self.answer_feed(&exchange, session, feed);
        }
        if !self.hears(exchange.connection) {
            self.on_unanswerable(&exchange, session);
        } else if exchange.is_websocket() {
            if !exchange.replies.is_empty() {
                if exchange.connect.is_some()
                    && let Some(connection) = self.connection(exchange.connection)
                {
                    connection.carries_connect = true;
                }
                let events = self.events_of_batch(&mut exchange, session);
                self.tell_time(&mut exchange, session);
                self.tell_times(session, &mut exchange.replies);
                self.write_frame(exchange.connection, &events, &exchange.replies);
            }
        } else if let (true, Some(session), Some(_)) = (exchange.streams, session, exchange.connect) {
            self.tell_time(&mut exchange, Some(session));
            self.tell_times(Some(session), &mut exchange.replies);
            let reply = exchange.replies.pop().expect("the connect has its reply");
            let kind = self.seat(session).and_then(|seat| seat.session.connection_type());
            self.open_stream(exchange.connection, session, Form::of_answer(kind), Some(reply));
        } else if !exchange.held {
            let events = self.events_of_batch(&mut exchange, session);
            self.tell_time(&mut exchange, session);
            self.tell_times(session, &mut exchange.replies);
            if let Some(connection) = self.connection(exchange.connection) {
                connection.session = session;
                connection.carries_connect = exchange.connect.is_some();
            }
            self.respond(exchange.connection, &events, &exchange.replies);
        }
        let Some(session) = session else { return };
        if let Some(code) = exchange.ends {
            self.close_session(session, code);
        } else {
            self.arm_session(session);
            // What queued up while the batch was worked on may leave now.
            self.mark_dirty(session);
        }
    }

    /// Whether a connection is there and still takes an answer.
    pub(super) fn hears(&mut self, key: ConnectionKey) -> bool {
        self.connection(key).is_some_and(|connection| !matches!(connection.protocol, Protocol::Closing))
    }

    /// The connection went away before its batch was answered.
    fn on_unanswerable(&mut self, exchange: &Exchange, session: Option<SessionKey>) {
        let (now, config) = (self.now, self.config.clone());
        let Some(session) = session else { return };
        if let Some(seat) = self.seat(session) {
            if exchange.held {
                seat.session.abandon(Ticket(exchange.connection.pack()), &config.session, now);
            } else if exchange.connect.is_some() {
                seat.session.on_connect_written(&config.session, now);
            }
        }
        if let Some(code) = exchange.ends {
            self.close_session(session, code);
        }
    }

    /// What may leave with the answer to a batch.
    fn events_of_batch(&mut self, exchange: &mut Exchange, session: Option<SessionKey>) -> Vec<Shared> {
        let config = self.config.clone();
        let Some((key, seat)) = session.and_then(|key| Some((key, self.seat(key)?))) else {
            return Vec::new();
        };
        match exchange.connect {
            Some(connect) if seat.session.may_ride_on_turn(connect.turn) => {
                self.take_with(key, &mut exchange.replies[connect.reply])
            }
            None if seat.session.may_ride_on(exchange.carrier, &config.session) => self.take_events(key),
            _ => Vec::new(),
        }
    }

    /// What may leave with the reply to the connect that was held.
    fn events_of_held(&mut self, key: SessionKey, reply: &mut Reply) -> Vec<Shared> {
        match self.seat(key) {
            Some(seat) if seat.session.may_ride_on_connect() => self.take_with(key, reply),
            _ => Vec::new(),
        }
    }

    /// Takes a session's queue as far as one answer goes; the reply to the connect gets its number.
    fn take_with(&mut self, key: SessionKey, reply: &mut Reply) -> Vec<Shared> {
        let (events, config) = (self.take_events(key), self.config.clone());
        if let Some(seat) = self.seat(key) {
            seat.session.number_reply(reply);
            seat.session.hasten(reply, &config.session);
        }
        events
    }

    /// A connect is about to be answered on a WebSocket. To a client that counts its reply says up to when all has been
    /// sent: what may leave leaves first.
    fn push_ahead(&mut self, session: Option<SessionKey>) {
        let Some((key, seat)) = session.and_then(|key| Some((key, self.seat(key)?))) else { return };
        if seat.session.counts() && seat.session.pending() > 0 && seat.session.may_push_now() {
            self.push_session(key);
        }
    }

    fn tell_time(&mut self, exchange: &mut Exchange, session: Option<SessionKey>) {
        if let (Some(connect), Some(session)) = (exchange.connect, session) {
            self.tell_time_in(&mut exchange.replies[connect.reply], session);
        }
    }

    /// Tells a client that counts up to when it has been sent everything: if nothing waits for it, all but what may
    /// still be on its way between the shards.
    pub(super) fn tell_time_in(&mut self, reply: &mut Reply, session: SessionKey) {
        if let Some(time_ms) = self.all_sent_ms(session).filter(|_| reply.is_successful()) {
            reply.ext.time_ms(time_ms);
        }
    }

    /// Up to when a client that counts has been sent everything, if that can be said.
    pub(super) fn all_sent_ms(&mut self, session: SessionKey) -> Option<u64> {
        let time_ms = self.unix_ms().saturating_sub(LETTER_MARGIN_MS);
        let seat = self.seat(session)?;
        (seat.session.counts() && seat.is_current()).then_some(time_ms)
    }

    /// Answers the held connect of a session with what is queued.
    pub(super) fn answer_held(&mut self, key: SessionKey) {
        let (now, config) = (self.now, self.config.clone());
        let Some(seat) = self.seat(key) else { return };
        let Some((ticket, reply)) = seat.session.release(&config.session, now) else { return };
        self.answer_with(ConnectionKey::unpack(ticket.0), key, reply);
        self.arm_session(key);
        self.mark_dirty(key);
    }

    /// Answers a connect that was held on `connection` with `reply` and what is queued.
    pub(super) fn answer_with(&mut self, connection: ConnectionKey, session: SessionKey, mut reply: Reply) {
        if reply.is_successful() && self.connection(connection).is_some_and(|wire| wire.form().is_some()) {
            self.push_ahead(Some(session));
        }
        let (now, config) = (self.now, self.config.clone());
        let heard = self.hears(connection);
        let Some(wire) = self.connection(connection).filter(|_| heard) else {
            if let Some(seat) = self.seat(session) {
                seat.session.on_connect_written(&config.session, now);
            }
            return;
        };
        wire.carries_connect = true;
        if wire.form().is_some() {
            let events = self.events_of_held(session, &mut reply);
            self.tell_time_in(&mut reply, session);
            self.tell_times(Some(session), std::slice::from_mut(&mut reply));
            self.write_frame(connection, &events, &[reply]);
        } else {
            wire.session = Some(session);
            let events = self.events_of_held(session, &mut reply);
            self.tell_time_in(&mut reply, session);
            self.tell_times(Some(session), std::slice::from_mut(&mut reply));
            self.respond(connection, &events, &[reply]);
        }
    }

    /// Ends an older connect without a Bayeux reply: the client must not start a second loop.
    pub(super) fn supersede(&mut self, ticket: Ticket, newer: ConnectionKey) {
        let older = ConnectionKey::unpack(ticket.0);
        let answers = |connection: &mut Connection| matches!(connection.protocol, Protocol::Answering(_));
        if older == newer || !self.connection(older).is_some_and(answers) {
            return;
        }
        let origin = self.connection(older).and_then(|connection| match &connection.protocol {
            Protocol::Answering(Answering { special: Some(special), .. }) => special.origin.clone(),
            _ => None,
        });
        self.answer_plainly(older, Code::Superseded, origin.as_deref());
    }

    /// Writes one HTTP answer and makes the connection ready for the next request.
    pub(super) fn respond(&mut self, key: ConnectionKey, events: &[Shared], replies: &[Reply]) {
        let draining = self.drain.is_some();
        let Some(connection) = self.connection(key) else { return };
        // Who sends no more is answered what it has sent, and then the connection ends.
        let ends = connection.close_when_written && !connection.has_input();
        let Protocol::Answering(answering) = &mut connection.protocol else { return };
        let keep_alive = answering.keep_alive && !draining && !ends;
        let special = answering.special.take();
        if let Some(Special { polled: Some(received), origin, .. }) = special.as_deref() {
            self.write_polled(key, *received, origin.as_deref(), (events, replies), keep_alive);
            return self.go_on_behind_answer(key, keep_alive);
        }
        let replies = encode_all(replies);
        let bodies = events.iter().map(|event| event.0.event()).chain(replies.iter().map(Vec::as_slice));
        let mut out = Vec::new();
        match special {
            None => {
                let written = long_poll::write_json_response(&mut out, bodies, None, None, keep_alive);
                written.expect("an answer without origin and cookie has nothing to refuse");
            }
            Some(special) => match &special.callback {
                Some(callback) => callback::write_response(&mut out, callback, bodies, keep_alive),
                None => {
                    let (origin, cookie) = (special.origin.as_deref(), special.cookie.as_deref());
                    if long_poll::write_json_response(&mut out, bodies, origin, cookie, keep_alive).is_err() {
                        return self.end_connection(key, Code::Internal);
                    }
                }
            },
        }
        self.write(key, Chunk::Owned(out));
        self.go_on_behind_answer(key, keep_alive);
    }

    fn go_on_behind_answer(&mut self, key: ConnectionKey, keep_alive: bool) {
        if keep_alive {
            self.await_request(key);
        } else {
            self.close_after_output(key);
        }
    }

    /// Writes replies, and events that may leave only with them, as one batch of a wire that pushes.
    pub(super) fn write_frame(&mut self, key: ConnectionKey, events: &[Shared], replies: &[Reply]) {
        let Some(connection) = self.connection(key) else { return };
        let Some(form) = connection.form() else { return };
        let frame = match &connection.protocol {
            Protocol::Streaming(stream) if form == Form::Frame => Some(*stream),
            _ => None,
        };
        let replies = encode_all(replies);
        let bodies = events.iter().map(|event| event.0.event()).chain(replies.iter().map(Vec::as_slice));
        let mut out = Vec::new();
        match frame {
            // Its scripts carry what only the stream knows.
            Some(stream) => stream.write_last(&mut out, bodies),
            None => form.write(&mut out, bodies),
        }
        if !out.is_empty() {
            self.write(key, Chunk::Owned(out));
        }
    }
}

pub(super) fn encode_all(replies: &[Reply]) -> Vec<Vec<u8>> {
    let encode = |reply: &Reply| {
        let mut out = Vec::with_capacity(128);
        reply.write(&mut out);
        out
    };
    replies.iter().map(encode).collect()
}
