//! The rows of `[log]`: what is told to people and programs while the server runs.
//!
//! Texts are understood in `text`, and followed by `telemetry`. The table takes the rows in at the place where the section
//! is listed.

use super::super::key::Key;
use super::super::value::{Kind, Value};
use super::super::{LogFormat, text};
use super::row::other;

pub(super) const LEVEL: Key = Key {
    read: |c| Value::Text(c.log_level.clone()),
    write: |c, value| text::log_level(value).map(|level| c.log_level = level),
    ..other(
        "log",
        "level",
        Kind::Text,
        "error, warn, info, debug, trace, off, or a list such as \"info,comet=debug\".",
    )
};

pub(super) const FORMAT: Key = Key {
    read: |c| Value::Text(if c.log_format == LogFormat::Json { "json" } else { "text" }.into()),
    write: |c, value| text::log_format(value).map(|format| c.log_format = format),
    ..other("log", "format", Kind::Text, "\"text\" for people, \"json\" for programs.")
};
