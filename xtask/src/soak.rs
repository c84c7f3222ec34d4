//! `cargo xtask soak`: subscribers behind proxies that spoil their connections, a server that is killed, and a judge of
//! every delivery. Builds the program and the runner in release and starts the runner; what is run and how it is judged
//! is `comet-testkit`'s. `--keep` writes the verdicts, with commit and date, into `conformance/verdicts/soak.json`.

mod browser;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::process;
use crate::workspace::{Workspace, today};

const JUDGE: &str = "soak";
/// How long each transport is tried unless something else is said.
const SECONDS: u64 = 70;
const BUILD_LIMIT: Duration = Duration::from_secs(1_800);
/// What a transport may take besides its seconds: everyone comes, comes back and leaves.
const AROUND: Duration = Duration::from_secs(180);
const VERDICTS: &str = "conformance/verdicts/soak.json";

/// Flags of the verb.
#[derive(Args)]
pub(crate) struct Options {
    /// How long each transport is tried: 70 seconds unless given, and in a browser ten minutes, all at once
    #[arg(long)]
    seconds: Option<u64>,
    /// Tries the JavaScript client in Chromium instead, and whether a page stays as it was
    #[arg(long)]
    browser: bool,
    /// Has a run again: the seed it printed
    #[arg(long)]
    seed: Option<String>,
    /// What subscribers travel on
    #[arg(long, value_enum, default_value_t = Transport::All)]
    transport: Transport,
    /// Ends each transport after so many deliveries, if that comes before its seconds are over
    #[arg(long)]
    deliveries: Option<u64>,
    /// Writes the verdicts into conformance/verdicts/soak.json
    #[arg(long)]
    keep: bool,
    /// Flags handed on to the runner, after `--`
    #[arg(last = true)]
    runner: Vec<String>,
}

/// What the runner knows.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    Websocket,
    LongPolling,
    CallbackPolling,
    WebsocketLongPolling,
    WebsocketCallbackPolling,
    LongCallbackPolling,
    HttpStreaming,
    HttpStreamingWebsocket,
    HttpStreamingLongPolling,
    HttpStreamingCallbackPolling,
    Eventsource,
    EventsourceWebsocket,
    EventsourceLongPolling,
    EventsourceHttpStreaming,
    Switching,
    /// Each of them, one after the other
    All,
}

impl Transport {
    /// How many runs there are at most: the Rust client knows three of the twenty-two and runs on its own, and one is on disk.
    fn runs(self) -> u32 {
        if self == Transport::All { 26 } else { 2 }
    }
}

/// Runs; fails when a delivery is not as demanded.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.browser {
        return browser::run(workspace, options);
    }
    let build = |arguments: &[&str]| {
        let mut command = workspace.cargo(&["build", "--release", "--package"]);
        process::run(command.args(arguments), BUILD_LIMIT)
    };
    build(&["comet-server", "--bin", "comet"])?;
    build(&["comet-testkit", "--example", "soak"])?;
    let json = workspace.scratch("soak")?.join("verdicts.json");
    // What an older run left must not be taken for this one's.
    if json.exists() {
        std::fs::remove_file(&json).context("cannot remove the verdicts of the run before")?;
    }
    let release = workspace.target().join("release");
    let mut command = std::process::Command::new(release.join("examples/soak"));
    command.arg("--program").arg(release.join("comet")).arg("--json").arg(&json).args(flags(options));
    let limit = (Duration::from_secs(options.seconds.unwrap_or(SECONDS)) + AROUND) * options.transport.runs();
    let outcome = process::run(&mut command, limit);
    if options.keep {
        let text = std::fs::read_to_string(&json).context("the runner wrote no verdicts")?;
        let kept = dated(JUDGE, &workspace.commit()?, &today(), &text)?;
        std::fs::write(workspace.root().join(VERDICTS), kept).context("cannot write the verdicts")?;
    }
    if outcome.is_err() {
        bail!("a delivery is not as demanded, or the runner failed; the seed above has the run again");
    }
    Ok(())
}

fn flags(options: &Options) -> Vec<String> {
    let transport = options.transport.to_possible_value().expect("no transport is hidden");
    let mut flags = vec!["--seconds".into(), options.seconds.unwrap_or(SECONDS).to_string()];
    flags.extend(["--transport".into(), transport.get_name().to_string()]);
    flags.extend(options.seed.iter().flat_map(|seed| ["--seed".into(), seed.clone()]));
    flags.extend(options.deliveries.iter().flat_map(|count| ["--deliveries".into(), count.to_string()]));
    flags.extend(options.runner.iter().cloned());
    flags
}

/// The verdicts with commit and date.
fn dated(judge: &str, commit: &str, date: &str, verdicts: &str) -> Result<String> {
    let mut value: Value = serde_json::from_str(verdicts).context("the runner's verdicts are not JSON")?;
    let object = value.as_object_mut().context("the runner's verdicts are no object")?;
    for (key, text) in [("judge", judge), ("commit", commit), ("date", date)] {
        object.insert(key.into(), text.into());
    }
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_verdicts_say_where_they_come_from() {
        let text = dated("soak", "abc", "2030-01-02", r#"{"seed":"0x1","cases":{}}"#).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let wanted = serde_json::json!({
            "judge": "soak", "commit": "abc", "date": "2030-01-02", "seed": "0x1", "cases": {}
        });
        assert_eq!(value, wanted);
        assert!(dated("soak", "abc", "2030-01-02", "[]").is_err());
    }

    #[test]
    fn flags_are_handed_on_as_the_runner_names_them() {
        let options = Options {
            seconds: Some(7),
            browser: false,
            seed: Some("0x2a".into()),
            transport: Transport::LongPolling,
            deliveries: Some(9),
            keep: false,
            runner: vec!["--kills".into(), "0".into()],
        };
        let wanted = "--seconds 7 --transport long-polling --seed 0x2a --deliveries 9 --kills 0";
        assert_eq!(flags(&options).join(" "), wanted);
    }
}
