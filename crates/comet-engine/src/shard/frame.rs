//! Persistent frames: the pages that streams of the kind `iframe` are.
//!
//! A connect is answered with a ticket, as in `event_source`, and the ticket keeps how the frame hands over. Behind its
//! beginning such a page is a stream like all others, in `stream`; only here its nonce stands in each batch.

use bayeux::{Code, ConnectionType, Error};
use comet_wire::http::Head;
use comet_wire::persistent_frame::{write_batch, write_refusal};
use serde_json::value::RawValue;

use crate::connection::{Answering, Protocol};
use crate::delivery::{Chunk, Shared};
use crate::frame::Frame;
use crate::key::{ConnectionKey, SessionKey};
use crate::stream::Form;

use super::Shard;
use super::http::Served;

impl Shard {
    /// The frame that a connect which gets a ticket wants to open with it, if it wants one.
    pub(super) fn wanted_frame(
        &mut self,
        key: ConnectionKey,
        session: SessionKey,
        ext: Option<&RawValue>,
    ) -> Result<Option<Box<Frame>>, Error> {
        let kind = self.seat(session).and_then(|seat| seat.session.connection_type());
        if kind != Some(ConnectionType::Iframe) {
            return Ok(None);
        }
        let config = self.config.clone();
        let origin = self.connection(key).and_then(|connection| match &connection.protocol {
            Protocol::Answering(Answering { special: Some(special), .. }) => special.origin.as_deref(),
            _ => None,
        });
        Frame::read(ext, origin, &config.frame_domains).map(|frame| Some(Box::new(frame)))
    }

    /// Events that have just left the queue of a session, as one script of its frame.
    pub(super) fn framed(&mut self, key: ConnectionKey, queue: &[Shared]) -> Option<Chunk> {
        let Protocol::Streaming(stream) = &self.connection(key)?.protocol else { return None };
        let mut out = Vec::new();
        write_batch(&mut out, stream.nonce, queue.iter().map(|delivery| delivery.0.frame(Form::Frame)));
        Some(Chunk::Owned(out))
    }

    /// Refuses to open a stream: whoever asks for a page gets one with nothing in it.
    pub(super) fn refuse_stream(
        &mut self,
        key: ConnectionKey,
        head: &Head<'_>,
        code: Code,
        origin: Option<&str>,
    ) -> Served {
        let mut out = Vec::new();
        if !head.asks_for("text/html") || write_refusal(&mut out, code.http_status()).is_err() {
            return self.answer_plainly(key, code, origin);
        }
        self.counters.ending(code);
        self.write(key, Chunk::Owned(out));
        self.close_after_output(key);
        Served::Gone
    }
}
