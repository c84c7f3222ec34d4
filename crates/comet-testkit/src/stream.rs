//! One answer that goes on, read piece by piece.
//!
//! A request leaves, and what comes back is a plain answer or a stream of chunks: lines with a batch each, parts of a
//! multipart answer, scripts of a page, or server-sent events, of which the last id is kept as a browser keeps it. Every piece is held to the letter; who may be cut off is told
//! so. What the messages mean is not known here.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::wire::Post;
use crate::{Client, Heard, Phrase, Response, Socket, Wire};

/// The type of a multipart answer, up to its boundary.
const MULTIPART: &str = "multipart/x-mixed-replace; boundary=";

/// The type of a page.
const PAGE: &str = "text/html; charset=utf-8";

/// What came on a stream.
#[derive(Clone, Debug)]
pub enum Streamed {
    /// A plain answer instead of a stream.
    Answer(Response),
    /// A batch.
    Batch(Vec<Value>),
    /// An empty line.
    Heartbeat,
    /// The end, as it has to be: the last chunk.
    End,
    /// The connection ended, or broke, before the end of the answer.
    Cut,
    /// Nothing in the time given.
    Nothing,
}

/// A connection whose answers may go on.
pub struct StreamReader {
    socket: Socket,
    head: Option<Response>,
    closes: bool,
    /// Of server-sent events: what is not a whole one yet.
    text: String,
    last_event_id: String,
    retry_ms: Option<u64>,
    /// Of a multipart answer: what its parts stand between, until the last one.
    boundary: String,
    /// Of a page: its first chunk has been read.
    page_begun: bool,
}

impl StreamReader {
    /// Reads from a connection.
    pub fn new(socket: Socket) -> StreamReader {
        StreamReader {
            socket,
            head: None,
            closes: false,
            text: String::new(),
            last_event_id: String::new(),
            retry_ms: None,
            boundary: String::new(),
            page_begun: false,
        }
    }

    /// Connects.
    pub fn connect(address: SocketAddr) -> StreamReader {
        StreamReader::new(Socket::connect(address))
    }

    /// The connection itself.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// The head of the stream that is being read.
    pub fn head(&self) -> Option<&Response> {
        self.head.as_ref()
    }

    /// What a browser names in `Last-Event-ID`.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// How long a browser waits before it opens a lost stream again, if it was told.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Asks for an event stream, with these fields, each with its line end.
    pub fn get_events(&mut self, target: &str, fields: &str) {
        let request = events_request(&mut self.socket, target, fields);
        self.socket.send(request);
    }

    /// Asks for an event stream of a server that may be gone; `None` when it is.
    pub(crate) fn try_get_events(&mut self, target: &str, fields: &str) -> Option<()> {
        let request = events_request(&mut self.socket, target, fields);
        self.socket.try_send(request).ok()
    }

    /// Asks for the page of a persistent frame, with these fields, each with its line end.
    pub fn get_page(&mut self, target: &str, fields: &str) {
        let request = page_request(&mut self.socket, target, fields);
        self.socket.send(request);
    }

    /// Asks for a page of a server that may be gone; `None` when it is.
    pub(crate) fn try_get_page(&mut self, target: &str, fields: &str) -> Option<()> {
        let request = page_request(&mut self.socket, target, fields);
        self.socket.try_send(request).ok()
    }

    /// Whether the server closes the connection behind the stream that was read last.
    pub fn closes(&self) -> bool {
        self.closes
    }

    /// Sends a batch by POST, with these fields, to a server that may be gone; `None` when it is.
    pub(crate) fn try_post(&mut self, fields: &str, batch: &[Value]) -> Option<()> {
        let request = Post::request(self.socket.host(), fields, batch);
        self.socket.try_send(request).ok()
    }

    /// Sends a batch by POST, with these fields, each with its line end.
    pub fn post(&mut self, fields: &str, batch: &Value) {
        self.socket.send_post(
            "/cometd",
            &format!("Content-Type: application/json\r\n{fields}"),
            batch.to_string(),
        );
    }

    /// Sends a connect of a client's session, with the cookie of its browser, that asks for a stream.
    pub fn connect_for<W: Wire>(&mut self, client: &Client<W>, origin: Option<&str>) {
        self.connect_as("http-streaming", client, origin);
    }

