//! From readiness to bytes, and from bytes to whoever understands them.
//!
//! All input goes through the shard's one buffer; what a reader leaves over is kept with the connection. A
//! reader says how much it understood and whether it wants more; none of them reads a socket itself.

use std::io::{self, Read};

use bayeux::Code;
use mio::event::Event;
use mio::net::TcpStream;

use crate::connection::Protocol;
use crate::key::ConnectionKey;

use super::{READ_BYTES, Shard};

/// Full reads of one connection in one turn.
const READS_PER_TURN: u32 = 4;

/// What a reader says after looking at the input.
pub(super) enum Flow {
    /// It took so many bytes and cannot go on without more.
    More(usize),
    /// It took so many bytes and goes on when the batch in progress is answered.
    Wait(usize),
    /// The connection is no longer here, or no longer read.
    Gone,
}

/// A request is answered at once, or a poll by the next event: the packet of the answer acknowledges it, and there is none for
/// that alone, unless nothing follows within the system's own 40 ms. It forgets this wish each time nothing did. An
/// acknowledgement at every read is a fifth of what a delivery by long polling costs.
#[cfg(target_os = "linux")]
fn leave_acknowledgement_to_answer(stream: &TcpStream) {
    // A socket that refuses acknowledges as it would have.
    let _ = socket2::SockRef::from(stream).set_tcp_quickack(false);
}

#[cfg(not(target_os = "linux"))]
fn leave_acknowledgement_to_answer(_: &TcpStream) {}

impl Shard {
    pub(super) fn on_ready(&mut self, key: ConnectionKey, event: &Event) {
        if event.is_writable() {
            self.on_writable(key);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            let read_closed = event.is_read_closed();
            // Whoever has more to read has its turn later in this one, and then meets the end too.
            if self.connection(key).is_some_and(|connection| connection.read_paused || !connection.unread) {
                self.read(key, read_closed, read_closed);
            }
        }
    }

    /// Reads until the socket has no more, as far as the connection's state lets it and for a bounded time.
    /// `to_end` says that only an empty socket is known to have no more.
    fn read(&mut self, key: ConnectionKey, read_closed: bool, to_end: bool) {
        for turn in 0.. {
            let mut buffer = std::mem::take(&mut self.buffer);
            let Some(connection) = self.connection(key) else {
                self.buffer = buffer;
                return;
            };
            if connection.read_paused {
                self.buffer = buffer;
                if read_closed {
                    self.on_read_closed(key);
                }
                return;
            }
            if turn == READS_PER_TURN {
                connection.unread = true;
                self.buffer = buffer;
                return self.unread.push(key);
            }
            if matches!(connection.protocol, Protocol::Http) {
                leave_acknowledgement_to_answer(&connection.stream);
            }
            let result = connection.stream.read(&mut buffer);
            let go_on = match &result {
                Ok(read) if *read > 0 => {
                    self.on_input(key, &mut buffer[..*read]);
                    *read == READ_BYTES || to_end
                }
                _ => false,
            };
            self.buffer = buffer;
            match result {
                Ok(0) => return self.on_read_closed(key),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.drop_connection(key),
                Ok(_) if go_on => {}
                Ok(_) => return,
            }
        }
    }

    /// Gives new bytes to the reader of the connection, behind those it has left over.
    fn on_input(&mut self, key: ConnectionKey, new: &mut [u8]) {
        let Some(connection) = self.connection(key) else { return };
        let mut kept =
            connection.cold.as_mut().map(|cold| std::mem::take(&mut cold.input)).unwrap_or_default();
        if kept.is_empty() {
            let flow = self.understand(key, new);
            self.keep(key, flow, new.len(), |taken| new[taken..].to_vec());
        } else {
            kept.extend_from_slice(new);
            self.on_kept_input(key, kept);
        }
    }

    /// Lets the reader go on with bytes that were kept with the connection.
    pub(super) fn on_kept_input(&mut self, key: ConnectionKey, mut kept: Vec<u8>) {
        let flow = self.understand(key, &mut kept);
        self.keep(key, flow, kept.len(), |taken| {
            kept.drain(..taken);
            kept
        });
    }

    pub(super) fn understand(&mut self, key: ConnectionKey, bytes: &mut [u8]) -> Flow {
        let Some(connection) = self.connection(key) else { return Flow::Gone };
        match connection.protocol {
            Protocol::Http => self.on_http(key, bytes),
            Protocol::Answering(_) | Protocol::Streaming(_) => Flow::Wait(0),
            Protocol::WebSocket(_) => self.on_websocket(key, bytes),
            Protocol::Echo(_) => self.on_echo(key, bytes),
            Protocol::XmlSocket(_) => self.on_xml_socket(key, bytes),
            Protocol::Policy => self.on_policy(key, bytes),
            Protocol::Closing => Flow::Gone,
        }
    }

    /// Keeps what a reader left over, within bounds.
    fn keep(&mut self, key: ConnectionKey, flow: Flow, length: usize, rest: impl FnOnce(usize) -> Vec<u8>) {
        let limits = &self.config.limits;
        let (taken, most) = match flow {
            Flow::Gone => return,
            Flow::More(taken) => (taken, limits.batch_bytes + limits.head_bytes + 16),
            Flow::Wait(taken) => (taken, limits.pipelined_bytes),
        };
        let Some(connection) = self.connection(key) else { return };
        if taken == length {
            return connection.trim();
        }
        connection.cold_mut().input = rest(taken);
        if length - taken > most {
            match flow {
                // The socket's own buffer and the peer's patience hold the rest back.
                Flow::Wait(_) => connection.read_paused = true,
                _ => self.end_connection(key, Code::BodyTooLarge),
            }
        }
    }

    /// The peer sends no more. What it asked for is still answered, a held connect is not.
    fn on_read_closed(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connection(key) else { return };
        connection.half_closed = true;
        let answering = matches!(connection.protocol, Protocol::Answering(_)) && !self.holds_connect(key);
        if !answering && !self.has_output(key) {
            return self.drop_connection(key);
        }
        if let Some(connection) = self.connection(key) {
            connection.close_when_written = true;
        }
    }

    /// Goes on with connections whose answered batch held their input back.
    pub(super) fn resume_connections(&mut self) {
        for key in std::mem::take(&mut self.resumable) {
            let Some(connection) = self.connection(key) else { continue };
            let paused = std::mem::take(&mut connection.read_paused);
            if connection.has_input() || connection.is_moving() || connection.has_text() {
                let input = connection.cold.as_mut().map(|cold| std::mem::take(&mut cold.input));
                self.on_kept_input(key, input.unwrap_or_default());
            }
            if paused {
                self.read(key, false, true);
            }
        }
        for key in std::mem::take(&mut self.unread) {
            if let Some(connection) = self.connection(key) {
                connection.unread = false;
                self.read(key, false, true);
            }
        }
    }
}
