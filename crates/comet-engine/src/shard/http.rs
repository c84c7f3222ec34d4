//! HTTP/1.1 requests: from bytes to a head with its whole body.
//!
//! A request that is for none of the engine's transports leaves with its connection as soon as its head is
//! known; any other is gathered, body and all, and given to `route`. Heads and bodies are understood by
//! `comet-wire`; what a request asks for is not decided here.

use bayeux::Code;
use comet_wire::http::{
    Body, BodyError, BodyFraming, Head, HeadError, HeadLimits, Parsed, canonical_path, write_head,
};

use crate::connection::{Connection, Freight, Moved, PartialRequest, Protocol};
use crate::delivery::Chunk;
use crate::host::HandedOver;
use crate::key::ConnectionKey;

use super::Shard;
use super::read::Flow;
use super::route::asks_for_websocket;

/// What became of a request.
pub(super) enum Served {
    /// It is answered: the next one may be looked at.
    Done,
    /// Its answer is awaited.
    Waits,
    /// It is not looked at before the answers in front of it have left.
    Stalled,
    /// The connection is a WebSocket from here on.
    Upgraded,
    /// The connection is gone.
    Gone,
}

/// A request with its whole body, decoded.
pub(super) struct Request<'a> {
    pub(super) head: &'a Head<'a>,
    pub(super) head_bytes: &'a [u8],
    pub(super) body: &'a [u8],
    /// What was read behind it.
    pub(super) unread: &'a [u8],
}

impl Shard {
    pub(super) fn on_http(&mut self, key: ConnectionKey, bytes: &mut [u8]) -> Flow {
        let mut at = 0;
        loop {
            let Some(connection) = self.connection(key) else { return Flow::Gone };
            if connection.is_stalled() {
                // One answer after the other: whoever is slow to take one waits for the next.
                return Flow::Wait(at);
            }
            let served = if connection.cold.as_ref().is_some_and(|cold| cold.request.is_some()) {
                match self.on_body(key, &bytes[at..]) {
                    Some((taken, served)) => {
                        at += taken;
                        served
                    }
                    None => return Flow::More(bytes.len()),
                }
            } else if at == bytes.len() {
                let idle = self.now + self.config.limits.idle_timeout_ms;
                self.set_connection_deadline(key, idle);
                return Flow::More(at);
            } else {
                match self.on_head(key, &bytes[at..]) {
                    Some((taken, served)) => {
                        at += taken;
                        served
                    }
                    None => return Flow::More(at),
                }
            };
            match served {
                Served::Done => {}
                Served::Waits => return Flow::Wait(at),
                Served::Stalled => {}
                Served::Gone => return Flow::Gone,
                Served::Upgraded => {
                    return match self.understand(key, &mut bytes[at..]) {
                        Flow::More(taken) => Flow::More(at + taken),
                        Flow::Wait(taken) => Flow::Wait(at + taken),
                        Flow::Gone => Flow::Gone,
                    };
                }
            }
        }
    }

