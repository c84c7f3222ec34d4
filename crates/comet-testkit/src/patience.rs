//! How long a test waits before it says that something does not happen.
//!
//! Tests wait for conditions, never for time to pass; the bound here is only for those that never come
//! true, and so generous that a busy machine does not reach it.

use std::time::{Duration, Instant};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not hold within [`PATIENCE`]; `what` completes the sentence "it never happened that".
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "it never happened that {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
