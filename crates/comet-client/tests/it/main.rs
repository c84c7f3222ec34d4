//! The client against a real server, and against servers that are not as they should be.

#![allow(clippy::unwrap_used, reason = "what helps a test fails the test")]

mod manner;
mod proxy;
mod recovery;
mod refusal;
mod talk;
mod trouble;
mod wait;
