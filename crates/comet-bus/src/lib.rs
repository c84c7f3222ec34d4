//! Who listens to what, and which number a publication carries.
//!
//! Here live the subscriber lists of a shard ([`Hub`]), the numbering of channels at their home
//! shard ([`Home`]), who is present on them ([`Presence`]) and the frozen [`Publication`] that travels
//! between them. Sockets and clocks are absent: listeners and sessions are plain numbers and time is
//! an argument. Channels come from `bayeux`; the engine carries the results to the shards.
#![forbid(unsafe_code)]

mod home;
mod hub;
mod position;
mod presence;
mod publication;
mod roster;
mod shard_set;

pub use home::{Full, Home, home_of};
pub use hub::{Hub, Listener, Subscribed, Unsubscribed};
pub use position::Position;
pub use presence::{Presence, PresenceFull, PresenceLimits};
pub use publication::Publication;
pub use roster::{Change, Changes, ChangesLimits, Count, Cursor, Member, Page, Roster};
pub use shard_set::{MAX_SHARDS, ShardSet};
