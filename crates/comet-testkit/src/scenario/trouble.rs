//! A schedule carried out: each trouble begins and ends at its time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::book::Book;
use super::{Host, kills};
use crate::{FaultProxy, Planned, Schedule};

/// What a run has of its schedule before it.
pub(super) struct Driver<'a> {
    waiting: std::collections::VecDeque<&'a Planned>,
    lasting: Vec<&'a Planned>,
    proxies: &'a [FaultProxy],
    book: &'a Book,
    counts: BTreeMap<&'static str, u64>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(schedule: &'a Schedule, proxies: &'a [FaultProxy], book: &'a Book) -> Driver<'a> {
        Driver {
            waiting: schedule.planned().iter().collect(),
            lasting: Vec::new(),
            proxies,
            book,
            counts: BTreeMap::new(),
        }
    }

    /// Ends and begins what is due so long after the beginning.
    pub(super) fn on_time(&mut self, now: Duration, host: &mut dyn Host) {
        let (over, lasting) = std::mem::take(&mut self.lasting)
            .into_iter()
            .partition(|planned| planned.at + planned.lasts <= now);
        self.lasting = lasting;
        self.heal(over, host);
        while let Some(planned) = self.waiting.front().copied().filter(|planned| planned.at <= now) {
            self.waiting.pop_front();
            *self.counts.entry(planned.trouble.kind()).or_default() += 1;
            self.book.on_trouble(planned);
            if kills(&planned.trouble) {
                assert!(host.kill(), "this server cannot be killed");
            }
            self.concerned(planned).for_each(|proxy| proxy.apply(&planned.trouble));
            self.lasting.push(planned);
        }
    }

    /// Ends what still lasts; how often there was which trouble.
    pub(super) fn finish(mut self, host: &mut dyn Host) -> BTreeMap<&'static str, u64> {
        let lasting = std::mem::take(&mut self.lasting);
        self.heal(lasting, host);
        self.counts
    }

    fn heal(&self, over: Vec<&Planned>, host: &mut dyn Host) {
        for planned in over {
            if kills(&planned.trouble) {
                host.restart();
            } else {
                self.concerned(planned).for_each(FaultProxy::heal);
            }
            self.book.on_healed(planned);
        }
    }

    fn concerned(&self, planned: &'a Planned) -> impl Iterator<Item = &'a FaultProxy> {
        let proxies = self.proxies.iter().enumerate();
        proxies.filter(|(link, _)| planned.concerns(*link)).map(|(_, proxy)| proxy)
    }
}
