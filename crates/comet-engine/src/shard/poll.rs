//! Timed polling: requests without a body that stand for connects, answered at once.
//!
//! A poll becomes the connect it stands for and goes the way of every batch; here it begins, and here its answer is
//! written, or the word that there is nothing new. Whether the session takes it is `bayeux`'s to say, what request and
//! answer look like is `comet-wire`'s.

use bayeux::{Carrier, Code, Message, Reply};
use comet_wire::poll::{self, Poll};

use crate::connection::Special;
use crate::delivery::{Chunk, Shared};
use crate::key::ConnectionKey;

use super::Shard;
use super::answer::encode_all;
use super::http::{Request, Served};

impl Shard {
    /// Serves a request that asks whether there is anything new.
    pub(super) fn serve_poll(
        &mut self,
        key: ConnectionKey,
        request: &Request<'_>,
        poll: Poll<'_>,
        origin: Option<&str>,
    ) -> Served {
        let Some(received) = poll.received else {
            return self.answer_plainly(key, Code::RequestInvalid, origin);
        };
        let cookie = request.head.cookie(super::browser::COOKIE);
        let session = self.find_session(poll.client_id, Carrier::Http { connect_only: false }, cookie);
        if let Some(seat) = session.and_then(|session| self.seat(session))
            && let Err(code) = seat.session.admit_poll(received)
        {
            return self.answer_plainly(key, code, origin);
        }
        // Of a session that is not here another shard may know; of one that is nowhere the reply tells.
        let messages = vec![Message::poll(poll.client_id, received)];
        let special =
            Special { origin: origin.map(Into::into), polled: Some(received), ..Special::default() };
        self.serve_batch(key, request, messages, request.head_bytes.len(), Some(special))
    }

    /// Writes the answer to a poll whose client has `received` so many events.
    pub(super) fn write_polled(
        &mut self,
        key: ConnectionKey,
        received: u64,
        origin: Option<&str>,
        (events, replies): (&[Shared], &[Reply]),
        keep_alive: bool,
    ) {
        let (mut out, successful) = (Vec::new(), replies.iter().all(Reply::is_successful));
        let silent = successful && events.is_empty() && replies.iter().all(|reply| reply.advice.is_none());
        let written = if silent {
            let session = self.connection(key).and_then(|connection| connection.session);
            let time_ms = session.and_then(|session| self.all_sent_ms(session));
            poll::write_unchanged(&mut out, received, time_ms, origin, keep_alive)
        } else {
            let replies = encode_all(replies);
            let bodies = events.iter().map(|event| event.0.event()).chain(replies.iter().map(Vec::as_slice));
            let received = successful.then_some(received + events.len() as u64);
            poll::write_batch(&mut out, bodies, received, origin, keep_alive)
        };
        match written {
            Ok(()) => self.write(key, Chunk::Owned(out)),
            Err(_) => self.end_connection(key, Code::Internal),
        }
    }
}
