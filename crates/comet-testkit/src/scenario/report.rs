//! How a scenario went, in numbers and in words.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::{ProxyCounts, Seed, Verdict};

/// How a scenario went.
#[derive(Clone, Debug)]
pub struct Report {
    /// What decided the run.
    pub seed: Seed,
    /// What the judge says.
    pub verdict: Verdict,
    /// How often there was which trouble.
    pub troubles: BTreeMap<&'static str, u64>,
    /// Subscribers that were not back a minute after the last trouble.
    pub absent: Vec<String>,
    /// Publications without an acknowledgement.
    pub failed_publications: u64,
    /// What each subscriber's proxy did.
    pub proxies: Vec<ProxyCounts>,
    /// How long it took, coming and leaving included.
    pub elapsed: Duration,
}

impl Report {
    /// Whether everything is as demanded, and something was seen at all.
    pub fn is_clean(&self) -> bool {
        self.verdict.is_clean() && self.absent.is_empty() && self.verdict.deliveries > 0
    }

    /// Troubles in all.
    pub fn faults_injected(&self) -> u64 {
        self.troubles.values().sum()
    }

    /// Everything is as demanded.
    ///
    /// # Panics
    /// With the report when it is not.
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections: u64 = self.proxies.iter().map(|proxy| proxy.connections).sum();
        writeln!(f, "seed {}, {:.0} s, {connections} connections", self.seed, self.elapsed.as_secs_f64())?;
        write!(f, "{} troubles:", self.faults_injected())?;
        self.troubles.iter().try_for_each(|(kind, count)| write!(f, " {count} {kind}"))?;
        writeln!(f)?;
        writeln!(f, "{}", self.verdict)?;
        write!(f, "{} publications failed, not back: {:?}", self.failed_publications, self.absent)
    }
}
