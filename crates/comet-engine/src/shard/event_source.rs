//! Event streams and frames: tickets given with the replies to connects, and the requests that use them.
//!
//! A ticket is good once, for its session, and only until the session connects anew. A browser that has lost its stream
//! names the ticket that was told in it, with the count of what it has, in `Last-Event-ID`. From there on the stream is one
//! like all others, in `stream`.

use bayeux::{Carrier, Code};
use comet_wire::event_stream::{EventId, MEDIA, write_retry};
use comet_wire::form;
use comet_wire::http::Head;

use crate::client_id::Place;
use crate::connection::{Answering, Protocol, Special};
use crate::delivery::Shared;
use crate::frame::Frame;
use crate::key::{ConnectionKey, SessionKey};
use crate::stream::Form;
use crate::stream_ticket::StreamTicket;

use super::Shard;
use super::http::{Request, Served};

/// How long a browser waits before it opens a lost stream again.
pub(super) const RETRY_MS: u64 = 1_000;

impl Shard {
    /// A session connects: whatever ticket it had is good no more.
    pub(super) fn withdraw_ticket(&mut self, session: SessionKey) {
        if !self.tickets.is_empty() {
            self.tickets.remove(&session);
        }
    }

    /// A new ticket in the place of any other, for a frame or an event stream; its JSON.
    pub(super) fn give_ticket(&mut self, session: SessionKey, frame: Option<Box<Frame>>) -> String {
        let secret = self.new_secret(session);
        let json = format!("\"{secret}\"");
        let until = self.now + self.config.limits.stream_ticket_ms;
        self.tickets.insert(session, StreamTicket::Reply { secret, until, frame });
        json
    }

    /// A secret that says where its session lives, like the session's id.
    fn new_secret(&self, session: SessionKey) -> Box<str> {
        let SessionKey { slot, generation } = session;
        self.ids.make(Place { shard: self.index as u8, slot, generation })
    }

    /// Serves a request that wants to open an event stream.
    pub(super) fn serve_events(
        &mut self,
        key: ConnectionKey,
        request: &Request<'_>,
        origin: Option<&str>,
    ) -> Served {
        let head = request.head;
        if !head.version11 {
            // Who knows no chunks could not tell the end of a stream.
            return self.answer_plainly(key, Code::RequestInvalid, origin);
        }
        if let Some(id) = self.faye_id(head) {
            return self.serve_faye(key, request, origin, id);
        }
        let lost = head.field("last-event-id").and_then(EventId::parse);
        let named = match &lost {
            Some(id) => Some(id.ticket.into()),
            None => form::query_value(head.query().unwrap_or_default(), "ticket").ok().flatten(),
        };
        let place = named.as_ref().and_then(|named| Some((named, self.ids.place(named)?)));
        let Some((named, place)) = place.filter(|(_, place)| usize::from(place.shard) < self.peers.len())
        else {
            return self.refuse_stream(key, head, Code::TicketInvalid, origin);
        };
        if usize::from(place.shard) != self.index {
            return self.move_request(key, usize::from(place.shard), request);
        }
        let session = SessionKey { slot: place.slot, generation: place.generation };
        let received = lost.map(|id| id.received);
        let frame = self.tickets.get(&session).and_then(StreamTicket::frame).cloned();
        if let Err(code) = self.redeem(session, named, received, head) {
            return self.refuse_stream(key, head, code, origin);
        }
        let Some(connection) = self.connection(key) else { return Served::Gone };
        let keep_alive = head.keep_alive() && !connection.half_closed;
        let form = if frame.is_some() { Form::Frame } else { Form::Events };
        let special = Special { origin: origin.map(Into::into), frame, ..Special::default() };
        let special = (special.origin.is_some() || special.frame.is_some()).then(|| Box::new(special));
        connection.protocol = Protocol::Answering(Answering { keep_alive, special });
        self.retire_wire(session, key);
        self.open_stream(key, session, form, None);
        self.arm_session(session);
        self.mark_dirty(session);
        if self.is_stream(key) { Served::Waits } else { Served::Gone }
    }

    /// Takes a ticket for a stream of its session.
    fn redeem(
        &mut self,
        session: SessionKey,
        named: &str,
        received: Option<u64>,
        head: &Head<'_>,
    ) -> Result<(), Code> {
        let (now, config) = (self.now, self.config.clone());
        let good = self.tickets.get(&session).is_some_and(|ticket| match received {
            None => ticket.opens(named, now),
            Some(_) => ticket.reopens(named),
        });
        let id = self.seat(session).map(|seat| seat.session.client_id().to_owned());
        let Some(id) = id.filter(|_| good) else { return Err(Code::TicketInvalid) };
        let cookie = head.cookie(super::browser::COOKIE);
        if self.find_session(&id, Carrier::Http { connect_only: false }, cookie) != Some(session) {
            return Err(Code::TicketInvalid);
        }
        // Tabs that were opened at once were all given a ticket before there was a stream.
        if self.other_polls_of_browser(session) {
            return Err(Code::TicketInvalid);
        }
        self.tickets.remove(&session);
        let Some(seat) = self.seat(session) else { return Err(Code::TicketInvalid) };
        seat.session.resume_stream(received, &config.session).map_err(|error| error.code)
    }

    /// How an event stream begins: with the ticket for the next, should this one be lost.
    pub(super) fn begin_events(&mut self, session: SessionKey, out: &mut Vec<u8>) {
        let secret = self.new_secret(session);
        let received = self.seat(session).and_then(|seat| seat.session.sent()).unwrap_or_default();
        write_retry(out, RETRY_MS, Some(EventId { ticket: &secret, received }));
        self.tickets.insert(session, StreamTicket::Stream { secret });
    }

    /// Events that have just left a session's queue, each with the count that it makes.
    pub(super) fn numbered_events(&self, session: SessionKey, queue: &[Shared], sent: u64) -> Vec<u8> {
        let secret = self.tickets.get(&session).map(StreamTicket::secret).unwrap_or_default();
        let mut out = Vec::new();
        for (index, delivery) in queue.iter().enumerate() {
            let behind = (queue.len() - 1 - index) as u64;
            EventId { ticket: secret, received: sent.saturating_sub(behind) }.write(&mut out);
            out.extend_from_slice(delivery.0.frame(Form::Events));
        }
        out
    }
}

/// Whether a GET wants to open an event stream.
pub(super) fn asks_for_events(head: &Head<'_>) -> bool {
    head.asks_for(MEDIA)
        || matches!(form::query_value(head.query().unwrap_or_default(), "ticket"), Ok(Some(_)))
}
