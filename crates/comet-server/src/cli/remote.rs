//! What the verbs that talk to a running server have in common.
//!
//! Their flags live here, the small runtime they need, and what an error of the client library means for the
//! exit status. What they say to the server is their own business.

use std::time::Duration;

use clap::Args;
use comet_client::Error;

use crate::config;
use crate::verdict::Failure;

/// Which server, and with which key.
#[derive(Args, Clone, Debug)]
pub(crate) struct Remote {
    /// The server, with the path of its transports when that is not /cometd
    #[arg(long, value_name = "URL", env = "COMET_URL", default_value = "http://127.0.0.1:8000")]
    pub(crate) server: String,
    /// Key, sent as `Authorization: Bearer`
    #[arg(long, value_name = "KEY", env = "COMET_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
}

/// Reads a span of time of a flag.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let span = config::milliseconds(text).map(Duration::from_millis);
    span.ok_or_else(|| "a span has a unit, as in 200ms, 10s, 5m or 1h 30m".into())
}

/// Runs a verb that needs no more than one thread.
pub(crate) fn block_on<T>(verb: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::at_run_time)?;
    runtime.block_on(verb)
}

/// What an error of the client means for the exit status.
pub(crate) fn failure(error: &Error) -> Failure {
    match error {
        Error::Address(_) | Error::Name { .. } | Error::Data(_) | Error::Manner(_) => {
            Failure::of_usage(error)
        }
        Error::Unreachable(_) => Failure::unavailable(error),
        _ => Failure::at_run_time(error),
    }
}
