//! The queue of one session.
//!
//! Deliveries that wait to leave, and the room they may take, live here; which wire may carry them is in `outbound`, and
//! what has left is in `retained`. They come from the bus at the back, or once more from `retained` at the front, and
//! leave from the front.

use std::collections::VecDeque;

use super::Settings;
use super::outbound::Delivery;

/// A queue that was longer than this gives its memory back when it runs empty.
const KEPT_CAPACITY: usize = 8;

/// Deliveries that do not count against the bound of the queue.
#[derive(Debug, Clone, Copy, Default)]
struct Extra {
    messages: u32,
    bytes: u32,
}

impl Extra {
    fn add(&mut self, size: usize) {
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u32::try_from(size).unwrap_or(u32::MAX));
    }

    fn remove(&mut self, size: usize) {
        self.messages = self.messages.saturating_sub(1);
        let left = self.bytes.saturating_sub(u32::try_from(size).unwrap_or(u32::MAX));
        self.bytes = if self.messages == 0 { 0 } else { left };
    }

    fn messages(self) -> usize {
        self.messages as usize
    }

    fn bytes(self) -> usize {
        self.bytes as usize
    }
}

/// A queue and the bytes in it.
#[derive(Debug)]
pub(super) struct Mailbox<D> {
    queue: VecDeque<D>,
    bytes: usize,
    /// Those at the front that were sent before: they are counted by the bounds of what is kept.
    again: Extra,
    /// Room for recovered ones, which have a bound of their own. It shrinks with the queue.
    recovered: Extra,
}

impl<D> Default for Mailbox<D> {
    fn default() -> Mailbox<D> {
        Mailbox { queue: VecDeque::new(), bytes: 0, again: Extra::default(), recovered: Extra::default() }
    }
}

impl<D> Mailbox<D> {
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many at the front were sent before.
    pub(super) fn again(&self) -> usize {
        self.again.messages()
    }

    /// Gives the memory of a burst back.
    pub(super) fn trim(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > KEPT_CAPACITY {
            self.queue = VecDeque::new();
        }
    }
}

impl<D: Delivery> Mailbox<D> {
    /// Queues a delivery; false when there is no room.
    pub(super) fn push(&mut self, delivery: D, settings: &Settings) -> bool {
        let size = delivery.size_bytes();
        let messages = settings.mailbox_messages.saturating_add(self.recovered.messages());
        let bytes = settings.mailbox_bytes.saturating_add(self.recovered.bytes());
        let fits = size <= bytes.saturating_sub(self.bytes - self.again.bytes().min(self.bytes));
        if !fits || self.queue.len() - self.again.messages() >= messages {
            return false;
        }
        self.bytes += size;
        self.queue.push_back(delivery);
        true
    }

    /// Queues a delivery of the past; false when there are too many of them.
    pub(super) fn push_recovered(&mut self, delivery: D, settings: &Settings) -> bool {
        let size = delivery.size_bytes();
        let fits = size <= settings.recovery_bytes.saturating_sub(self.recovered.bytes());
        if !fits || self.recovered.messages() >= settings.recovery_messages {
            return false;
        }
        self.recovered.add(size);
        self.bytes += size;
        self.queue.push_back(delivery);
        true
    }

    /// How many deliveries of the past, and how many bytes of them, still find room.
    pub(super) fn recovery_room(&self, settings: &Settings) -> (usize, usize) {
        let messages = settings.recovery_messages.saturating_sub(self.recovered.messages());
        (messages, settings.recovery_bytes.saturating_sub(self.recovered.bytes()))
    }

    /// Puts a delivery that was sent before in front of all others.
    pub(super) fn push_again(&mut self, delivery: D) {
        let size = delivery.size_bytes();
        self.again.add(size);
        self.bytes += size;
        self.queue.push_front(delivery);
    }

    /// The size of the first delivery.
    pub(super) fn next_size(&self) -> Option<usize> {
        Some(self.queue.front()?.size_bytes())
    }

    /// Takes out what is worth nothing any more, of those that were sent before only if that is said; how many.
    pub(super) fn discard(&mut self, sent_too: bool, is_worthless: impl Fn(&D) -> bool) -> usize {
        let (before, sent) = (self.queue.len(), self.again.messages());
        let (mut place, bytes, again) = (0, &mut self.bytes, &mut self.again);
        self.queue.retain(|delivery| {
            let was_sent = place < sent;
            place += 1;
            if (was_sent && !sent_too) || !is_worthless(delivery) {
                return true;
            }
            let size = delivery.size_bytes();
            *bytes -= size;
            if was_sent {
                again.remove(size);
            }
            false
        });
        self.bound_recovered();
        self.trim();
        before - self.queue.len()
    }

    pub(super) fn pop(&mut self) -> Option<D> {
        let delivery = self.queue.pop_front()?;
        let size = delivery.size_bytes();
        self.bytes -= size;
        self.again.remove(size);
        self.bound_recovered();
        Some(delivery)
    }

    /// The room for recovered ones is no larger than the queue.
    fn bound_recovered(&mut self) {
        let messages = u32::try_from(self.queue.len() - self.again.messages()).unwrap_or(u32::MAX);
        let bytes = u32::try_from(self.bytes.saturating_sub(self.again.bytes())).unwrap_or(u32::MAX);
        self.recovered.messages = self.recovered.messages.min(messages);
        self.recovered.bytes = self.recovered.bytes.min(bytes);
    }
}
