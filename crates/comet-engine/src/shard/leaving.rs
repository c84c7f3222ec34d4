//! What a session's messages say when they leave and others' do not: times, ids to replay from.
//!
//! Publications are frozen and shared; whoever wants them in another form gets a copy of its own here, on the way from
//! its queue to its wire. What the forms are is `bayeux`'s, as are the times in replies.

use bayeux::Reply;
use bayeux::event::Rendering;

use crate::delivery::{Delivery, Shared};
use crate::key::SessionKey;

use super::Shard;

impl Shard {
    /// Deliveries of a session leave: in a form of their own, if it wants one.
    pub(super) fn render(&self, rendering: Rendering, deliveries: &mut [Shared]) {
        if rendering.is_plain() {
            return;
        }
        for delivery in deliveries {
            let publication = delivery.0.publication();
            let (offset, unix_ms) = match publication {
                Some(publication) => (Some(publication.position.offset), publication.at_ms),
                None => (None, self.unix_ms()),
            };
            let mut event = Vec::with_capacity(delivery.0.event().len() + 96);
            rendering.write(delivery.0.event(), offset, unix_ms, &mut event);
            *delivery = Delivery::direct(event.into_boxed_slice());
        }
    }

    /// Replies leave: what they say of times is said.
    pub(super) fn tell_times(&mut self, session: Option<SessionKey>, replies: &mut [Reply]) {
        let seat = session.and_then(|key| self.seat(key));
        let timestamps = seat.map(|seat| seat.session.rendering().timestamps);
        let timestamps = timestamps.unwrap_or(self.config.session.timestamps);
        let (now, unix_ms) = (self.now, self.unix_ms());
        replies.iter_mut().for_each(|reply| reply.on_leaving(now, unix_ms, timestamps));
    }
}
