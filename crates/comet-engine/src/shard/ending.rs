//! How connections end.
//!
//! A connection that ends in a code tells its peer so in the words of its transport, lets its output leave,
//! and waits a bounded time for the peer to take it. The session, if there is one, goes on without it.

use bayeux::Code;
use comet_wire::websocket::close_frame;

use crate::connection::{Connection, Protocol};
use crate::delivery::Chunk;
use crate::key::ConnectionKey;

use super::Shard;
use super::stream::Ending;

impl Shard {
    /// Ends a connection for the reason of `code`, and says so where the peer can still hear it.
    pub(super) fn end_connection(&mut self, key: ConnectionKey, code: Code) {
        let Some(connection) = self.connection(key) else { return };
        let stalled = connection.is_stalled();
        match &connection.protocol {
            Protocol::WebSocket(_) | Protocol::Echo(_) => {
                self.counters.ending(code);
                self.end_websocket(key, code);
            }
            Protocol::XmlSocket(_) => {
                self.counters.ending(code);
                self.end_xml_socket(key, Ending::Wire(code));
            }
            Protocol::Streaming(_) => {
                self.counters.ending(code);
                self.end_stream(key, Ending::Wire(code));
            }
            Protocol::Http | Protocol::Answering(_) if stalled => {
                self.counters.ending(code);
                self.drop_connection(key);
            }
            Protocol::Http | Protocol::Answering(_) => {
                self.answer_plainly(key, code, None);
            }
            Protocol::Policy => self.drop_connection(key),
            Protocol::Closing => {}
        }
    }

    /// Ends the wire of a session that has ended, which is counted already.
    pub(super) fn end_wire(&mut self, key: ConnectionKey, code: Code) {
        match self.connection(key).map(|connection| &connection.protocol) {
            Some(Protocol::Streaming(_)) => self.end_stream(key, Ending::Session(code)),
            Some(Protocol::XmlSocket(_)) => self.end_xml_socket(key, Ending::Session(code)),
            _ => self.end_websocket(key, code),
        }
    }

    /// Ends a WebSocket whose ending is counted already.
    pub(super) fn end_websocket(&mut self, key: ConnectionKey, code: Code) {
        let Some(connection) = self.connection(key).filter(|connection| connection.is_open_socket()) else {
            return;
        };
        if code == Code::WriteStalled {
            return self.drop_connection(key);
        }
        connection.keep_what_has_begun();
        // From here on it is no open WebSocket: should its bound of output be reached, it does not end once more.
        connection.protocol = Protocol::Closing;
        self.write(key, Chunk::Owned(close_frame(code.close_code(), code.name())));
        self.close_after_output(key);
    }

    /// Nothing more is read or written; the connection ends when its output has left.
    pub(super) fn close_after_output(&mut self, key: ConnectionKey) {
        let stall = self.now + self.config.limits.write_stall_ms;
        self.detach(key);
        let waits = self.has_output(key);
        let Some(connection) = self.connection(key) else { return };
        connection.protocol = Protocol::Closing;
        connection.close_when_written = true;
        connection.read_paused = false;
        if waits {
            self.set_connection_deadline(key, stall);
        } else {
            self.linger(key);
        }
    }

    /// Tells the peer that no more will come and waits for its end, so that it gets the last bytes.
    pub(super) fn linger(&mut self, key: ConnectionKey) {
        let linger = self.now + self.config.limits.linger_ms;
        self.detach(key);
        let Some(connection) = self.connection(key) else { return };
        connection.protocol = Protocol::Closing;
        if connection.half_closed || connection.stream.shutdown(std::net::Shutdown::Write).is_err() {
            return self.drop_connection(key);
        }
        self.set_connection_deadline(key, linger);
    }

    /// The connection is gone, or goes now.
    pub(super) fn drop_connection(&mut self, key: ConnectionKey) {
        drop(self.take_connection(key));
    }

    /// Takes a connection out of the shard: its stream, no longer polled, and what else there was.
    pub(super) fn take_connection(&mut self, key: ConnectionKey) -> Option<(std::net::TcpStream, Parting)> {
        self.detach(key);
        self.connection(key)?;
        let mut connection = self.connections.remove(key.slot as usize);
        self.counters.connections_open.set(self.connections.len() as u64);
        if let Some(request) = connection.cold.as_ref().and_then(|cold| cold.request.as_ref()) {
            self.pooled -= request.pooled;
        }
        // A stream that cannot be taken off the poll is closed all the same, which takes it off.
        let _ = self.poll.registry().deregister(&mut connection.stream);
        let Connection { stream, address, permit, half_closed, .. } = connection;
        Some((stream.into(), Parting { address, permit, half_closed }))
    }

    /// Takes the connection away from its session: as its wire, and as the holder of its connect.
    pub(super) fn detach(&mut self, key: ConnectionKey) {
        if let Some(session) = self.connection(key).and_then(|connection| connection.session.take()) {
            self.detach_session(session, key);
        }
    }
}

/// What is left of a connection when its stream goes elsewhere.
pub(super) struct Parting {
    pub(super) address: std::net::SocketAddr,
    pub(super) permit: crate::permit::Permit,
    pub(super) half_closed: bool,
}
