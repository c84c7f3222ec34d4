//! What waits to leave for one client, and when it may leave.
//!
//! The ways in and out of a session's queue live here, with the rules of which answer or wire may carry it; the queue is
//! in `mailbox`, what has left is in `retained`. Deliveries come from the bus in order and leave in order, each once
//! unless the client says that it was lost.

use super::context::Carrier;
use super::mailbox::Mailbox;
use super::retained::Retained;
use super::{Session, Settings};
use crate::event::Rendering;

/// Something that can be queued for a session. A clone shares the original: sessions keep what they have sent.
pub trait Delivery: Clone {
    /// What it counts against the bound in bytes.
    fn size_bytes(&self) -> usize;

    /// The client has said that it has received this one.
    fn on_confirmed(&self) {}
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

impl<D: Delivery> Session<D> {
    /// Queues a delivery. Then ask [`Session::may_push_now`] and [`Session::wakes_connect`], for a session whose own
    /// batch is being processed after the batch: its response may carry the delivery and leave the connect held.
    pub fn push(&mut self, delivery: D, settings: &Settings) -> Pushed {
        self.rests = false;
        if self.mailbox.push(delivery, settings) { Pushed::Queued } else { Pushed::Overflow }
    }

    /// Queues a delivery that is in no hurry. While [`Session::rests`] says so afterwards, the queue wakes no connect; it
    /// leaves with what comes behind, with an answer that leaves anyway, or after [`Session::wake`].
    pub fn push_lazily(&mut self, delivery: D, settings: &Settings) -> Pushed {
        let rests = self.mailbox.is_empty() || self.rests;
        let pushed = self.push(delivery, settings);
        self.rests = rests && pushed == Pushed::Queued;
        pushed
    }

    /// Whether something is queued, and all of it is in no hurry.
    pub fn rests(&self) -> bool {
        self.rests && !self.mailbox.is_empty() && self.mailbox.again() == 0
    }

    /// What is queued has waited long enough.
    pub fn wake(&mut self) {
        self.rests = false;
    }

    /// Queues a delivery of the past. It does not count against the bound of the queue but against one of its own, so
    /// that live ones find their full room.
    pub fn push_recovered(&mut self, delivery: D, settings: &Settings) -> Pushed {
        self.rests = false;
        if self.mailbox.push_recovered(delivery, settings) { Pushed::Queued } else { Pushed::Overflow }
    }

    /// How many deliveries of the past, and how many bytes of them, still find room.
    pub fn recovery_room(&self, settings: &Settings) -> (usize, usize) {
        self.mailbox.recovery_room(settings)
    }

    /// Takes out of the queue what is worth nothing any more; how many deliveries that were. What a client that
    /// acknowledges connect replies was sent before stays: its replies stand for fixed numbers of deliveries.
    pub fn discard(&mut self, is_worthless: impl Fn(&D) -> bool) -> usize {
        let fixed = self.acknowledges();
        self.mailbox.discard(!fixed, is_worthless)
    }

    /// Takes deliveries from the front: at most so many, and together at most so many bytes, but one at least, so that
    /// a large one is never stuck. What the iterator is not asked for stays queued; what it gives away is kept for a
    /// client that confirms what it receives.
    pub fn take(&mut self, max_messages: usize, max_bytes: usize) -> Taken<'_, D> {
        self.on_hearing();
        self.rests = false;
        Taken {
            mailbox: &mut self.mailbox,
            retained: self.retained.as_deref_mut(),
            messages_left: max_messages,
            bytes_left: max_bytes,
            first: true,
        }
    }

    /// What its events carry beside what all carry.
    pub fn rendering(&self) -> Rendering {
        self.rendering
    }

    /// How many deliveries are queued.
    pub fn pending(&self) -> usize {
        self.mailbox.len()
    }

    /// How many bytes are queued.
    pub fn pending_bytes(&self) -> usize {
        self.mailbox.bytes()
    }

    /// Whether queued deliveries may leave on the attached wire at any time. A client that counts has to say its count
    /// on that wire first.
    pub fn may_push_now(&self) -> bool {
        self.attached > 0
            && !self.delivers_on_connect_only()
            && self.connection_type.is_none_or(|kind| kind.pushes())
            && self.resumed_here()
    }

    /// Whether queued deliveries may leave with the response to a request that is no connect. With an attached wire or
    /// connect-only delivery they may not, nor to clients that confirm what they receive, and otherwise only where the
    /// settings prefer haste to order: they could overtake others.
    pub fn may_ride_on(&self, carrier: Carrier, settings: &Settings) -> bool {
        settings.early_delivery
            && carrier == Carrier::Http { connect_only: false }
            && !self.delivers_on_connect_only()
            && self.retained.is_none()
            && !self.may_push_now()
    }

    /// Whether queued deliveries leave with connect replies: always, unless the attached wire carries them, or a client
    /// that confirms has not said on this wire what it has.
    pub fn may_ride_on_connect(&self) -> bool {
        self.resumed_somewhere() && !self.may_push_now()
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
        !self.mailbox.is_empty() && self.may_ride_on_connect() && !self.rests()
    }

    fn delivers_on_connect_only(&self) -> bool {
        self.connect_only || self.connection_type.is_some_and(|kind| kind.connect_only())
    }
}

/// Deliveries on their way out. See [`Session::take`].
#[derive(Debug)]
pub struct Taken<'a, D> {
    mailbox: &'a mut Mailbox<D>,
    retained: Option<&'a mut Retained<D>>,
    messages_left: usize,
    bytes_left: usize,
    first: bool,
}

impl<D: Delivery> Iterator for Taken<'_, D> {
    type Item = D;

    fn next(&mut self) -> Option<D> {
        let size = self.mailbox.next_size()?;
        if self.messages_left == 0 || (size > self.bytes_left && !self.first) {
            return None;
        }
        self.first = false;
        // A first one above the bound leaves no room, not even for an empty one.
        self.messages_left = if size > self.bytes_left { 0 } else { self.messages_left - 1 };
        self.bytes_left = self.bytes_left.saturating_sub(size);
        let delivery = self.mailbox.pop()?;
        if let Some(retained) = &mut self.retained {
            retained.keep(delivery.clone());
        }
        Some(delivery)
    }
}

impl<D> Drop for Taken<'_, D> {
    fn drop(&mut self) {
        self.mailbox.trim();
    }
}
