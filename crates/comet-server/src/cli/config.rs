//! `comet config`: what the configuration is, before a server is started with it.
//!
//! The same layers are read as for a start, and nothing is started. What was asked for goes to standard output,
//! what is wrong to standard error.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::server_flags::ServerFlags;
use crate::config;
use crate::verdict::Failure;

/// Check, print or list the configuration
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Config {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  comet config check --config comet.toml   says what is wrong with it
  comet config print                       the effective values, each with where it came from
  comet config sample > comet.toml         a file to begin with: every key, explained
  comet config env                         every name of the environment

Later wins: defaults, then the file, then COMET_SECTION_KEY of the environment, then flags.";

#[derive(Subcommand)]
enum Verb {
    /// Say what is wrong with the configuration; exit status 78 if anything is
    #[command(
        after_help = "Examples:\n  comet config check --config /etc/comet.toml\n  comet config check --listen 0.0.0.0:80"
    )]
    Check(ServerFlags),
    /// Print the effective values, each with where it came from
    #[command(
        after_help = "Examples:\n  comet config print\n  COMET_SERVER_SHARDS=2 comet config print --config /etc/comet.toml"
    )]
    Print(ServerFlags),
    /// Print a file in which every key is explained and nothing is set
    #[command(after_help = "Examples:\n  comet config sample > comet.toml")]
    Sample,
    /// List the names of the environment
    #[command(after_help = "Examples:\n  comet config env\n  comet config env | grep SESSION")]
    Env,
}

impl Config {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let text = match self.verb {
            Verb::Check(flags) => {
                let loaded = flags.layers().load().map_err(Failure::of_configuration)?;
                loaded.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
                config::check_exposure(&loaded.configuration, flags.danger_open)
                    .map_err(Failure::of_configuration)?;
                "the configuration can be used\n".to_owned()
            }
            Verb::Print(flags) => config::printed(&flags.layers().load().map_err(Failure::of_configuration)?),
            Verb::Sample => config::sample(),
            Verb::Env => config::environment(),
        };
        match io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::at_run_time(error)),
            _ => Ok(()),
        }
    }
}
