//! Server-sent events: one answer that goes on, each event a JSON array of messages.
//!
//! An event is one chunk of a chunked body, made once for all subscribers; what concerns one of them alone, the id from
//! which it goes on, is a chunk of its own in front of it, and browsers take the two for one event. Bodies come encoded from
//! the engine and leave in the buffer that is sent.

use crate::http::response::{write_chunk, write_chunk_size};
use crate::json_array::json_array_length;
use crate::stream::write_array_on_one_line;

/// The type of the answer.
pub const MEDIA: &str = "text/event-stream";

/// An empty batch: it means nothing and shows that the stream is there, to pages too, which never see comments.
pub const HEARTBEAT: &[u8] = b"a\r\ndata: []\n\n\r\n";

const BEFORE: &[u8] = b"data: ";
const BEHIND: &[u8] = b"\n\n";
/// The longest size of a chunk with its line end.
const MOST_SIZE_BYTES: usize = 18;

/// Appends one event, as a chunk of its own: all bodies, each one JSON value, as one JSON array.
pub fn write_event<'a>(out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]> + Clone) {
    let length = BEFORE.len() + json_array_length(bodies.clone()) + BEHIND.len();
    out.reserve(length + MOST_SIZE_BYTES + 2);
    write_chunk_size(out, length);
    out.extend_from_slice(BEFORE);
    write_array_on_one_line(out, bodies);
    out.extend_from_slice(BEHIND);
    out.extend_from_slice(b"\r\n");
}

/// Where a browser goes on that has lost its stream: the ticket with which it opens the next, and how many events it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId<'a> {
    /// Letters and digits.
    pub ticket: &'a str,
    /// Events received.
    pub received: u64,
}

impl<'a> EventId<'a> {
    /// Reads what a browser sends in `Last-Event-ID`.
    pub fn parse(id: &'a [u8]) -> Option<EventId<'a>> {
        let (ticket, received) = std::str::from_utf8(id).ok()?.split_once('.')?;
        let well = |text: &str, most: usize, is_good: fn(&u8) -> bool| {
            !text.is_empty() && text.len() <= most && text.bytes().all(|byte| is_good(&byte))
        };
        let good = well(ticket, 128, u8::is_ascii_alphanumeric) && well(received, 20, u8::is_ascii_digit);
        good.then(|| received.parse().ok()).flatten().map(|received| EventId { ticket, received })
    }

    /// Appends the field, as a chunk of its own: the id of the event that follows.
    pub fn write(self, out: &mut Vec<u8>) {
        let mut field = Vec::with_capacity(self.ticket.len() + 28);
        self.write_field(&mut field);
        write_chunk(out, &field);
    }

    fn write_field(self, field: &mut Vec<u8>) {
        debug_assert!(self.ticket.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        field.extend_from_slice(b"id: ");
        field.extend_from_slice(self.ticket.as_bytes());
        field.push(b'.');
        field.extend_from_slice(itoa::Buffer::new().format(self.received).as_bytes());
        field.push(b'\n');
    }
}

/// Appends how long a browser that has lost its stream waits before it comes back, and the id with which it does, as a
/// chunk of its own; browsers take note and tell nobody.
pub fn write_retry(out: &mut Vec<u8>, retry_ms: u64, id: Option<EventId<'_>>) {
    let mut fields = Vec::with_capacity(128);
    fields.extend_from_slice(b"retry: ");
    fields.extend_from_slice(itoa::Buffer::new().format(retry_ms).as_bytes());
    fields.push(b'\n');
    if let Some(id) = id {
        id.write_field(&mut fields);
    }
    fields.push(b'\n');
    write_chunk(out, &fields);
}
