//! Connections that come from elsewhere: moved to the shard of their session, or brought back by the host.
//!
//! They arrive with everything that was read from them, so nothing is lost and nothing is read twice. What
//! they carry is taken up where the other side left off.

use comet_wire::http::{HeadLimits, Parsed, parse_head};
use mio::net::TcpStream;

use bayeux::{Code, json};

use crate::connection::{Freight, Moved, Protocol, WebSocket};
use crate::delivery::Chunk;
use crate::key::ConnectionKey;

use super::Shard;
use super::batch::Origin;
use super::http::{Request, Served};

impl Shard {
    pub(super) fn on_moved(&mut self, moved: Moved) {
        let Moved { stream, address, permit, half_closed, output, freight } = moved;
        let stream = TcpStream::from_std(stream);
        let deadline = self.now + self.config.limits.head_timeout_ms;
        let Some(key) = self.register(stream, address, permit, Protocol::Http, deadline) else { return };
        if let Some(connection) = self.connection(key) {
            connection.half_closed = half_closed;
        }
        if !output.is_empty() {
            self.write(key, Chunk::Owned(output));
        }
        match freight {
            Freight::Unread(unread) => self.on_kept_input(key, unread),
            Freight::Request { head, body, unread } => self.on_moved_request(key, &head, &body, unread),
            Freight::XmlSocket { socket, unread } => self.on_moved_xml_socket(key, socket, unread),
            Freight::WebSocket { opening, message, unread } => {
                if let Some(connection) = self.connection(key) {
                    connection.protocol = Protocol::WebSocket(WebSocket::new(opening));
                }
                match json::decode_batch(&message, &self.batch_limits()) {
                    Ok(messages) => self.start_batch(key, messages, message.len(), Origin::WebSocket),
                    Err(error) => return self.end_connection(key, error.code),
                }
                if !unread.is_empty() {
                    self.on_kept_input(key, unread);
                }
            }
        }
    }

    fn on_moved_request(&mut self, key: ConnectionKey, head_bytes: &[u8], body: &[u8], unread: Vec<u8>) {
        let limits = HeadLimits {
            bytes: self.config.limits.head_bytes,
            fields: self.config.limits.head_fields,
            ..HeadLimits::default()
        };
        self.set_connection_deadline(key, 0);
        let Ok(Parsed::Complete { head, .. }) = parse_head(head_bytes, &limits) else {
            return self.end_connection(key, Code::Internal);
        };
        match self.serve(key, &Request { head: &head, head_bytes, body, unread: &unread }) {
            Served::Done | Served::Upgraded => self.on_kept_input(key, unread),
            Served::Waits => {
                if let (Some(connection), false) = (self.connection(key), unread.is_empty()) {
                    connection.cold_mut().input = unread;
                }
            }
            Served::Stalled | Served::Gone => {}
        }
    }
}
