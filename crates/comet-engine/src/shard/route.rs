//! What a request under the mount asks for.
//!
//! Method and fields choose the transport: a WebSocket, long polling or a stream by POST, callback polling or timed polling
//! by GET, or a browser's question before one of them. Whose page asks is judged first. The batch itself is started in
//! `batch`; formats are `comet-wire`'s.

use bayeux::{Code, ConnectionType, Message, json};
use comet_wire::callback::Callback;
use comet_wire::http::{Head, Method};
use comet_wire::part::Part;
use comet_wire::poll::Poll;
use comet_wire::websocket::handshake;
use comet_wire::{cors, form};

use crate::connection::{Answering, Protocol, Special, WebSocket};
use crate::delivery::Chunk;
use crate::host::RequestInfo;
use crate::key::ConnectionKey;
use crate::opening::Opening;
use crate::origin::{self, Origin};
use crate::xml_socket::XmlSocket;

use super::Shard;
use super::event_source::asks_for_events;
use super::http::{Request, Served};

/// Under a mount: WebSockets here carry the stream of an XMLSocket.
const XML_SOCKET: &str = "/xmlsocket";
const FORM: &str = "application/x-www-form-urlencoded";

impl Shard {
    /// Serves one request under a mount.
    pub(super) fn serve(&mut self, key: ConnectionKey, request: &Request<'_>) -> Served {
        let head = request.head;
        let allowed = self.config.clone();
        let origin = match origin::judge(head, &allowed.allowed_origins) {
            Origin::Forbidden => return self.answer_plainly(key, Code::ForbiddenOrigin, None),
            Origin::Allowed(origin) => Some(origin),
            Origin::Own => None,
        };
        if let Some(form) = allowed.feed_at(head.path()).filter(|_| head.method != Method::Options) {
            return self.serve_feed(key, request, origin, form);
        }
        match head.method {
            Method::Get if asks_for_websocket(head) => self.open_websocket(key, head),
            Method::Get if asks_for_events(head) => self.serve_events(key, request, origin),
            Method::Get => match Poll::of(head) {
                Some(poll) => self.serve_poll(key, request, poll, origin),
                None => self.serve_callback(key, request),
            },
            Method::Post if asks_for_websocket(head) => {
                self.answer_plainly(key, Code::RequestInvalid, origin)
            }
            Method::Post => self.serve_post(key, request, origin),
            Method::Options => {
                let mut out = Vec::new();
                let keep_alive = head.keep_alive();
                if cors::write_preflight(&mut out, origin, keep_alive).is_err() {
                    return self.answer_plainly(key, Code::RequestInvalid, None);
                }
                self.write(key, Chunk::Owned(out));
                if !keep_alive {
                    self.close_after_output(key);
                    return Served::Gone;
                }
                if let Some(connection) = self.connection(key) {
                    connection.permit.release_address();
                }
                Served::Done
            }
            _ => self.answer_plainly(key, Code::MethodUnsupported, origin),
        }
    }

    fn open_websocket(&mut self, key: ConnectionKey, head: &Head<'_>) -> Served {
        let mut out = Vec::new();
        let path = head.path();
        let echo = self.config.echo_path.as_deref() == Some(path);
        let carries_xml_socket = self.config.flash.websocket
            && path
                .strip_suffix(XML_SOCKET)
                .is_some_and(|mount| self.config.mounts.iter().any(|known| known == mount));
        match handshake::accept(head, None) {
            Ok(accept) if handshake::write_accept(&mut out, &accept, &[]).is_ok() => {}
            Ok(_) => return self.answer_plainly(key, Code::RequestInvalid, None),
            Err(error) => {
                self.counters.ending(if error.status() == 426 {
                    Code::UpgradeRequired
                } else {
                    Code::RequestInvalid
                });
                handshake::write_refusal(&mut out, error);
                self.write(key, Chunk::Owned(out));
                self.close_after_output(key);
                return Served::Gone;
            }
        }
        self.write(key, Chunk::Owned(out));
        // Whom the connection served by HTTP before says nothing of the socket.
        self.detach(key);
        let deadline = self.now + self.config.limits.handshake_timeout_ms;
        let Some(connection) = self.connection(key) else { return Served::Gone };
        let opening = || Opening::of(&request_info(head, connection.address));
        connection.protocol = if echo {
            Protocol::Echo(Default::default())
        } else if carries_xml_socket {
            Protocol::XmlSocket(Box::new(XmlSocket::framed(opening())))
        } else {
            Protocol::WebSocket(WebSocket::new(opening()))
        };
        self.set_connection_deadline(key, deadline);
        self.counters.websockets_opened.add(1);
        Served::Upgraded
    }

    fn serve_post(&mut self, key: ConnectionKey, request: &Request<'_>, origin: Option<&str>) -> Served {
        if request.head.body_is_coded() {
            return self.answer_plainly(key, Code::MediaUnsupported, origin);
        }
        let form = !starts_as_json(request.body)
            && (request.body.starts_with(b"message=")
                || request.head.content_type().is_some_and(|media| media.eq_ignore_ascii_case(FORM)));
        let messages = if form {
            match form::messages_of_form(request.body) {
                Ok(texts) => self.decode_all(texts.iter().map(|text| text.as_bytes())),
                Err(_) => Err(Code::RequestInvalid),
            }
        } else {
            self.decode_all(std::iter::once(request.body))
        };
        let special = origin.map(|origin| Special { origin: Some(origin.into()), ..Special::default() });
        match messages {
            // Who knows no chunks could not tell the end of a stream.
            Ok(messages) if !request.head.version11 && messages.iter().any(asks_for_stream) => {
                self.answer_plainly(key, Code::RequestInvalid, origin)
            }
            Ok(messages) => self.serve_batch(key, request, messages, request.body.len(), special),
            Err(code) => self.answer_plainly(key, code, origin),
        }
    }

