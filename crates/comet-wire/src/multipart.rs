//! Multipart streams: one answer that goes on, each part a JSON array of messages.
//!
//! A part is one chunk of a chunked body and brings the line that ends it along, so that a reader has not to wait for the
//! next one. No body holds a line end, which every boundary begins with; it is random all the same. Bodies come encoded from
//! the engine and leave in the buffer that is sent; when a stream begins and ends is decided there.

pub mod image;

use crate::http::response::{write_chunk, write_chunk_size};
use crate::json_array::json_array_length;
use crate::stream::write_array_on_one_line;

/// The type of the answer, up to the boundary.
const MEDIA: &str = "multipart/x-mixed-replace; boundary=";
const FIELDS: &[u8] = b"Content-Type: application/json\r\nContent-Length: ";
const BEFORE_BODY: &[u8] = b"\r\n\r\n";
/// Bytes of a boundary.
const BOUNDARY_BYTES: usize = 32;
/// The longest size of a chunk with its line end.
const MOST_SIZE_BYTES: usize = 18;

/// What stands between the parts of a stream, with all that can be made of it beforehand.
#[derive(Debug, Clone)]
pub struct Boundary {
    media: Box<str>,
    heartbeat: Box<[u8]>,
    /// The line end in front of it, two hyphens and the boundary itself.
    line: Box<[u8]>,
}

impl Boundary {
    /// A boundary of 32 hexadecimal digits.
    pub fn new(random: u128) -> Boundary {
        let text = format!("{random:0BOUNDARY_BYTES$x}");
        let mut boundary = Boundary {
            media: format!("{MEDIA}{text}").into(),
            heartbeat: Box::default(),
            line: format!("\r\n--{text}").into_bytes().into(),
        };
        let mut heartbeat = Vec::new();
        boundary.write_part(&mut heartbeat, std::iter::empty());
        boundary.heartbeat = heartbeat.into();
        boundary
    }

    /// The type of the answer.
    pub fn media(&self) -> &str {
        &self.media
    }

    /// An empty array: it means nothing and shows that the stream is there.
    pub fn heartbeat(&self) -> &[u8] {
        &self.heartbeat
    }

    /// Appends what stands in front of the first part, as a chunk of its own.
    pub fn write_beginning(&self, out: &mut Vec<u8>) {
        write_chunk(out, &[&self.line[2..], b"\r\n"].concat());
    }

    /// Appends one part, as a chunk of its own: all bodies, each one JSON value, as one JSON array.
    pub fn write_part<'a>(&self, out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]> + Clone) {
        self.write(out, bodies, b"\r\n");
    }

    /// Appends the last part.
    pub fn write_last_part<'a>(&self, out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]> + Clone) {
        self.write(out, bodies, b"--\r\n");
    }

    fn write<'a>(
        &self,
        out: &mut Vec<u8>,
        bodies: impl Iterator<Item = &'a [u8]> + Clone,
        behind: &'static [u8],
    ) {
        let body = json_array_length(bodies.clone());
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(body).as_bytes();
        let parts = [FIELDS.len(), digits.len(), BEFORE_BODY.len(), body, self.line.len(), behind.len()];
        let length = parts.iter().sum();
        out.reserve(length + MOST_SIZE_BYTES + 2);
        write_chunk_size(out, length);
        out.extend_from_slice(FIELDS);
        out.extend_from_slice(digits);
        out.extend_from_slice(BEFORE_BODY);
        write_array_on_one_line(out, bodies);
        out.extend_from_slice(&self.line);
        out.extend_from_slice(behind);
        out.extend_from_slice(b"\r\n");
    }
}
