//! Durable history: what a channel keeps beyond the life of the process.
//!
//! A [`Store`] is the journal of `comet-bus` on an embedded log-structured store in one directory; a
//! [`Writer`] is the thread that owns it and writes what waits in groups, one sync for all. Channels,
//! homes and sessions are absent: records come from whoever numbers publications, and go back to it
//! at the next start.
#![forbid(unsafe_code)]

mod boot;
mod config;
mod encoding;
mod heads;
mod inspect;
mod ledger;
mod queue;
mod scan;
mod store;
mod tail;
mod writer;

pub use config::{Config, QueueLimits};
pub use store::Store;
pub use writer::Writer;
