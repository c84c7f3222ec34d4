//! The tests of the bus, one binary.
//!
//! Lists, numbers and memories are held against the simplest thing that could be right.

mod changes;
mod channel_options;
mod channel_table;
mod companion;
mod forgetting;
mod history;
mod history_model;
mod home;
mod home_model;
mod hub;
mod idempotency;
mod keeping;
mod pacing;
mod position;
mod presence;
mod publication;
mod recovery;
mod roster;
mod roster_crowd;
mod roster_model;
mod shard_set;
mod snapshot;
mod stage;
