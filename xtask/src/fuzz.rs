//! `cargo xtask fuzz`: every fuzz target for a while, on the nightly compiler. Targets are the files of
//! `fuzz/fuzz_targets`; how each went is printed, and kept in `fuzz/verdicts.json` with `--keep`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;

use crate::workspace::{Workspace, today};
use crate::{process, setup};

/// Building with the sanitizer takes longer than a short run.
const BUILD_LIMIT: Duration = Duration::from_secs(900);
const VERDICTS: &str = "fuzz/verdicts.json";

/// Flags of the verb.
#[derive(Args)]
pub(crate) struct Options {
    /// Runs only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Writes the verdicts into fuzz/verdicts.json
    #[arg(long)]
    keep: bool,
}

/// Runs the targets; fails when one of them finds something.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let all = targets(&workspace.files()?);
    if all.is_empty() {
        bail!("there are no targets in fuzz/fuzz_targets");
    }
    if let Some(stranger) = options.targets.iter().find(|name| !all.contains(name)) {
        bail!("there is no target `{stranger}`; there are {}", all.join(", "));
    }
    setup::cargo_fuzz(workspace)?;
    let chosen = all.iter().filter(|name| options.targets.is_empty() || options.targets.contains(name));
    let mut verdicts = BTreeMap::new();
    for target in chosen {
        let verdict = match attack(workspace, target, options.seconds) {
            Ok(()) => "ok".to_string(),
            Err(error) => format!("failed: {error:#}"),
        };
        println!("{target}: {verdict}");
        verdicts.insert(target.clone(), verdict);
    }
    if options.keep {
        let kept = json!({
            "commit": workspace.commit()?,
            "date": today(),
            "seconds_per_target": options.seconds,
            "targets": verdicts,
        });
        let file = workspace.root().join(VERDICTS);
        std::fs::write(&file, serde_json::to_string_pretty(&kept)? + "\n")
            .context("cannot write the verdicts")?;
    }
    let failed = verdicts.values().filter(|verdict| *verdict != "ok").count();
    if failed > 0 {
        bail!("{failed} of {} targets found something; the inputs are in fuzz/artifacts", verdicts.len());
    }
    Ok(())
}

fn attack(workspace: &Workspace, target: &str, seconds: u64) -> Result<()> {
    let cargo = |arguments: &[&str]| workspace.cargo(&[&["+nightly", "fuzz"], arguments].concat());
    process::run(&mut cargo(&["build", target]), BUILD_LIMIT)?;
    let mut run = cargo(&["run", target, "--", "-print_final_stats=1"]);
    run.arg(format!("-max_total_time={seconds}"));
    process::run(&mut run, Duration::from_secs(seconds) + BUILD_LIMIT)
}

fn targets(files: &[String]) -> Vec<String> {
    let name =
        |path: &String| Some(path.strip_prefix("fuzz/fuzz_targets/")?.strip_suffix(".rs")?.to_string());
    files.iter().filter_map(name).filter(|name| !name.contains('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_a_target() {
        let files =
            ["fuzz/Cargo.toml", "fuzz/fuzz_targets/form.rs", "fuzz/fuzz_targets/shared/a.rs", "src/form.rs"];
        assert_eq!(targets(&files.map(String::from)), ["form"]);
    }
}
