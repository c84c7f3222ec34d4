//! The configuration: what the program is told by defaults, file, environment and flags.
//!
//! Every key stands once in `table`, with its kind, its bounds and its place in [`Configuration`]; the layers
//! are laid over each other in `layers`, and each value remembers where it came from. What is read goes to
//! the library's builder as plain values; what the values mean is the library's business.

mod authorize;
mod cross_check;
mod duration;
mod environment;
mod exposure;
mod file;
mod key;
mod layers;
mod print;
mod rule;
mod size;
mod suggestion;
mod table;
mod text;
mod value;

use std::net::SocketAddr;
use std::path::PathBuf;

use comet::ApiAccess;

pub(crate) use authorize::Authorize;
pub(crate) use duration::parse as milliseconds;
pub(crate) use exposure::check as check_exposure;
pub(crate) use layers::{Layers, Loaded, Override};
pub(crate) use print::{environment, printed, sample};
pub(crate) use value::Value;

/// Everything the program can be told.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// What the library is started with.
    pub(crate) comet: comet::Config,
    /// Where the internal listener listens; `None` for no internal listener.
    pub(crate) internal: Option<SocketAddr>,
    /// Keys of the HTTP API; without one the API is open, where that may be.
    pub(crate) api_keys: Vec<String>,
    /// Where the journal of durable channels lies; `None` for no journal.
    pub(crate) journal: Option<PathBuf>,
    /// How the journal is run.
    pub(crate) journal_config: comet_journal::Config,
    /// Where movie and player of the `flash` transport lie; `None` for nowhere.
    pub(crate) flash_files: Option<PathBuf>,
    /// Who may publish, listen and create.
    pub(crate) authorize: Authorize,
    /// What is logged, in the words of `tracing`'s filters.
    pub(crate) log_level: String,
    /// Whether the log is lines of JSON.
    pub(crate) log_format: LogFormat,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Configuration {
    fn default() -> Configuration {
        Configuration {
            comet: comet::Config::default(),
            internal: Some(SocketAddr::from(([127, 0, 0, 1], 8001))),
            api_keys: Vec::new(),
            journal: None,
            journal_config: comet_journal::Config::default(),
            flash_files: None,
            authorize: Authorize::default(),
            log_level: "info".into(),
            log_format: LogFormat::Text,
        }
    }
}

impl Configuration {
    /// Who may use the HTTP API. That an open API is reachable only where it may be is checked before.
    pub(crate) fn api(&self) -> ApiAccess {
        if self.api_keys.is_empty() { ApiAccess::Open } else { ApiAccess::Keys(self.api_keys.clone()) }
    }
}
