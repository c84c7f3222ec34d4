//! The long run in a browser: every transport of the project's client in Chromium, at a high rate, with heap, nodes and
//! listeners measured. What is run and what is flat is told by `conformance/soak.mjs`; its verdicts go out.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{BUILD_LIMIT, Options, dated};
use crate::workspace::{Workspace, today};
use crate::{process, setup};

const JUDGE: &str = "soak-browser";
const VERDICTS: &str = "conformance/verdicts/soak-browser.json";
/// What an hour of an ordinary page is compressed to.
const SECONDS: u64 = 600;
/// What the run takes besides its seconds.
const AROUND: Duration = Duration::from_secs(300);

/// Runs; fails when something grows, or a message is lost, repeated or out of order.
pub(super) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::for_judges(workspace)?;
    crate::flash::run(workspace)?;
    let mut build = workspace.cargo(&["build", "--quiet", "--package", "comet-server", "--bin", "comet"]);
    process::run(&mut build, BUILD_LIMIT)?;
    let seconds = options.seconds.unwrap_or(SECONDS);
    let file = workspace.scratch("soak")?.join("browser.json");
    let output = std::fs::File::create(&file).with_context(|| format!("cannot write {}", file.display()))?;
    let mut command = setup::node(workspace, "conformance");
    command.arg("soak.mjs").arg(workspace.target().join("debug/comet"));
    command.args(["--seconds", &seconds.to_string()]).args(&options.runner);
    let mut child = process::spawn(command.stdin(Stdio::null()).stdout(output))?;
    let status = process::wait(&mut child, Duration::from_secs(seconds) + AROUND)?;
    let text = std::fs::read_to_string(&file)?;
    let verdicts = dated(JUDGE, &workspace.commit()?, &today(), &text).context("the run ended early")?;
    print!("{verdicts}");
    if options.keep {
        std::fs::write(workspace.root().join(VERDICTS), verdicts).context("cannot write the verdicts")?;
    }
    if !status.is_some_and(|status| status.success()) {
        bail!("a page does not stay as it was, or a delivery is not as demanded");
    }
    Ok(())
}
