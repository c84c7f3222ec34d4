//! One subscription of the program as its session sees it: what it has heard, and what it still has to hear first.
//!
//! Events and gaps come in, and leave through its mailbox in order and each once. Who asks for the past hears nothing
//! until it has come: what is published meanwhile waits here. What is asked of the server is decided in `interest`.

use std::collections::HashMap;

use bayeux::{Channel, Pattern};
use tokio::sync::oneshot;

use super::trail::Trail;
use crate::mailbox::Mailbox;
use crate::message::IncomingExt;
use crate::position::SinceRequest;
use crate::{Deliver, Error, Event, Gap, Position};

/// Events that may wait for older ones.
const MOST_WAITING: usize = 4_096;

/// One listener.
pub(super) struct Listener {
    pub(super) number: u64,
    pub(super) pattern: Pattern,
    pub(super) mailbox: Mailbox,
    /// Who waits for the first confirmation.
    pub(super) waiting: Option<oneshot::Sender<Result<(), Error>>>,
    /// A subscribe for it is on its way.
    pub(super) asking: bool,
    /// Number of the acceptance by the session; 0 while the server does not know of it.
    pub(super) accepted: u64,
    wish: Option<SinceRequest>,
    /// In which manner its messages are to come, if anybody has said.
    pub(super) deliver: Option<Deliver>,
    trail: Trail,
    /// Events that must not be heard before older ones.
    held: Option<Vec<Event>>,
    /// What the server's clock said when it accepted.
    accepted_at: Option<u64>,
}

impl Listener {
    pub(super) fn new(
        number: u64,
        pattern: Pattern,
        mailbox: Mailbox,
        (wish, deliver): (Option<SinceRequest>, Option<Deliver>),
        waiting: oneshot::Sender<Result<(), Error>>,
    ) -> Listener {
        Listener {
            number,
            pattern,
            mailbox,
            waiting: Some(waiting),
            asking: false,
            accepted: 0,
            held: wish.is_some().then(Vec::new),
            wish,
            deliver,
            trail: Trail::default(),
            accepted_at: None,
        }
    }

    /// Hears from now on what another listener to the same pattern hears, if that needs no word to the server.
    pub(super) fn join(&mut self, other: &Listener) -> bool {
        if other.accepted == 0
            || self.wish.is_some()
            || self.deliver.is_some_and(|own| other.deliver != Some(own))
        {
            return false;
        }
        self.accepted = other.accepted;
        self.held = other.held.as_ref().map(|_| Vec::new());
        self.accepted_at = other.accepted_at;
        self.deliver = other.deliver;
        self.mailbox.set_manner(other.mailbox.manner());
        self.trail = other.trail.clone();
        true
    }

    /// From where the server should go on.
    pub(super) fn since(&self) -> Option<SinceRequest> {
        self.trail.since(&self.pattern).or_else(|| self.wish.clone())
    }

    /// Whether the past was promised and is still on its way.
    pub(super) fn is_catching_up(&self) -> bool {
        self.accepted > 0 && self.held.is_some()
    }

    /// The session is gone, and with it all the server knew of this listener.
    pub(super) fn on_forgotten(&mut self) {
        (self.accepted, self.asking) = (0, false);
        if self.since().is_some() {
            // What waits was not heard, and comes again.
            self.held = Some(Vec::new());
        }
    }

    /// The server has accepted; `ext` is of its reply.
    pub(super) fn on_accepted(&mut self, number: u64, ext: &IncomingExt) {
        let (unsure, goes_on) = (self.trail.is_unsure(), self.trail.since(&self.pattern).is_some());
        (self.accepted, self.asking, self.accepted_at) = (number, false, ext.time);
        let is_pattern = Channel::parse(self.pattern.as_str()).is_err();
        let names = |name: &str| ext.gaps.as_ref().is_some_and(|gaps| gaps.contains_key(name));
        // Channels that can be named have their gaps among the events.
        let gap = match ext.recovered {
            Some(_) if is_pattern && (unsure || names(self.pattern.as_str())) => Some(Gap::Unnamed),
            Some(false) if ext.gaps.as_ref().is_none_or(HashMap::is_empty) => Some(Gap::Unknown),
            // A server that says nothing of it has brought nothing back.
            None if goes_on => Some(Gap::Unknown),
            _ => None,
        };
        if let Some(gap) = gap {
            self.mailbox.tell(gap);
        }
        if self.held.is_none() {
            self.trail.on_time(ext.time);
        }
    }

    /// A connect that left after the acceptance was answered, so the past is here. Everything older than `time` has
    /// come.
    pub(super) fn on_caught_up(&mut self, time: Option<u64>, now: u64) {
        self.release(now);
        self.trail.on_time(time.or(self.accepted_at));
    }

    /// Takes in an event, now `now` by the server's clock.
    pub(super) fn deliver(&mut self, event: Event, now: u64) {
        if let Some(held) = &mut self.held {
            held.push(event);
            if held.len() > MOST_WAITING {
                self.release(now);
            }
            return;
        }
        if event.position.as_ref().is_none_or(|at| self.trail.on_position(&event.channel, at, now)) {
            self.mailbox.put(event);
        }
    }

    /// Messages of a channel up to `head` are missing, and no longer to be had.
    pub(super) fn on_gap(&mut self, channel: &Channel, head: &Position, dropped: Option<u64>, now: u64) {
        // Two subscriptions of a session may both miss the past of a channel: the second time, what came since the
        // first is here.
        if let (Some(held), Some(distance)) = (&self.held, self.trail.distance(channel, head)) {
            let place =
                |event: &Event| event.position.as_ref().filter(|_| event.channel == *channel).cloned();
            let mut offsets: Vec<_> = held
                .iter()
                .filter_map(place)
                .filter(|at| at.epoch == head.epoch && at.offset <= head.offset)
                .filter(|at| head.offset - at.offset < distance)
                .map(|at| at.offset)
                .collect();
            offsets.sort_unstable();
            offsets.dedup();
            if offsets.len() as u64 == distance {
                return;
            }
        }
        if self.trail.on_position(channel, head, now) {
            self.mailbox.tell(Gap::Forgotten { channel: channel.clone(), head: head.clone(), dropped });
        }
    }

    fn release(&mut self, now: u64) {
        let mut held = self.held.take().unwrap_or_default();
        // Every channel has one count here; the channels of a pattern have no order among each other.
        held.sort_by_key(|event| event.position.as_ref().map_or(0, |position| position.offset));
        held.into_iter().for_each(|event| self.deliver(event, now));
    }
}
