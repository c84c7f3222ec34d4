//! Randomness, taken from the system: keys of WebSockets and the spread of pauses.
//!
//! Nothing here is a secret that has to last; a system without randomness gives zeros.

use std::time::Duration;

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness masks are guessable and pauses equal: worse manners, but no wrong result.
    let _ = getrandom::fill(&mut bytes);
    bytes
}

/// A span of time from nothing to `most`.
pub(crate) fn up_to(most: Duration) -> Duration {
    most.mul_f64(f64::from(u32::from_be_bytes(bytes())) / f64::from(u32::MAX))
}
