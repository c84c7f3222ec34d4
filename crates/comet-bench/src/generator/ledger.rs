//! Counts every delivery: how many, in which order, how late.
//! Payloads come from the scripts, sequence numbers from the publisher; the scenarios read the summary.

use std::time::Instant;

use hdrhistogram::Histogram;

use crate::protocol::Fault;
use crate::protocol::payload::Payload;

/// Longest latency told apart, in nanoseconds: later ones count as this.
const LATENCY_NS: u64 = 60_000_000_000;

/// What each subscriber has received, and when.
pub struct Ledger {
    start: Instant,
    /// The sequence number each subscriber has to receive next.
    next: Vec<u64>,
    published: u64,
    deliveries: u64,
    bytes: u64,
    /// How many subscribers, the first ones, have their latency measured.
    timed: usize,
    latency: Histogram<u64>,
}

/// What came of a measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Copies that arrived.
    pub deliveries: u64,
    /// Bytes read by the subscribers, with all framing.
    pub bytes: u64,
    /// Median time from sending to reading, in nanoseconds.
    pub median_ns: u64,
    /// Time from sending to reading of all but one in a hundred, in nanoseconds.
    pub p99_ns: u64,
}

impl Ledger {
    /// A ledger for subscribers still to come.
    pub(crate) fn new() -> Ledger {
        let latency =
            Histogram::new_with_bounds(1, LATENCY_NS, 3).expect("the bounds are constants in order");
        Ledger {
            start: Instant::now(),
            next: Vec::new(),
            published: 0,
            deliveries: 0,
            bytes: 0,
            timed: usize::MAX,
            latency,
        }
    }

    /// Adds a subscriber, which has to receive everything published from now on. Answers with its number.
    pub(crate) fn enroll(&mut self) -> usize {
        self.next.push(self.published);
        self.next.len() - 1
    }

    /// Adds a subscriber that comes back, which has to receive everything from publication number `first` on.
    pub(crate) fn enroll_again(&mut self, first: u64) -> usize {
        self.next.push(first);
        self.next.len() - 1
    }

    /// From now on measures latency for the first `count` subscribers only.
    pub fn time_only(&mut self, count: usize) {
        self.timed = count;
    }

    /// How many of the subscribers after the first `skipped` have received all before publication number `end`.
    pub fn caught_up(&self, skipped: usize, end: u64) -> usize {
        self.next[skipped..].iter().filter(|next| **next >= end).count()
    }

    /// How many publications there were.
    pub fn published(&self) -> u64 {
        self.published
    }

    /// The payload of the next publication, sent now.
    pub(crate) fn next_payload(&mut self) -> Payload {
        let sequence = self.published;
        self.published += 1;
        Payload { sequence, sent_ns: self.now_ns() }
    }

    /// Copies still to arrive.
    pub fn outstanding(&self) -> u64 {
        self.next.iter().map(|next| self.published - next).sum()
    }

    /// Takes one delivery.
    pub(crate) fn on_delivery(&mut self, subscriber: usize, data: &str) -> Result<(), Fault> {
        let payload = Payload::parse(data)?;
        let next = &mut self.next[subscriber];
        if payload.sequence != *next || payload.sequence >= self.published {
            let found = payload.sequence;
            return Err(Fault::new(format!("subscriber {subscriber} received {found} instead of {next}")));
        }
        *next += 1;
        self.deliveries += 1;
        if subscriber < self.timed {
            let late_ns = self.now_ns().saturating_sub(payload.sent_ns);
            self.latency.saturating_record(late_ns);
        }
        Ok(())
    }

    /// Counts bytes the subscribers have read.
    pub(crate) fn on_bytes(&mut self, count: usize) {
        self.bytes += count as u64;
    }

    /// What arrived since the last call.
    pub fn take_summary(&mut self) -> Summary {
        let summary = Summary {
            deliveries: self.deliveries,
            bytes: self.bytes,
            median_ns: self.latency.value_at_quantile(0.5),
            p99_ns: self.latency.value_at_quantile(0.99),
        };
        self.deliveries = 0;
        self.bytes = 0;
        self.latency.reset();
        summary
    }

    fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(payload: Payload) -> String {
        let mut out = Vec::new();
        payload.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn copies_are_outstanding_until_each_subscriber_has_its_own() {
        let mut ledger = Ledger::new();
        let (one, two) = (ledger.enroll(), ledger.enroll());
        let payload = text(ledger.next_payload());
        assert_eq!(ledger.outstanding(), 2);
        ledger.on_delivery(one, &payload).unwrap();
        ledger.on_delivery(two, &payload).unwrap();
        assert_eq!((ledger.outstanding(), ledger.take_summary().deliveries), (0, 2));
        assert_eq!(ledger.take_summary().deliveries, 0);
    }

    #[test]
    fn a_gap_a_repetition_and_an_invention_are_faults() {
        let mut ledger = Ledger::new();
        let subscriber = ledger.enroll();
        let (first, second) = (text(ledger.next_payload()), text(ledger.next_payload()));
        assert!(ledger.on_delivery(subscriber, &second).is_err());
        ledger.on_delivery(subscriber, &first).unwrap();
        assert!(ledger.on_delivery(subscriber, &first).is_err());
        ledger.on_delivery(subscriber, &second).unwrap();
        assert!(ledger.on_delivery(subscriber, &text(Payload { sequence: 2, sent_ns: 0 })).is_err());
    }

    #[test]
    fn who_comes_back_is_owed_what_it_missed_and_measured_by_nobody() {
        let mut ledger = Ledger::new();
        ledger.enroll();
        let texts: Vec<String> = (0..3).map(|_| text(ledger.next_payload())).collect();
        ledger.time_only(1);
        let returning = ledger.enroll_again(1);
        assert_eq!((ledger.outstanding(), ledger.caught_up(1, 3)), (3 + 2, 0));
        assert!(ledger.on_delivery(returning, &texts[0]).is_err());
        ledger.on_delivery(returning, &texts[1]).unwrap();
        ledger.on_delivery(returning, &texts[2]).unwrap();
        assert_eq!(ledger.caught_up(1, 3), 1);
        let summary = ledger.take_summary();
        assert_eq!((summary.deliveries, summary.p99_ns), (2, 0));
    }

    #[test]
    fn a_late_subscriber_is_owed_only_what_follows() {
        let mut ledger = Ledger::new();
        ledger.next_payload();
        ledger.enroll();
        assert_eq!(ledger.outstanding(), 0);
    }
}
