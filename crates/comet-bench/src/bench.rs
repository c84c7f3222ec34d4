//! The whole of it: finds the programs, runs the campaign, prints the report.
//! Progress goes to standard error, the report to `out`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::campaign::{Campaign, Run};
use crate::machine::{self, Placement};
use crate::options::Options;
use crate::report;
use crate::server::{Contender, Launcher};
use crate::verdict::{self, Verdict};

/// Descriptors of generator and server beside those of the connections.
const SPARE_DESCRIPTORS: usize = 200;

/// Runs what the options ask for and writes the report. The answer is whether every bound is kept; without
/// `--check` it is always so.
///
/// # Errors
/// When a program is missing, a server breaks a promise, or the machine lacks what is needed.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<bool> {
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build: its figures mean nothing.");
    }
    let size = options.size();
    let machine = machine::describe();
    machine::allow_descriptors(size.connections() + SPARE_DESCRIPTORS)
        .context("--subscribers or --idle-connections is more than one process may open")?;
    let beside = std::env::current_exe()?.parent().context("this program stands in a folder")?.to_owned();
    let floor = options.floor.clone().map_or_else(|| build_floor(&beside), Ok)?;
    let comet = options.comet.clone().unwrap_or_else(|| beside.join("comet"));
    let shards = usize::from(options.shards);
    let placement = Placement::choose(shards == 1)?;
    let launcher = Launcher { comet, floor, shards, connections: size.connections(), placement };
    let contenders = choose_contenders(&launcher, options)?;
    let scenarios = options.choice.scenarios();
    let campaign = Campaign { launcher, contenders, scenarios, rounds: options.rounds.into(), size };
    let runs = campaign.run(report_progress)?;
    let rows = verdict::judge(&runs);
    writeln!(
        out,
        "{}, {} processors, Linux {}, {}; {} rounds, {} shards, {} subscribers, {} idle connections\n",
        machine.processor,
        machine.processors,
        machine.kernel,
        machine.congestion_control,
        options.rounds,
        shards,
        size.subscribers,
        size.idle_connections
    )?;
    report::write_table(&rows, &runs, out)?;
    if let Some(path) = &options.json {
        report::write_json(path, &machine, shards, &size, &rows, &runs)?;
    }
    Ok(!options.check || rows.iter().all(|row| matches!(row.verdict, Verdict::Pass | Verdict::Free)))
}

/// The programs that can be measured here: io_uring may be refused, and Comet not be built.
fn choose_contenders(launcher: &Launcher, options: &Options) -> Result<Vec<Contender>> {
    let mut contenders = vec![Contender::FloorEpoll];
    match launcher.start(Contender::FloorUring) {
        Ok(_) => contenders.insert(0, Contender::FloorUring),
        Err(error) => eprintln!("No io_uring here, so the floor is plain epoll: {error:#}"),
    }
    if options.floor_only {
        return Ok(contenders);
    }
    if launcher.comet.is_file() {
        contenders.extend([Contender::Comet, Contender::CometForgetful]);
    } else if options.check || options.comet.is_some() {
        bail!("{} does not exist: build it, or name another with --comet", launcher.comet.display());
    } else {
        eprintln!("{} does not exist: only the floor is measured.", launcher.comet.display());
    }
    Ok(contenders)
}

/// The folder of the floor programs: beside this one. `cargo run` builds only the program it runs, so the others are
/// built here when it was cargo that started this one.
fn build_floor(beside: &Path) -> Result<PathBuf> {
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--package", "comet-bench", "--bins"]);
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).status();
        ensure!(status.context("starting cargo")?.success(), "the floor programs cannot be built");
    }
    for name in ["floor-uring", "floor-epoll"] {
        let path = beside.join(name);
        ensure!(path.is_file(), "{} does not exist: build comet-bench with --bins", path.display());
    }
    Ok(beside.to_owned())
}

fn report_progress(run: &Run) {
    let mut line = format!("round {}  {:<12}", run.round, run.contender);
    for reading in &run.outcome.readings {
        let (figure, digits) = (reading.figure, reading.figure.decimals());
        line.push_str(&format!("  {}: {:.digits$} {};", figure.name(), reading.value, figure.unit()));
    }
    eprintln!("{}", line.trim_end_matches(';'));
}
