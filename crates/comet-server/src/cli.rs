//! The command line: its verbs and what each is given.
//!
//! One file a verb under `cli/`; each turns its arguments into a call of the room that does the work.

mod config;
mod demo;
mod doctor;
mod publish;
mod remote;
mod serve;
mod server_flags;
mod subscribe;

pub(crate) use server_flags::ServerFlags;

use clap::{Parser, Subcommand};

use crate::verdict::Failure;

/// A server for live web applications: many people in one page at the same time.
#[derive(Parser)]
#[command(name = "comet", version, max_term_width = 100, after_help = AFTER)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER: &str = "\
Exit status: 0 ok, 1 failed at run time, 2 wrong usage, 69 cannot bind or reach what it needs, 78 bad configuration.";

#[derive(Subcommand)]
enum Verb {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Publish(publish::Publish),
    Subscribe(subscribe::Subscribe),
    Doctor(doctor::Doctor),
    Config(config::Config),
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.verb {
            Verb::Serve(serve) => serve.run(),
            Verb::Demo(demo) => demo.run(),
            Verb::Publish(publish) => publish.run(),
            Verb::Subscribe(subscribe) => subscribe.run(),
            Verb::Doctor(doctor) => doctor.run(),
            Verb::Config(config) => config.run(),
        }
    }
}
