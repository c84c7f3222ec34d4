//! WebSockets of sessions: messages in, pongs and close frames out.
//!
//! Frames are `comet-wire`'s; a text message is a batch and goes to `batch`. A socket belongs to no session
//! until a message names one, and has a deadline and a small bound until then.

use bayeux::{Code, json};
use comet_wire::websocket::{Decoded, Event, FrameError, FrameLimits, close_frame, pong_frame};

use crate::connection::{Freight, Onward, Protocol};
use crate::delivery::Chunk;
use crate::key::ConnectionKey;

use super::Shard;
use super::read::Flow;

/// What a frame asks of the shard.
enum Told {
    Nothing,
    /// Messages, and the bytes of their text.
    Batch(Vec<bayeux::Message>, usize),
    /// Messages for a session of another shard.
    Onward(Onward),
    Pong(Vec<u8>),
    Close(u16),
    End(Code),
}

impl Shard {
    pub(super) fn on_websocket(&mut self, key: ConnectionKey, bytes: &mut [u8]) -> Flow {
        let limits = self.batch_limits();
        let mut at = 0;
        loop {
            let (unidentified, identified) =
                (self.config.limits.unidentified_bytes, self.config.limits.batch_bytes);
            let fragments = self.config.limits.fragments;
            let Some(connection) = self.connections.get_mut(key.slot as usize) else { return Flow::Gone };
            if connection.generation != key.generation {
                return Flow::Gone;
            }
            let (known, is_moving) = (connection.session.is_some(), connection.is_moving());
            let Protocol::WebSocket(socket) = &mut connection.protocol else { return Flow::Gone };
            if socket.blocked || usize::from(socket.waiting) >= self.config.limits.exchanges_per_connection {
                return Flow::Wait(at);
            }
            if is_moving && socket.waiting > 0 {
                // The replies that are on their way would not find it elsewhere.
                return Flow::Wait(at);
            }
            if is_moving {
                self.move_websocket(key, bytes[at..].to_vec());
                return Flow::Gone;
            }
            let frame_limits =
                FrameLimits { message_bytes: if known { identified } else { unidentified }, fragments };
            let (told, consumed) = match socket.decoder.decode(&mut bytes[at..], &frame_limits) {
                Ok(Decoded::NeedMore { .. }) => return Flow::More(at),
                Ok(Decoded::Frame { event, consumed }) => {
                    let told = match event {
                        None | Some(Event::Pong(_)) => Told::Nothing,
                        Some(Event::Text(text)) => match json::decode_batch(text.as_bytes(), &limits) {
                            Ok(messages) => match self.place_elsewhere(&messages) {
                                Some(shard) => {
                                    Told::Onward(Onward { shard, message: text.as_bytes().to_vec() })
                                }
                                None => Told::Batch(messages, text.len()),
                            },
                            // Old Faye clients keep a socket alive with empty batches.
                            Err(error) if error.code == Code::BatchEmpty => Told::Nothing,
                            Err(error) => Told::End(error.code),
                        },
                        Some(Event::Binary(_)) => Told::End(Code::MediaUnsupported),
                        Some(Event::Ping(payload)) => Told::Pong(pong_frame(payload)),
                        Some(Event::Close { code, .. }) => Told::Close(code.unwrap_or(1000)),
                    };
                    (told, consumed)
                }
                Err(error) => {
                    self.end_connection(key, code_of(error));
                    return Flow::Gone;
                }
            };
            at += consumed;
            match told {
                Told::Nothing => {}
                Told::Batch(messages, bytes) => {
                    self.start_batch(key, messages, bytes, super::batch::Origin::WebSocket);
                }
                Told::Onward(onward) => {
                    if let Some(connection) = self.connection(key) {
                        connection.cold_mut().onward = Some(Box::new(onward));
                    }
                }
                Told::Pong(frame) => self.pong(key, frame),
                Told::Close(code) => {
                    self.write(key, Chunk::Owned(close_frame(code, "")));
                    self.close_after_output(key);
                    return Flow::Gone;
                }
                Told::End(code) => {
                    self.end_connection(key, code);
                    return Flow::Gone;
                }
            }
        }
    }

    /// Answers a ping, a bounded number a second.
    pub(super) fn pong(&mut self, key: ConnectionKey, frame: Vec<u8>) {
        let (second, most) = ((self.now / 1_000) as u32, self.config.limits.pings_per_second);
        let Some(connection) = self.connection(key) else { return };
        let Some(socket) = connection.socket_mut() else { return };
        if socket.ping_second != second {
            (socket.ping_second, socket.pings) = (second, 0);
        }
        socket.pings = socket.pings.saturating_add(1);
        if u32::from(socket.pings) > most {
            self.end_connection(key, Code::PingFlood);
        } else {
            self.write(key, Chunk::Owned(frame));
        }
    }

    /// Moves a WebSocket to the shard of the session that its next message names.
    fn move_websocket(&mut self, key: ConnectionKey, unread: Vec<u8>) {
        let Some(connection) = self.connection(key) else { return };
        let Some(onward) = connection.cold_mut().onward.take() else { return };
        let Onward { shard, message } = *onward;
        let Protocol::WebSocket(socket) = &mut connection.protocol else { return };
        let opening = std::mem::take(&mut socket.opening);
        self.move_connection(key, shard, Freight::WebSocket { opening, message, unread });
    }
}

/// The code of a frame that breaks the rules.
pub(super) fn code_of(error: FrameError) -> Code {
    match error.close_code() {
        1007 => Code::TextInvalid,
        1008 => Code::TooManyFragments,
        1009 => Code::FrameTooLarge,
        _ => Code::FrameInvalid,
    }
}
