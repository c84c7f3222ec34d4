//! Who listens to what, which number a publication carries, and what is remembered of it.
//!
//! Here live the subscriber lists of a shard ([`Hub`]), the numbering and remembering of channels at their home
//! shard ([`Home`]), who is present on them ([`Presence`]), the frozen [`Publication`] that travels between them,
//! and what a durable history promises ([`journal`]). Sockets, clocks and files are absent: listeners and sessions are
//! plain numbers and time is an argument. Channels come from `bayeux`; the engine carries the results to the shards.
#![forbid(unsafe_code)]

mod channel_options;
mod channel_table;
mod companion;
mod history;
mod home;
mod hub;
mod idempotency;
mod interest;
pub mod journal;
mod ledger;
mod pacing;
mod position;
mod presence;
mod publication;
mod recency;
mod recovered;
mod roster;
mod shard_set;
mod written;

pub use channel_options::{ChannelOptions, Durability, Retention};
pub use channel_table::ChannelTable;
pub use companion::{attended_of, attended_pattern, companion_of};
pub use history::History;
pub use home::{Full, Home, HomeConfig, Kept, Marks, Published, home_of};
pub use hub::{Hub, Listener, Subscribed, Unsubscribed};
pub use pacing::{Leaving, Paced, Pacing, PacingLimits};
pub use position::Position;
pub use presence::{Presence, PresenceFull, PresenceLimits};
pub use publication::{Draft, Publication};
pub use recovered::{Paged, Recovered, RecoveredMatching, RecoveryLimits, Since};
pub use roster::{Change, Changes, ChangesLimits, Count, Cursor, Member, Page, Roster};
pub use shard_set::{MAX_SHARDS, ShardSet};