    fn serve_callback(&mut self, key: ConnectionKey, request: &Request<'_>) -> Served {
        let query = request.head.query().unwrap_or_default();
        let callback =
            ["jsonp", "callback"].into_iter().find_map(|name| form::query_value(query, name).transpose());
        let callback = match callback {
            Some(Ok(name)) => match Callback::parse(&name) {
                Ok(callback) => callback,
                Err(_) => return self.answer_plainly(key, Code::CallbackInvalid, None),
            },
            Some(Err(_)) => return self.answer_plainly(key, Code::RequestInvalid, None),
            None => return self.answer_plainly(key, Code::MethodUnsupported, None),
        };
        if !origin::judge_script(request.head, &self.config.allowed_origins) {
            return self.answer_plainly(key, Code::ForbiddenOrigin, None);
        }
        match Part::parse(query) {
            Ok(Some(part)) => return self.serve_part(key, request, &part, callback),
            Err(_) => return self.answer_plainly(key, Code::PartsInvalid, None),
            Ok(None) => {}
        }
        let messages = match form::query_values(query, "message") {
            Ok(texts) => self.decode_all(texts.iter().map(|text| text.as_bytes())),
            Err(_) => Err(Code::RequestInvalid),
        };
        match messages {
            Ok(messages) => {
                let special = Special { callback: Some(callback), ..Special::default() };
                self.serve_batch(key, request, messages, request.head.target.len(), Some(special))
            }
            Err(code) => self.answer_plainly(key, code, None),
        }
    }

    pub(super) fn decode_all<'a>(&self, texts: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Message>, Code> {
        let limits = self.batch_limits();
        let mut messages = Vec::new();
        for text in texts {
            messages.extend(json::decode_batch(text, &limits).map_err(|error| error.code)?);
            if messages.len() > limits.messages {
                return Err(Code::BatchTooLong);
            }
        }
        if messages.is_empty() { Err(Code::BatchEmpty) } else { Ok(messages) }
    }

    pub(super) fn batch_limits(&self) -> json::BatchLimits {
        json::BatchLimits {
            depth: self.config.limits.json_depth,
            messages: self.config.limits.batch_messages,
        }
    }

    /// Starts a batch that came by HTTP, on the shard of its session; `bytes` are those of its text.
    pub(super) fn serve_batch(
        &mut self,
        key: ConnectionKey,
        request: &Request<'_>,
        messages: Vec<Message>,
        bytes: usize,
        special: Option<Special>,
    ) -> Served {
        let head = request.head;
        let cookie = head.cookie(super::browser::COOKIE);
        let home = self.shard_of(&messages, cookie);
        if home != self.index {
            return self.move_request(key, home, request);
        }
        let Some(connection) = self.connection(key) else { return Served::Gone };
        let connect_only = special.as_ref().is_some_and(|special| special.callback.is_some());
        let info =
            messages.iter().any(is_handshake).then(|| Box::new(request_info(head, connection.address)));
        let keep_alive = head.keep_alive() && (!connection.half_closed || !request.unread.is_empty());
        connection.protocol = Protocol::Answering(Answering { keep_alive, special: special.map(Box::new) });
        self.start_batch(
            key,
            messages,
            bytes.max(head.target.len()),
            super::batch::Origin::Http { connect_only, cookie: cookie.map(Into::into), info },
        );
        match self.connection(key).map(|connection| &connection.protocol) {
            Some(Protocol::Http) => Served::Done,
            Some(Protocol::Answering(_) | Protocol::Streaming(_)) => Served::Waits,
            _ => Served::Gone,
        }
    }
}

pub(super) fn asks_for_websocket(head: &Head<'_>) -> bool {
    head.upgrade().is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// Faye's pages post forms, to other origins as plain text; some programs post JSON and say it is a form.
fn starts_as_json(body: &[u8]) -> bool {
    body.trim_ascii_start().first().is_some_and(|first| matches!(first, b'[' | b'{'))
}

/// Whether a message asks for a session.
pub(super) fn is_handshake(message: &Message) -> bool {
    message.channel.as_deref() == Some(bayeux::meta::HANDSHAKE)
}

/// Whether a message asks for an answer that goes on.
fn asks_for_stream(message: &Message) -> bool {
    message.channel.as_deref() == Some(bayeux::meta::CONNECT)
        && message
            .connection_type
            .as_deref()
            .and_then(ConnectionType::parse)
            .is_some_and(ConnectionType::streams)
}

/// What a policy may want to know of a request.
pub(super) fn request_info(head: &Head<'_>, address: std::net::SocketAddr) -> RequestInfo {
    let text = |name| head.field(name).and_then(|value| std::str::from_utf8(value).ok()).map(Into::into);
    RequestInfo {
        address,
        target: head.target.into(),
        origin: head.origin().map(Into::into),
        cookie: text("cookie"),
        authorization: text("authorization"),
    }
}
