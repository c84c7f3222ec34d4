//! Sessions of the server's own process.
//!
//! Such a session has no client that could be silent and no wire that could break: it takes everything at any time, and
//! what it has taken is received. Everything else about it is as in any session; who reads it is the caller's business.

use super::mailbox::Mailbox;
use super::outbound::Delivery;
use super::retained::{Manner, Resumed, Retained};
use super::{Rendering, Session, Settings};
use crate::Millis;

impl<D> Session<D> {
    /// A session of the server's own: one that counts, on a wire that is always there. It never expires.
    pub fn local(client_id: Box<str>, settings: &Settings) -> Session<D> {
        Session {
            client_id,
            mailbox: Mailbox::default(),
            retained: Some(Box::new(Retained::new(Manner::Count(Resumed::Attached), settings))),
            held: None,
            deadline: Millis::MAX,
            interval_ms: 0,
            attached: 1,
            connection_type: None,
            connects: 0,
            turn: 0,
            rendering: Rendering::default(),
            habits: None,
            connect_only: false,
            rests: false,
            advise: false,
            ended: false,
        }
    }
}

impl<D: Delivery> Session<D> {
    /// What was taken has been received.
    pub fn confirm_taken(&mut self) {
        if let Some(retained) = &mut self.retained {
            retained.confirm(retained.sent(), &mut self.mailbox);
        }
    }
}
