//! The queue between a session and one subscription: bounded, and never with a silent hole.
//!
//! The session puts in and never waits; the subscription takes out. What does not fit is counted, and a gap
//! stands in the queue where something is missing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use crate::{Error, Event, Gap, Received};

/// Both ends hold one.
#[derive(Clone)]
pub(crate) struct Mailbox {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    queue: VecDeque<Received>,
    most: usize,
    /// What is missing after the last thing in the queue.
    gap: Gap,
    closed: bool,
    ended_by: Option<Error>,
    waker: Option<Waker>,
}

impl Mailbox {
    /// A mailbox for at most `most` events.
    pub(crate) fn new(most: usize) -> Mailbox {
        let inner = Inner {
            queue: VecDeque::new(),
            most: most.max(2),
            gap: Gap::default(),
            closed: false,
            ended_by: None,
            waker: None,
        };
        Mailbox { inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics while it holds the lock; what is inside is whole even if something did.
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Puts an event in, or counts it as missing.
    pub(crate) fn put(&self, event: Event) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        // A gap that has to be told first takes a place of its own.
        if inner.queue.len() + usize::from(!inner.gap.is_empty()) >= inner.most {
            inner.gap.overflowed += 1;
            return;
        }
        inner.tell_gap();
        inner.queue.push_back(Received::Event(event));
        inner.wake();
    }

    /// Tells that the connection was lost, and messages with it perhaps.
    pub(crate) fn interrupted(&self) {
        let mut inner = self.lock();
        inner.gap.reconnected = true;
        inner.wake();
    }

    /// Puts nothing in any more. What is in can still be taken out.
    pub(crate) fn close(&self, ended_by: Option<Error>) {
        let mut inner = self.lock();
        if !inner.closed {
            inner.closed = true;
            inner.ended_by = ended_by;
        }
        inner.wake();
    }

    /// Whether one of the ends has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Why the session's end closed it.
    pub(crate) fn ended_by(&self) -> Option<Error> {
        self.lock().ended_by.clone()
    }

    /// Takes out what came first; `None` when nothing will come any more.
    pub(crate) fn poll_take(&self, context: &mut Context<'_>) -> Poll<Option<Received>> {
        let mut inner = self.lock();
        if let Some(received) = inner.queue.pop_front() {
            return Poll::Ready(Some(received));
        }
        if inner.tell_gap() {
            return Poll::Ready(inner.queue.pop_front());
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        inner.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Inner {
    /// Puts the gap, if there is one, into the queue.
    fn tell_gap(&mut self) -> bool {
        let gap = std::mem::take(&mut self.gap);
        let told = !gap.is_empty();
        if told {
            self.queue.push_back(Received::Gap(gap));
        }
        told
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use bayeux::Channel;

    use super::*;

    fn event(number: u32) -> Event {
        let data = serde_json::value::to_raw_value(&number).unwrap();
        Event { channel: Channel::parse("/a").unwrap(), data, ext: None }
    }

    fn taken(mailbox: &Mailbox) -> Vec<String> {
        let mut context = Context::from_waker(Waker::noop());
        let mut taken = Vec::new();
        while let Poll::Ready(Some(received)) = mailbox.poll_take(&mut context) {
            taken.push(match received {
                Received::Event(event) => event.data.get().to_owned(),
                Received::Gap(gap) => format!("{} {}", gap.overflowed, gap.reconnected),
            });
        }
        taken
    }

    #[test]
    fn what_does_not_fit_is_told_where_it_is_missing() {
        let mailbox = Mailbox::new(3);
        (0..5).for_each(|number| mailbox.put(event(number)));
        assert_eq!(taken(&mailbox), ["0", "1", "2", "2 false"]);
        mailbox.put(event(5));
        assert_eq!(taken(&mailbox), ["5"]);
    }

    #[test]
    fn a_gap_stands_before_what_comes_after_it() {
        let mailbox = Mailbox::new(2);
        (0..3).for_each(|number| mailbox.put(event(number)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(mailbox.poll_take(&mut context).is_ready());
        mailbox.put(event(3));
        assert!(mailbox.poll_take(&mut context).is_ready());
        mailbox.put(event(4));
        assert_eq!(taken(&mailbox), ["2 false", "4"]);
    }

    #[test]
    fn a_lost_connection_is_told_once() {
        let mailbox = Mailbox::new(8);
        mailbox.interrupted();
        mailbox.interrupted();
        mailbox.put(event(1));
        assert_eq!(taken(&mailbox), ["0 true", "1"]);
    }

    #[test]
    fn a_closed_mailbox_gives_what_it_has_and_then_ends() {
        let mailbox = Mailbox::new(8);
        mailbox.put(event(1));
        mailbox.close(Some(Error::Ended));
        mailbox.close(None);
        assert_eq!(taken(&mailbox), ["1"]);
        assert!(matches!(mailbox.poll_take(&mut Context::from_waker(Waker::noop())), Poll::Ready(None)));
        assert_eq!(mailbox.ended_by(), Some(Error::Ended));
    }
}
