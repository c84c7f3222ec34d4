//! What one subscriber says and expects, on each wire and against each kind of server.
//! Bytes come in, bytes go out, deliveries are handed to a sink; sockets and time belong to `generator`.
//! The Bayeux part of the talk is in `session`.

mod session;

use std::rc::Rc;

use serde_json::value::RawValue;

use crate::protocol::websocket::{self, Opcode};
use crate::protocol::{CHANNEL, Fault, batch, request, response, stream};
use session::Session;

/// The wire between server and subscriber.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wire {
    /// One WebSocket.
    WebSocket,
    /// One kept-alive connection with a request parked on it.
    LongPolling,
    /// An answer to a connect that goes on, a line for each batch.
    HttpStreaming,
    /// Server-sent events of a session, opened with a ticket.
    EventSource,
    /// Plain server-sent events, without a session that the subscriber knows.
    Feed,
    /// An answer to a connect that goes on, a part for each batch.
    Multipart,
    /// A page that goes on, a script for each batch, opened with a ticket.
    Frame,
    /// Text over TCP, each batch ended by a NUL.
    Flash,
}

impl Wire {
    /// Whether deliveries come on an answer that goes on.
    pub fn is_stream(self) -> bool {
        matches!(self, Wire::HttpStreaming | Wire::EventSource | Wire::Feed | Wire::Multipart | Wire::Frame)
    }
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speech {
    /// Bayeux: handshake, connect, subscribe, and a connect that waits.
    Bayeux,
    /// A bare program: every connection is a subscriber at once.
    Bare,
}

/// How far a subscriber is; later ones compare as greater.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Stage {
    /// The connection is being made, or upgraded.
    Opening,
    /// Open, and upgraded where that is needed; no session.
    Open,
    /// There is a session.
    Handshaken,
    /// First connect answered, subscribed, and the next connect (or poll) sent.
    Listening,
}

/// Takes the data of each delivery.
pub type Sink<'a> = dyn FnMut(&RawValue) -> Result<(), Fault> + 'a;

/// One subscriber's side of the talk.
#[derive(Debug)]
pub struct Script {
    wire: Wire,
    stage: Stage,
    session: Option<Session>,
    /// The answer that goes on has begun.
    streaming: bool,
}

impl Script {
    /// A subscriber that has said nothing. One that comes back names the position, as JSON, after which it wants all.
    pub fn new(wire: Wire, speech: Speech, position: Option<Rc<str>>) -> Script {
        let has_session = speech == Speech::Bayeux && wire != Wire::Feed;
        let session = has_session.then(|| Session::new(wire, position));
        Script { wire, stage: Stage::Opening, session, streaming: false }
    }

    /// How far the talk is.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The connection stands: appends what is to be said first.
    pub fn on_open(&mut self, goal: Stage, out: &mut Vec<u8>) {
        match (self.wire, &self.session) {
            (Wire::WebSocket, Some(_)) => request::write_upgrade("/cometd", out),
            (Wire::WebSocket, None) => request::write_upgrade("/", out),
            (Wire::Feed, _) => request::write_get(&format!("/events?channel={CHANNEL}"), out),
            (_, Some(_)) => {
                self.stage = Stage::Open;
                self.speak(goal, out);
            }
            (_, None) => {
                self.stage = Stage::Listening;
                request::write_get("/poll", out);
            }
        }
    }

    /// Says what is due next, if anything: called again whenever `goal` is raised.
    pub fn speak(&mut self, goal: Stage, out: &mut Vec<u8>) {
        let Some(session) = self.session.as_mut().filter(|_| self.stage >= Stage::Open) else { return };
        let mut text = Vec::new();
        if session.next_request(goal, &mut text) {
            match self.wire {
                Wire::WebSocket => websocket::write_text(&text, out),
                Wire::Flash => {
                    out.extend_from_slice(&text);
                    out.push(0);
                }
                _ => request::write_post("/cometd", &text, out),
            }
        }
        if let Some(ticket) = session.take_ticket() {
            request::write_get(&format!("/cometd?ticket={ticket}"), out);
        }
        self.stage = session.stage();
    }

    /// Takes bytes from the server, appends the answers, and says how many bytes were used up.
    ///
    /// # Errors
    /// When the server breaks the protocol, refuses something, or ends the talk.
    pub fn on_bytes(
        &mut self,
        input: &[u8],
        goal: Stage,
        out: &mut Vec<u8>,
        sink: &mut Sink<'_>,
    ) -> Result<usize, Fault> {
        let mut used = 0;
        while used < input.len() {
            let step = match self.wire {
                Wire::WebSocket if self.stage == Stage::Opening => {
                    self.on_switch(&input[used..], goal, out)?
                }
                Wire::WebSocket => self.on_frame(&input[used..], goal, out, sink)?,
                Wire::Flash => self.on_text(&input[used..], goal, out, sink)?,
                _ if self.streaming => self.on_chunk(&input[used..], sink)?,
                _ if self.awaits_stream() => self.on_stream(&input[used..])?,
                _ => self.on_response(&input[used..], goal, out, sink)?,
            };
            match step {
                Some(length) => used += length,
                None => break,
            }
        }
        Ok(used)
    }