    /// The same for a stream of this kind.
    pub fn connect_as<W: Wire>(&mut self, kind: &str, client: &Client<W>, origin: Option<&str>) {
        let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        let cookie = client.wire.cookie().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let connect = json!([{ "channel": "/meta/connect", "connectionType": kind, "clientId": client.id(), "id": "c" }]);
        self.post(&(origin + &cookie), &connect);
    }

    /// Waits for the next piece, no longer than `within`.
    pub fn next(&mut self, within: Duration) -> Streamed {
        let end = Instant::now() + within;
        loop {
            if let Some(piece) = self.understand() {
                return piece;
            }
            match self.socket.hear(end.saturating_duration_since(Instant::now())) {
                Heard::Bytes(_) => {}
                Heard::End => return Streamed::Cut,
                Heard::Nothing if Instant::now() < end => {}
                Heard::Nothing => return Streamed::Nothing,
            }
        }
    }

    /// The next batch, whatever heartbeats come before it.
    ///
    /// # Panics
    /// When anything else comes, or nothing within [`crate::PATIENCE`].
    pub fn batch(&mut self) -> Vec<Value> {
        let end = Instant::now() + crate::PATIENCE;
        loop {
            match self.next(end.saturating_duration_since(Instant::now())) {
                Streamed::Batch(batch) => return batch,
                Streamed::Heartbeat => {}
                other => panic!("expected a batch, got {other:?}"),
            }
        }
    }

    /// The batches up to the end of the stream.
    ///
    /// # Panics
    /// When it ends in another way, or not within [`crate::PATIENCE`].
    pub fn rest(&mut self) -> Vec<Vec<Value>> {
        let end = Instant::now() + crate::PATIENCE;
        let mut batches = Vec::new();
        loop {
            match self.next(end.saturating_duration_since(Instant::now())) {
                Streamed::Batch(batch) => batches.push(batch),
                Streamed::Heartbeat => {}
                Streamed::End => return batches,
                other => panic!("expected the end of the stream, got {other:?} behind {batches:?}"),
            }
        }
    }

    /// The server-sent event that was read next, if it is whole.
    fn understand_event(&mut self) -> Option<Streamed> {
        let end = self.text.find("\n\n")?;
        let event: String = self.text.drain(..end + 2).collect();
        let mut data = None;
        for line in event.lines().filter(|line| !line.is_empty() && !line.starts_with(':')) {
            match line.split_once(": ") {
                Some(("data", text)) => data = Some(text.to_owned()),
                Some(("id", id)) => self.last_event_id = id.to_owned(),
                Some(("retry", ms)) => self.retry_ms = ms.parse().ok(),
                _ => panic!("this is no field: {line:?}"),
            }
        }
        let batch: Vec<Value> = data.map_or_else(Vec::new, |data| {
            serde_json::from_str(&data).unwrap_or_else(|_| panic!("this is no batch: {data:?}"))
        });
        Some(if batch.is_empty() { Streamed::Heartbeat } else { Streamed::Batch(batch) })
    }

    /// What a chunk of a multipart answer says: it is one part, and brings the line along that ends it.
    fn understand_part(&mut self, chunk: &str, line: String) -> Option<Streamed> {
        if self.boundary.is_empty() {
            assert_eq!(chunk, format!("{line}\r\n"), "the first part has a boundary in front of it");
            self.boundary = line;
            return self.understand();
        }
        let rest = chunk.strip_prefix("Content-Type: application/json\r\nContent-Length: ");
        let (length, rest) = rest.and_then(|rest| rest.split_once("\r\n\r\n")).expect("fields and a body");
        let (body, behind) = rest.split_at(length.parse().expect("a length"));
        if behind == format!("\r\n{line}--\r\n") {
            self.boundary.clear();
        } else {
            assert_eq!(behind, format!("\r\n{line}\r\n"), "a part ends where it said");
        }
        let batch: Vec<Value> = serde_json::from_str(body).unwrap_or_else(|_| panic!("no batch: {body:?}"));
        Some(if batch.is_empty() { Streamed::Heartbeat } else { Streamed::Batch(batch) })
    }

