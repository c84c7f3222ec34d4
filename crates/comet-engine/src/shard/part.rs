//! Batches of callback polling that come in parts, because one address cannot hold them.
//!
//! Each part is answered with how many are here; the one that makes the batch whole is answered as the batch. What is kept
//! is bounded for a session and for the shard, and forgotten after a while. How parts are put together is `comet-wire`'s.

use std::collections::HashMap;

use bayeux::{Carrier, Code, Message, Millis};
use comet_wire::callback::{Callback, write_response};
use comet_wire::part::{Part, PartError, Parts, Put};

use crate::connection::Special;
use crate::delivery::Chunk;
use crate::key::{ConnectionKey, SessionKey};

use super::Shard;
use super::http::{Request, Served};

/// The parts that are here, of the sessions that send any.
#[derive(Default)]
pub(super) struct Gathered {
    sessions: HashMap<SessionKey, (Parts, Millis)>,
    /// Bytes of all of them.
    bytes: usize,
}

impl Gathered {
    /// A session is gone.
    pub(super) fn remove(&mut self, session: SessionKey) {
        if let Some((parts, _)) = self.sessions.remove(&session) {
            self.bytes -= parts.bytes();
        }
    }

    /// Forgets what has waited for too long.
    pub(super) fn sweep(&mut self, now: Millis) {
        for (parts, until) in self.sessions.values_mut() {
            if parts.bytes() > 0 && *until <= now {
                self.bytes -= parts.bytes();
                parts.forget();
            }
        }
    }
}

impl Shard {
    /// Serves one part of a batch.
    pub(super) fn serve_part(
        &mut self,
        key: ConnectionKey,
        request: &Request<'_>,
        part: &Part<'_>,
        callback: Callback,
    ) -> Served {
        let head = request.head;
        let Some(place) = self.ids.place(&part.client) else {
            return self.answer_plainly(key, Code::SessionUnknown, None);
        };
        if usize::from(place.shard) != self.index && usize::from(place.shard) < self.peers.len() {
            return self.move_request(key, usize::from(place.shard), request);
        }
        let (carrier, cookie) = (Carrier::Http { connect_only: true }, head.cookie(super::browser::COOKIE));
        let Some(session) = self.find_session(&part.client, carrier, cookie) else {
            return self.answer_plainly(key, Code::SessionUnknown, None);
        };
        let here = match self.put_part(session, part) {
            Ok(Put::Here(here)) => here,
            Ok(Put::Whole(text)) => return self.serve_whole(key, request, part, &text, callback),
            Err(code) => return self.answer_plainly(key, code, None),
        };
        let mut out = Vec::new();
        let answer = format!("{{\"parts\":{here}}}");
        let keep_alive = head.keep_alive() && self.drain.is_none();
        write_response(&mut out, &callback, std::iter::once(answer.as_bytes()), keep_alive);
        self.write(key, Chunk::Owned(out));
        if !keep_alive {
            self.close_after_output(key);
            return Served::Gone;
        }
        if let Some(connection) = self.connection(key) {
            connection.permit.release_address();
        }
        Served::Done
    }

    fn put_part(&mut self, session: SessionKey, part: &Part<'_>) -> Result<Put, Code> {
        let limits = &self.config.limits;
        let gathered = &mut self.gathered;
        if gathered.bytes + part.piece.len() > limits.parts_bytes_per_shard {
            gathered.sweep(self.now);
            if gathered.bytes + part.piece.len() > limits.parts_bytes_per_shard {
                return Err(Code::Overloaded);
            }
        }
        let (parts, until) = gathered.sessions.entry(session).or_default();
        let before = parts.bytes();
        if before > 0 && *until <= self.now {
            parts.forget();
        }
        let was = parts.progress();
        let put = parts.put(part, limits.parts_per_batch, limits.batch_bytes);
        // One that comes again, or is refused, does not keep the others here.
        if parts.progress() != was {
            *until = self.now + limits.parts_wait_ms;
        }
        gathered.bytes = gathered.bytes + parts.bytes() - before;
        put.map_err(|error| match error {
            PartError::Invalid => Code::PartsInvalid,
            PartError::TooLarge => Code::BodyTooLarge,
        })
    }

    fn serve_whole(
        &mut self,
        key: ConnectionKey,
        request: &Request<'_>,
        part: &Part<'_>,
        text: &[u8],
        callback: Callback,
    ) -> Served {
        match self.decode_all(std::iter::once(text)) {
            // Parts of one session are nobody else's batch.
            Ok(messages) if !is_of(&messages, &part.client) => {
                self.answer_plainly(key, Code::PartsInvalid, None)
            }
            Ok(messages) => {
                let special = Special { callback: Some(callback), ..Special::default() };
                self.serve_batch(key, request, messages, text.len(), Some(special))
            }
            Err(code) => self.answer_plainly(key, code, None),
        }
    }
}

/// Whether the batch is of this session, which its first message names.
fn is_of(messages: &[Message], client: &str) -> bool {
    messages.first().and_then(|message| message.client_id.as_deref()) == Some(client)
}
