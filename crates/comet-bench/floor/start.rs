//! How a floor program starts: its one option, and the tie to the process that started it.
//! The serving is in `reactor`. Takes the command line, answers with the number of threads.

use std::io;

/// Reads `--threads N` (1 without it, at most 64), and asks the kernel to end this program with its parent.
pub(crate) fn threads() -> io::Result<usize> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let mut threads = 1;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().and_then(|value| value.parse().ok()).filter(|n| (1..=64).contains(n));
        match (word.as_str(), value) {
            ("--threads", Some(value)) => threads = value,
            _ => return Err(io::Error::other("usage: [--threads N], N from 1 to 64")),
        }
    }
    Ok(threads)
}
