//! A WebSocket to the server, for tests that choose every frame.
//!
//! Frames go out exactly as asked for, good or bad; what comes back is cut by the client side of
//! `comet-wire`. Batches and replies are the scripted clients'.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use comet_wire::websocket::client::{self, Answer, Handshake};
use comet_wire::websocket::{Decoded, Decoder, Event, FrameLimits, Opcode};
use serde_json::Value;

use crate::{Heard, PATIENCE, Response, Socket};

const MASK: [u8; 4] = [0x1b, 0xad, 0xca, 0xfe];
const LIMITS: FrameLimits = FrameLimits { message_bytes: 64 << 20, fragments: 1 << 20 };

/// What came over a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame.
    Close(Option<u16>, String),
    /// The end of the connection.
    End,
}

/// A WebSocket.
pub struct WebSocket {
    socket: Socket,
    decoder: Decoder,
}

impl WebSocket {
    /// Opens a WebSocket at this path.
    pub fn open(address: SocketAddr, path: &str) -> WebSocket {
        WebSocket::open_on(Socket::connect(address), path, &[])
            .unwrap_or_else(|refusal| panic!("the WebSocket is refused: {refusal:?}"))
    }

    /// Opens a WebSocket on a connection, with these fields besides those it needs.
    ///
    /// # Errors
    /// The answer of a server that refuses.
    pub fn open_on(mut socket: Socket, path: &str, fields: &[(&str, &str)]) -> Result<WebSocket, Response> {
        let port = socket.local_address().port();
        let handshake = Handshake::new(u128::from(port).to_be_bytes());
        let mut request = Vec::new();
        let host = socket.host().to_owned();
        handshake.write_request(&mut request, &host, path, fields).expect("the request can be written");
        socket.send(request);
        let end = Instant::now() + PATIENCE;
        loop {
            match handshake.read_answer(socket.unread()).expect("the server answers the handshake") {
                Answer::Partial => {
                    let heard = socket.hear(end.saturating_duration_since(Instant::now()));
                    assert!(matches!(heard, Heard::Bytes(_)), "no answer to the handshake: {heard:?}");
                }
                Answer::Open { length } => {
                    socket.unread().drain(..length);
                    return Ok(WebSocket { socket, decoder: Decoder::for_client() });
                }
                Answer::Refused { .. } => return Err(socket.response()),
            }
        }
    }

    /// Opens a WebSocket on a connection that may be lost any time; `None` when it is, or when no answer comes
    /// within this time.
    pub fn try_open_on(mut socket: Socket, path: &str, within: Duration) -> Option<WebSocket> {
        let handshake = Handshake::new(u128::from(socket.local_address().port()).to_be_bytes());
        let mut request = Vec::new();
        let host = socket.host().to_owned();
        handshake.write_request(&mut request, &host, path, &[]).expect("the request can be written");
        socket.try_send(request).ok()?;
        let end = Instant::now() + within;
        loop {
            match handshake.read_answer(socket.unread()).ok()? {
                Answer::Partial => match socket.hear(end.saturating_duration_since(Instant::now())) {
                    Heard::Bytes(_) => {}
                    Heard::Nothing | Heard::End => return None,
                },
                Answer::Open { length } => {
                    socket.unread().drain(..length);
                    return Some(WebSocket { socket, decoder: Decoder::for_client() });
                }
                Answer::Refused { .. } => return None,
            }
        }
    }

    /// The connection under it.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Sends a text message.
    pub fn send_text(&mut self, text: &str) {
        let mut out = Vec::new();
        client::write_text_frame(&mut out, text, MASK);
        self.socket.send(out);
    }

    /// Sends a text message on a connection that may be lost.
    ///
    /// # Errors
    /// Of the socket.
    pub fn try_send_text(&mut self, text: &str) -> std::io::Result<()> {
        self.try_send_frame(Opcode::Text, text.as_bytes())
    }

    /// Sends a whole frame on a connection that may be lost.
    ///
    /// # Errors
    /// Of the socket.
    pub fn try_send_frame(&mut self, opcode: Opcode, payload: &[u8]) -> std::io::Result<()> {
        let mut out = Vec::new();
        client::write_frame(&mut out, opcode, payload, MASK);
        self.socket.try_send(out)
    }

    /// Sends a batch.
    pub fn send_batch(&mut self, batch: &Value) {
        self.send_text(&batch.to_string());
    }

    /// Sends a whole frame.
    pub fn send_frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut out = Vec::new();
        client::write_frame(&mut out, opcode, payload, MASK);
        self.socket.send(out);
    }

    /// The bytes of a masked frame with this first byte: flags and opcode as the test likes them.
    pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        client::write_frame(&mut out, Opcode::Binary, payload, MASK);
        out[0] = first;
        out
    }

    /// Sends a close frame.
    pub fn send_close(&mut self, code: u16) {
        let mut out = Vec::new();
        client::write_close_frame(&mut out, code, "", MASK);
        self.socket.send(out);
    }

    /// Ends the connection with a reset instead of a farewell; what was not read is lost.
    pub fn reset(self) {
        self.socket.reset();
    }

    /// What comes next, waiting no longer than `within`.
    pub fn try_receive(&mut self, within: Duration) -> Option<Received> {
        let end = Instant::now() + within;
        loop {
            if let Some(received) = self.take() {
                return Some(received);
            }
            match self.socket.hear(end.saturating_duration_since(Instant::now())) {
                Heard::Bytes(_) => {}
                Heard::End => return Some(Received::End),
                Heard::Nothing if Instant::now() < end => {}
                Heard::Nothing => return None,
            }
        }
    }

    /// What comes next.
    pub fn receive(&mut self) -> Received {
        self.try_receive(PATIENCE).expect("the server says something")
    }

    /// The next text message, as a batch.
    pub fn batch(&mut self) -> Vec<Value> {
        match self.receive() {
            Received::Text(text) => {
                serde_json::from_str(&text).unwrap_or_else(|_| panic!("this is no batch: {text}"))
            }
            other => panic!("expected a batch, got {other:?}"),
        }
    }

    /// Reads until the close frame and returns its code; whatever comes before it is skipped.
    pub fn expect_close(&mut self) -> u16 {
        loop {
            match self.receive() {
                Received::Close(code, _) => return code.expect("the server gives a code"),
                Received::End => panic!("the connection ends without a close frame"),
                _ => {}
            }
        }
    }

    /// Cuts the next event out of what was read.
    fn take(&mut self) -> Option<Received> {
        loop {
            let buffer = self.socket.unread();
            match self.decoder.decode(buffer, &LIMITS).expect("the server's frames are good") {
                Decoded::NeedMore { .. } => return None,
                Decoded::Frame { event, consumed } => {
                    let received = event.map(|event| match event {
                        Event::Text(text) => Received::Text(text.into_owned()),
                        Event::Binary(data) => Received::Binary(data.into_owned()),
                        Event::Ping(data) => Received::Ping(data.to_vec()),
                        Event::Pong(data) => Received::Pong(data.to_vec()),
                        Event::Close { code, reason } => Received::Close(code, reason.to_owned()),
                    });
                    buffer.drain(..consumed);
                    if received.is_some() {
                        return received;
                    }
                }
            }
        }
    }
}
