//! The session of one client as a state machine.
//!
//! Whether a message is allowed in this state, what its reply says, when a held connect is answered and when a silent
//! session ends is decided in this room; who may do what (policy), who listens (bus) and how bytes travel (wire) is not.
//! Messages, events and the time come in, and a [`Step`] or a reply that the caller carries out goes out.

mod connect;
mod context;
mod deadline;
mod habits;
mod handshake;
mod inbound;
mod local;
mod mailbox;
mod outbound;
mod poll;
mod publish;
mod resume;
mod retained;
mod settings;
mod step;
mod subscription;

pub use connect::{Answer, Connect, Ticket, Turn};
pub use context::{BatchContext, Carrier};
pub use deadline::Due;
pub use handshake::{HandshakeRequest, Unidentified};
pub use outbound::{Delivery, Pushed, Taken};
pub use settings::Settings;
pub use step::Step;

use crate::Millis;
use crate::connection_type::ConnectionType;
use crate::event::Rendering;
use connect::Held;
use habits::Habits;
use mailbox::Mailbox;
use retained::Retained;

/// One client. `D` is what is queued for it.
///
/// A session outlives its connections. It always has a deadline, and holds at most one
/// connect. All its memory is bounded by [`Settings`].
#[derive(Debug)]
pub struct Session<D> {
    client_id: Box<str>,
    mailbox: Mailbox<D>,
    /// What has left and is not confirmed; only for clients that confirm.
    retained: Option<Box<Retained<D>>>,
    held: Option<Held>,
    /// When the held connect is answered, or else when the session expires.
    deadline: Millis,
    /// The pause the client makes after the current connect.
    interval_ms: u32,
    /// Pushing wires that are there now; two for a moment when one replaces the other.
    attached: u16,
    /// The kind of wire of the last connect; `None` before the first.
    connection_type: Option<ConnectionType>,
    /// Events leave only with connect replies, whatever the kind of wire.
    connect_only: bool,
    /// All that is queued is in no hurry.
    rests: bool,
    /// The number of the last connect, of a client that counts them.
    connects: u32,
    /// Which connect is the newest.
    turn: u32,
    /// What its events carry beside what all carry.
    rendering: Rendering,
    /// What only few sessions need.
    habits: Option<Box<Habits>>,
    /// The next connect reply has to carry advice.
    advise: bool,
    ended: bool,
}

impl<D> Session<D> {
    /// The secret name of the session.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The kind of wire of the last connect; `None` before the first.
    pub fn connection_type(&self) -> Option<ConnectionType> {
        self.connection_type
    }

    /// Whether the session was ended by a disconnect or by the server.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}
