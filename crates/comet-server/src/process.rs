//! What the system knows about this process: memory, descriptors, age.
//!
//! Read when somebody asks, from `/proc` where there is one; what cannot be known is left out.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The process, and when it began.
#[derive(Debug)]
pub(crate) struct Process {
    began: Instant,
    began_at: SystemTime,
}

impl Process {
    /// The process begins now.
    pub(crate) fn begin() -> Process {
        Process { began: Instant::now(), began_at: SystemTime::now() }
    }

    /// Seconds since it began.
    pub(crate) fn uptime_seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Seconds from 1970 to its beginning.
    pub(crate) fn start_time_seconds(&self) -> f64 {
        self.began_at.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
    }

    /// Bytes of memory that are in use.
    pub(crate) fn resident_memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1_024)
    }

    /// Descriptors that are open.
    pub(crate) fn open_descriptors(&self) -> Option<u64> {
        // The listing itself holds one.
        std::fs::read_dir("/proc/self/fd").ok().map(|entries| (entries.count() as u64).saturating_sub(1))
    }
}

/// Descriptors the process may open, after asking for as many as the system gives.
#[cfg(unix)]
pub(crate) fn raise_descriptors() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    if now.current != now.maximum && setrlimit(Resource::Nofile, raised).is_ok() {
        return now.maximum;
    }
    now.current
}

/// Elsewhere nothing is known of it.
#[cfg(not(unix))]
pub(crate) fn raise_descriptors() -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_memory_and_descriptors() {
        let process = Process::begin();
        assert!(process.resident_memory_bytes().unwrap() > 100_000);
        let before = process.open_descriptors().unwrap();
        let files: Vec<_> = (0..64).map(|_| std::fs::File::open("/proc/self/status").unwrap()).collect();
        assert!(process.open_descriptors().unwrap() >= before.min(files.len() as u64));
        assert!(process.start_time_seconds() > 1.6e9);
    }
}
