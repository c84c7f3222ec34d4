//! The metrics page: the library's counts and the process, as OpenMetrics text.
//!
//! Names are `comet_<noun>_<unit>_total`; nothing is labelled by channel, session or address, endings are
//! labelled by their code. Counts are read when the page is asked for.

use std::fmt;
use std::sync::Arc;

use comet::Snapshot;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::process::Process;

/// The type of the page.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counts that go down as well as up; every other only grows.
const GAUGES: [&str; 7] = [
    "connections_open",
    "sessions_open",
    "channels",
    "presence_sessions",
    "publications_waiting",
    "journal_failed",
    "journal_waiting",
];

/// The metrics of one server.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    counts: Counts,
}

/// Reads the library's counts.
type Counts = Arc<dyn Fn() -> Snapshot + Send + Sync>;

impl Metrics {
    /// Makes the page from the counts that `snapshot` reads.
    pub(crate) fn new(snapshot: impl Fn() -> Snapshot + Send + Sync + 'static, process: Process) -> Metrics {
        let mut registry = Registry::default();
        let counts: Counts = Arc::new(snapshot);
        registry.register_collector(Box::new(Server { snapshot: counts.clone(), process }));
        Metrics { registry: Arc::new(registry), counts }
    }

    /// Whether the journal takes what durable channels bring, as far as anybody has tried.
    pub(crate) fn has_journal_failed(&self) -> bool {
        (self.counts)().journal_failed > 0
    }

    /// The page.
    ///
    /// # Errors
    /// When a metric cannot be written.
    pub(crate) fn page(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}

struct Server {
    snapshot: Counts,
    process: Process,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Collector for Server {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = (self.snapshot)();
        for (name, about, value) in snapshot.named() {
            let name = format!("comet_{name}");
            if GAUGES.contains(&&name["comet_".len()..]) {
                gauge(&mut encoder, &name, about, i64::try_from(value).unwrap_or(i64::MAX))?;
            } else {
                let metric = encoder.encode_descriptor(&name, about, None, MetricType::Counter)?;
                ConstCounter::new(value).encode(metric)?;
            }
        }
        self.endings(&mut encoder, &snapshot)?;
        self.process(&mut encoder)
    }
}

impl Server {
    fn endings(&self, encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
        let about = "Refusals, drops and endings by code.";
        let mut family = encoder.encode_descriptor("comet_endings", about, None, MetricType::Counter)?;
        for (code, count) in &snapshot.endings {
            ConstCounter::new(*count).encode(family.encode_family(&[("code", code.name())])?)?;
        }
        Ok(())
    }

    fn process(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let mut build = encoder.encode_descriptor(
            "comet_build_info",
            "The version that runs.",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(1_i64).encode(build.encode_family(&version)?)?;
        gauge(encoder, "comet_uptime_seconds", "Seconds since the start.", self.process.uptime_seconds())?;
        let began = self.process.start_time_seconds();
        gauge(encoder, "process_start_time_seconds", "Start of the process, in seconds since 1970.", began)?;
        if let Some(bytes) = self.process.resident_memory_bytes() {
            gauge(
                encoder,
                "process_resident_memory_bytes",
                "Memory in use.",
                i64::try_from(bytes).unwrap_or(i64::MAX),
            )?;
        }
        if let Some(open) = self.process.open_descriptors() {
            gauge(encoder, "process_open_fds", "Open descriptors.", i64::try_from(open).unwrap_or(i64::MAX))?;
        }
        Ok(())
    }
}

fn gauge<N>(encoder: &mut DescriptorEncoder<'_>, name: &str, about: &str, value: N) -> fmt::Result
where
    ConstGauge<N>: EncodeMetric,
{
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, about, None, MetricType::Gauge)?)
}

#[cfg(test)]
mod tests {
    use comet::Code;

    use super::*;

    fn page() -> String {
        let snapshot = || Snapshot {
            connections_open: 3,
            deliveries: 12,
            endings: vec![(Code::SlowConsumer, 2), (Code::Draining, 1)],
            ..Snapshot::default()
        };
        Metrics::new(snapshot, Process::begin()).page().unwrap()
    }

    #[test]
    fn what_grows_is_a_total_and_what_does_not_is_none() {
        let page = page();
        assert!(page.contains("# TYPE comet_deliveries counter\ncomet_deliveries_total 12\n"), "{page}");
        assert!(page.contains("# TYPE comet_connections_open gauge\ncomet_connections_open 3\n"), "{page}");
        assert!(page.ends_with("# EOF\n"));
    }

    #[test]
    fn endings_are_labelled_by_their_code() {
        let page = page();
        assert!(page.contains("comet_endings_total{code=\"slow_consumer\"} 2\n"), "{page}");
        assert!(page.contains("comet_endings_total{code=\"draining\"} 1\n"), "{page}");
    }

    #[test]
    fn every_gauge_is_a_count_of_the_library() {
        let snapshot = Snapshot::default();
        for gauge in GAUGES {
            assert!(snapshot.named().any(|(name, _, _)| name == gauge), "{gauge}");
        }
    }
}
