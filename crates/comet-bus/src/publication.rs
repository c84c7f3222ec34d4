//! A message after it was accepted: frozen, numbered, shared.
//!
//! [`Publication::freeze`] is the one line after which nothing about a message changes: its JSON is
//! written once and every subscriber on every shard shares the bytes. What a transport wraps around
//! them is added by the engine.

use bayeux::{Channel, event};

use crate::Position;

/// A message accepted on a channel.
#[derive(Debug)]
pub struct Publication {
    /// The channel it was published on.
    pub channel: Channel,
    /// Its place in the channel.
    pub position: Position,
    /// The Bayeux event, `{"channel":…,"data":…}`, as every subscriber receives it.
    pub event: Box<[u8]>,
}

impl Publication {
    /// Freezes a message: `data` and `ext` are raw JSON texts.
    pub fn freeze(channel: Channel, position: Position, data: &str, ext: Option<&str>) -> Publication {
        let mut event = Vec::with_capacity(channel.as_str().len() + data.len() + 24);
        event::write_event(channel.as_str(), data, ext, &mut event);
        Publication { channel, position, event: event.into_boxed_slice() }
    }
}
