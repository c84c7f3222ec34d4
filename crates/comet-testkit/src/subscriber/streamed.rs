//! A stream that may fail, and the connection beside it: events down the one, everything else up the other.
//!
//! What the wires of scripted clients panic at is everyday life behind a proxy that spoils connections. The connection for
//! requests is opened when it is needed; a stream that is cut is lost with it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::polled::batch;
use crate::wire::Post;
use crate::{Phrase, Socket, StreamReader, Streamed};

/// How long one of two connections is listened to.
const TURN: Duration = Duration::from_millis(5);

/// What opens a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// The connect that it answers.
    Connect,
    /// The ticket that a connect is answered with, asked for events.
    Events,
    /// The same, asked for a page.
    Page,
}

/// A stream and a connection beside it.
pub(super) struct StreamedWire {
    address: SocketAddr,
    stream: StreamReader,
    opening: Opening,
    /// The fields that all requests carry.
    fields: String,
    /// A connect was sent and its answer has not ended.
    streams: bool,
    command: Option<Socket>,
    outstanding: usize,
}

impl StreamedWire {
    pub(super) fn new(address: SocketAddr, socket: Socket, opening: Opening) -> StreamedWire {
        StreamedWire {
            address,
            stream: StreamReader::new(socket),
            opening,
            fields: String::new(),
            streams: false,
            command: None,
            outstanding: 0,
        }
    }

    pub(super) fn send(&mut self, batch: &[Value], cookie: Option<&str>) -> Option<()> {
        let fields = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let connects = batch.iter().any(|message| message["channel"] == "/meta/connect");
        if connects && self.opening != Opening::Connect {
            // Whatever still comes on the older one comes again.
            self.streams = false;
        } else if connects {
            if self.streams || self.stream.closes() {
                // The older one ends by itself, and whatever still comes on it comes again.
                self.stream = StreamReader::new(Socket::try_connect(self.address)?);
            }
            self.streams = true;
            return self.stream.try_post(&fields, batch);
        }
        self.fields.clone_from(&fields);
        if self.command.is_none() {
            self.command = Some(Socket::try_connect(self.address)?);
        }
        let command = self.command.as_mut()?;
        self.outstanding += 1;
        let request = Post::request(command.host(), &fields, batch);
        command.try_send(request).ok()
    }

    /// The next batch, an empty one for a heartbeat, with the cookie that came with it; `None` when a wire is lost or
    /// nothing comes before `end`.
    pub(super) fn receive(&mut self, end: Instant) -> Option<(Vec<Value>, Option<String>)> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let turn = if self.streams && self.outstanding > 0 { left.min(TURN) } else { left };
            if self.streams {
                match self.stream.next(turn) {
                    Streamed::Batch(batch) => return Some((batch, None)),
                    Streamed::Heartbeat => return Some((Vec::new(), None)),
                    Streamed::End => self.streams = false,
                    Streamed::Answer(answer) => {
                        self.streams = false;
                        return Some((batch(&answer, false)?, None));
                    }
                    Streamed::Cut => return None,
                    Streamed::Nothing => {}
                }
            }
            if self.outstanding > 0 {
                let command = self.command.as_mut()?;
                if let Some(answer) = command.try_response(turn) {
                    self.outstanding -= 1;
                    let cookie = answer.field("set-cookie").and_then(|cookie| cookie.split(';').next());
                    let cookie = cookie.map(str::to_owned);
                    if answer.closes() {
                        (self.command, self.outstanding) = (None, 0);
                    }
                    let batch = batch(&answer, false)?;
                    self.use_ticket(&batch)?;
                    return Some((batch, cookie));
                }
            }
            if Instant::now() >= end || (!self.streams && self.outstanding == 0) {
                return None;
            }
        }
    }

    /// Opens the stream for which the reply to a connect names a ticket; `None` when the server is gone.
    fn use_ticket(&mut self, batch: &[Value]) -> Option<()> {
        let Some(ticket) = batch.iter().find_map(|message| message["ext"]["ticket"].as_str()) else {
            return Some(());
        };
        self.stream = StreamReader::new(Socket::try_connect(self.address)?);
        self.streams = true;
        let target = format!("/cometd?ticket={ticket}");
        match self.opening {
            Opening::Page => self.stream.try_get_page(&target, &self.fields),
            _ => self.stream.try_get_events(&target, &self.fields),
        }
    }
}
