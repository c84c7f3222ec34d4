//! The judge that tries every transport of the project's own client in real browsers, straight and through proxies. What is
//! tried is told by `conformance/transports.mjs` and the folder of that name; programs are built here, and verdicts go out.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::verdict::{Verdict, Verdicts};
use crate::workspace::Workspace;
use crate::{process, setup};

/// The judge on every transport, browser and way.
pub(crate) const NAME: &str = "transports";
/// The judge that attacks.
pub(crate) const SECURITY: &str = "security";
const BUILD_LIMIT: Duration = Duration::from_secs(1_200);
/// Far more than all transports take; each story has tighter bounds of its own.
const HEARING_LIMIT: Duration = Duration::from_secs(7_200);
const SHORT_LIMIT: Duration = Duration::from_secs(900);

/// One line it prints.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Case { group: String, case: String, verdict: String, words: String },
    Done { done: bool },
}

/// Hears it on all transports, or on one.
pub(crate) fn ask(workspace: &Workspace, transport: Option<&str>) -> Result<Verdicts> {
    build(workspace)?;
    let mut command = script(workspace, "transports.mjs");
    if let Some(transport) = transport {
        command.args(["--transport", transport]);
    }
    hear(workspace, &mut command, NAME, HEARING_LIMIT)
}

/// Known attacks, tried by browsers on a server with the demo pages.
pub(crate) fn attack(workspace: &Workspace) -> Result<Verdicts> {
    build(workspace)?;
    hear(workspace, &mut script(workspace, "security.mjs"), SECURITY, SHORT_LIMIT)
}

/// Transports in both browsers, straight and with a twentieth of the messages; all have to be well. `flash` is tried by a
/// step of its own.
pub(crate) fn in_short(workspace: &Workspace) -> Result<()> {
    build(workspace)?;
    let mut command = script(workspace, "transports.mjs");
    command
        .args(["--route", "direct", "--scale", "0.05", "--story", "ordered", "--width", "1"])
        .args(["--without", "flash"]);
    let failures = hear(workspace, &mut command, NAME, SHORT_LIMIT)?.failures();
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

/// Builds the server, the checker of the test kit, and the movie.
fn build(workspace: &Workspace) -> Result<()> {
    // Servers of every run are told to serve the movie.
    crate::flash::run(workspace)?;
    for target in [["comet-server", "--bin", "comet"], ["comet-testkit", "--example", "checker"]] {
        let mut build = workspace.cargo(&["build", "--quiet", "--package"]);
        process::run(build.args(target), BUILD_LIMIT)?;
    }
    Ok(())
}

/// A script of `conformance/` with the two programs it needs.
fn script(workspace: &Workspace, name: &str) -> Command {
    let debug = workspace.target().join("debug");
    let mut command = setup::node(workspace, "conformance");
    command.arg(name).arg(debug.join("comet")).arg(debug.join("examples/checker"));
    command
}

/// Runs a script that prints one line a case and ends with `done`.
fn hear(workspace: &Workspace, command: &mut Command, judge: &str, limit: Duration) -> Result<Verdicts> {
    let log = workspace.scratch("judges")?.join(format!("{judge}.log"));
    let errors = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut child = process::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors))?;
    let output = child.stdout.take().context("the judge has no standard output")?;
    let reader = std::thread::spawn(move || read(BufReader::new(output), Instant::now()));
    let status = process::wait(&mut child, limit)?;
    process::end_tree(&mut child);
    let (cases, done) = reader.join().expect("reading lines does not panic")?;
    let mut verdicts = Verdicts::new(judge, browsers());
    for (group, case, verdict) in cases {
        verdicts.add(&group, &case, verdict);
    }
    let Some(status) = status else { bail!("{judge} took longer than {limit:?}, see {}", log.display()) };
    ensure!(
        done && status.success(),
        "{judge} ended with {status} before it was done, see {}",
        log.display()
    );
    Ok(verdicts)
}

type Cases = Vec<(String, String, Verdict)>;

/// Every case, and whether the judge has said that it is done.
fn read(lines: impl BufRead, start: Instant) -> Result<(Cases, bool)> {
    let (mut cases, mut finished) = (Vec::new(), false);
    for text in lines.lines().map_while(Result::ok) {
        let line = serde_json::from_str(&text).with_context(|| format!("the judge printed {text:?}"))?;
        match line {
            Line::Case { group, case, verdict, words } => {
                let verdict = Verdict::of(&verdict, &words);
                println!("{:>5} s  {group} {case}: {verdict}", start.elapsed().as_secs());
                cases.push((group, case, verdict));
            }
            Line::Done { done } => finished = done,
        }
    }
    Ok((cases, finished))
}

/// Which browsers judge.
fn browsers() -> String {
    let version = |name: &str| process::read(Command::new(name).arg("--version")).unwrap_or_default();
    let names = ["chromium", "firefox-esr"].map(version);
    names.iter().filter_map(|name| name.lines().next()).map(short).collect::<Vec<_>>().join(", ")
}

/// `Chromium 100.0.1 built on …` without what a distribution adds.
fn short(line: &str) -> String {
    let words = line.split_whitespace();
    let number = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_digit());
    let end = words.clone().position(|word| number(&word)).map_or(usize::MAX, |place| place + 1);
    words.take(end).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_read_until_the_judge_is_done() {
        let text =
            "{\"group\":\"a\",\"case\":\"b\",\"verdict\":\"failed\",\"words\":\"c\"}\n{\"done\":true}\n";
        let (cases, done) = read(text.as_bytes(), Instant::now()).unwrap();
        assert_eq!((cases.len(), done), (1, true));
        assert_eq!(cases[0].2.to_string(), "failed: c");
        assert!(!read(&b""[..], Instant::now()).unwrap().1, "silence is no end");
        assert!(read(&b"hello\n"[..], Instant::now()).is_err());
    }

    #[test]
    fn a_version_ends_with_its_number() {
        assert_eq!(short("Chromium 140.0.7 built on Debian"), "Chromium 140.0.7");
        assert_eq!(short("Mozilla Firefox 128.3.0esr"), "Mozilla Firefox 128.3.0esr");
    }
}
