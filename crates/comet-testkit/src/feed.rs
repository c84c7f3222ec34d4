//! A feed as a page without our client sees it: what `EventSource` would tell, to the letter.
//!
//! The text is read as the standard says and nothing else is let pass; the last id is kept, so that a feed can be opened
//! again as a browser does. What the events mean is not known here.

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::Value;

use crate::{Heard, PATIENCE, Response, Socket};

/// One event of a feed.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedEvent {
    /// Its name: a channel, `gap` or `end`.
    pub name: String,
    /// Its data.
    pub data: Value,
    /// The last id when it came.
    pub id: String,
}

/// A feed that is being read.
pub struct FeedReader {
    socket: Socket,
    head: Option<Response>,
    text: String,
    id: String,
    retry_ms: Option<u64>,
    comments: usize,
    ended: bool,
}

impl FeedReader {
    /// Asks for a feed, with these fields, each with its line end; its head has come.
    ///
    /// # Errors
    /// The answer of a server that refuses.
    ///
    /// # Panics
    /// When nothing comes within [`PATIENCE`], or no answer.
    pub fn open(address: SocketAddr, target: &str, fields: &str) -> Result<FeedReader, Response> {
        let mut socket = Socket::connect(address);
        let host = socket.host().to_owned();
        socket.send(format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n{fields}\r\n"
        ));
        let (head, id) = (None, String::new());
        let mut feed =
            FeedReader { socket, head, text: String::new(), id, retry_ms: None, comments: 0, ended: false };
        loop {
            if let Some((head, length)) = Response::read(feed.socket.unread(), true) {
                if head.field("transfer-encoding") != Some("chunked") {
                    return Err(feed.socket.response());
                }
                assert_eq!(head.field("content-type"), Some("text/event-stream"));
                feed.socket.unread().drain(..length);
                feed.head = Some(head);
                return Ok(feed);
            }
            assert!(matches!(feed.socket.hear(PATIENCE), Heard::Bytes(_)), "an answer comes");
        }
    }

    /// The head of the answer.
    pub fn head(&self) -> &Response {
        self.head.as_ref().expect("a feed is there when its head has come")
    }

    /// What a browser would say in `Last-Event-ID`.
    pub fn last_id(&self) -> &str {
        &self.id
    }

    /// How long a browser would wait before it comes back.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Comments that came.
    pub fn comments(&self) -> usize {
        self.comments
    }

    /// The next event; `None` at the end of the feed, whether it ended as it should or was cut.
    ///
    /// # Panics
    /// When nothing comes within [`PATIENCE`], or what no browser would understand.
    pub fn event(&mut self) -> Option<FeedEvent> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.understand() {
                return Some(event);
            }
            if self.ended || !self.hear(end) {
                return None;
            }
        }
    }

    /// The data of the next message on any channel.
    ///
    /// # Panics
    /// When something else comes, or nothing.
    pub fn data(&mut self) -> Value {
        let event = self.event().expect("the feed goes on");
        assert!(event.name.starts_with('/'), "{event:?}");
        event.data
    }

    /// Waits until the browser has been told where to go on, or more has come.
    ///
    /// # Panics
    /// When nothing comes within [`PATIENCE`].
    pub fn begun(mut self) -> FeedReader {
        let end = Instant::now() + PATIENCE;
        while self.retry_ms.is_none() {
            assert!(self.hear(end), "a feed begins with what browsers note");
            if let Some(event) = self.understand() {
                panic!("{event:?} comes before what browsers note");
            }
        }
        self
    }

    /// Waits until so many comments have come, and nothing else.
    ///
    /// # Panics
    /// When something else comes, or too little.
    pub fn beats(&mut self, comments: usize) {
        let end = Instant::now() + PATIENCE;
        while self.comments < comments {
            assert!(self.hear(end), "{} comments came", self.comments);
            assert_eq!(self.understand(), None);
        }
    }

    /// Takes in what comes next; false when no more does.
    fn hear(&mut self, end: Instant) -> bool {
        while !self.take_chunk() {
            match self.socket.hear(end.saturating_duration_since(Instant::now())) {
                Heard::Bytes(_) => {}
                Heard::End => return false,
                Heard::Nothing => panic!("nothing came on the feed"),
            }
        }
        !self.ended
    }

    fn take_chunk(&mut self) -> bool {
        let unread = self.socket.unread();
        let Some(end) = unread.windows(2).position(|two| two == b"\r\n") else { return false };
        let size = std::str::from_utf8(&unread[..end]).expect("a chunk begins with its size");
        let size = usize::from_str_radix(size, 16).expect("a chunk begins with its size");
        if unread.len() < end + 4 + size {
            return false;
        }
        let chunk: Vec<u8> = unread.drain(..end + 4 + size).skip(end + 2).take(size).collect();
        self.text.push_str(&String::from_utf8(chunk).expect("a feed is text"));
        self.ended |= size == 0;
        true
    }

    fn understand(&mut self) -> Option<FeedEvent> {
        while let Some(end) = self.text.find("\n\n") {
            let block: String = self.text.drain(..end + 2).collect();
            assert!(!block.contains('\r'), "{block:?}");
            let (mut name, mut data) = (None, None);
            for line in block.lines().filter(|line| !line.is_empty()) {
                match line.split_once(": ") {
                    Some(("event", text)) => name = Some(text.to_owned()),
                    Some(("data", text)) => data = Some(text.to_owned()),
                    Some(("id", text)) => self.id = text.to_owned(),
                    Some(("retry", text)) => self.retry_ms = text.parse().ok(),
                    _ if line == ":" => self.comments += 1,
                    _ => panic!("this is no field: {line:?}"),
                }
            }
            if let Some(data) = data {
                let data =
                    serde_json::from_str(&data).unwrap_or_else(|_| panic!("this is no data: {data:?}"));
                let name = name.expect("every event has a name");
                return Some(FeedEvent { name, data, id: self.id.clone() });
            }
        }
        None
    }
}
