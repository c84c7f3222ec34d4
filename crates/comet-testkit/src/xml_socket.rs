//! An XMLSocket to the server, for tests that choose every byte: over plain TCP, or in the frames of a WebSocket.
//!
//! Messages go out exactly as asked for, good or bad; what comes back is cut at its NULs by hand. Batches and replies are
//! the scripted clients'.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use comet_wire::websocket::Opcode;

use crate::{Heard, Received, Socket, WebSocket};

/// Where WebSockets carry the stream of an XMLSocket.
const PATH: &str = "/cometd/xmlsocket";

/// An XMLSocket.
pub struct XmlSocket {
    way: Way,
    text: Vec<u8>,
}

enum Way {
    Tcp(Socket),
    Frames(Box<WebSocket>),
}

impl XmlSocket {
    /// An XMLSocket over plain TCP.
    pub fn open(address: SocketAddr) -> XmlSocket {
        XmlSocket::on(Socket::connect(address))
    }

    /// An XMLSocket on this connection.
    pub fn on(socket: Socket) -> XmlSocket {
        XmlSocket { way: Way::Tcp(socket), text: Vec::new() }
    }

    /// An XMLSocket whose stream is carried by a WebSocket.
    pub fn open_framed(address: SocketAddr) -> XmlSocket {
        XmlSocket { way: Way::Frames(Box::new(WebSocket::open(address, PATH))), text: Vec::new() }
    }

    /// The same on a connection that may be lost any time; `None` when it is.
    pub fn try_open_framed(socket: Socket, within: Duration) -> Option<XmlSocket> {
        let socket = WebSocket::try_open_on(socket, PATH, within)?;
        Some(XmlSocket { way: Way::Frames(Box::new(socket)), text: Vec::new() })
    }

    /// The connection under it.
    pub fn socket(&mut self) -> &mut Socket {
        match &mut self.way {
            Way::Tcp(socket) => socket,
            Way::Frames(socket) => socket.socket(),
        }
    }

    /// Sends bytes of the stream.
    ///
    /// # Errors
    /// Of the socket.
    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match &mut self.way {
            Way::Tcp(socket) => socket.try_send(bytes),
            Way::Frames(socket) => socket.try_send_frame(Opcode::Binary, bytes),
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// Of the socket.
    pub fn try_send_text(&mut self, text: &str) -> std::io::Result<()> {
        self.try_send(&[text.as_bytes(), &[0]].concat())
    }

    /// What comes next, waiting no longer than `within`: a message, or the end.
    pub fn try_receive(&mut self, within: Duration) -> Option<Received> {
        let end = Instant::now() + within;
        loop {
            if let Some(at) = self.text.iter().position(|byte| *byte == 0) {
                let message = self.text.drain(..=at).take(at).collect();
                return Some(Received::Text(String::from_utf8(message).expect("the server sends text")));
            }
            let left = end.saturating_duration_since(Instant::now());
            match &mut self.way {
                Way::Frames(socket) => match socket.try_receive(left)? {
                    Received::Binary(bytes) => self.text.extend(bytes),
                    other => return Some(other),
                },
                Way::Tcp(socket) => match socket.hear(left) {
                    Heard::Bytes(_) => self.text.append(socket.unread()),
                    Heard::End => return Some(Received::End),
                    Heard::Nothing if Instant::now() < end => {}
                    Heard::Nothing => return None,
                },
            }
        }
    }
}
