//! The client's half of the wires, written apart from the server's own parsers so that it can judge them.
//! Pure functions over byte slices; the order of the messages is in `script`, the sockets in `generator`.
//! Input is what a read returned, output is appended to a vector.

pub mod batch;
pub mod payload;
pub mod request;
pub mod response;
pub mod stream;
pub mod websocket;

/// The channel of every scenario.
pub const CHANNEL: &str = "/bench/fan";

/// Why a peer gave up: what came in breaks the protocol, or refuses what was asked.
#[derive(Debug, PartialEq)]
pub struct Fault(pub String);

impl Fault {
    pub(crate) fn new(what: impl Into<String>) -> Fault {
        Fault(what.into())
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}
