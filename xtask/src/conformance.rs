//! `cargo xtask conformance`: outside clients and suites judge the server, and their verdicts are compared with those
//! kept in `conformance/verdicts`. The judges are programs under `conformance/`; starting, killing and restarting
//! the server they judge happens here. `--keep` writes the verdicts, with commit and date.

mod autobahn;
mod judge;
mod subject;
pub(crate) mod transports;
mod verdict;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::workspace::Workspace;
use crate::{process, setup};

use judge::{JUDGES, Judge};
use subject::Subject;
use verdict::Verdicts;

/// Flags of the verb.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Asks only the named judges
    #[arg(long, value_name = "NAME")]
    judge: Vec<String>,
    /// Asks them on this transport only
    #[arg(long, value_name = "NAME")]
    transport: Option<String>,
    /// Judges another server instead, to try the judges themselves
    #[arg(long)]
    reference: Option<Reference>,
    /// Writes the verdicts into conformance/verdicts
    #[arg(long)]
    keep: bool,
}

/// Servers of other projects.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reference {
    /// Faye, on every transport the clients know
    Faye,
    /// The CometD project's server for Node, long polling only
    Cometd,
    /// The WebSocket echo of the package `ws`
    Ws,
}

impl Options {
    /// The clients, without the long suites.
    pub(crate) fn clients() -> Self {
        let names = JUDGES.iter().map(|judge| judge.name).chain([transports::SECURITY]);
        Self { judge: names.map(String::from).collect(), ..Self::default() }
    }

    fn wants(&self, judge: &str) -> bool {
        self.judge.is_empty() || self.judge.iter().any(|name| name == judge)
    }
}

/// Asks the judges; fails when a verdict is worse than, or missing from, the kept ones.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let other = [autobahn::NAME, transports::NAME, transports::SECURITY];
    let known = |name: &str| other.contains(&name) || JUDGES.iter().any(|judge| judge.name == name);
    if let Some(stranger) = options.judge.iter().find(|name| !known(name)) {
        bail!("there is no judge `{stranger}`");
    }
    setup::for_judges(workspace)?;
    let subject = Subject::of(options.reference);
    let mut complaints = Vec::new();
    let clients: Vec<&Judge> = JUDGES.iter().filter(|judge| options.wants(judge.name)).collect();
    if subject.speaks_bayeux() && !clients.is_empty() {
        if options.reference.is_none() {
            let mut build =
                workspace.cargo(&["build", "--quiet", "--package", "comet-server", "--bin", "comet"]);
            process::run(&mut build, std::time::Duration::from_secs(900))?;
        }
        for judge in clients {
            let found = judge.ask(workspace, &subject, options.transport.as_deref())?;
            complaints.extend(settle(workspace, options, found)?);
        }
    }
    if subject.echoes() && options.wants(autobahn::NAME) && options.transport.is_none() {
        let found = autobahn::ask(workspace, &subject)?;
        complaints.extend(settle(workspace, options, found)?);
    }
    if options.reference.is_none() && options.wants(transports::SECURITY) && options.transport.is_none() {
        complaints.extend(settle(workspace, options, transports::attack(workspace)?)?);
    }
    if options.reference.is_none() && options.wants(transports::NAME) {
        let found = transports::ask(workspace, options.transport.as_deref())?;
        complaints.extend(settle(workspace, options, found)?);
    }
    if complaints.is_empty() {
        println!("the judges find nothing new");
        return Ok(());
    }
    complaints.iter().for_each(|complaint| println!("{complaint}"));
    bail!("{} verdicts differ from what is wanted", complaints.len())
}

/// Compares what a judge found with what is kept, or keeps it.
fn settle(workspace: &Workspace, options: &Options, found: Verdicts) -> Result<Vec<String>> {
    if options.reference.is_some() {
        return Ok(found.failures());
    }
    if options.keep {
        found.keep(workspace)?;
        return Ok(Vec::new());
    }
    Ok(match Verdicts::kept(workspace, found.judge())? {
        Some(kept) => found.worse_than(&kept),
        None => vec![format!("{}: no verdicts are kept; look at them and run with --keep", found.judge())],
    })
}
