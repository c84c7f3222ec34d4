//! `comet demo`: the server with the demo applications.
//!
//! The same as `comet serve`, with what `demo` adds; the applications themselves live in `apps/`. Hints for
//! people go to standard error.

use clap::Args;

use super::server_flags::ServerFlags;
use crate::verdict::Failure;
use crate::{demo, serve};

/// Run the server with the demo applications
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Demo {
    #[command(flatten)]
    flags: ServerFlags,
}

const EXAMPLES: &str = "\
Examples:
  comet demo                           then open http://127.0.0.1:8000/
  comet demo --listen 127.0.0.1:9000   on another port";

impl Demo {
    /// Runs until a signal ends it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        serve::run(&self.flags, demo::install, |comet| {
            for address in comet.addresses() {
                eprintln!("open http://{address}/");
            }
        })
    }
}
