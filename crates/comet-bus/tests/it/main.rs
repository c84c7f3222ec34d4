//! The tests of the bus, one binary.
//!
//! Lists, numbers and memories are held against the simplest thing that could be right.

mod channel_options;
mod channel_table;
mod forgetting;
mod history;
mod history_model;
mod home;
mod home_model;
mod hub;
mod idempotency;
mod position;
mod publication;
mod recovery;
mod shard_set;
mod stage;
