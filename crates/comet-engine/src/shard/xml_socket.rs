//! XMLSockets of sessions: messages in, last words out, and the word on who may connect.
//!
//! A message is a batch, as on a WebSocket, and goes to `batch`; the stream they come in is plain TCP or the payload of
//! binary frames. Until a message names a session the wire has a deadline and a small bound. Cutting is `comet-wire`'s.

use bayeux::{Code, json};
use comet_wire::websocket::{Decoded, Event, FrameLimits, close_frame, pong_frame};
use comet_wire::xml_socket::policy::{MOST_QUESTION_BYTES, is_question};
use comet_wire::xml_socket::{Cut, MessageError};

use crate::connection::{Freight, Protocol};
use crate::delivery::Chunk;
use crate::key::ConnectionKey;
use crate::xml_socket::XmlSocket;

use super::Shard;
use super::answer::encode_all;
use super::batch::Origin;
use super::read::Flow;
use super::stream::Ending;
use super::websocket::code_of;

/// What the next frame brought.
enum Framed {
    /// So many bytes, whatever they were.
    Taken(usize),
    More,
    Gone,
}

impl Shard {
    pub(super) fn on_xml_socket(&mut self, key: ConnectionKey, bytes: &mut [u8]) -> Flow {
        let Some(socket) = self.xml_socket(key) else { return Flow::Gone };
        if !socket.framed {
            return self.cut_messages(key, bytes, &[]);
        }
        let mut at = 0;
        loop {
            let Some(socket) = self.xml_socket(key) else { return Flow::Gone };
            let mut text = std::mem::take(&mut socket.text);
            let flow = self.cut_messages(key, &text, &bytes[at..]);
            let (taken, waits) = match flow {
                Flow::Gone => return Flow::Gone,
                Flow::More(taken) => (taken, false),
                Flow::Wait(taken) => (taken, true),
            };
            if let (Some(socket), true) = (self.xml_socket(key), taken < text.len()) {
                text.drain(..taken);
                socket.text = text;
            }
            if waits {
                return Flow::Wait(at);
            }
            match self.take_frame(key, &mut bytes[at..]) {
                Framed::Taken(taken) => at += taken,
                Framed::More => return Flow::More(at),
                Framed::Gone => return Flow::Gone,
            }
        }
    }

    fn xml_socket(&mut self, key: ConnectionKey) -> Option<&mut XmlSocket> {
        match &mut self.connection(key)?.protocol {
            Protocol::XmlSocket(socket) => Some(socket),
            _ => None,
        }
    }

    /// The most bytes of one message on this wire.
    fn message_bytes(&mut self, key: ConnectionKey) -> usize {
        let known = self.connection(key).is_some_and(|connection| connection.session.is_some());
        if known { self.config.limits.batch_bytes } else { self.config.limits.unidentified_bytes }
    }

    /// Takes the messages at the start of `text`. Should the wire move, `unread` moves behind them.
    fn cut_messages(&mut self, key: ConnectionKey, text: &[u8], unread: &[u8]) -> Flow {
        let limits = self.batch_limits();
        let mut at = 0;
        loop {
            let most = self.message_bytes(key);
            let waiting_most = self.config.limits.exchanges_per_connection;
            let Some(socket) = self.xml_socket(key) else { return Flow::Gone };
            if socket.link.blocked || usize::from(socket.link.waiting) >= waiting_most {
                return Flow::Wait(at);
            }
            let (waiting, framed) = (socket.link.waiting, socket.framed);
            let (message, consumed) = match socket.scanner.cut(&text[at..], most) {
                Ok(Cut::NeedMore { consumed }) => return Flow::More(at + consumed),
                Ok(Cut::Message { text, consumed }) => (text.as_bytes(), consumed),
                Err(error) => return self.refuse_message(key, error),
            };
            let named = self.connection(key).is_some_and(|connection| connection.session.is_some());
            if !framed && !named && is_question(message) {
                return self.tell_policy(key);
            }
            match json::decode_batch(message, &limits) {
                Ok(messages) => match self.place_elsewhere(&messages) {
                    // The replies that are on their way would not find it elsewhere.
                    Some(_) if waiting > 0 => return Flow::Wait(at),
                    Some(shard) => {
                        self.move_xml_socket(key, shard, &text[at..], unread);
                        return Flow::Gone;
                    }
                    None => self.start_batch(key, messages, message.len(), Origin::WebSocket),
                },
                // Players tell of connections that are not there yet: who asks is shown that this one is.
                Err(error) if error.code == Code::BatchEmpty && !named => self.write_frame(key, &[], &[]),
                Err(error) if error.code == Code::BatchEmpty => {}
                Err(error) => {
                    self.end_connection(key, error.code);
                    return Flow::Gone;
                }
            }
            at += consumed;
        }
    }

