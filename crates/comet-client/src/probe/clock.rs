//! How far the server's clock is from ours.
//!
//! Measured as CometD's timesync does, from the one exchange of the handshake: half of what the way took is the
//! uncertainty.

use super::hello::Hello;
use super::{Finding, Verdict};

/// A difference that people notice in times shown to them.
const NOTABLE_MS: f64 = 2_000.0;

pub(super) fn finding(hello: &Hello) -> Finding {
    let number = |name: &str| hello.timesync[name].as_f64();
    let (Some(arrived), Some(processed)) = (number("ts"), number("p")) else {
        return Finding::new("clock", Verdict::Skipped, "the server does not tell its time");
    };
    let way = (hello.took.as_secs_f64() * 1e3 - processed).max(0.0);
    judge(arrived - hello.sent_ms - way / 2.0, way / 2.0)
}

/// Judges a difference in milliseconds, known this well.
fn judge(ahead: f64, uncertain: f64) -> Finding {
    let side = if ahead < 0.0 { "behind" } else { "ahead of" };
    let words =
        format!("the server's clock is {:.3} s {side} ours, ± {:.3} s", ahead.abs() / 1e3, uncertain / 1e3);
    let verdict = if ahead.abs() > NOTABLE_MS + uncertain { Verdict::Doubtful } else { Verdict::Fine };
    Finding::new("clock", verdict, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_counts_beyond_what_is_uncertain() {
        assert_eq!(judge(1_500.0, 5.0).verdict, Verdict::Fine);
        assert_eq!(judge(-2_500.0, 5.0).verdict, Verdict::Doubtful);
        assert_eq!(judge(-2_500.0, 900.0).verdict, Verdict::Fine);
        assert!(judge(-2_500.0, 5.0).words.contains("2.500 s behind ours"));
    }
}
