//! The machine the figures come from: processors for server and generator, descriptors, and a description.
//! Costs of processes are read in `procfs`. Everything changed here is put back when the value is dropped.

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

/// Which processor the server runs on, and which the generator.
pub struct Placement {
    before: CpuSet,
    /// Server first. `None`: neither is bound.
    processors: Option<(usize, usize)>,
}

impl Placement {
    /// One processor for each side when `apart`, else no rule. The calling thread becomes the generator.
    ///
    /// # Errors
    /// When there are fewer than two processors to choose from.
    pub fn choose(apart: bool) -> Result<Placement> {
        let before = sched_getaffinity(None).context("reading the processor affinity")?;
        let mut processors = None;
        if apart {
            let mut allowed = (0..CpuSet::MAX_CPU).filter(|&cpu| before.is_set(cpu));
            match (allowed.next(), allowed.next()) {
                (Some(server), Some(generator)) => processors = Some((server, generator)),
                _ => bail!("server and generator need a processor each, and there is only one"),
            }
        }
        let placement = Placement { before, processors };
        placement.generator()?;
        Ok(placement)
    }

    /// Runs `start` where the server belongs: the processes it starts stay there.
    ///
    /// # Errors
    /// When the kernel refuses the processor, or `start` fails.
    pub fn on_server_side<T>(&self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some((server, _)) = self.processors {
            bind(server)?;
        }
        let started = start();
        self.generator()?;
        started
    }

    fn generator(&self) -> Result<()> {
        self.processors.map_or(Ok(()), |(_, generator)| bind(generator))
    }
}

impl Drop for Placement {
    fn drop(&mut self) {
        // Only this thread was ever bound; if it cannot be freed, it goes on where it is.
        let _ = sched_setaffinity(None, &self.before);
    }
}

fn bind(processor: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(processor);
    sched_setaffinity(None, &set).with_context(|| format!("binding to processor {processor}"))
}

/// Makes room for this many open descriptors in this process and its children.
///
/// # Errors
/// When the hard limit is lower.
pub fn allow_descriptors(count: usize) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if let Some(maximum) = limit.maximum.filter(|maximum| *maximum < count as u64) {
        bail!("{count} descriptors are needed and the limit is {maximum}: raise it with `ulimit -Hn`");
    }
    if limit.current.is_some_and(|current| current < count as u64) {
        let wider = Rlimit { current: Some(count as u64), maximum: limit.maximum };
        setrlimit(Resource::Nofile, wider).context("raising the limit of descriptors")?;
    }
    Ok(())
}

/// What the figures were measured on.
#[derive(Debug, Serialize)]
pub struct Description {
    /// Model name of the first processor.
    pub processor: String,
    /// Processors this process may use.
    pub processors: usize,
    /// Release of the kernel.
    pub kernel: String,
    /// Congestion control of new TCP connections.
    pub congestion_control: String,
}

/// Describes this machine; what cannot be read is called `unknown`.
pub fn describe() -> Description {
    let read = |path| std::fs::read_to_string(path).map(|text| text.trim().to_owned());
    let unknown = || "unknown".to_owned();
    let processor = read("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        line.split_once(": ").map(|(_, name)| name.to_owned())
    });
    Description {
        processor: processor.unwrap_or_else(unknown),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        kernel: read("/proc/sys/kernel/osrelease").unwrap_or_else(|_| unknown()),
        congestion_control: read("/proc/sys/net/ipv4/tcp_congestion_control").unwrap_or_else(|_| unknown()),
    }
}
