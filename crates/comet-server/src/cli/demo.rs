//! `comet demo`: the server with the demo applications.

use clap::Args;

use super::server_flags::ServerFlags;
use crate::verdict::Failure;
use crate::{demo, serve};

/// Run the server with the demo applications
#[derive(Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    flags: ServerFlags,
}

impl Demo {
    /// Runs until a signal ends it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        serve::run(self.flags, demo::install)
    }
}
