//! New connections: from the listeners, from other shards and from the host.
//!
//! Accepting is bounded a turn and by the caps of the node; who has no place gets one short answer. Bytes
//! are not looked at here.

use std::io::{self, Write};
use std::net::SocketAddr;

use bayeux::{Code, Millis};
use comet_wire::http::Head;
use mio::net::TcpStream;
use mio::{Interest, Token};

use crate::connection::{Connection, NOT_QUEUED, Protocol};
use crate::flash::Door;
use crate::key::ConnectionKey;
use crate::permit::Permit;
use crate::proxy;

use super::Shard;
use super::timer::Timer;

/// What one listener is asked for in one turn.
const ACCEPTS_PER_TURN: usize = 256;
/// How long to leave a listener alone when there are no descriptors left.
const EXHAUSTED_PAUSE_MS: u64 = 200;

impl Shard {
    pub(super) fn on_acceptable(&mut self, listener: usize) {
        if !self.unaccepted.contains(&listener) {
            self.unaccepted.push(listener);
        }
    }

    /// Takes what the listeners have, a bounded number each turn.
    pub(super) fn accept_rest(&mut self) {
        for listener in std::mem::take(&mut self.unaccepted) {
            for turn in 0.. {
                if turn == ACCEPTS_PER_TURN {
                    self.unaccepted.push(listener);
                    // The poll tells of new arrivals only: come back for the rest without waiting.
                    break;
                }
                match self.listeners[listener].accept() {
                    Ok((stream, address)) => self.on_accepted(self.doors.of(listener), stream, address),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if is_exhausted(&error) => {
                        tracing::warn!(%error, "no descriptors left, accepting pauses");
                        self.wheel.arm(Timer::Accept(listener as u32), self.now + EXHAUSTED_PAUSE_MS);
                        break;
                    }
                    // The peer went away between its arrival and now.
                    Err(_) => {}
                }
            }
        }
    }

    fn on_accepted(&mut self, door: Door, stream: TcpStream, address: SocketAddr) {
        self.counters.connections_accepted.add(1);
        let is_proxy = proxy::is_trusted(&self.config.trusted_proxies, address.ip());
        let admitted = if is_proxy { self.gate.admit_proxy() } else { self.gate.admit(address.ip()) };
        let Some(permit) = admitted else {
            self.counters.ending(Code::TooManyConnections);
            return if door == Door::Http { refuse(&stream) } else { drop(stream) };
        };
        #[cfg(not(target_os = "linux"))]
        let _ = stream.set_nodelay(true);
        let limits = &self.config.limits;
        let (protocol, patience_ms) = match door {
            Door::Http => (Protocol::Http, limits.head_timeout_ms),
            Door::Policy => (Protocol::Policy, limits.head_timeout_ms),
            Door::XmlSocket => (Protocol::XmlSocket(Box::default()), limits.handshake_timeout_ms),
        };
        if door == Door::XmlSocket {
            self.counters.xml_sockets_opened.add(1);
        }
        self.register(stream, address, permit, protocol, self.now + patience_ms);
    }

    /// Gives a connection its place, and a look at it by `deadline`.
    pub(super) fn register(
        &mut self,
        mut stream: TcpStream,
        address: SocketAddr,
        permit: Permit,
        protocol: Protocol,
        deadline: Millis,
    ) -> Option<ConnectionKey> {
        let generation = self.next_generation();
        let entry = self.connections.vacant_entry();
        let key = ConnectionKey { slot: entry.key() as u32, generation };
        let token = Token(key.pack() as usize);
        if let Err(error) =
            self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)
        {
            tracing::warn!(%error, "a connection could not be registered");
            return None;
        }
        entry.insert(Connection {
            stream,
            generation,
            queued: NOT_QUEUED,
            address,
            permit,
            protocol,
            session: None,
            deadline: 0,
            armed: 0,
            close_when_written: false,
            half_closed: false,
            unread: false,
            read_paused: false,
            tuned: false,
            carries_connect: false,
            cold: None,
        });
        self.counters.connections_open.set(self.connections.len() as u64);
        self.set_connection_deadline(key, deadline);
        Some(key)
    }
}

impl Shard {
    /// Counts a request of a trusted proxy for the client behind it, whose the connection is from here on; false
    /// when that client has too many, or the proxy has gone.
    pub(super) fn count_client(&mut self, key: ConnectionKey, head: &Head<'_>) -> bool {
        let config = self.config.clone();
        let Some(connection) = self.connection(key) else { return false };
        if !connection.permit.is_proxy() {
            return true;
        }
        let Ok(peer) = connection.stream.peer_addr() else { return false };
        let client = proxy::client_of(head, &config.trusted_proxies, peer.ip());
        // The port at the client's end is known to the proxy alone.
        connection.address = if client == peer.ip() { peer } else { SocketAddr::new(client, 0) };
        connection.permit.count_for(client)
    }
}

/// Tells a client that there is no room, as far as one packet can.
fn refuse(mut stream: &TcpStream) {
    let answer = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = stream.write(answer);
    let _ = stream.shutdown(std::net::Shutdown::Write);
}

fn is_exhausted(error: &io::Error) -> bool {
    // EMFILE and ENFILE have no kind of their own.
    matches!(error.raw_os_error(), Some(23 | 24)) || error.kind() == io::ErrorKind::OutOfMemory
}
