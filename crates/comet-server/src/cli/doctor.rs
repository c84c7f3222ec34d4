//! `comet doctor`: looks at a server through whatever stands before it.
//!
//! What is tried and what that means is the client library's; here findings become a table or JSON, and an exit status.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use comet_client::{Channel, Finding, Probe, Verdict};
use serde::Serialize;

use super::remote::{block_on, failure, span};
use crate::verdict::Failure;

/// Look at a server from here: what passes, how fast, and what does not
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Doctor {
    /// The server, with the path of its transports when that is not /cometd
    #[arg(value_name = "URL", env = "COMET_URL", default_value = "http://127.0.0.1:8000")]
    server: String,
    /// Try how long a connection may be silent, up to so long
    #[arg(long, value_name = "DURATION", value_parser = span)]
    idle: Option<Duration>,
    /// How long any one answer may take
    #[arg(long, value_name = "DURATION", value_parser = span, default_value = "10s")]
    patience: Duration,
    /// A message that takes longer there and back counts as held by something
    #[arg(long, value_name = "DURATION", value_parser = span, default_value = "2s")]
    prompt: Duration,
    /// Channel to send its messages on; one of its own below /doctor/ unless given
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    channel: Option<String>,
    /// Key, sent as `Authorization: Bearer`
    #[arg(long, value_name = "KEY", env = "COMET_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Token of the handshakes
    #[arg(long, value_name = "TOKEN", env = "COMET_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  comet doctor                                   the server on this machine
  comet doctor http://shop.example               as a browser reaches it, through all proxies
  comet doctor http://shop.example --idle 30s    also how long a connection may be silent
  comet doctor http://shop.example --json | jq '.findings[] | select(.verdict == \"broken\")'

Exit status: 0 nothing is broken, 1 something is, 69 nobody is there.";

/// A finding as JSON.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    verdict: String,
    took_ms: Option<f64>,
    words: &'a str,
}

#[derive(Serialize)]
struct Report<'a> {
    server: &'a str,
    healthy: bool,
    findings: Vec<Line<'a>>,
}

impl Doctor {
    /// Looks, tells, and fails when something is broken.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut probe = Probe::new(&self.server).patience(self.patience).prompt(self.prompt);
        if let Some(idle) = self.idle {
            probe = probe.idle(idle);
        }
        if let Some(channel) = &self.channel {
            probe = probe.channel(channel);
        }
        if let Some(key) = &self.key {
            probe = probe.key(key);
        }
        if let Some(token) = &self.token {
            probe = probe.token(token);
        }
        let mut findings: Vec<Finding> = Vec::new();
        let mut told = Ok(());
        block_on(async {
            let tell = |finding: Finding| {
                if !self.json && told.is_ok() {
                    told = tell(&row(&finding));
                }
                findings.push(finding);
            };
            probe.run(tell).await.map_err(|error| failure(&error))
        })?;
        told?;
        let broken = findings.iter().filter(|finding| finding.verdict == Verdict::Broken).count();
        if self.json {
            tell(&self.report(&findings, broken == 0)?)?;
        }
        match findings.first() {
            Some(reach) if findings.len() == 1 && broken == 1 => Err(Failure::unavailable(&reach.words)),
            _ if broken > 0 => Err(Failure::at_run_time(format!(
                "{broken} of {} findings will trouble clients",
                findings.len()
            ))),
            _ => Ok(()),
        }
    }

    fn report(&self, findings: &[Finding], healthy: bool) -> Result<String, Failure> {
        let line = |finding: &'_ Finding| finding.took.map(|took| (took.as_secs_f64() * 1e6).round() / 1e3);
        let findings = findings.iter().map(|finding| Line {
            name: &finding.name,
            verdict: finding.verdict.to_string(),
            took_ms: line(finding),
            words: &finding.words,
        });
        let report = Report { server: &self.server, healthy, findings: findings.collect() };
        serde_json::to_string_pretty(&report).map_err(Failure::at_run_time)
    }
}

/// A row of the table.
fn row(finding: &Finding) -> String {
    let took = finding.took.map(|took| format!("{:.1} ms", took.as_secs_f64() * 1e3)).unwrap_or_default();
    // A server's words may hold anything; a terminal is told only what can be read.
    let words: String = finding.words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{:<9} {:<25} {took:>12}  {words}", finding.verdict, finding.name)
}

fn tell(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Failure::at_run_time)
}

fn channel(text: &str) -> Result<String, String> {
    Channel::parse(text).map(|channel| channel.as_str().to_owned()).map_err(|error| error.to_string())
}
