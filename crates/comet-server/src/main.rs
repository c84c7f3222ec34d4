//! The program `comet`: the library behind a command line.
//!
//! It reads flags, files and the environment, starts what they ask for, and turns the outcome into an exit
//! status. No rule of the protocol and no decision on a message lives here: those are the library's. What it
//! says to programs goes to standard output, everything for people to standard error.
#![forbid(unsafe_code)]

mod cli;
mod config;
mod demo;
mod internal;
mod metrics;
mod process;
mod serve;
mod signals;
mod telemetry;
mod verdict;

use std::process::ExitCode;

use clap::Parser;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
