//! Running a server from its start to its end.

use comet::{ApiAccess, Builder, Comet};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServerFlags;
use crate::verdict::Failure;

/// Runs a server until a signal ends it. `dress` puts in what the verb adds.
pub(crate) fn run(flags: ServerFlags, dress: impl FnOnce(Builder) -> Builder) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::at_run_time)?;
    runtime.block_on(async {
        let mut builder = Comet::builder().api(ApiAccess::Open);
        for address in flags.listen {
            builder = builder.listen(address);
        }
        let comet = dress(builder).build().map_err(Failure::unavailable)?;
        for address in comet.addresses() {
            println!("listening on {address}");
        }
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::at_run_time)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::at_run_time)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        comet.drain().await;
        Ok(())
    })
}
