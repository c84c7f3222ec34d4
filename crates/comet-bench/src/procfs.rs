//! What a process has cost so far, read from `/proc`: run time of its threads, resident memory, and the rest of the
//! machine's work meanwhile. Which process, and when, is decided by the scenarios.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Run time of each thread of a process in nanoseconds, by thread id.
type RunTimes = HashMap<u32, u64>;

/// Measures the processor time of a server from one moment on.
pub struct Meter {
    server: u32,
    server_before: RunTimes,
    own_before: RunTimes,
    machine_before_ns: u64,
    started: Instant,
}

/// What a meter has seen.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Processor time of the server, in nanoseconds.
    pub server_ns: u64,
    /// Processors kept busy meanwhile by neither the server nor this process: the disturbance of the measurement.
    pub foreign_cores: f64,
}

impl Meter {
    /// Waits until the server is at rest, and starts.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn start(server: u32) -> Result<Meter> {
        Ok(Meter {
            server,
            server_before: settle(server)?,
            own_before: run_times(std::process::id())?,
            machine_before_ns: machine_busy_ns()?,
            started: Instant::now(),
        })
    }

    /// Waits until the server is at rest again, and says what it has cost since the start.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn read(&self) -> Result<Cost> {
        let server_ns = spent_ns(&self.server_before, &settle(self.server)?);
        let own_ns = spent_ns(&self.own_before, &run_times(std::process::id())?);
        let foreign_ns = (machine_busy_ns()? - self.machine_before_ns).saturating_sub(server_ns + own_ns);
        Ok(Cost { server_ns, foreign_cores: foreign_ns as f64 / self.started.elapsed().as_nanos() as f64 })
    }
}

/// Waits until no thread of the process has run for a moment (at most a second): then all run time is on the books.
///
/// # Errors
/// When the process is gone.
pub fn rest(pid: u32) -> Result<()> {
    settle(pid).map(drop)
}

/// The books of a running thread lag behind by up to a tick, so at rest means: asleep, and with nothing new on the books.
fn settle(pid: u32) -> Result<RunTimes> {
    let end = Instant::now() + Duration::from_secs(1);
    let mut before = run_times(pid)?;
    loop {
        std::thread::sleep(Duration::from_millis(3));
        let running = any_running(pid)?;
        let now = run_times(pid)?;
        if (now == before && !running) || Instant::now() > end {
            return Ok(now);
        }
        before = now;
    }
}

fn any_running(pid: u32) -> Result<bool> {
    for entry in fs::read_dir(format!("/proc/{pid}/task")).context("the server is gone")? {
        // The thread may have ended since the directory was read.
        let Ok(text) = fs::read_to_string(entry?.path().join("stat")) else { continue };
        if parse_state(&text).context("stat has no state")? == 'R' {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Time between two readings. A thread that has ended in between takes what it spent since the first with it.
fn spent_ns(before: &RunTimes, now: &RunTimes) -> u64 {
    now.iter().map(|(thread, ns)| ns.saturating_sub(before.get(thread).copied().unwrap_or(0))).sum()
}

fn run_times(pid: u32) -> Result<RunTimes> {
    let mut times = RunTimes::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task")).context("the server is gone")? {
        let entry = entry?;
        let thread = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .context("a task without a number")?;
        // The thread may have ended since the directory was read.
        let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
        times.insert(thread, parse_schedstat(&text).context("schedstat")?);
    }
    if times.is_empty() {
        bail!(
            "no thread of process {pid} has a schedstat: the kernel lacks CONFIG_SCHED_INFO, or the process is gone"
        );
    }
    Ok(times)
}

/// Resident memory of a process in bytes.
///
/// # Errors
/// When the process is gone.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("the server is gone")?;
    parse_resident(&text).context("smaps_rollup has no Rss line")
}

fn machine_busy_ns() -> Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    parse_busy(&text).context("/proc/stat has no cpu line")
}

fn parse_schedstat(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// The letter behind the name, which stands in parentheses and may hold any others.
fn parse_state(text: &str) -> Option<char> {
    text.rsplit_once(") ")?.1.chars().next()
}

fn parse_resident(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// user, nice, system, irq, softirq and steal; not idle, iowait or the guests that are part of user.
fn parse_busy(text: &str) -> Option<u64> {
    // A tick of /proc/stat is a hundredth of a second on every Linux (USER_HZ).
    const TICK_NS: u64 = 10_000_000;
    let ticks: Vec<u64> = text
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_ascii_whitespace()
        .filter_map(|n| n.parse().ok())
        .collect();
    let &[user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = &ticks[..] else { return None };
    Some((user + nice + system + irq + softirq + steal) * TICK_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_kernel_are_understood() {
        assert_eq!(parse_schedstat("1234567 89 10\n"), Some(1_234_567));
        assert_eq!(
            parse_resident("55-7f ---p 0 00:00 0 [rollup]\nRss:                1744 kB\n"),
            Some(1744 * 1024)
        );
        assert_eq!(parse_busy("cpu  10 1 20 500 7 2 3 4 9 9\ncpu0 1\n"), Some(400_000_000));
    }

    #[test]
    fn lines_that_are_not_the_kernels_are_not() {
        assert_eq!(parse_schedstat(""), None);
        assert_eq!(parse_resident("Pss: 1 kB"), None);
        assert_eq!(parse_busy("cpu 1 2 3"), None);
    }

    #[test]
    fn threads_that_come_and_go_never_make_the_sum_negative() {
        let before = RunTimes::from([(1, 100), (2, 50)]);
        let now = RunTimes::from([(1, 130), (3, 7)]);
        assert_eq!(spent_ns(&before, &now), 37);
    }

    #[test]
    fn work_of_this_process_is_measured() {
        let before = run_times(std::process::id()).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        assert!(spent_ns(&before, &run_times(std::process::id()).unwrap()) > 5_000_000);
        assert!(resident_bytes(std::process::id()).unwrap() > 100 * 1024);
    }
}
