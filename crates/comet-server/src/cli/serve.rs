//! `comet serve`: runs the server.

use clap::Args;

use super::server_flags::ServerFlags;
use crate::serve;
use crate::verdict::Failure;

/// Run the server
#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    flags: ServerFlags,
}

impl Serve {
    /// Runs until a signal ends it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        serve::run(self.flags, |builder| builder)
    }
}
