//! Running a server from its start to its end.
//!
//! The configuration is read, addresses are bound and told, and then the program only waits for signals: the
//! serving is the library's. A signal to stop ends it with grace, a second one at once.

use std::io::{self, Write};
use std::sync::Arc;

use comet::journal::Opened;
use comet::{Builder, Comet};
use comet_journal::Writer;

use crate::cli::ServerFlags;
use crate::config::{Configuration, Layers, Loaded, check_exposure};
use crate::internal::{self, Readiness};
use crate::metrics::Metrics;
use crate::process::{self, Process};
use crate::signals::{Ask, Signals};
use crate::telemetry::{self, Level};
use crate::verdict::Failure;

/// Descriptors that are no client's connection: listeners, polls, files, the internal listener.
const OWN_DESCRIPTORS: u64 = 200;

/// Runs a server until a signal ends it. `dress` puts in what the verb adds, `started` is told of the server
/// once it runs.
pub(crate) fn run(
    flags: &ServerFlags,
    dress: impl FnOnce(Builder) -> Builder,
    started: impl FnOnce(&Comet),
) -> Result<(), Failure> {
    let layers = flags.layers();
    let loaded = layers.load().map_err(Failure::of_configuration)?;
    check_exposure(&loaded.configuration, flags.danger_open).map_err(Failure::of_configuration)?;
    let level = telemetry::begin(&loaded.configuration)?;
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(Failure::at_run_time)?;
    runtime.block_on(run_until_stopped(loaded, &layers, &level, dress, started))
}

async fn run_until_stopped(
    mut loaded: Loaded,
    layers: &Layers,
    level: &Level,
    dress: impl FnOnce(Builder) -> Builder,
    started: impl FnOnce(&Comet),
) -> Result<(), Failure> {
    let configuration = &loaded.configuration;
    let process = Process::begin();
    check_descriptors(configuration.comet.limits.connections);
    // Before anything is told: whoever reads an address may send a signal.
    let mut signals = Signals::listen().map_err(Failure::at_run_time)?;
    let internal = match configuration.internal {
        Some(address) => Some(internal::bind(address).map_err(|error| {
            Failure::unavailable(format!("cannot listen on {address} for operations: {error}"))
        })?),
        None => None,
    };
    let builder = Comet::builder().config(configuration.comet.clone()).api(configuration.api());
    let rules = configuration.authorize.rules();
    let mut builder = rules.fold(builder, |builder, (pattern, rule)| builder.authorize(pattern, rule));
    if let Some(folder) = &configuration.flash_files {
        builder = builder.flash_files(folder);
    }
    if let Some(journal) = journal(configuration)? {
        builder = builder.journal(journal);
    }
    let comet = dress(builder).build().map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Failure::of_configuration(error),
        _ => Failure::unavailable(error),
    })?;
    let readiness = Readiness::default();
    let mut lines: Vec<String> =
        comet.addresses().iter().map(|address| format!("listening on {address}")).collect();
    lines.extend(comet.flash_addresses().iter().map(|address| format!("flash on {address}")));
    lines.extend(comet.flash_policy_addresses().iter().map(|address| format!("flash policy on {address}")));
    if let Some(internal) = internal {
        lines.push(format!("internal on {}", internal.address().map_err(Failure::at_run_time)?));
        internal
            .serve(readiness.clone(), Metrics::new(comet.metrics(), process))
            .map_err(Failure::at_run_time)?;
    }
    tell(&lines)?;
    started(&comet);
    while signals.next().await != Ask::Stop {
        reload(layers, level, &mut loaded);
    }
    tracing::info!("draining; a second signal ends it at once");
    readiness.drain();
    let draining = comet.drain();
    tokio::pin!(draining);
    loop {
        tokio::select! {
            () = &mut draining => return Ok(()),
            ask = signals.next() => if ask == Ask::Stop {
                tracing::warn!("ending at once; what was not sent is lost");
                std::process::exit(1);
            },
        }
    }
}

/// Opens the journal, if there is to be one.
fn journal(configuration: &Configuration) -> Result<Option<Opened>, Failure> {
    let Some(path) = &configuration.journal else { return Ok(None) };
    let (writer, loaded) = Writer::start(path, &configuration.journal_config).map_err(|error| {
        Failure::unavailable(format!("the journal in {} cannot be used: {error}", path.display()))
    })?;
    let records: usize = loaded.iter().map(|channel| channel.records.len()).sum();
    tracing::info!(path = %path.display(), channels = loaded.len(), records, "the journal is open");
    Ok(Some(Opened { keeper: Arc::new(writer), loaded }))
}

/// Tells programs where the server is.
fn tell(lines: &[String]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let told = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    told.map_err(Failure::at_run_time)
}

/// Raises the bound on descriptors, and warns when the connections that are allowed do not fit.
fn check_descriptors(connections: usize) {
    if let Some(descriptors) = process::raise_descriptors()
        && (connections as u64).saturating_add(OWN_DESCRIPTORS) > descriptors
    {
        tracing::warn!(
            descriptors,
            connections,
            "the system gives fewer descriptors than [limits] connections needs"
        );
    }
}

/// Reads the configuration again. What can change in a running server does; of the rest people are told.
fn reload(layers: &Layers, level: &Level, running: &mut Loaded) {
    let loaded = match layers.load() {
        Ok(loaded) => loaded,
        Err(faults) => return tracing::error!("{faults}\nnothing was changed"),
    };
    if level.follow(&loaded.configuration).is_err() {
        return tracing::error!("the level of the log could not be changed");
    }
    tracing::info!(level = loaded.configuration.log_level, "the configuration was read again");
    let waiting = running.differences(&loaded, &["[log] level"]);
    if !waiting.is_empty() {
        tracing::warn!("these take effect with the next start: {}", waiting.join(", "));
    }
    // What waits stays as it runs, so that the next reload tells of it again.
    running.configuration.log_level = loaded.configuration.log_level;
}
