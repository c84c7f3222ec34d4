//! The wires of scripted clients: a batch goes out, batches come back.
//!
//! One file a transport; what a message means is not known here. Every wire waits for whatever is on its way
//! and hands it over in the order it came.

mod http;
mod stream;
mod websocket;
mod xml_socket;

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

pub(crate) use http::{Callback, Post};
pub use http::{CallbackWire, HttpWire, LongPollWire, Phrase};
pub use stream::StreamWire;
pub use websocket::WebSocketWire;
pub use xml_socket::{FramedXmlSocketWire, XmlSocketWire};

/// One client's way to the server.
pub trait Wire: Send {
    /// The `connectionType` of this wire.
    const CONNECTION_TYPE: &'static str;

    /// Opens it.
    fn open(address: SocketAddr) -> Self;

    /// Sends a batch.
    fn send(&mut self, batch: &[Value]);

    /// The cookie the server gave this client, as it is sent back.
    fn cookie(&self) -> Option<&str> {
        None
    }

    /// Takes a cookie, as another tab of the same browser would have it.
    fn set_cookie(&mut self, _cookie: &str) {}

    /// Whether events come without another connect: the answer to one goes on.
    fn is_streaming(&self) -> bool {
        false
    }

    /// The next batch from the server, waiting no longer than `within`.
    fn receive(&mut self, within: Duration) -> Option<Vec<Value>>;
}
