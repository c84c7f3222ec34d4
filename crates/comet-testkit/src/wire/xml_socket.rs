//! The wires of scripted clients on an XMLSocket, over plain TCP and in the frames of a WebSocket.
//!
//! Both carry batches as a WebSocket does; how they end is told by a last word, a batch like others.
//! The socket's bytes are its own.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::Wire;
use crate::{Received, XmlSocket};

/// An XMLSocket over plain TCP, at an address of its own.
pub struct XmlSocketWire {
    /// The socket itself, for tests that need to touch it.
    pub socket: XmlSocket,
}

/// An XMLSocket in the frames of a WebSocket, at the address of all other wires.
pub struct FramedXmlSocketWire {
    /// The socket itself, for tests that need to touch it.
    pub socket: XmlSocket,
}

fn send(socket: &mut XmlSocket, batch: &[Value]) {
    let text = serde_json::to_string(batch).expect("values can be written");
    socket.try_send_text(&text).expect("the server takes what is sent");
}

fn receive(socket: &mut XmlSocket, within: Duration) -> Option<Vec<Value>> {
    match socket.try_receive(within)? {
        Received::Text(text) => {
            Some(serde_json::from_str(&text).unwrap_or_else(|_| panic!("this is no batch: {text}")))
        }
        other => panic!("expected a batch, got {other:?}"),
    }
}

impl Wire for XmlSocketWire {
    const CONNECTION_TYPE: &'static str = "flash";

    fn open(address: SocketAddr) -> XmlSocketWire {
        XmlSocketWire { socket: XmlSocket::open(address) }
    }

    fn send(&mut self, batch: &[Value]) {
        send(&mut self.socket, batch);
    }

    fn receive(&mut self, within: Duration) -> Option<Vec<Value>> {
        receive(&mut self.socket, within)
    }
}

impl Wire for FramedXmlSocketWire {
    const CONNECTION_TYPE: &'static str = "flash";

    fn open(address: SocketAddr) -> FramedXmlSocketWire {
        FramedXmlSocketWire { socket: XmlSocket::open_framed(address) }
    }

    fn send(&mut self, batch: &[Value]) {
        send(&mut self.socket, batch);
    }

    fn receive(&mut self, within: Duration) -> Option<Vec<Value>> {
        receive(&mut self.socket, within)
    }
}
