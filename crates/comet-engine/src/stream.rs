//! One-way streams, and the forms that events take on wires that push.
//!
//! What a connection remembers while its answer goes on is here, and how a batch becomes bytes on each wire; the bytes
//! themselves are `comet-wire`'s. When a stream begins, beats and ends is decided in `shard/stream.rs`.

use std::sync::LazyLock;

use bayeux::{ConnectionType, Millis};
use comet_wire::multipart::Boundary;
use comet_wire::persistent_frame::Nonce;
use comet_wire::websocket::encode;
use comet_wire::{event_stream, http_streaming, persistent_frame, xml_socket};

use crate::client_id::random_bytes;
use crate::delivery::Event;
use crate::{feed, image};

/// What stands between the parts of all multipart streams of this process, so that a part is made once for all of them.
pub(crate) static BOUNDARY: LazyLock<Boundary> =
    LazyLock::new(|| Boundary::new(u128::from_be_bytes(random_bytes())));

/// The form of batches on a wire that pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One text frame.
    WebSocket,
    /// One line of a chunked answer.
    Lines,
    /// One part of a chunked multipart answer.
    Parts,
    /// What stands in the array of a script of a page; the script around it is each page's own.
    Frame,
    /// One server-sent event of a chunked answer.
    Events,
    /// As the former, on a stream that is opened with the session's id and is there beside its connects.
    Faye,
    /// One message that ends in NUL.
    XmlSocket,
    /// The same in a binary frame of a WebSocket.
    XmlSocketFrame,
    /// One server-sent event for each message, for pages without a client of ours.
    Feed,
    /// One picture of a multipart answer for each message that holds one, for image elements.
    Images,
}

impl Form {
    /// How many there are.
    pub(crate) const COUNT: usize = 10;

    /// The form of the stream that answers a connect of this kind.
    pub(crate) fn of_answer(kind: Option<ConnectionType>) -> Form {
        if kind == Some(ConnectionType::Multipart) { Form::Parts } else { Form::Lines }
    }

    /// Appends a batch of these bodies, ready to be sent.
    pub(crate) fn write<'a>(self, out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]> + Clone) {
        match self {
            Form::WebSocket => encode::write_json_array_frame(out, bodies),
            Form::Lines => http_streaming::write_line(out, bodies),
            Form::Parts => BOUNDARY.write_part(out, bodies),
            Form::Frame => persistent_frame::write_escaped(out, bodies),
            Form::Events | Form::Faye => event_stream::write_event(out, bodies),
            Form::XmlSocket => xml_socket::write_message(out, bodies),
            Form::XmlSocketFrame => xml_socket::write_message_frame(out, bodies),
            Form::Feed => bodies.for_each(|body| feed::write_told(out, body)),
            // Pictures say nothing.
            Form::Images => {}
        }
    }

    /// Appends one event.
    pub(crate) fn write_event(self, out: &mut Vec<u8>, event: &Event) {
        match (self, event) {
            (Form::Feed, Event::Published(publication)) => feed::write_publication(out, publication),
            (Form::Images, Event::Published(publication)) => {
                image::write_publication(out, &BOUNDARY, publication)
            }
            _ => self.write(out, std::iter::once(event.json())),
        }
    }

    /// Whether streams of this form end with a message that says why.
    pub(crate) fn has_last_word(self) -> bool {
        !matches!(self, Form::Faye | Form::Feed | Form::Images)
    }

    /// Whether a session of its own is behind each stream, which no client knows.
    pub(crate) fn is_anonymous(self) -> bool {
        matches!(self, Form::Feed | Form::Images)
    }

    /// Whether whoever reads it opens another when it ends. Image elements do not: theirs ends with its wire.
    pub(crate) fn is_recycled(self) -> bool {
        self != Form::Images
    }

    /// The media type of a stream of this form.
    pub(crate) fn media(self) -> &'static str {
        match self {
            Form::Events | Form::Faye | Form::Feed => event_stream::MEDIA,
            Form::Frame => persistent_frame::MEDIA,
            Form::Parts | Form::Images => BOUNDARY.media(),
            _ => http_streaming::MEDIA,
        }
    }

    /// What shows on every stream of this form that it is there; empty where nothing can be said to all.
    fn heartbeat(self) -> &'static [u8] {
        match self {
            Form::Events => event_stream::HEARTBEAT,
            Form::Faye | Form::Feed => comet_wire::feed::HEARTBEAT,
            Form::Parts => BOUNDARY.heartbeat(),
            Form::Frame | Form::Images => b"",
            _ => http_streaming::HEARTBEAT,
        }
    }
}

/// An answer that goes on.
#[derive(Clone, Copy)]
pub(crate) struct Stream {
    /// The form of its batches.
    pub(crate) form: Form,
    /// The connection takes another request behind it.
    pub(crate) keep_alive: bool,
    /// What it may still carry before another takes its place.
    pub(crate) bytes_left: usize,
    /// When another takes its place.
    pub(crate) until: Millis,
    /// When something was last written to it.
    pub(crate) written: Millis,
    /// After how long a silence it shows that it is there: sooner the first time, so that what holds streams back is
    /// noticed.
    pub(crate) beat_ms: u32,
    /// Of a frame: what its scripts carry.
    pub(crate) nonce: Nonce,
}

impl Stream {
    /// Appends the last batch.
    pub(crate) fn write_last<'a>(&self, out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]> + Clone) {
        match self.form {
            Form::Parts => BOUNDARY.write_last_part(out, bodies),
            Form::Frame => {
                let mut escaped = Vec::new();
                self.form.write(&mut escaped, bodies);
                persistent_frame::write_batch(out, self.nonce, std::iter::once(&*escaped));
            }
            form => form.write(out, bodies),
        }
    }

    /// What shows that it is there; empty where nothing can be said.
    pub(crate) fn heartbeat(&self) -> Vec<u8> {
        let mut out = self.form.heartbeat().to_vec();
        if self.form == Form::Frame {
            persistent_frame::write_batch(&mut out, self.nonce, std::iter::empty());
        }
        out
    }

    /// When to look at it: when it has been silent for so long, or its time is up.
    pub(crate) fn look(&self) -> Millis {
        self.until.min(self.written + u64::from(self.beat_ms))
    }
}
