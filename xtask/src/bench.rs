//! `cargo xtask bench`: builds the server and the load generator in release and lets the generator judge the server by
//! its bounds. With `--keep` the figures go to `docs/figures.md` and `docs/figures.json`, with commit and date; what is
//! measured and how is the generator's business.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::process;
use crate::workspace::{Workspace, today};

const BUILD_LIMIT: Duration = Duration::from_secs(1_800);
/// After the last line of the table, the generator only has its servers to end.
const END_LIMIT: Duration = Duration::from_secs(60);
const PAGE: &str = "docs/figures.md";
const FIGURES: &str = "docs/figures.json";

/// Flags of the verb.
#[derive(Args)]
pub(crate) struct Options {
    /// Writes the figures into docs/figures.md and docs/figures.json
    #[arg(long)]
    keep: bool,
    /// Flags handed on to the load generator, after `--`
    #[arg(last = true)]
    generator: Vec<String>,
}

/// Measures; fails when a bound is not kept.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    process::run(
        &mut workspace.cargo(&[
            "build",
            "--release",
            "--package",
            "comet-server",
            "--package",
            "comet-bench",
        ]),
        BUILD_LIMIT,
    )?;
    let program = workspace.target().join("release/comet-bench");
    let json = workspace.scratch("bench")?.join("figures.json");
    let mut command = std::process::Command::new(program);
    command.args(["first", "--check", "--json"]).arg(&json).args(&options.generator);
    let mut child = process::spawn(command.stdout(Stdio::piped()))?;
    let output = child.stdout.take().context("the generator has no standard output")?;
    let mut table = String::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        table += &line;
        table.push('\n');
    }
    let status = process::wait(&mut child, END_LIMIT)?.context("the generator did not end")?;
    if options.keep {
        let text = std::fs::read_to_string(&json).context("the generator wrote no figures")?;
        keep(workspace, &table, &text)?;
    }
    if !status.success() {
        bail!("a bound is not kept, or the generator failed: {status}");
    }
    Ok(())
}

fn keep(workspace: &Workspace, table: &str, figures: &str) -> Result<()> {
    let (commit, date) = (workspace.commit()?, today());
    let write = |name: &str, text: String| {
        let file = workspace.root().join(name);
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    std::fs::create_dir_all(workspace.root().join("docs"))?;
    write(PAGE, page(&commit, &date, table))?;
    write(FIGURES, dated(&commit, &date, figures)?)
}

fn page(commit: &str, date: &str, table: &str) -> String {
    let table = table.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    format!(
        "# Figures\n\nMeasured at commit `{commit}` on {date} by `cargo xtask bench --keep`. [BENCHMARKING.md](../BENCHMARKING.md) says what \
         each figure means and how to repeat it.\n\n```text\n{}\n```\n",
        table.trim_matches('\n')
    )
}

/// The figures with commit and date, without the single runs they were made from.
fn dated(commit: &str, date: &str, figures: &str) -> Result<String> {
    let mut value: Value = serde_json::from_str(figures).context("the generator's figures are not JSON")?;
    let object = value.as_object_mut().context("the generator's figures are no object")?;
    object.remove("runs");
    object.insert("commit".into(), commit.into());
    object.insert("date".into(), date.into());
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_figures_say_where_they_come_from() {
        let text = dated("abc", "2030-01-02", r#"{"figures":[1],"runs":[2]}"#).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, serde_json::json!({"figures": [1], "commit": "abc", "date": "2030-01-02"}));
        assert!(dated("abc", "2030-01-02", "[]").is_err());
    }

    #[test]
    fn the_page_holds_the_table_as_it_was_printed() {
        let page = page("abc", "2030-01-02", "\na  1   \nb  2\n");
        assert!(page.contains("```text\na  1\nb  2\n```\n"), "{page}");
    }
}
