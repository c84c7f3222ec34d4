//! A WebSocket that answers every message with itself.
//!
//! It serves outside judges of the framing and clients that want to know what stands between them and the
//! server; it has no session and knows no channel. It is there only where the configuration names a path.

use comet_wire::websocket::{Decoded, Event, FrameLimits, close_frame, encode, pong_frame};

use crate::connection::Protocol;
use crate::delivery::Chunk;
use crate::key::ConnectionKey;

use super::Shard;
use super::read::Flow;
use super::websocket::code_of;

impl Shard {
    pub(super) fn on_echo(&mut self, key: ConnectionKey, bytes: &mut [u8]) -> Flow {
        let limits = FrameLimits {
            message_bytes: self.config.limits.batch_bytes.max(16 << 20),
            fragments: self.config.limits.fragments,
        };
        let mut at = 0;
        loop {
            let Some(connection) = self.connection(key) else { return Flow::Gone };
            let Protocol::Echo(decoder) = &mut connection.protocol else { return Flow::Gone };
            let (answer, consumed, last) = match decoder.decode(&mut bytes[at..], &limits) {
                Ok(Decoded::NeedMore { .. }) => return Flow::More(at),
                Ok(Decoded::Frame { event, consumed }) => match event {
                    None | Some(Event::Pong(_)) => (Vec::new(), consumed, false),
                    Some(Event::Text(text)) => (encode::text_frame(&[text.as_bytes()]), consumed, false),
                    Some(Event::Binary(data)) => (encode::binary_frame(&[&data]), consumed, false),
                    Some(Event::Ping(payload)) => (pong_frame(payload), consumed, false),
                    Some(Event::Close { code, reason }) => {
                        (close_frame(code.unwrap_or(1000), reason), consumed, true)
                    }
                },
                Err(error) => {
                    self.end_connection(key, code_of(error));
                    return Flow::Gone;
                }
            };
            at += consumed;
            if !answer.is_empty() {
                self.set_connection_deadline(key, 0);
                self.write(key, Chunk::Owned(answer));
            }
            if last {
                self.close_after_output(key);
                return Flow::Gone;
            }
        }
    }
}
