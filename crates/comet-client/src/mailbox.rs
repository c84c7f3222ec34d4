//! The queue between a session and one subscription: bounded, and never with a silent hole.
//!
//! The session puts in and never waits; the subscription takes out. What does not fit is counted, and a gap
//! stands in the queue where something is missing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use crate::{Error, Event, Gap, Manner, Received};

/// Both ends hold one.
#[derive(Clone)]
pub(crate) struct Mailbox {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    queue: VecDeque<Received>,
    most: usize,
    /// What is missing after the last thing in the queue.
    missing: Missing,
    closed: bool,
    ended_by: Option<Error>,
    /// In which manner the server says that messages come.
    manner: Option<Manner>,
    waker: Option<Waker>,
}

/// Gaps that are still to be told.
#[derive(Default)]
struct Missing {
    overflowed: u64,
    unnamed: bool,
    unknown: bool,
}

impl Missing {
    fn is_empty(&self) -> bool {
        self.overflowed == 0 && !self.unnamed && !self.unknown
    }
}

impl Mailbox {
    /// A mailbox for at most `most` events.
    pub(crate) fn new(most: usize) -> Mailbox {
        let inner = Inner {
            queue: VecDeque::new(),
            most: most.max(2),
            missing: Missing::default(),
            closed: false,
            ended_by: None,
            manner: None,
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
        if inner.is_full() {
            inner.missing.overflowed += 1;
            return;
        }
        inner.tell_missing();
        inner.queue.push_back(Received::Event(event));
        inner.wake();
    }

    /// Tells of a gap at this place.
    pub(crate) fn tell(&self, gap: Gap) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        match gap {
            Gap::Overflowed { events } => inner.missing.overflowed += events,
            Gap::Unknown => inner.missing.unknown = true,
            Gap::Unnamed => inner.missing.unnamed = true,
            // Of more gaps than there is room for it is told that they are.
            _ if inner.is_full() => inner.missing.unknown = true,
            gap => {
                inner.tell_missing();
                inner.queue.push_back(Received::Gap(gap));
            }
        }
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

    /// The server has said in which manner messages come.
    pub(crate) fn set_manner(&self, manner: Option<Manner>) {
        self.lock().manner = manner;
    }

    /// What the server has said of that last.
    pub(crate) fn manner(&self) -> Option<Manner> {
        self.lock().manner
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
        if inner.tell_missing() {
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
    /// Whether there is no room for another event; what is missing before it takes a place of its own.
    fn is_full(&self) -> bool {
        self.queue.len() + usize::from(!self.missing.is_empty()) >= self.most
    }

    /// Puts what is missing, if anything is, into the queue.
    fn tell_missing(&mut self) -> bool {
        let Missing { overflowed, unnamed, unknown } = std::mem::take(&mut self.missing);
        let overflowed = (overflowed > 0).then_some(Gap::Overflowed { events: overflowed });
        let unnamed = unnamed.then_some(Gap::Unnamed);
        let unknown = unknown.then_some(Gap::Unknown);
        let before = self.queue.len();
        self.queue.extend(overflowed.into_iter().chain(unnamed).chain(unknown).map(Received::Gap));
        self.queue.len() > before
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
    use crate::Position;

    fn event(number: u32) -> Event {
        let data = serde_json::value::to_raw_value(&number).unwrap();
        Event { channel: Channel::parse("/a").unwrap(), data, ext: None, position: None }
    }

    fn taken(mailbox: &Mailbox) -> Vec<String> {
        let mut context = Context::from_waker(Waker::noop());
        let mut taken = Vec::new();
        while let Poll::Ready(Some(received)) = mailbox.poll_take(&mut context) {
            taken.push(match received {
                Received::Event(event) => event.data.get().to_owned(),
                Received::Gap(Gap::Overflowed { events }) => format!("{events} overflowed"),
                Received::Gap(gap) => format!("{gap:?}"),
            });
        }
        taken
    }

    #[test]
    fn what_does_not_fit_is_told_where_it_is_missing() {
        let mailbox = Mailbox::new(3);
        (0..5).for_each(|number| mailbox.put(event(number)));
        assert_eq!(taken(&mailbox), ["0", "1", "2", "2 overflowed"]);
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
        assert_eq!(taken(&mailbox), ["2 overflowed", "4"]);
    }

    #[test]
    fn a_lost_connection_is_told_once() {
        let mailbox = Mailbox::new(8);
        mailbox.tell(Gap::Unknown);
        mailbox.tell(Gap::Unknown);
        mailbox.put(event(1));
        assert_eq!(taken(&mailbox), ["Unknown", "1"]);
    }

    #[test]
    fn gaps_beyond_the_room_are_one_that_says_so() {
        let mailbox = Mailbox::new(2);
        let gap = |offset| Gap::Forgotten {
            channel: Channel::parse("/a").unwrap(),
            head: Position { epoch: "e".into(), offset },
            dropped: None,
        };
        (0..5).for_each(|offset| mailbox.tell(gap(offset)));
        mailbox.put(event(1));
        assert_eq!(
            taken(&mailbox),
            [format!("{:?}", gap(0)), format!("{:?}", gap(1)), "1 overflowed".into(), "Unknown".into()]
        );
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
