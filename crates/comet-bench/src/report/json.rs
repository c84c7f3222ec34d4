//! The report for machines: options, machine, every run, every judged figure.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::campaign::Run;
use crate::machine::Description;
use crate::scenario::Size;
use crate::verdict::Row;

#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Description,
    shards: usize,
    size: &'a Size,
    figures: &'a [Row],
    runs: &'a [Run],
}

/// Writes the report to a file.
///
/// # Errors
/// When the file cannot be written.
pub fn write_json(
    path: &Path,
    machine: &Description,
    shards: usize,
    size: &Size,
    figures: &[Row],
    runs: &[Run],
) -> Result<()> {
    let write = || -> Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        serde_json::to_writer_pretty(&mut file, &Report { machine, shards, size, figures, runs })?;
        writeln!(file)?;
        file.flush()?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", path.display()))
}
