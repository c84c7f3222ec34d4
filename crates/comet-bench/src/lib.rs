//! The load generator: scenarios that measure a server, and the bare programs beside it, in the same run.
//! No rule of the server lives here: the client's half of every wire is written apart, so that it can judge.
//! Servers are started as child processes; figures come from `/proc` and from counted deliveries. Linux only.

#![forbid(unsafe_code)]

pub mod bench;
pub mod campaign;
pub mod figure;
pub mod generator;
pub mod machine;
pub mod options;
pub mod procfs;
pub mod protocol;
pub mod report;
pub mod scenario;
pub mod script;
pub mod server;
pub mod verdict;