    fn on_switch(&mut self, input: &[u8], goal: Stage, out: &mut Vec<u8>) -> Result<Option<usize>, Fault> {
        let length = websocket::parse_switch(input)?;
        if length.is_some() {
            self.stage = if self.session.is_some() { Stage::Open } else { Stage::Listening };
            self.speak(goal, out);
        }
        Ok(length)
    }

    fn on_frame(
        &mut self,
        input: &[u8],
        goal: Stage,
        out: &mut Vec<u8>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<usize>, Fault> {
        let Some(frame) = websocket::parse_frame(input)? else { return Ok(None) };
        match frame.opcode {
            Opcode::Text => {
                self.on_batch(frame.payload, sink)?;
                self.speak(goal, out);
            }
            Opcode::Ping => websocket::write_pong(frame.payload, out),
            Opcode::Pong => {}
            Opcode::Close => {
                let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                return Err(Fault::new(format!("closed by the server with code {code:?}")));
            }
        }
        Ok(Some(frame.length))
    }

    fn on_text(
        &mut self,
        input: &[u8],
        goal: Stage,
        out: &mut Vec<u8>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<usize>, Fault> {
        let Some(end) = memchr::memchr(0, input) else { return Ok(None) };
        self.on_batch(&input[..end], sink)?;
        self.speak(goal, out);
        Ok(Some(end + 1))
    }

    fn on_response(
        &mut self,
        input: &[u8],
        goal: Stage,
        out: &mut Vec<u8>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<usize>, Fault> {
        let Some(response) = response::parse(input)? else { return Ok(None) };
        if response.status != 200 {
            let body = String::from_utf8_lossy(&response.body);
            return Err(Fault::new(format!("answered {}: {body:.200}", response.status)));
        }
        self.on_batch(&response.body, sink)?;
        match self.session {
            Some(_) => self.speak(goal, out),
            None => request::write_get("/poll", out),
        }
        Ok(Some(response.length))
    }

    /// Whether the next answer is one that goes on.
    fn awaits_stream(&self) -> bool {
        self.wire.is_stream() && self.session.as_ref().is_none_or(Session::awaits_stream)
    }

    fn on_stream(&mut self, input: &[u8]) -> Result<Option<usize>, Fault> {
        let length = stream::parse_head(input)?;
        if length.is_some() {
            self.streaming = true;
            self.stage = Stage::Listening;
            if let Some(session) = &mut self.session {
                session.on_stream();
            }
        }
        Ok(length)
    }

    fn on_chunk(&mut self, input: &[u8], sink: &mut Sink<'_>) -> Result<Option<usize>, Fault> {
        let Some(chunk) = stream::parse_chunk(input)? else { return Ok(None) };
        let text = std::str::from_utf8(chunk.data).map_err(|_| Fault::new("a chunk is no text"))?;
        for line in text.lines() {
            match (self.wire, line.strip_prefix("data: ")) {
                (Wire::Feed, Some(data)) => {
                    let data = serde_json::from_str(data).map_err(|error| Fault::new(error.to_string()))?;
                    sink(data)?;
                }
                (Wire::EventSource, Some(batch)) => self.on_batch(batch.as_bytes(), sink)?,
                (Wire::HttpStreaming, _) if !line.is_empty() => self.on_batch(line.as_bytes(), sink)?,
                // A part begins with fields, and its boundary follows.
                (Wire::Multipart, _) if line.starts_with('[') => self.on_batch(line.as_bytes(), sink)?,
                (Wire::Frame, _) => {
                    if let Some((_, rest)) = line.split_once("\">p(") {
                        let batch = rest.strip_suffix(")</script>");
                        let batch = batch.ok_or_else(|| Fault::new("a script that hands over is cut"))?;
                        self.on_batch(batch.as_bytes(), sink)?;
                    }
                }
                _ => {}
            }
        }
        Ok(Some(chunk.length))
    }

    fn on_batch(&mut self, text: &[u8], sink: &mut Sink<'_>) -> Result<(), Fault> {
        for message in batch::parse(text)? {
            match (message.data, &mut self.session) {
                (Some(data), session) if message.channel == CHANNEL => {
                    if let Some(session) = session {
                        session.on_event();
                    }
                    sink(data)?;
                }
                (_, Some(session)) => session.on_reply(&message)?,
                (_, None) => return Err(Fault::new(format!("unexpected message on {}", message.channel))),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "script/tests.rs"]
mod tests;
