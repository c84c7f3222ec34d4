//! What has left for a client and was not confirmed yet.
//!
//! The store of one session lives here, with the numbers its deliveries have in the order they leave; what a client
//! says about them is read in `resume`. Deliveries come in when they are taken from the mailbox, and are forgotten when
//! they are confirmed or too many, or go back to the front of the mailbox.

use std::collections::VecDeque;

use super::Settings;
use super::mailbox::Mailbox;
use super::outbound::Delivery;

/// A store that was longer than this gives its memory back when it runs empty.
const KEPT_CAPACITY: usize = 8;
/// The most batches remembered. A client that confirms an older one confirms nothing, and nothing is lost.
const BATCHES: usize = 32;

/// How a client confirms.
#[derive(Debug)]
pub(super) enum Manner {
    /// It counts what it receives.
    Count(Resumed),
    /// It names the connect reply it received last.
    Batch(Batches),
}

/// Which wire the client has said its count on; only there deliveries leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumed {
    /// On none that is still its wire.
    Nowhere,
    /// With the last HTTP connect.
    Http,
    /// On the attached wire.
    Attached,
}

/// What the numbers of connect replies stand for.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// The number of the last reply.
    pub(super) last: u64,
    /// The newest connect named a batch: deliveries leave with its reply, and the reply gets a number.
    pub(super) named: bool,
    /// From which reply on how many deliveries are confirmed with it.
    marks: VecDeque<(u64, u64)>,
}

impl Batches {
    /// How many deliveries had left with the reply of this number; `None` when that is not known any more.
    pub(super) fn sent_with(&mut self, batch: u64) -> Option<u64> {
        let place = self.marks.iter().rposition(|(from, _)| *from <= batch)?;
        self.marks.drain(..place);
        self.marks.front().map(|(_, sent)| *sent)
    }

    /// Numbers a reply behind which so many deliveries have left.
    pub(super) fn close(&mut self, sent: u64) -> u64 {
        self.last += 1;
        if self.marks.back().is_none_or(|(_, before)| *before != sent) {
            if self.marks.len() == BATCHES {
                self.marks.pop_front();
            }
            self.marks.push_back((self.last, sent));
        }
        self.last
    }
}

/// What a session has sent and its client has not confirmed. Deliveries are numbered from 0 in the order they first
/// leave, and keep their numbers when they leave again.
#[derive(Debug)]
pub(super) struct Retained<D> {
    pub(super) manner: Manner,
    /// How many are confirmed.
    confirmed: u64,
    /// The number of the first one kept: higher than `confirmed` when some were forgotten.
    first: u64,
    kept: VecDeque<D>,
    bytes: usize,
    most_messages: usize,
    most_bytes: usize,
}

impl<D> Retained<D> {
    pub(super) fn new(manner: Manner, settings: &Settings) -> Retained<D> {
        Retained {
            manner,
            confirmed: 0,
            first: 0,
            kept: VecDeque::new(),
            bytes: 0,
            most_messages: settings.retained_messages,
            most_bytes: settings.retained_bytes,
        }
    }

    /// The bounds may have changed since.
    pub(super) fn bound(&mut self, settings: &Settings) {
        (self.most_messages, self.most_bytes) = (settings.retained_messages, settings.retained_bytes);
    }

    pub(super) fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// How many have left, those not counted that are queued once more.
    pub(super) fn sent(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether everything behind the first `received` deliveries is there.
    pub(super) fn reaches(&self, received: u64) -> bool {
        received >= self.first
    }
}

impl<D: Delivery> Retained<D> {
    /// A delivery leaves.
    pub(super) fn keep(&mut self, delivery: D) {
        self.bytes += delivery.size_bytes();
        self.kept.push_back(delivery);
        while self.kept.len() > self.most_messages || self.bytes > self.most_bytes {
            self.forget_first();
        }
    }

    /// The client has the first `received` deliveries; some of them may be queued once more. A number below one that
    /// was confirmed before means nothing.
    pub(super) fn confirm(&mut self, received: u64, mailbox: &mut Mailbox<D>) {
        self.confirmed = self.confirmed.max(received);
        while self.first < received
            && let Some(delivery) = self.forget_first()
        {
            delivery.on_confirmed();
        }
        while self.first < received
            && mailbox.again() > 0
            && let Some(delivery) = mailbox.pop()
        {
            delivery.on_confirmed();
            self.first += 1;
        }
        mailbox.trim();
        self.trim();
    }

    /// What leaves next is what follows the first `received` deliveries; those are kept.
    pub(super) fn go_on_behind(&mut self, received: u64, mailbox: &mut Mailbox<D>) {
        while self.sent() > received
            && let Some(delivery) = self.kept.pop_back()
        {
            self.bytes -= delivery.size_bytes();
            mailbox.push_again(delivery);
        }
        while self.sent() < received
            && mailbox.again() > 0
            && let Some(delivery) = mailbox.pop()
        {
            self.keep(delivery);
        }
        mailbox.trim();
    }

    /// Puts everything that is kept back to the front of the queue.
    pub(super) fn requeue(&mut self, mailbox: &mut Mailbox<D>) {
        while let Some(delivery) = self.kept.pop_back() {
            mailbox.push_again(delivery);
        }
        self.bytes = 0;
        self.trim();
    }

    fn forget_first(&mut self) -> Option<D> {
        let delivery = self.kept.pop_front()?;
        self.bytes -= delivery.size_bytes();
        self.first += 1;
        Some(delivery)
    }

    fn trim(&mut self) {
        if self.kept.is_empty() && self.kept.capacity() > KEPT_CAPACITY {
            self.kept = VecDeque::new();
        }
    }
}
