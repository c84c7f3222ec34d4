//! Output: one batch of sends a turn, and what is left over when a peer is slow.
//!
//! Whoever has bytes for a connection writes them here; they leave with everyone else's in one go. What a
//! socket does not take stays with its connection, as references where it is shared, and the connection
//! gets a deadline to take it. Which bytes, and when, is decided elsewhere.

use std::io;

use bayeux::Code;

use crate::connection::{NOT_QUEUED, Protocol};
use crate::delivery::Chunk;
use crate::key::ConnectionKey;
use crate::send::{BATCH, Outgoing};

use super::Shard;

/// Sends that wait for the batch to leave.
#[derive(Default)]
pub(super) struct Outbox {
    entries: Vec<(ConnectionKey, Chunk)>,
    taken: Vec<io::Result<usize>>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Shard {
    /// Writes to a connection; the bytes leave with the next batch, behind everything written before.
    pub(super) fn write(&mut self, key: ConnectionKey, chunk: Chunk) {
        let most = self.config.limits.output_bytes;
        let Some(connection) = self.connections.get_mut(key.slot as usize) else { return };
        if connection.generation != key.generation {
            return;
        }
        if connection.is_stalled() {
            let cold = connection.cold_mut();
            cold.output_bytes += chunk.bytes().len();
            cold.output.push_back(chunk);
            if cold.output_bytes > most {
                self.end_connection(key, Code::SlowConsumer);
            }
            return;
        }
        if connection.queued != NOT_QUEUED {
            let queued = &mut self.outbox.entries[connection.queued as usize].1;
            queued.append(chunk.bytes());
            if queued.bytes().len() > self.config.limits.bytes_per_write {
                self.flush();
            }
            return;
        }
        connection.queued = self.outbox.entries.len() as u32;
        self.outbox.entries.push((key, chunk));
        if self.outbox.entries.len() >= BATCH {
            self.flush();
        }
    }

    /// Lets the batch leave.
    pub(super) fn flush(&mut self) {
        if self.outbox.entries.is_empty() {
            return;
        }
        let mut entries = std::mem::take(&mut self.outbox.entries);
        let mut taken = std::mem::take(&mut self.outbox.taken);
        entries.retain(|(key, _)| {
            self.connections
                .get(key.slot as usize)
                .is_some_and(|connection| connection.generation == key.generation)
        });
        let outgoing: Vec<Outgoing<'_>> = entries
            .iter()
            .map(|(key, chunk)| Outgoing {
                stream: &self.connections[key.slot as usize].stream,
                bytes: chunk.bytes(),
            })
            .collect();
        self.sender.send(&outgoing, &mut taken);
        drop(outgoing);
        for ((key, chunk), taken) in entries.drain(..).zip(taken.drain(..)) {
            self.on_sent(key, chunk, taken);
        }
        if self.outbox.entries.is_empty() {
            self.outbox.entries = entries;
        }
        self.outbox.taken = taken;
    }

    fn on_sent(&mut self, key: ConnectionKey, chunk: Chunk, taken: io::Result<usize>) {
        let stall = self.now + self.config.limits.write_stall_ms;
        let Some(connection) = self.connection(key) else { return };
        connection.queued = NOT_QUEUED;
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => return self.drop_connection(key),
        };
        let left = chunk.bytes().len() - taken;
        if left > 0 {
            let cold = connection.cold_mut();
            cold.output_sent = taken;
            cold.output_bytes = left;
            cold.output.push_back(chunk);
            cold.stalled_until = stall;
            self.counters.sends_short.add(1);
            self.arm_connection(key);
        }
        self.counters.sent_bytes.add(taken as u64);
        if left == 0 {
            self.on_written(key);
        }
    }

    /// The socket takes bytes again.
    pub(super) fn on_writable(&mut self, key: ConnectionKey) {
        let stall = self.now + self.config.limits.write_stall_ms;
        let Some(connection) = self.connection(key) else { return };
        if !connection.is_stalled() {
            return;
        }
        let crate::connection::Connection { stream, cold, .. } = connection;
        let cold = cold.as_mut().expect("a stalled connection has cold state");
        let mut sent = 0;
        let mut failed = false;
        while let Some(chunk) = cold.output.front() {
            match io::Write::write(&mut &*stream, &chunk.bytes()[cold.output_sent..]) {
                Ok(taken) => {
                    sent += taken;
                    cold.output_sent += taken;
                    cold.output_bytes -= taken;
                    if cold.output_sent < chunk.bytes().len() {
                        break;
                    }
                    cold.output.pop_front();
                    cold.output_sent = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    failed = true;
                    break;
                }
            }
        }
        if failed {
            return self.drop_connection(key);
        }
        if sent > 0 {
            cold.stalled_until = stall;
        }
        let empty = cold.output.is_empty();
        self.counters.sent_bytes.add(sent as u64);
        if empty {
            self.connections[key.slot as usize].trim();
            self.on_written(key);
        }
    }

    /// Everything written to this connection has left.
    fn on_written(&mut self, key: ConnectionKey) {
        let (now, config) = (self.now, self.config.clone());
        let Some(connection) = self.connection(key) else { return };
        let carried = std::mem::take(&mut connection.carries_connect);
        let (mut close, session) = (connection.close_when_written, connection.session);
        let closing = matches!(connection.protocol, Protocol::Closing);
        let answering = matches!(connection.protocol, Protocol::Answering(_));
        let between = matches!(connection.protocol, Protocol::Http);
        let has_input = connection.has_input();
        if between && (has_input || connection.read_paused) {
            self.resumable.push(key);
        }
        // Who sends no more is still answered what it has asked, but holds no connect.
        close &= !(between && has_input) && (!answering || self.holds_connect(key));
        if let (true, Some(session)) = (carried, session) {
            if let Some(seat) = self.seat(session) {
                seat.session.on_connect_written(&config.session, now);
            }
            self.arm_session(session);
        }
        if close {
            self.linger(key);
        } else if !closing {
            // A slow reader that has caught up gets what queued up meanwhile.
            if let Some(session) = session {
                self.mark_dirty(session);
            }
        }
    }

    /// Whether bytes for this connection have not left yet.
    pub(super) fn has_output(&mut self, key: ConnectionKey) -> bool {
        self.connection(key)
            .is_some_and(|connection| connection.is_stalled() || connection.queued != NOT_QUEUED)
    }
}
