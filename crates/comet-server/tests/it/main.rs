//! The program as its users meet it: the real binary, its output, its exit status.

#![allow(clippy::unwrap_used, reason = "what helps a test fails the test")]

mod config;
mod doctor;
mod durable;
mod ghost;
mod internal;
mod kill;
mod process;
mod proxied;
mod publish;
mod serve;
mod subscribe;
mod trouble;
mod usage;
