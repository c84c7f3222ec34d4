//! The load generator against the bare programs of this crate, which cargo builds for it, and scripted servers.

#![allow(clippy::unwrap_used)] // The scripted servers are part of the tests.

mod bayeux;
mod floor;
mod program;
mod strange;
