//! A session's place on its shard.
//!
//! The rules of a session are `bayeux`'s; here is what the engine adds: whose it is, which wire it is
//! attached to, and when to look at it. Seats live in the shard's slab; a slot's generation makes old keys
//! harmless.

use std::rc::Rc;
use std::sync::Arc;

use bayeux::{Millis, Session};

use crate::attendance::Coming;
use crate::browser::Browser;
use crate::delivery::Shared;
use crate::host::Who;
use crate::key::ConnectionKey;
use crate::lag::Lag;
use crate::local::LocalWire;
use crate::pace::Pace;
use crate::recovery::Joining;
use crate::repeats::Repeats;
use crate::session_gate::SessionPermit;
use crate::shard::Meanwhile;

/// A session's place on its shard.
pub(crate) struct Seat {
    pub(crate) session: Session<Shared>,
    pub(crate) generation: u32,
    pub(crate) who: Arc<Who>,
    /// The browser that is known by the cookie it came with or was given.
    pub(crate) browser: Option<Rc<Browser>>,
    /// The client has sent the cookie back once: from then on a request without it is a stranger's.
    pub(crate) cookie_proven: bool,
    /// The WebSocket it is attached to.
    pub(crate) attached: Option<ConnectionKey>,
    pub(crate) _permit: SessionPermit,
    /// What keeps publications from going straight into the queue; rarely there.
    pub(crate) aside: Option<Box<Aside>>,
    /// Questions about the past of a client that counts; there once it has asked.
    pub(crate) repeats: Option<Box<Repeats>>,
    /// The reader in the process, of a session that has one instead of a client.
    pub(crate) local: Option<Box<LocalWire>>,
    /// Something in its queue, or sent and not confirmed, may expire.
    pub(crate) expiring: bool,
    /// It stands in the list of sessions with something to send.
    pub(crate) dirty: bool,
    /// When the wheel looks at it next; 0 for never.
    pub(crate) armed: Millis,
}

/// What keeps publications from going straight into a session's queue.
#[derive(Default)]
pub(crate) struct Aside {
    /// Subscriptions whose past is still asked for.
    pub(crate) joining: Vec<Joining>,
    /// What concerns their channels meanwhile.
    pub(crate) meanwhile: Meanwhile,
    /// Subscriptions that wait until the session is on the roster of a channel.
    pub(crate) coming: Vec<Coming>,
    /// The session has fallen behind.
    pub(crate) lag: Option<Lag>,
    /// When what rests in the queue has to leave; 0 for never.
    pub(crate) rests_until: Millis,
    /// When the wheel looks for that; 0 for never.
    pub(crate) rest_armed: Millis,
    /// Messages that give way, or are not to come too often.
    pub(crate) pace: Option<Pace>,
}

impl Seat {
    /// A seat for a session that has nothing yet.
    pub(crate) fn new(
        session: Session<Shared>,
        generation: u32,
        who: Arc<Who>,
        permit: SessionPermit,
    ) -> Seat {
        Seat {
            session,
            generation,
            who,
            browser: None,
            cookie_proven: false,
            attached: None,
            _permit: permit,
            aside: None,
            repeats: None,
            local: None,
            expiring: false,
            dirty: false,
            armed: 0,
        }
    }

    /// The rarely used part, made when it is missing.
    pub(crate) fn aside_mut(&mut self) -> &mut Aside {
        self.aside.get_or_insert_default()
    }

    /// Gives the rarely used part back when it is empty.
    pub(crate) fn trim_aside(&mut self) {
        if let Some(aside) = &mut self.aside {
            aside.lag.take_if(|lag| lag.is_over());
            aside.pace.take_if(|pace| pace.is_idle());
            if aside.joining.is_empty() && aside.meanwhile.is_empty() {
                aside.meanwhile = Meanwhile::default();
            }
            if aside.joining.is_empty()
                && aside.meanwhile.is_empty()
                && aside.coming.is_empty()
                && aside.rest_armed == 0
                && aside.lag.is_none()
                && aside.pace.is_none()
            {
                self.aside = None;
            }
        }
    }

    /// The subscriptions whose past is still asked for.
    pub(crate) fn joining(&self) -> &[Joining] {
        self.aside.as_ref().map_or(&[], |aside| &aside.joining)
    }

    /// What it has missed, if it has fallen behind.
    pub(crate) fn lag_mut(&mut self) -> Option<&mut Lag> {
        self.aside.as_mut()?.lag.as_mut()
    }

    /// What waits because it gives way, or is not to come too often, and what the client wished of that.
    pub(crate) fn pace_mut(&mut self) -> Option<&mut Pace> {
        self.aside.as_mut()?.pace.as_mut()
    }

    /// Whether something may leave, or can be asked for.
    pub(crate) fn has_work(&self) -> bool {
        let due = |aside: &Aside| {
            aside.lag.as_ref().is_some_and(Lag::is_due)
                || aside.pace.as_ref().is_some_and(|pace| pace.waiting.is_ready())
        };
        self.session.pending() > 0 && !self.session.rests() || self.aside.as_deref().is_some_and(due)
    }

    /// Whether everything for it has been sent.
    pub(crate) fn is_current(&self) -> bool {
        let is_empty = |aside: &Aside| {
            aside.joining.is_empty()
                && aside.lag.is_none()
                && aside.pace.as_ref().is_none_or(|pace| pace.waiting.is_empty())
        };
        self.session.pending() == 0 && self.aside.as_deref().is_none_or(is_empty)
    }

    /// Whether the client understands, in its place, what it has missed.
    pub(crate) fn hears_gaps(&self) -> bool {
        let wishes = |aside: &Aside| aside.pace.as_ref().is_some_and(|pace| !pace.wishes.is_empty());
        self.session.counts() || self.aside.as_deref().is_some_and(wishes)
    }
}
