//! Event streams of Faye's clients, where they are switched on.
//!
//! Faye's client opens its stream with the id of its session in the address, before its first connect, and goes on
//! connecting by POST while it is there; the stream is a wire of the session all the same. What it looks like is that of
//! all event streams, without marks: who opens it anew gets what waits.

use bayeux::{Carrier, Code};
use comet_wire::http::Head;

use crate::connection::{Answering, Protocol, Special};
use crate::key::{ConnectionKey, SessionKey};
use crate::stream::Form;

use super::Shard;
use super::http::{Request, Served};

impl Shard {
    /// The id in the address, if it is one of ours and may stand there.
    pub(super) fn faye_id<'a>(&self, head: &Head<'a>) -> Option<&'a str> {
        let id = head.path().rsplit('/').next().filter(|_| self.config.faye_event_source)?;
        self.ids.place(id).map(|_| id)
    }

    /// Whether the wire of a session is such a stream, which its connects do not end.
    pub(super) fn has_faye_stream(&mut self, session: SessionKey) -> bool {
        if !self.config.faye_event_source {
            return false;
        }
        let attached = self.seat(session).and_then(|seat| seat.attached);
        let wire = attached.and_then(|wire| self.connection(wire));
        wire.is_some_and(|wire| wire.form() == Some(Form::Faye))
    }

    /// Serves a request that names its session.
    pub(super) fn serve_faye(
        &mut self,
        key: ConnectionKey,
        request: &Request<'_>,
        origin: Option<&str>,
        id: &str,
    ) -> Served {
        let head = request.head;
        let shard = self.ids.place(id).map(|place| usize::from(place.shard));
        let Some(shard) = shard.filter(|shard| *shard < self.peers.len()) else {
            return self.answer_plainly(key, Code::TicketInvalid, origin);
        };
        if shard != self.index {
            return self.move_request(key, shard, request);
        }
        let cookie = head.cookie(super::browser::COOKIE);
        let session = self.find_session(id, Carrier::Http { connect_only: false }, cookie);
        let Some((session, connection)) = session.zip(self.connection(key)) else {
            return self.answer_plainly(key, Code::TicketInvalid, origin);
        };
        let keep_alive = head.keep_alive() && !connection.half_closed;
        let special = origin.map(|origin| Special { origin: Some(origin.into()), ..Special::default() });
        connection.protocol = Protocol::Answering(Answering { keep_alive, special: special.map(Box::new) });
        self.retire_wire(session, key);
        self.open_stream(key, session, Form::Faye, None);
        self.arm_session(session);
        self.mark_dirty(session);
        if self.is_stream(key) { Served::Waits } else { Served::Gone }
    }
}
