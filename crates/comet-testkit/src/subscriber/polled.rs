//! A wire that may fail: a batch out, the answers in, and no panic when the other side is gone.
//!
//! The wires of scripted clients panic with a sentence when something is wrong, as a test wants; behind a
//! proxy that spoils connections that is everyday life. What the messages mean is the session's.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use comet_wire::websocket::Opcode;
use serde_json::Value;

use super::streamed::{Opening, StreamedWire};
use super::timed::TimedWire;
use crate::wire::{Callback, Post};
use crate::{Phrase, Received, Response, Socket, Transport, WebSocket, XmlSocket};

/// How long opening a WebSocket may take.
const OPENING: Duration = Duration::from_secs(3);

/// A wire that may fail. Requests on it are answered one after the other.
pub(super) enum Fallible {
    /// A WebSocket.
    WebSocket(Box<WebSocket>),
    /// An XMLSocket in the frames of a WebSocket.
    Flash(Box<XmlSocket>),
    /// A stream, and a connection for everything else.
    Stream(Box<StreamedWire>),
    /// A connection on which somebody polls by the clock.
    Timed(Box<TimedWire>),
    /// A connection for requests, written in one of two ways.
    Http { socket: Socket, callback: bool, waiting: bool },
}

impl Fallible {
    /// Opens a wire; `None` when that fails.
    pub(super) fn open(address: SocketAddr, transport: Transport) -> Option<Fallible> {
        if transport == Transport::Polling {
            return TimedWire::open(address).map(|wire| Fallible::Timed(Box::new(wire)));
        }
        let socket = Socket::try_connect(address)?;
        Some(match transport {
            Transport::WebSocket => {
                Fallible::WebSocket(Box::new(WebSocket::try_open_on(socket, "/cometd", OPENING)?))
            }
            Transport::Flash => Fallible::Flash(Box::new(XmlSocket::try_open_framed(socket, OPENING)?)),
            Transport::HttpStreaming | Transport::Multipart => {
                Fallible::Stream(Box::new(StreamedWire::new(address, socket, Opening::Connect)))
            }
            Transport::EventSource => {
                Fallible::Stream(Box::new(StreamedWire::new(address, socket, Opening::Events)))
            }
            Transport::Iframe => {
                Fallible::Stream(Box::new(StreamedWire::new(address, socket, Opening::Page)))
            }
            other => Fallible::Http { socket, callback: other == Transport::CallbackPolling, waiting: false },
        })
    }

    /// Sends a batch; `None` when the wire is lost.
    pub(super) fn send(&mut self, batch: &[Value], cookie: Option<&str>) -> Option<()> {
        match self {
            Fallible::WebSocket(socket) => socket.try_send_text(&Value::from(batch).to_string()).ok(),
            Fallible::Flash(socket) => socket.try_send_text(&Value::from(batch).to_string()).ok(),
            Fallible::Stream(stream) => stream.send(batch, cookie),
            Fallible::Timed(timed) => timed.send(batch, cookie),
            Fallible::Http { socket, callback, waiting } => {
                let fields = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
                let host = socket.host().to_owned();
                let request = match callback {
                    true => Callback::request(&host, &fields, batch),
                    false => Post::request(&host, &fields, batch),
                };
                *waiting = true;
                socket.try_send(request).ok()
            }
        }
    }

    /// The next batch and the cookie that came with it; `None` when the wire is lost or nothing comes before
    /// `end`.
    pub(super) fn receive(&mut self, end: Instant) -> Option<(Vec<Value>, Option<String>)> {
        match self {
            Fallible::WebSocket(socket) => loop {
                match socket.try_receive(end.saturating_duration_since(Instant::now()))? {
                    Received::Text(text) => return Some((serde_json::from_str(&text).ok()?, None)),
                    Received::Ping(bytes) => socket.try_send_frame(Opcode::Pong, &bytes).ok()?,
                    Received::Pong(_) => {}
                    Received::Binary(_) | Received::Close(..) | Received::End => return None,
                }
            },
            Fallible::Flash(socket) => {
                match socket.try_receive(end.saturating_duration_since(Instant::now()))? {
                    Received::Text(text) => Some((serde_json::from_str(&text).ok()?, None)),
                    _ => None,
                }
            }
            Fallible::Stream(stream) => stream.receive(end),
            Fallible::Timed(timed) => timed.receive(end),
            Fallible::Http { socket, callback, waiting } => {
                if !std::mem::take(waiting) {
                    return None;
                }
                let response = socket.try_response(end.saturating_duration_since(Instant::now()))?;
                let cookie = response.field("set-cookie").and_then(|cookie| cookie.split(';').next());
                let cookie = cookie.map(str::to_owned);
                let batch = batch(&response, *callback)?;
                Some((batch, cookie))
            }
        }
    }

    /// Whether another answer comes without another request.
    pub(super) fn is_pushed(&self) -> bool {
        !matches!(self, Fallible::Http { .. } | Fallible::Timed(_))
    }
}

/// The batch of an answer; a refusal of the whole request has none.
pub(super) fn batch(response: &Response, callback: bool) -> Option<Vec<Value>> {
    if response.status != 200 {
        return None;
    }
    let batch = if callback { Callback::batch(response) } else { response.messages() };
    Some(batch)
}
