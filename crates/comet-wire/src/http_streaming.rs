//! Streams of lines: one answer that goes on, each line a JSON array of messages.
//!
//! A line is one chunk of a chunked body, so that what is made once for all subscribers is sent as it is. The type says
//! newline-delimited JSON and is not to be guessed at: browsers hold back what they may sniff. Bodies come encoded from the
//! engine and leave in the buffer that is sent; when a stream begins and ends is decided there.

use crate::http::response::write_chunk_size;
use crate::json_array::json_array_length;
use crate::stream::write_array_on_one_line;

/// The type of the answer.
pub const MEDIA: &str = "application/x-ndjson";

/// An empty line: it means nothing and shows that the stream is there.
pub const HEARTBEAT: &[u8] = b"1\r\n\n\r\n";

/// The longest size of a chunk with its line end.
const MOST_SIZE_BYTES: usize = 18;

/// Appends one line, as a chunk of its own: all bodies, each one JSON value, as one JSON array.
pub fn write_line<'a>(out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]> + Clone) {
    let length = json_array_length(bodies.clone()) + 1;
    out.reserve(length + MOST_SIZE_BYTES + 2);
    write_chunk_size(out, length);
    write_array_on_one_line(out, bodies);
    out.extend_from_slice(b"\n\r\n");
}
