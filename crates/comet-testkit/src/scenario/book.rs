//! The book of a run: everything that was published, seen and told, with the weather on each link.
//!
//! All parts write into it; it decides what trouble excuses and hands the rest to the judge.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Demands, Scenario, judge, name};
use crate::{Note, Planned, StreamChecker, Trouble, Verdict};

/// How long after a trouble messages may still be missing because of it, for clients that do not recover.
const AFTERMATH: Duration = Duration::from_secs(8);
/// How long after a trouble such a client may still find out that it was cut off: a pause between its attempts
/// is up to 20 seconds.
const RETURN: Duration = Duration::from_secs(45);

/// The book of a run.
pub(super) struct Book {
    pages: Mutex<Pages>,
    demands: Demands,
    names: Vec<String>,
    channels: Vec<String>,
}

struct Pages {
    checker: StreamChecker,
    weather: Vec<Weather>,
}

/// Trouble on one link.
#[derive(Clone, Copy, Default)]
struct Weather {
    troubles: u32,
    /// When the last one was over.
    cleared: Option<Instant>,
}

impl Weather {
    fn is_bad(self, aftermath: Duration) -> bool {
        self.troubles > 0 || self.cleared.is_some_and(|cleared| cleared.elapsed() < aftermath)
    }
}

impl Book {
    pub(super) fn new(scenario: &Scenario) -> Book {
        let weather = vec![Weather::default(); scenario.subscribers];
        Book {
            pages: Mutex::new(Pages { checker: judge(scenario), weather }),
            demands: scenario.demands,
            names: (0..scenario.subscribers).map(name).collect(),
            channels: scenario.channel_names(),
        }
    }

    fn open(&self) -> MutexGuard<'_, Pages> {
        // A part that panicked is told of on its own; the verdict has to come all the same.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A trouble begins on these links.
    pub(super) fn on_trouble(&self, planned: &Planned) {
        let mut pages = self.open();
        for (link, subscriber) in self.names.iter().enumerate().filter(|(link, _)| planned.concerns(*link)) {
            pages.weather[link].troubles += 1;
            match self.demands {
                Demands::NoRecovery => pages.checker.excuse_loss(subscriber),
                Demands::Recovery { window, durable } => {
                    let forgets = planned.trouble == Trouble::KillServer && !durable;
                    let longer = forgets || planned.lasts > window;
                    pages.checker.on_outage(subscriber, longer);
                }
            }
        }
    }

    /// It is over.
    pub(super) fn on_healed(&self, planned: &Planned) {
        let mut pages = self.open();
        for link in (0..self.names.len()).filter(|link| planned.concerns(*link)) {
            pages.weather[link].troubles -= 1;
            pages.weather[link].cleared = Some(Instant::now());
        }
    }

    pub(super) fn saw(&self, link: usize, channel: &str, note: &Note) {
        let mut pages = self.open();
        pages.checker.saw(&self.names[link], channel, note);
        if self.demands == Demands::NoRecovery && pages.weather[link].is_bad(AFTERMATH) {
            pages.checker.excuse_loss(&self.names[link]);
        }
    }

    pub(super) fn told_of_gap(&self, link: usize, channel: Option<&str>) {
        let mut pages = self.open();
        let subscriber = &self.names[link];
        if self.demands == Demands::NoRecovery && pages.weather[link].is_bad(RETURN) {
            pages.checker.excuse_loss(subscriber);
            return;
        }
        match channel {
            Some(channel) => pages.checker.told_of_gap(subscriber, channel),
            None => {
                self.channels.iter().for_each(|channel| pages.checker.told_of_gap(subscriber, channel));
            }
        }
    }

    pub(super) fn published(&self, channel: &str, note: &Note) {
        self.open().checker.published(channel, note);
    }

    pub(super) fn acknowledged(&self, channel: &str, note: &Note, epoch: &str, offset: u64) {
        self.open().checker.acknowledged_at(channel, note, epoch, offset);
    }

    pub(super) fn deliveries(&self) -> u64 {
        self.open().checker.deliveries()
    }

    /// Who has not seen all these: channel, publisher and number.
    pub(super) fn absent(&self, last: &[(String, String, u64)]) -> Vec<String> {
        let pages = self.open();
        let behind = |subscriber: &&String| {
            last.iter().any(|(channel, publisher, number)| {
                pages.checker.last_seen(subscriber, channel, publisher).is_none_or(|seen| seen < *number)
            })
        };
        self.names.iter().filter(behind).cloned().collect()
    }

    pub(super) fn progress(&self) -> String {
        let verdict = self.open().checker.so_far();
        format!(
            "{} published, {} seen, {} missing with an excuse, {} gaps, {} faults",
            verdict.published,
            verdict.deliveries,
            verdict.excused,
            verdict.gaps,
            verdict.faults.len() as u64 + verdict.more_faults
        )
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.open().checker.verdict()
    }
}