    /// What a chunk of a page says: the first one begins it, each other is a script with a batch.
    fn understand_script(&mut self, chunk: &str) -> Option<Streamed> {
        let head = self.head.as_ref().and_then(|head| head.field("content-security-policy"));
        let nonce = head.and_then(|policy| policy.split("'nonce-").nth(1)?.split('\'').next());
        let nonce = nonce.expect("scripts run by their nonce alone");
        if !self.page_begun {
            assert!(chunk.starts_with("<!doctype html>"), "{chunk}");
            assert!(chunk.contains(&format!("<script nonce=\"{nonce}\">")), "{chunk}");
            self.page_begun = true;
            return self.understand();
        }
        let script = chunk.strip_prefix(&format!("<script nonce=\"{nonce}\">p("));
        let array = script.and_then(|script| script.strip_suffix(")</script>"));
        let array = array.unwrap_or_else(|| panic!("this is no script: {chunk:?}"));
        assert!(!array.contains(['<', '>', '\u{2028}', '\u{2029}']), "no page can be ended: {array}");
        let batch: Vec<Value> =
            serde_json::from_str(array).unwrap_or_else(|_| panic!("this is no batch: {array:?}"));
        Some(if batch.is_empty() { Streamed::Heartbeat } else { Streamed::Batch(batch) })
    }

    /// What the bytes that were read say next.
    fn understand(&mut self) -> Option<Streamed> {
        if self.head.is_none() {
            let (head, length) = Response::read(self.socket.unread(), true)?;
            let media = head.field("content-type").unwrap_or_default();
            let streams = matches!(media, "application/x-ndjson" | "text/event-stream" | PAGE)
                || media.starts_with(MULTIPART);
            if !streams || head.status != 200 {
                let (answer, length) = Response::read(self.socket.unread(), false)?;
                self.socket.unread().drain(..length);
                return Some(Streamed::Answer(answer));
            }
            assert_eq!(head.field("transfer-encoding"), Some("chunked"), "{head:?}");
            self.socket.unread().drain(..length);
            self.closes = head.closes();
            self.head = Some(head);
        }
        if let Some(told) = self.understand_event() {
            return Some(told);
        }
        let (start, size) = chunk(self.socket.unread())?;
        let line = self.socket.unread()[start..start + size].to_vec();
        self.socket.unread().drain(..start + size + 2);
        if size == 0 {
            assert_eq!(self.text, "", "the last event is whole");
            assert!(self.boundary.is_empty(), "the last part says that it is the last");
            self.page_begun = false;
            self.head = None;
            return Some(Streamed::End);
        }
        let text = String::from_utf8(line).expect("a line is text");
        let media = self.head.as_ref().and_then(|head| head.field("content-type")).unwrap_or_default();
        if media == "text/event-stream" {
            self.text.push_str(&text);
            return self.understand();
        }
        if let Some(boundary) = media.strip_prefix(MULTIPART) {
            let line = format!("--{boundary}");
            return self.understand_part(&text, line);
        }
        if media == PAGE {
            return self.understand_script(&text);
        }
        let line = text.strip_suffix('\n').unwrap_or_else(|| panic!("this is no whole line: {text:?}"));
        assert!(!line.contains(['\n', '\r']), "one chunk is one line: {text:?}");
        if line.is_empty() {
            return Some(Streamed::Heartbeat);
        }
        let batch = serde_json::from_str(line).unwrap_or_else(|_| panic!("this is no batch: {line:?}"));
        Some(Streamed::Batch(batch))
    }
}

fn events_request(socket: &mut Socket, target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n{fields}\r\n", socket.host())
}

fn page_request(socket: &mut Socket, target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {}\r\nAccept: text/html,*/*;q=0.8\r\n{fields}\r\n", socket.host())
}

/// Where the chunk at the start of `bytes` has its data, and how much; `None` when it is not all there.
fn chunk(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(2).position(|two| two == b"\r\n")?;
    let size = std::str::from_utf8(&bytes[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
    let (start, size) = (end + 2, size.expect("a chunk begins with its size"));
    let behind = bytes.get(start + size..start + size + 2)?;
    assert_eq!(behind, b"\r\n", "a chunk ends where it said");
    Some((start, size))
}
