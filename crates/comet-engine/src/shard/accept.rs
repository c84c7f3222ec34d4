//! New connections: from the listeners, from other shards and from the host.
//!
//! Accepting is bounded a turn and by the caps of the node; who has no place gets one short answer. Bytes
//! are not looked at here.

use std::io::{self, Write};
use std::net::SocketAddr;

use bayeux::{Code, Millis};
use mio::net::TcpStream;
use mio::{Interest, Token};

use crate::connection::{Connection, NOT_QUEUED, Protocol};
use crate::key::ConnectionKey;
use crate::permit::Permit;

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
                    Ok((stream, address)) => self.on_accepted(stream, address),
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

    fn on_accepted(&mut self, stream: TcpStream, address: SocketAddr) {
        self.counters.connections_accepted.add(1);
        let Some(permit) = self.gate.admit(address.ip()) else {
            self.counters.ending(Code::TooManyConnections);
            return refuse(&stream);
        };
        #[cfg(not(target_os = "linux"))]
        let _ = stream.set_nodelay(true);
        let deadline = self.now + self.config.limits.head_timeout_ms;
        self.register(stream, address, permit, Protocol::Http, deadline);
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
