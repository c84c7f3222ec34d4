//! Feeds: server-sent events for pages that have no client of ours, one message of a channel each.
//!
//! An event names its channel and carries the data of one message, and its id is a mark: all that is needed to go on behind
//! it, on any server that remembers the channels. Made here is the text, of what the engine has encoded already; no text of
//! anybody can begin a field of its own.

use crate::http::response::write_chunk_size;

/// The most bytes of a mark, written or read.
pub const MOST_MARK_BYTES: usize = 4 << 10;
/// The most channels in a mark.
pub const MOST_PLACES: usize = 64;

/// A comment: it means nothing, shows that the stream is there, and is told to no page.
pub const HEARTBEAT: &[u8] = b"3\r\n:\n\n\r\n";

/// What stands between the parts of a mark; it is in no name of a channel.
const SEPARATOR: char = '|';
/// Stands before the time of a mark that may leave something out.
const UNSURE: char = '~';

/// Where a reader goes on: behind these places, and on all other channels from a time on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark<'a> {
    /// In unix milliseconds. Without it there is one place and one channel.
    pub time_ms: Option<u64>,
    /// More channels were heard than a mark has room for: something may be missing on others.
    pub unsure: bool,
    /// The last message of each channel.
    pub places: Vec<Place<'a>>,
}

/// The place of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Which count of the channel it is of, as it was given out: lower hexadecimal digits.
    pub epoch: &'a str,
    /// Its number there.
    pub offset: u64,
    /// The channel; its grammar is not judged here.
    pub channel: &'a str,
}

impl<'a> Mark<'a> {
    /// Reads what a browser sends in `Last-Event-ID`, or a page as `since`.
    pub fn parse(mark: &'a [u8]) -> Option<Mark<'a>> {
        let text = std::str::from_utf8(mark).ok().filter(|text| text.len() <= MOST_MARK_BYTES)?;
        let mut read = Mark::default();
        for (index, part) in text.split(SEPARATOR).enumerate() {
            match Place::parse(part) {
                Some(place) if read.places.len() < MOST_PLACES => read.places.push(place),
                None if index == 0 => {
                    let time = part.strip_prefix(UNSURE);
                    read.unsure = time.is_some();
                    read.time_ms = Some(number(time.unwrap_or(part))?);
                }
                _ => return None,
            }
        }
        Some(read)
    }

    /// Appends the mark.
    pub fn write(&self, out: &mut Vec<u8>) {
        if let Some(time_ms) = self.time_ms {
            if self.unsure {
                out.push(UNSURE as u8);
            }
            out.extend_from_slice(itoa::Buffer::new().format(time_ms).as_bytes());
        }
        for (index, place) in self.places.iter().enumerate() {
            if index > 0 || self.time_ms.is_some() {
                out.push(SEPARATOR as u8);
            }
            place.write(out);
        }
    }
}

impl<'a> Place<'a> {
    fn parse(part: &'a str) -> Option<Place<'a>> {
        let (epoch, rest) = part.split_once('.')?;
        let slash = rest.find('/')?;
        let (offset, channel) = rest.split_at(slash);
        let is_epoch = (1..=16).contains(&epoch.len())
            && epoch.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_channel = channel.bytes().all(|byte| byte.is_ascii_graphic());
        (is_epoch && is_channel).then_some(Place { epoch, offset: number(offset)?, channel })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.epoch.as_bytes());
        out.push(b'.');
        out.extend_from_slice(itoa::Buffer::new().format(self.offset).as_bytes());
        out.extend_from_slice(self.channel.as_bytes());
    }

    /// The bytes it adds to a mark, with what stands before it.
    pub fn most_bytes(epoch: &str, channel: &str) -> usize {
        // A separator, a point and twenty digits.
        epoch.len() + channel.len() + 22
    }
}

/// Digits alone, as they are written.
fn number(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Appends one event, as a chunk of its own: its mark, its name and its data, which is JSON.
pub fn write_event(out: &mut Vec<u8>, mark: &[u8], name: &str, data: &[u8]) {
    let length = FIELDS_BYTES + mark.len() + name.len() + data.len();
    out.reserve(length + 20);
    write_chunk_size(out, length);
    write_field(out, b"id: ", mark);
    write_field(out, b"event: ", name.as_bytes());
    write_field(out, b"data: ", data);
    out.extend_from_slice(b"\n\r\n");
}

const FIELDS_BYTES: usize = "id: \nevent: \ndata: \n\n".len();

/// Appends the same event with another mark.
pub fn write_event_again(out: &mut Vec<u8>, mark: &[u8], event: &[u8]) {
    // Behind the size of the chunk and the mark, up to the end of the chunk.
    let rest = memchr::memchr_iter(b'\n', event).nth(1).map_or(event.len(), |end| end + 1);
    let rest = event[rest..].strip_suffix(b"\r\n").unwrap_or_default();
    write_chunk_size(out, b"id: \n".len() + mark.len() + rest.len());
    write_field(out, b"id: ", mark);
    out.extend_from_slice(rest);
    out.extend_from_slice(b"\r\n");
}

/// Appends an event that is no message and has no mark, as a chunk of its own.
pub fn write_word(out: &mut Vec<u8>, name: &str, data: &[u8]) {
    write_chunk_size(out, b"event: \ndata: \n\n".len() + name.len() + data.len());
    write_field(out, b"event: ", name.as_bytes());
    write_field(out, b"data: ", data);
    out.extend_from_slice(b"\n\r\n");
}

/// Appends how long a browser that has lost its stream waits before it comes back, and the mark from which it goes on, as a
/// chunk of its own; browsers take note and tell nobody.
pub fn write_retry(out: &mut Vec<u8>, retry_ms: u64, mark: Option<&[u8]>) {
    let mut fields = Vec::with_capacity(64);
    write_field(&mut fields, b"retry: ", itoa::Buffer::new().format(retry_ms).as_bytes());
    if let Some(mark) = mark {
        write_field(&mut fields, b"id: ", mark);
    }
    fields.push(b'\n');
    crate::http::response::write_chunk(out, &fields);
}

/// Appends a line. Line ends of JSON are white space wherever they may stand, and become spaces; nothing else that comes
/// here has any.
fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    let start = out.len();
    out.extend_from_slice(value);
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r' | 0) {
            *byte = b' ';
        }
    }
    out.push(b'\n');
}