    /// Looks for a request head at the start of `bytes`; `None` when it is not all there.
    fn on_head(&mut self, key: ConnectionKey, bytes: &[u8]) -> Option<(usize, Served)> {
        let (now, limits) = (self.now, self.config.limits.clone());
        let head_limits =
            HeadLimits { bytes: limits.head_bytes, fields: limits.head_fields, ..HeadLimits::default() };
        let connection = self.connection(key)?;
        let mut scanner = connection.cold.as_ref().map(|cold| cold.scanner).unwrap_or_default();
        let (head, length) = match scanner.parse(bytes, &head_limits) {
            Ok(Parsed::Complete { head, length }) => (head, length),
            Ok(Parsed::Partial) => {
                let first = connection.cold.as_ref().is_none_or(|cold| cold.scanner == Default::default());
                connection.cold_mut().scanner = scanner;
                if first {
                    self.set_connection_deadline(key, now + limits.head_timeout_ms);
                }
                return None;
            }
            Err(error) => {
                let code = match error {
                    HeadError::TooManyFields | HeadError::TooLong => Code::HeadersTooLarge,
                    _ => Code::RequestInvalid,
                };
                tracing::debug!(%error, "a request head was refused");
                self.end_connection(key, code);
                return Some((bytes.len(), Served::Gone));
            }
        };
        if let Some(cold) = &mut connection.cold {
            cold.scanner = Default::default();
        }
        self.set_connection_deadline(key, 0);
        let mounted = match canonical_path(head.path()) {
            Ok(path) => self.config.serves(&path),
            Err(_) => {
                self.end_connection(key, Code::RequestInvalid);
                return Some((bytes.len(), Served::Gone));
            }
        };
        if !mounted {
            return Some(if self.hand_over(key, bytes) {
                (bytes.len(), Served::Gone)
            } else {
                (0, Served::Stalled)
            });
        }
        self.counters.requests.add(1);
        if !self.count_client(key, &head) {
            self.end_connection(key, Code::TooManyConnections);
            return Some((bytes.len(), Served::Gone));
        }
        let framing = head.framing();
        if asks_for_websocket(&head) && !matches!(framing, BodyFraming::None | BodyFraming::Length(0)) {
            // Before the answer to an upgrade nothing may be sent: it could be meant for frames or for a request.
            self.end_connection(key, Code::RequestInvalid);
            return Some((bytes.len(), Served::Gone));
        }
        let body = &bytes[length..];
        match framing {
            BodyFraming::None => Some((
                length,
                self.serve(
                    key,
                    &Request { head: &head, head_bytes: &bytes[..length], body: &[], unread: body },
                ),
            )),
            BodyFraming::Length(expected)
                if expected <= body.len() as u64 && expected <= limits.batch_bytes as u64 =>
            {
                let (body, rest) = body.split_at(expected as usize);
                let request = Request { head: &head, head_bytes: &bytes[..length], body, unread: rest };
                Some((length + body.len(), self.serve(key, &request)))
            }
            framing => {
                if head.expects_continue() {
                    self.write(key, Chunk::Owned(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
                }
                let decoder = Body::new(framing, limits.batch_bytes);
                let request = PartialRequest {
                    head: bytes[..length].to_vec(),
                    decoder,
                    body: Vec::new(),
                    pooled: 0,
                    seen: 0,
                };
                self.connection(key)?.cold_mut().request = Some(Box::new(request));
                self.set_connection_deadline(key, now + limits.body_interval_ms);
                match self.on_body(key, body) {
                    Some((taken, served)) => Some((length + taken, served)),
                    // All of it is with the request now.
                    None => Some((bytes.len(), Served::Done)),
                }
            }
        }
    }

    /// Takes body bytes of the request in progress; `None` when more have to come, all bytes being taken.
    fn on_body(&mut self, key: ConnectionKey, bytes: &[u8]) -> Option<(usize, Served)> {
        let session = self.connection(key)?.session;
        let known = session.is_some_and(|session| self.seat(session).is_some());
        let connection = self.connections.get_mut(key.slot as usize)?;
        let mut request = connection.cold_mut().request.take()?;
        let progress = request.decoder.push(bytes, &mut request.body);
        let progress = match progress {
            Ok(progress) => progress,
            Err(error) => {
                self.pooled -= request.pooled;
                let code =
                    if error == BodyError::TooLarge { Code::BodyTooLarge } else { Code::RequestInvalid };
                self.end_connection(key, code);
                return Some((bytes.len(), Served::Gone));
            }
        };
        if progress.done {
            self.pooled -= request.pooled;
            self.set_connection_deadline(key, 0);
            let head_limits = HeadLimits {
                bytes: self.config.limits.head_bytes,
                fields: self.config.limits.head_fields,
                ..HeadLimits::default()
            };
            let served = match comet_wire::http::parse_head(&request.head, &head_limits) {
                Ok(Parsed::Complete { head, .. }) => {
                    let (head_bytes, body, unread) =
                        (&request.head[..], &request.body[..], &bytes[progress.consumed..]);
                    self.serve(key, &Request { head: &head, head_bytes, body, unread })
                }
                _ => Served::Gone,
            };
            return Some((progress.consumed, served));
        }
        // A body of somebody unknown may grow beyond its first share only while the pool has room.
        let own = self.config.limits.unidentified_bytes;
        if !known && request.body.len() > own + request.pooled {
            let more = (request.body.len() - own - request.pooled).next_multiple_of(own.max(1));
            if self.pooled + more > self.config.limits.unidentified_pool_bytes {
                self.pooled -= request.pooled;
                self.end_connection(key, Code::Overloaded);
                return Some((bytes.len(), Served::Gone));
            }
            request.pooled += more;
            self.pooled += more;
        }
        connection.cold_mut().request = Some(request);
        None
    }

    /// A request body has to bring a number of bytes in every interval.
    pub(super) fn look_at_body_rate(&mut self, key: ConnectionKey) {
        let (now, limits) = (self.now, self.config.limits.clone());
        let Some(request) =
            self.connection(key).and_then(|connection| connection.cold_mut().request.as_mut())
        else {
            return;
        };
        let brought = request.body.len() - request.seen;
        request.seen = request.body.len();
        if (brought as u64) < limits.body_rate_bytes {
            return self.end_connection(key, Code::SlowBody);
        }
        self.set_connection_deadline(key, now + limits.body_interval_ms);
    }

    /// Gives a connection to the host with everything that was read from it; false when it cannot go yet.
    fn hand_over(&mut self, key: ConnectionKey, unread: &[u8]) -> bool {
        // What was written before must leave before somebody else writes.
        self.flush();
        let Some(connection) = self.connection(key) else { return true };
        if connection.is_stalled() {
            return false;
        }
        if connection.half_closed {
            self.drop_connection(key);
            return true;
        }
        self.counters.connections_handed_over.add(1);
        if let Some((stream, connection)) = self.take_connection(key) {
            let (address, mut permit) = (connection.address, connection.permit);
            permit.release_address();
            self.host.take_over(HandedOver {
                stream,
                unread: unread.to_vec(),
                address,
                shard: self.index,
                permit,
            });
        }
        true
    }

    /// Moves a request, with its connection, to the shard of its session.
    pub(super) fn move_request(&mut self, key: ConnectionKey, shard: usize, request: &Request<'_>) -> Served {
        let freight = Freight::Request {
            head: request.head_bytes.to_vec(),
            body: request.body.to_vec(),
            unread: request.unread.to_vec(),
        };
        self.move_connection(key, shard, freight);
        Served::Gone
    }

    /// Moves a connection with its freight to another shard.
    pub(super) fn move_connection(&mut self, key: ConnectionKey, shard: usize, freight: Freight) {
        self.flush();
        // What the peer has not taken yet goes along, or it would see the middle of an answer missing.
        let output = self.connection(key).map(Connection::take_output).unwrap_or_default();
        let Some((stream, connection)) = self.take_connection(key) else { return };
        self.counters.connections_moved.add(1);
        let (address, permit, half_closed) = (connection.address, connection.permit, connection.half_closed);
        let moved = Moved { stream, address, permit, half_closed, output, freight };
        self.peers[shard].post(crate::inbox::Letter::Moved(Box::new(moved)));
    }

    /// Answers a request that carries no batch, or refuses one, with a status and no Bayeux body.
    pub(super) fn answer_plainly(&mut self, key: ConnectionKey, code: Code, origin: Option<&str>) -> Served {
        self.counters.ending(code);
        let body =
            format!("{{\"error\":{{\"code\":\"{}\",\"message\":\"{}\"}}}}", code.name(), code.description());
        let mut fields =
            vec![("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Vary", "Origin")];
        if let Some(origin) = origin {
            fields.extend([
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Allow-Credentials", "true"),
            ]);
        }
        if code.http_status() == 503 {
            fields.push(("Retry-After", "5"));
        }
        let mut out = Vec::new();
        let written = write_head(&mut out, code.http_status(), &fields, Some(body.len()), false);
        if written.is_err() {
            self.drop_connection(key);
            return Served::Gone;
        }
        out.extend_from_slice(body.as_bytes());
        self.write(key, Chunk::Owned(out));
        self.close_after_output(key);
        Served::Gone
    }

    /// The connection is between requests again.
    pub(super) fn await_request(&mut self, key: ConnectionKey) {
        let idle = self.now + self.config.limits.idle_timeout_ms;
        let Some(connection) = self.connection(key) else { return };
        if matches!(connection.protocol, Protocol::Answering(_)) {
            connection.protocol = Protocol::Http;
            connection.permit.release_address();
            if connection.has_input() || connection.read_paused {
                self.resumable.push(key);
            } else {
                self.set_connection_deadline(key, idle);
            }
        }
    }
}
