//! The wire of a scripted client on HTTP streaming.
//!
//! Events come down the answer to a connect, everything else goes by a connection of its own, as browsers do it. A connect
//! while a stream is open opens another one; the older one is read to its end first.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{HttpWire, Post, Wire};
use crate::{StreamReader, Streamed};

/// Streams down, POSTs up.
pub struct StreamWire {
    address: SocketAddr,
    command: HttpWire<Post>,
    streams: VecDeque<StreamReader>,
    /// A connection whose stream has ended takes the next.
    idle: Option<StreamReader>,
    /// The last words of the streams that have ended.
    pub last_words: Vec<Value>,
}

impl StreamWire {
    /// The stream that was opened last.
    pub fn stream(&mut self) -> &mut StreamReader {
        self.streams.back_mut().expect("a stream is open")
    }

    /// Breaks the connections of all streams.
    pub fn cut(&mut self) {
        self.streams.clear();
    }

    fn hear(&mut self, within: Duration) -> Option<Vec<Value>> {
        let stream = self.streams.front_mut()?;
        match stream.next(within) {
            Streamed::Batch(mut batch) => {
                let of_none =
                    |message: &Value| message["channel"] == "/meta/connect" && message.get("id").is_none();
                self.last_words.extend(batch.iter().filter(|message| of_none(message)).cloned());
                batch.retain(|message| !of_none(message));
                Some(batch)
            }
            Streamed::Heartbeat => Some(Vec::new()),
            Streamed::Answer(answer) => {
                let reusable = !answer.closes();
                self.end_front(reusable);
                Some(answer.messages())
            }
            Streamed::End => {
                let reusable = self.streams.front_mut().is_some_and(|stream| !stream.closes());
                self.end_front(reusable);
                Some(Vec::new())
            }
            Streamed::Nothing => None,
            Streamed::Cut => panic!("the stream ends before its end"),
        }
    }

    fn end_front(&mut self, reusable: bool) {
        let stream = self.streams.pop_front();
        self.idle = stream.filter(|_| reusable);
    }
}

impl Wire for StreamWire {
    const CONNECTION_TYPE: &'static str = "http-streaming";

    fn open(address: SocketAddr) -> StreamWire {
        StreamWire {
            address,
            command: HttpWire::open(address),
            streams: VecDeque::new(),
            idle: None,
            last_words: Vec::new(),
        }
    }

    fn cookie(&self) -> Option<&str> {
        self.command.cookie()
    }

    fn set_cookie(&mut self, cookie: &str) {
        self.command.set_cookie(cookie);
    }

    fn is_streaming(&self) -> bool {
        !self.streams.is_empty()
    }

    fn send(&mut self, batch: &[Value]) {
        if !batch.iter().any(|message| message["channel"] == "/meta/connect") {
            return self.command.send(batch);
        }
        let cookie = self.command.cookie().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let mut stream = self.idle.take().unwrap_or_else(|| StreamReader::connect(self.address));
        stream.post(&cookie, &Value::from(batch));
        self.streams.push_back(stream);
    }

    fn receive(&mut self, within: Duration) -> Option<Vec<Value>> {
        let end = Instant::now() + within;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let a_little = left.min(Duration::from_millis(5));
            let waits = self.command.is_waiting();
            let heard = match (self.streams.is_empty(), waits) {
                (true, _) => self.command.receive(left),
                (false, false) => self.hear(left),
                (false, true) => self.hear(a_little).or_else(|| self.command.receive(a_little)),
            };
            if heard.is_some() {
                return heard;
            }
            if Instant::now() >= end || (self.streams.is_empty() && !self.command.is_waiting()) {
                return None;
            }
        }
    }
}
