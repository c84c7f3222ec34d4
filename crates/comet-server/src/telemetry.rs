//! The log: what the rooms below say, on standard error.
//!
//! Lines for people or one JSON object a line; standard output belongs to what programs read. The level can
//! change while the server runs.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

use crate::config::{Configuration, LogFormat};
use crate::verdict::Failure;

/// Changes the level of the running log.
pub(crate) struct Level(reload::Handle<Targets, Registry>);

/// Begins to log.
///
/// # Errors
/// When the process logs already, or the level cannot be read.
pub(crate) fn begin(configuration: &Configuration) -> Result<Level, Failure> {
    let (level, handle) = reload::Layer::new(targets(&configuration.log_level)?);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match configuration.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(level).with(lines).try_init().map_err(Failure::at_run_time)?;
    Ok(Level(handle))
}

impl Level {
    /// From here on logs what `configuration` says.
    ///
    /// # Errors
    /// When the level cannot be read.
    pub(crate) fn follow(&self, configuration: &Configuration) -> Result<(), Failure> {
        self.0.reload(targets(&configuration.log_level)?).map_err(Failure::at_run_time)
    }
}

fn targets(level: &str) -> Result<Targets, Failure> {
    level.parse().map_err(Failure::of_configuration)
}
