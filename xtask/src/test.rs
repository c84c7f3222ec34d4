//! `cargo xtask test`: every check of the project, one step after the other. A failed step does not stop the ones after
//! it; the summary says what each took, and the last line is `N passed, N failed`. What a step does beyond starting a
//! tool lives with its own verb.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::server::{Server, free_port};
use crate::workspace::Workspace;
use crate::{conformance, process, setup, tidy};

/// The longest any one tool may run; far more than it takes, so that only a hang meets it.
const STEP_LIMIT: Duration = Duration::from_secs(900);

/// Flags of the verb.
#[derive(Args)]
pub(crate) struct Options {
    /// Runs only the named steps
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Prints the names of the steps and ends
    #[arg(long)]
    list: bool,
}

struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "setup", run: setup::for_tests },
    Step { name: "format", run: |workspace| cargo(workspace, &["fmt", "--all", "--", "--check"]) },
    Step { name: "tidy", run: tidy::run },
    Step { name: "clippy", run: clippy },
    Step { name: "build", run: build },
    Step { name: "rust", run: rust },
    Step {
        name: "rust-docs",
        run: |workspace| cargo(workspace, &["test", "--quiet", "--workspace", "--doc"]),
    },
    Step { name: "javascript", run: javascript },
    Step { name: "javascript-server", run: javascript_server },
    Step { name: "flash", run: flash },
    Step { name: "journeys", run: journeys },
    Step { name: "judges", run: judges },
    Step { name: "transports", run: conformance::transports::in_short },
];

/// How a step went.
struct Outcome {
    name: &'static str,
    took: Duration,
    error: Option<String>,
}

/// Runs the steps; fails when one of them did.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.list {
        STEPS.iter().for_each(|step| println!("{}", step.name));
        return Ok(());
    }
    if let Some(stranger) = options.only.iter().find(|name| STEPS.iter().all(|step| step.name != *name)) {
        bail!("there is no step `{stranger}`; `cargo xtask test --list` names them");
    }
    let chosen =
        STEPS.iter().filter(|step| options.only.is_empty() || options.only.iter().any(|n| n == step.name));
    let outcomes: Vec<Outcome> = chosen.map(|step| take(step, workspace)).collect();
    let failed = outcomes.iter().filter(|outcome| outcome.error.is_some()).count();
    println!("\n{}", summary(&outcomes));
    if failed > 0 {
        // The summary has said it all, and its last line is to stay the last.
        std::process::exit(1);
    }
    Ok(())
}

fn take(step: &Step, workspace: &Workspace) -> Outcome {
    println!("\n=== {} ===", step.name);
    let start = Instant::now();
    let error = (step.run)(workspace).err().map(|error| format!("{error:#}"));
    if let Some(error) = &error {
        println!("failed: {error}");
    }
    Outcome { name: step.name, took: start.elapsed(), error }
}

fn summary(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for Outcome { name, took, error } in outcomes {
        let verdict = if error.is_some() { "FAILED" } else { "ok" };
        text += &format!("{name:<20} {verdict:<7} {:>7.1} s\n", took.as_secs_f64());
    }
    for Outcome { name, error, .. } in outcomes {
        if let Some(error) = error {
            text += &format!("{name}: {error}\n");
        }
    }
    let failed = outcomes.iter().filter(|outcome| outcome.error.is_some()).count();
    text + &format!("{} passed, {failed} failed", outcomes.len() - failed)
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    process::run(&mut workspace.cargo(arguments), STEP_LIMIT)
}

fn clippy(workspace: &Workspace) -> Result<()> {
    cargo(workspace, &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// Builds the program the later steps start.
fn build(workspace: &Workspace) -> Result<()> {
    cargo(workspace, &["build", "--quiet", "--package", "comet-server", "--bin", "comet"])
}

fn rust(workspace: &Workspace) -> Result<()> {
    if process::read(&mut workspace.cargo(&["nextest", "--version"])).is_ok() {
        cargo(workspace, &["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail"])
    } else {
        cargo(workspace, &["test", "--workspace", "--all-targets", "--no-fail-fast"])
    }
}

fn javascript(workspace: &Workspace) -> Result<()> {
    process::run(setup::npm(workspace, "clients/javascript").arg("test"), STEP_LIMIT)
}

/// The client's own tests once more, this time against a real server, which also lets in pages of one other site.
fn javascript_server(workspace: &Workspace) -> Result<()> {
    let page_port = free_port()?;
    // Timed polls come as often as they may.
    let config = format!(
        "[http]\nallowed_origins = [\"http://localhost:{page_port}\"]\n[session]\npoll_interval = \"100ms\"\n"
    );
    let server = Server::comet(workspace, "javascript", "demo", &config)?;
    let mut command = setup::npm(workspace, "clients/javascript");
    command.args(["run", "test:server"]).env("COMET_URL", format!("http://{}/cometd", server.address()));
    process::run(command.env("COMET_PAGE_PORT", page_port.to_string()), STEP_LIMIT)
}

/// The Flash movie, made from its source, and its transport in real browsers.
fn flash(workspace: &Workspace) -> Result<()> {
    crate::flash::run(workspace)?;
    let mut command = setup::npm(workspace, "clients/javascript");
    command.args(["run", "test:flash"]).env("COMET_PROGRAM", workspace.target().join("debug/comet"));
    process::run(&mut command, STEP_LIMIT)
}

/// The demo applications, used by real browsers.
fn journeys(workspace: &Workspace) -> Result<()> {
    let files = workspace.files()?;
    let journeys: Vec<&String> =
        files.iter().filter(|path| path.starts_with("apps/") && path.ends_with("/journey.mjs")).collect();
    if journeys.is_empty() {
        bail!("no application has a journey.mjs");
    }
    let server = Server::comet(workspace, "journeys", "demo", "")?;
    let mut command: Command = setup::node(workspace, "");
    command.args(["--test", "--test-concurrency=1"]).args(journeys);
    process::run(command.env("COMET_ORIGIN", format!("http://{}", server.address())), STEP_LIMIT)
}

/// The judges that take seconds, and first their own ears; the long suites belong to `cargo xtask conformance`.
fn judges(workspace: &Workspace) -> Result<()> {
    process::run(setup::npm(workspace, "conformance").arg("test"), STEP_LIMIT)?;
    conformance::run(workspace, &conformance::Options::clients())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_the_summary_counts_the_steps() {
        let outcome = |name, error: Option<&str>| Outcome {
            name,
            took: Duration::from_millis(1_500),
            error: error.map(String::from),
        };
        let text = summary(&[outcome("one", None), outcome("two", Some("broken")), outcome("three", None)]);
        assert_eq!(text.lines().last(), Some("2 passed, 1 failed"));
        assert!(text.contains("two: broken"), "{text}");
        assert!(text.contains("one                  ok          1.5 s"), "{text}");
    }

    #[test]
    fn no_two_steps_share_a_name() {
        let mut names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
