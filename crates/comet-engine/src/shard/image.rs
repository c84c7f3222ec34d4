//! Feeds of pictures: streams for image elements.
//!
//! Such a feed is opened and judged as the others, in `feed`. An image element shows what came last and nothing else, never
//! opens its stream again, and tells nobody whether it is there: so only the newest picture leaves, the stream ends with its
//! wire alone, and the system asks the peer whether it still lives.

use std::time::Duration;

use crate::Limits;
use crate::connection::Protocol;
use crate::counters::Counters;
use crate::delivery::{Chunk, Shared};
use crate::key::ConnectionKey;
use crate::stream::{BOUNDARY, Form};

use super::Shard;

impl Shard {
    /// How a feed of pictures begins.
    pub(super) fn begin_images(&mut self, key: ConnectionKey, out: &mut Vec<u8>) {
        BOUNDARY.write_beginning(out);
        // Nothing can be written to it that means nothing.
        let silence = Duration::from_millis(self.config.limits.stream_heartbeat_ms);
        if let Some(connection) = self.connection(key) {
            let asks = socket2::TcpKeepalive::new().with_time(silence);
            let _ = socket2::SockRef::from(&connection.stream).set_tcp_keepalive(&asks);
        }
    }

    /// The time of a feed of pictures is up: it gets another.
    pub(super) fn prolong_images(&mut self, key: ConnectionKey) {
        let config = self.config.clone();
        let Some(connection) = self.connection(key) else { return };
        let Protocol::Streaming(stream) = &connection.protocol else { return };
        let (until, session) = (stream.until, connection.session);
        if let Some(seat) = session.and_then(|session| self.seat(session)) {
            seat.session.on_contact(&config.session, until);
        }
        self.set_connection_deadline(key, until);
    }
}

/// The newest picture of what has just left the queue of a feed; `shown` says whether it has shown one before.
pub(super) fn newest_image(
    shown: &mut bool,
    queue: &mut Vec<Shared>,
    (limits, counters): (&Limits, &Counters),
) -> Option<Chunk> {
    let mut newest = None;
    for delivery in queue.drain(..).rev() {
        let Some(publication) = delivery.0.publication() else { continue };
        if newest.is_some() {
            counters.messages_conflated.add(1);
        } else if publication.event.len() > limits.image_bytes || delivery.0.frame(Form::Images).is_empty() {
            counters.images_skipped.add(1);
        } else {
            newest = Some(delivery);
        }
    }
    let newest = newest?;
    if std::mem::replace(shown, true) {
        return Some(Chunk::Frame(newest.0, Form::Images));
    }
    let mut first = Vec::new();
    BOUNDARY.write_first_image(&mut first, newest.0.frame(Form::Images));
    Some(Chunk::Owned(first))
}
