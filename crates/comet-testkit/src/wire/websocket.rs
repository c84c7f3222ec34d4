//! The wire of a scripted client on a WebSocket.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::Wire;
use crate::{Received, WebSocket};

/// A WebSocket that carries batches.
pub struct WebSocketWire {
    /// The socket itself, for tests that need to see frames.
    pub socket: WebSocket,
}

impl Wire for WebSocketWire {
    const CONNECTION_TYPE: &'static str = "websocket";

    fn open(address: SocketAddr) -> WebSocketWire {
        WebSocketWire { socket: WebSocket::open(address, "/cometd") }
    }

    fn send(&mut self, batch: &[Value]) {
        self.socket.send_text(&serde_json::to_string(batch).expect("values can be written"));
    }

    fn receive(&mut self, within: Duration) -> Option<Vec<Value>> {
        match self.socket.try_receive(within)? {
            Received::Text(text) => {
                Some(serde_json::from_str(&text).unwrap_or_else(|_| panic!("this is no batch: {text}")))
            }
            other => panic!("expected a batch, got {other:?}"),
        }
    }
}
