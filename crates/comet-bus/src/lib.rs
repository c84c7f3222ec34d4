//! Who listens to what, and which number a publication carries.
//!
//! Here live the subscriber lists of a shard ([`Hub`]), the numbering of channels at their home
//! shard ([`Home`]), the frozen [`Publication`] that travels between them, and what a durable history
//! promises ([`journal`]). Sockets, sessions and clocks are absent: listeners are plain numbers and
//! time is an argument. Channels come from `bayeux`; the engine carries the results to the shards.
#![forbid(unsafe_code)]

mod home;
mod hub;
pub mod journal;
mod position;
mod publication;
mod shard_set;

pub use home::{Full, Home, home_of};
pub use hub::{Hub, Listener, Subscribed, Unsubscribed};
pub use position::Position;
pub use publication::Publication;
pub use shard_set::{MAX_SHARDS, ShardSet};
