//! What waits to leave for one client, and when it may leave.
//!
//! The bounded queue of a session lives here, with the rules of which answer or wire may carry it; the bytes and the
//! wires do not. Deliveries come from the bus in order and leave in order, each once.

use std::collections::VecDeque;

use super::Session;
use super::Settings;
use super::context::Carrier;

/// A queue that was longer than this gives its memory back when it runs empty.
const KEPT_CAPACITY: usize = 8;

/// Something that can be queued for a session.
pub trait Delivery {
    /// What it counts against the bound in bytes.
    fn size_bytes(&self) -> usize;
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It is queued.
    Queued,
    /// The queue is full and nothing was stored.
    Overflow,
}

/// A queue and the bytes in it.
#[derive(Debug)]
pub(super) struct Mailbox<D> {
    queue: VecDeque<D>,
    bytes: usize,
}

impl<D> Default for Mailbox<D> {
    fn default() -> Mailbox<D> {
        Mailbox { queue: VecDeque::new(), bytes: 0 }
    }
}

impl<D: Delivery> Session<D> {
    /// Queues a delivery. Then ask [`Session::may_push_now`] and [`Session::wakes_connect`], for a session whose own
    /// batch is being processed after the batch: its response may carry the delivery and leave the connect held.
    pub fn push(&mut self, delivery: D, settings: &Settings) -> Pushed {
        let size = delivery.size_bytes();
        let mailbox = &mut self.mailbox;
        let fits = size <= settings.mailbox_bytes.saturating_sub(mailbox.bytes);
        if !fits || mailbox.queue.len() >= settings.mailbox_messages {
            return Pushed::Overflow;
        }
        mailbox.bytes += size;
        mailbox.queue.push_back(delivery);
        Pushed::Queued
    }

    /// Takes deliveries from the front: at most so many, and together at most so many bytes, but one at least, so that
    /// a large one is never stuck. What the iterator is not asked for stays queued.
    pub fn take(&mut self, max_messages: usize, max_bytes: usize) -> Taken<'_, D> {
        Taken { mailbox: &mut self.mailbox, messages_left: max_messages, bytes_left: max_bytes, first: true }
    }

    /// How many deliveries are queued.
    pub fn pending(&self) -> usize {
        self.mailbox.queue.len()
    }

    /// How many bytes are queued.
    pub fn pending_bytes(&self) -> usize {
        self.mailbox.bytes
    }

    /// Whether queued deliveries may leave on the attached wire at any time.
    pub fn may_push_now(&self) -> bool {
        self.attached > 0
            && !self.delivers_on_connect_only()
            && self.connection_type.is_none_or(|kind| kind.pushes())
    }

    /// Whether queued deliveries may leave with the response to a request that is no connect. With an attached wire or
    /// connect-only delivery they may not, and otherwise only where the settings prefer haste to order: they could overtake
    /// others.
    pub fn may_ride_on(&self, carrier: Carrier, settings: &Settings) -> bool {
        settings.early_delivery
            && carrier == Carrier::Http { connect_only: false }
            && !self.delivers_on_connect_only()
            && !self.may_push_now()
    }

    /// Whether queued deliveries leave with connect replies: always, unless the attached wire carries them.
    pub fn may_ride_on_connect(&self) -> bool {
        !self.may_push_now()
    }

    /// Whether the held connect has to be released now because queued deliveries can leave in no other way.
    pub fn wakes_connect(&self) -> bool {
        self.held.is_some() && self.deliveries_need_connect()
    }

    /// Makes deliveries leave only with connect replies, on any wire: strict order for acknowledged delivery.
    pub fn set_connect_only(&mut self, connect_only: bool) {
        self.connect_only = connect_only;
    }

    pub(super) fn deliveries_need_connect(&self) -> bool {
        !self.mailbox.queue.is_empty() && self.may_ride_on_connect()
    }

    fn delivers_on_connect_only(&self) -> bool {
        self.connect_only || self.connection_type.is_some_and(|kind| kind.connect_only())
    }
}

/// Deliveries on their way out. See [`Session::take`].
#[derive(Debug)]
pub struct Taken<'a, D> {
    mailbox: &'a mut Mailbox<D>,
    messages_left: usize,
    bytes_left: usize,
    first: bool,
}

impl<D: Delivery> Iterator for Taken<'_, D> {
    type Item = D;

    fn next(&mut self) -> Option<D> {
        let size = self.mailbox.queue.front()?.size_bytes();
        if self.messages_left == 0 || (size > self.bytes_left && !self.first) {
            return None;
        }
        self.first = false;
        // A first one above the bound leaves no room, not even for an empty one.
        self.messages_left = if size > self.bytes_left { 0 } else { self.messages_left - 1 };
        self.bytes_left = self.bytes_left.saturating_sub(size);
        self.mailbox.bytes -= size;
        self.mailbox.queue.pop_front()
    }
}

impl<D> Drop for Taken<'_, D> {
    fn drop(&mut self) {
        if self.mailbox.queue.is_empty() && self.mailbox.queue.capacity() > KEPT_CAPACITY {
            self.mailbox.queue = VecDeque::new();
        }
    }
}
