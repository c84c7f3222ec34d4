//! What is queued for sessions and what leaves on connections.
//!
//! A [`Delivery`] is one event shared by all its receivers on a shard, with its frame for each kind of wire that pushes made once;
//! a [`Chunk`] is bytes on their way out. Neither knows where it goes.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use comet_bus::Publication;

use crate::local::LocalEvent;
use crate::receipt::Tally;
use crate::stream::Form;

/// One event for the sessions of a shard.
pub(crate) struct Delivery {
    event: Event,
    /// It in the form that was asked for first, which mostly is the only one.
    frame: OnceCell<(Form, Box<[u8]>)>,
    /// It in the others.
    others: OnceCell<Box<Others>>,
    /// Counts who has received it, where somebody wants to know.
    tally: Option<Rc<Tally>>,
}

/// A place for each form.
type Others = [OnceCell<Box<[u8]>>; Form::COUNT];

pub(crate) enum Event {
    /// A publication.
    Published(Arc<Publication>),
    /// The JSON of an event for one session.
    Direct(Box<[u8]>),
}

impl Event {
    /// The event's JSON.
    pub(crate) fn json(&self) -> &[u8] {
        match self {
            Event::Published(publication) => &publication.event,
            Event::Direct(event) => event,
        }
    }
}

impl Delivery {
    fn of(event: Event, tally: Option<Rc<Tally>>) -> Shared {
        Shared(Rc::new(Delivery { event, frame: OnceCell::new(), others: OnceCell::new(), tally }))
    }

    /// A publication, shared with other shards.
    pub(crate) fn published(publication: Arc<Publication>) -> Shared {
        Delivery::counted(publication, None)
    }

    /// A publication whose receivers count.
    pub(crate) fn counted(publication: Arc<Publication>, tally: Option<Rc<Tally>>) -> Shared {
        Delivery::of(Event::Published(publication), tally)
    }

    /// An event for one session: a service's answer or a message sent to it alone.
    pub(crate) fn direct(event: Box<[u8]>) -> Shared {
        Delivery::of(Event::Direct(event), None)
    }

    /// The publication, unless it is an event for one session.
    pub(crate) fn publication(&self) -> Option<&Publication> {
        match &self.event {
            Event::Published(publication) => Some(publication),
            Event::Direct(_) => None,
        }
    }

    /// The event for a reader in the process.
    pub(crate) fn to_local(&self) -> LocalEvent {
        match &self.event {
            Event::Published(publication) => LocalEvent::Published(publication.clone()),
            Event::Direct(event) => LocalEvent::Direct(event.clone()),
        }
    }

    /// It is queued for a session, which confirms what it receives or does not.
    pub(crate) fn on_queued(&self, confirms: bool) {
        if let Some(tally) = &self.tally {
            tally.on_queued(confirms);
        }
    }

    /// Whether it loses its meaning some day.
    pub(crate) fn expires(&self) -> bool {
        self.publication().is_some_and(|publication| publication.expires_at_ms.is_some())
    }

    /// Whether it has lost its meaning.
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.publication().is_some_and(|publication| publication.is_expired(now_ms))
    }

    /// The event's JSON.
    pub(crate) fn event(&self) -> &[u8] {
        self.event.json()
    }

    /// The event as a batch of its own on a wire that pushes, made once for each form.
    pub(crate) fn frame(&self, form: Form) -> &[u8] {
        let make = || {
            let mut out = Vec::new();
            form.write_event(&mut out, &self.event);
            out.into_boxed_slice()
        };
        let (first, frame) = self.frame.get_or_init(|| (form, make()));
        if *first == form {
            return frame;
        }
        self.others.get_or_init(Default::default)[form as usize].get_or_init(make)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(tally) = &self.tally {
            tally.on_over();
        }
    }
}

/// A delivery in a session's queue.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Rc<Delivery>);

impl Shared {
    /// The same for a receiver that does not count, because it gets it later or not at all.
    pub(crate) fn uncounted(self) -> Shared {
        match (&self.0.tally, &self.0.event) {
            (Some(_), Event::Published(publication)) => Delivery::published(publication.clone()),
            _ => self,
        }
    }
}

impl bayeux::Delivery for Shared {
    fn size_bytes(&self) -> usize {
        self.0.event().len()
    }

    fn on_confirmed(&self) {
        if let Some(tally) = &self.0.tally {
            tally.on_confirmed();
        }
    }
}

/// Bytes on their way out.
pub(crate) enum Chunk {
    /// The frame of one delivery in its form, shared by everyone who gets it.
    Frame(Rc<Delivery>, Form),
    /// The frames of several deliveries in a row, shared by everyone who gets just these.
    Run(Rc<[u8]>),
    /// Bytes for one connection.
    Owned(Vec<u8>),
}

impl Chunk {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Chunk::Frame(delivery, form) => delivery.frame(*form),
            Chunk::Run(bytes) => bytes,
            Chunk::Owned(bytes) => bytes,
        }
    }

    /// Adds bytes behind these; shared bytes are copied first.
    pub(crate) fn append(&mut self, more: &[u8]) {
        if let Chunk::Owned(bytes) = self {
            bytes.extend_from_slice(more);
        } else {
            *self = Chunk::Owned([self.bytes(), more].concat());
        }
    }
}

/// Joins the frames of several deliveries, and does the work once for a row of sessions with the same
/// queue, which is what a burst on one channel leaves behind.
#[derive(Default)]
pub(crate) struct Joiner {
    last: Vec<Shared>,
    run: Option<(Form, Rc<[u8]>)>,
}

impl Joiner {
    /// The frames of `queue` in one piece.
    pub(crate) fn join(&mut self, queue: &mut Vec<Shared>, form: Form) -> Rc<[u8]> {
        let same = self.last.len() == queue.len()
            && self.last.iter().zip(&*queue).all(|(last, new)| Rc::ptr_eq(&last.0, &new.0));
        if let (true, Some((_, run))) = (same, self.run.as_ref().filter(|(made, _)| *made == form)) {
            queue.clear();
            return run.clone();
        }
        std::mem::swap(&mut self.last, queue);
        queue.clear();
        let frames: Vec<&[u8]> = self.last.iter().map(|delivery| delivery.0.frame(form)).collect();
        let run: Rc<[u8]> = frames.concat().into();
        self.run = Some((form, run.clone()));
        run
    }

    /// Forgets the last row, so that its deliveries are freed.
    pub(crate) fn clear(&mut self) {
        self.last.clear();
        self.run = None;
    }
}
