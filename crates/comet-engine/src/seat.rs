//! A session's place on its shard.
//!
//! The rules of a session are `bayeux`'s; here is what the engine adds: whose it is, which wire it is
//! attached to, and when to look at it. Seats live in the shard's slab; a slot's generation makes old keys
//! harmless.

use std::rc::Rc;
use std::sync::Arc;

use bayeux::{Millis, Session};

use crate::delivery::Shared;
use crate::host::Who;
use crate::key::ConnectionKey;
use crate::recovery::Joining;
use crate::session_gate::SessionPermit;

/// A session's place on its shard.
pub(crate) struct Seat {
    pub(crate) session: Session<Shared>,
    pub(crate) generation: u32,
    pub(crate) who: Arc<Who>,
    /// The browser cookie it came with or was given.
    pub(crate) browser: Option<Rc<str>>,
    /// The client has sent the cookie back once: from then on a request without it is a stranger's.
    pub(crate) cookie_proven: bool,
    /// The WebSocket it is attached to.
    pub(crate) attached: Option<ConnectionKey>,
    pub(crate) _permit: SessionPermit,
    /// Subscriptions whose past is still asked for.
    pub(crate) joining: Vec<Joining>,
    /// It stands in the list of sessions with something to send.
    pub(crate) dirty: bool,
    /// When the wheel looks at it next; 0 for never.
    pub(crate) armed: Millis,
}
