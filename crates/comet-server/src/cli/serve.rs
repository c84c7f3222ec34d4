//! `comet serve`: runs the server.
//!
//! Flags come in, a call of `serve` goes out; nothing is decided here. Hints for people go to standard error.

use clap::Args;

use super::server_flags::ServerFlags;
use crate::serve;
use crate::verdict::Failure;

/// Run the server
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    #[command(flatten)]
    flags: ServerFlags,
}

const EXAMPLES: &str = "\
Examples:
  comet serve                                   on 127.0.0.1:8000, everything in memory
  comet serve --listen 127.0.0.1:0 --internal-listen 127.0.0.1:0
                                                on free ports; the addresses are printed
  comet serve --config /etc/comet.toml          configured by a file
  COMET_SESSION_TIMEOUT=20s comet serve         configured by the environment

SIGTERM and SIGINT end it with grace, a second one at once. SIGHUP reads [log] level again.";

impl Serve {
    /// Runs until a signal ends it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        serve::run(
            &self.flags,
            |builder| builder,
            |comet| {
                for address in comet.addresses() {
                    eprintln!("client at http://{address}/comet.js, Bayeux at http://{address}/cometd");
                }
            },
        )
    }
}