    /// The stream is over: nothing behind bytes that are no message can be trusted.
    fn refuse_message(&mut self, key: ConnectionKey, error: MessageError) -> Flow {
        match error {
            MessageError::TooLong => self.end_connection(key, Code::FrameTooLarge),
            MessageError::Text => self.end_connection(key, Code::TextInvalid),
            MessageError::Foreign => {
                // Whoever it is understands no word of ours.
                self.counters.ending(Code::FrameInvalid);
                self.drop_connection(key);
            }
        }
        Flow::Gone
    }

    /// Takes one frame of a WebSocket that carries the stream.
    fn take_frame(&mut self, key: ConnectionKey, bytes: &mut [u8]) -> Framed {
        let (message_bytes, fragments) = (self.message_bytes(key), self.config.limits.fragments);
        let Some(socket) = self.xml_socket(key) else { return Framed::Gone };
        let ended = match socket.link.decoder.decode(bytes, &FrameLimits { message_bytes, fragments }) {
            Ok(Decoded::NeedMore { .. }) => return Framed::More,
            Ok(Decoded::Frame { event, consumed }) => match event {
                Some(Event::Binary(payload)) => {
                    socket.text.extend_from_slice(&payload);
                    return Framed::Taken(consumed);
                }
                None | Some(Event::Pong(_)) => return Framed::Taken(consumed),
                Some(Event::Ping(payload)) => {
                    let pong = pong_frame(payload);
                    self.pong(key, pong);
                    return Framed::Taken(consumed);
                }
                Some(Event::Close { code, .. }) => {
                    self.write(key, Chunk::Owned(close_frame(code.unwrap_or(1000), "")));
                    self.close_after_output(key);
                    return Framed::Gone;
                }
                Some(Event::Text(_)) => Code::MediaUnsupported,
            },
            Err(error) => code_of(error),
        };
        self.end_connection(key, ended);
        Framed::Gone
    }

    /// Moves the wire to the shard of the session that its next message names.
    fn move_xml_socket(&mut self, key: ConnectionKey, shard: usize, text: &[u8], unread: &[u8]) {
        let Some(socket) = self.xml_socket(key) else { return };
        let mut socket = Box::new(std::mem::take(socket));
        let unread = if socket.framed {
            socket.text = text.to_vec();
            unread.to_vec()
        } else {
            text.to_vec()
        };
        self.move_connection(key, shard, Freight::XmlSocket { socket, unread });
    }

    /// An XMLSocket has come from another shard.
    pub(super) fn on_moved_xml_socket(
        &mut self,
        key: ConnectionKey,
        socket: Box<XmlSocket>,
        unread: Vec<u8>,
    ) {
        let deadline = self.now + self.config.limits.handshake_timeout_ms;
        let Some(connection) = self.connection(key) else { return };
        connection.protocol = Protocol::XmlSocket(socket);
        self.set_connection_deadline(key, deadline);
        self.on_kept_input(key, unread);
    }

    /// Ends an XMLSocket behind what was written to it, with a last word; its session goes on without it. The ending is
    /// counted already.
    pub(super) fn end_xml_socket(&mut self, key: ConnectionKey, ending: Ending) {
        let Some(connection) = self.connection(key) else { return };
        let Protocol::XmlSocket(socket) = &connection.protocol else { return };
        let (form, framed, session) = (socket.form(), socket.framed, connection.session);
        if matches!(ending, Ending::Wire(Code::WriteStalled)) {
            return self.drop_connection(key);
        }
        connection.keep_what_has_begun();
        // From here on it is no open socket: should its bound of output be reached, it does not end once more.
        connection.protocol = Protocol::Closing;
        let mut last = [self.last_word(ending)];
        self.tell_times(session, &mut last);
        let mut out = Vec::new();
        form.write(&mut out, encode_all(&last).iter().map(Vec::as_slice));
        if framed {
            let code = ending.code();
            out.extend_from_slice(&close_frame(code.close_code(), code.name()));
        }
        self.write(key, Chunk::Owned(out));
        self.close_after_output(key);
    }

    /// A peer of a listener that is for the policy alone.
    pub(super) fn on_policy(&mut self, key: ConnectionKey, bytes: &[u8]) -> Flow {
        match bytes.iter().position(|byte| *byte == 0) {
            Some(end) if is_question(&bytes[..end]) => return self.tell_policy(key),
            None if bytes.len() < MOST_QUESTION_BYTES => return Flow::More(0),
            _ => {}
        }
        self.counters.ending(Code::RequestInvalid);
        self.drop_connection(key);
        Flow::Gone
    }

    /// Tells a player who may connect; it connects again if that is what it wanted.
    fn tell_policy(&mut self, key: ConnectionKey) -> Flow {
        let answer = [self.doors.policy.as_bytes(), &[0]].concat();
        self.counters.policies_told.add(1);
        self.write(key, Chunk::Owned(answer));
        self.close_after_output(key);
        Flow::Gone
    }
}
