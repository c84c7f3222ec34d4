//! The tests of the journal, one binary.
//!
//! Processes are killed, boots are made up and files are spoilt; what was acknowledged is counted on
//! the outside and held against what comes back.

#![allow(clippy::unwrap_used, reason = "what helps a test fails the test")]

mod damage;
mod fixture;
mod full;
mod kill;
mod order;
mod reboot;
mod tear;
mod writer;
