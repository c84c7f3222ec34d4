//! The flags of every verb that runs a server or asks how one would run.
//!
//! Each flag lies over a key of the configuration, except the leave to be open, which is never taken from a
//! file.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::{Layers, Override, Value};

/// Where a server listens, what it is allowed, and how it is configured.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServerFlags {
    /// Address to listen on; port 0 takes any free one. May be given several times [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<SocketAddr>,
    /// Address of /health, /live, /ready and /metrics [default: 127.0.0.1:8001]
    #[arg(long, value_name = "ADDR")]
    internal_listen: Option<SocketAddr>,
    /// Configuration file [default: comet.toml in the working directory, if there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Form of the log on standard error [default: text]
    #[arg(long, value_name = "FORM")]
    log_format: Option<LogForm>,
    /// Start even though everyone who reaches a public address may publish
    #[arg(long)]
    pub(crate) danger_open: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogForm {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

impl ServerFlags {
    /// The layers of the configuration, with the environment of this process.
    pub(crate) fn layers(&self) -> Layers {
        let mut flags = Vec::new();
        if !self.listen.is_empty() {
            let value = Value::List(self.listen.iter().map(ToString::to_string).collect());
            flags.push(Override { flag: "--listen", section: "server", name: "listen", value });
        }
        if let Some(address) = self.internal_listen {
            let value = Value::Text(address.to_string());
            flags.push(Override { flag: "--internal-listen", section: "internal", name: "listen", value });
        }
        if let Some(form) = self.log_format {
            let value = Value::Text(if matches!(form, LogForm::Json) { "json" } else { "text" }.into());
            flags.push(Override { flag: "--log-format", section: "log", name: "format", value });
        }
        // A variable that is no text can be none of ours.
        let texts = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Layers {
            file: self.config.clone(),
            environment: std::env::vars_os().filter_map(texts).collect(),
            flags,
        }
    }
}
