//! The judges that are Bayeux clients: their table, and one hearing each on each transport. A judge is a program that
//! prints one JSON line a case and asks for the server's restart (`conformance/report.mjs` says how). Verdicts go out.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::subject::Subject;
use super::verdict::{Verdict, Verdicts};
use crate::server::{Server, free_port};
use crate::workspace::Workspace;
use crate::{process, setup};

/// The longest one judge may take on one transport; the story's own bounds are tighter.
const HEARING_LIMIT: Duration = Duration::from_secs(420);

/// One client of another project.
pub(crate) struct Judge {
    pub(crate) name: &'static str,
    /// The package it is, as the folder `conformance` names it.
    package: &'static str,
    script: &'static str,
    transports: &'static [&'static str],
}

/// All of them.
pub(crate) const JUDGES: &[Judge] = &[
    Judge {
        name: "cometd-client",
        package: "cometd",
        script: "cometd-client.mjs",
        transports: &["websocket", "long-polling"],
    },
    Judge {
        name: "cometd-browser",
        package: "cometd",
        script: "cometd-browser.mjs",
        transports: &["websocket", "long-polling", "callback-polling"],
    },
    Judge {
        name: "cometd-ack",
        package: "cometd",
        script: "cometd-ack.mjs",
        transports: &["websocket", "long-polling", "switch"],
    },
    Judge {
        name: "cometd-extensions",
        package: "cometd",
        script: "cometd-extensions.mjs",
        transports: &["websocket", "long-polling"],
    },
    Judge {
        name: "cometd-reload",
        package: "cometd",
        script: "cometd-reload.mjs",
        transports: &["websocket", "long-polling", "callback-polling"],
    },
    Judge {
        name: "faye-client",
        package: "faye",
        script: "faye-client.mjs",
        transports: &["websocket", "long-polling"],
    },
    Judge {
        name: "faye-browser",
        package: "faye",
        script: "faye-browser.mjs",
        transports: &["websocket", "cross-origin-long-polling", "callback-polling"],
    },
    Judge {
        name: "aiocometd",
        package: "aiocometd-ng",
        script: "aiocometd-check.py",
        transports: &["websocket", "long-polling"],
    },
    Judge {
        name: "aiosfstream",
        package: "aiosfstream-ng",
        script: "aiosfstream-check.py",
        transports: &["websocket", "long-polling"],
    },
];

/// One line a judge prints.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Case { case: String, verdict: String, words: String },
    Ask { ask: String },
    Done { done: bool },
}

impl Judge {
    /// Hears the judge on each of its transports, or on the one named.
    pub(crate) fn ask(
        &self,
        workspace: &Workspace,
        subject: &Subject,
        only: Option<&str>,
    ) -> Result<Verdicts> {
        let mut verdicts = Verdicts::new(self.name, self.version(workspace)?);
        for &transport in self.transports {
            if !subject.suits(self.name)
                || !subject.offers(transport)
                || only.is_some_and(|only| only != transport)
            {
                continue;
            }
            println!("{} on {transport}", self.name);
            for (case, verdict) in self.hear(workspace, subject, transport)? {
                println!("  {case}: {verdict}");
                verdicts.add(transport, &case, verdict);
            }
        }
        Ok(verdicts)
    }

    fn hear(
        &self,
        workspace: &Workspace,
        subject: &Subject,
        transport: &str,
    ) -> Result<Vec<(String, Verdict)>> {
        let name = format!("{}-{transport}", self.name);
        let page_port = free_port()?;
        let mut server = subject.start(workspace, &name, &format!("http://127.0.0.1:{page_port}"))?;
        let url = format!("http://{}:{}/cometd", subject.host(), server.address().port());
        let log = workspace.scratch("judges")?.join(format!("{name}.log"));
        let mut command = self.command(workspace);
        command.args([&url, transport, "--page-port", &page_port.to_string()]);
        for case in subject.lacks() {
            command.args(["--without", case]);
        }
        let errors = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut child =
            process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::from(errors)))?;
        let answers = child.stdin.take().context("the judge has no standard input")?;
        let lines = lines_of(child.stdout.take().context("the judge has no standard output")?);
        let mut cases = Vec::new();
        let end = converse(&lines, answers, &mut server, &mut cases);
        process::end_tree(&mut child);
        if let Err(error) = end {
            let words =
                format!("{error:#}; see {}", log.strip_prefix(workspace.target()).unwrap_or(&log).display());
            cases.push(("judge".into(), Verdict::failed(&words)));
        }
        Ok(cases)
    }

    fn command(&self, workspace: &Workspace) -> Command {
        let mut command = if self.script.ends_with(".py") {
            setup::python(workspace)
        } else {
            setup::node(workspace, "conformance")
        };
        command.current_dir(workspace.root().join("conformance")).arg(self.script);
        command
    }

    /// The version of the package, as pinned beside the judges.
    fn version(&self, workspace: &Workspace) -> Result<String> {
        let read = |file: &str| std::fs::read_to_string(workspace.root().join("conformance").join(file));
        let pinned = if self.script.ends_with(".py") {
            pinned_in_requirements(&read("requirements.txt")?, self.package)
        } else {
            let package: serde_json::Value = serde_json::from_str(&read("package.json")?)?;
            package["dependencies"][self.package].as_str().map(String::from)
        };
        let version = pinned.with_context(|| format!("{} is not pinned in conformance/", self.package))?;
        Ok(format!("{} {version}", self.package))
    }
}

fn pinned_in_requirements(text: &str, package: &str) -> Option<String> {
    text.lines().find_map(|line| line.trim().strip_prefix(package)?.strip_prefix("==").map(String::from))
}

/// Follows the judge to the end of its story, restarting the server when asked.
fn converse(
    lines: &Receiver<String>,
    mut answers: ChildStdin,
    server: &mut Server,
    cases: &mut Vec<(String, Verdict)>,
) -> Result<()> {
    let end = Instant::now() + HEARING_LIMIT;
    loop {
        let text = match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(text) => text,
            Err(RecvTimeoutError::Timeout) => anyhow::bail!("the judge took longer than {HEARING_LIMIT:?}"),
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the judge ended before its story did"),
        };
        let line = serde_json::from_str(&text).with_context(|| format!("the judge printed {text:?}"))?;
        match line {
            Line::Case { case, verdict, words } => cases.push((case, Verdict::of(&verdict, &words))),
            Line::Ask { ask } => {
                anyhow::ensure!(ask == "restart", "the judge asked for {ask:?}");
                server.restart()?;
                answers.write_all(b"restarted\n").context("the judge did not wait for the restart")?;
            }
            Line::Done { done } => {
                anyhow::ensure!(done, "the judge is done and is not");
                return Ok(());
            }
        }
    }
}

fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(64);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_lines_of_a_judge_are_told_apart() {
        let parse = |text| serde_json::from_str::<Line>(text).unwrap();
        assert!(matches!(parse(r#"{"case":"a","verdict":"ok","words":""}"#), Line::Case { .. }));
        assert!(matches!(parse(r#"{"ask":"restart"}"#), Line::Ask { .. }));
        assert!(matches!(parse(r#"{"done":true}"#), Line::Done { done: true }));
        assert!(serde_json::from_str::<Line>("{}").is_err());
    }

    #[test]
    fn a_pinned_version_is_read_from_the_list() {
        assert_eq!(
            pinned_in_requirements("x==1\naiocometd-ng==0.5.6\n", "aiocometd-ng"),
            Some("0.5.6".into())
        );
        assert_eq!(pinned_in_requirements("aiocometd-ng\n", "aiocometd-ng"), None);
    }
}
