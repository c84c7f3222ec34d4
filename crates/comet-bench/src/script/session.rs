//! The Bayeux talk of one subscriber: handshake, first connect, subscription, and connects that wait.
//! How a message travels is decided in `script`. Replies come in parsed, requests go out as text.

use super::{Stage, Wire};
use crate::protocol::{Fault, batch::Incoming, request};

/// What has been answered, and what is on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    New,
    HandshakeSent,
    Handshaken,
    FirstConnectSent,
    Connected,
    SubscribeSent,
    /// Subscribed, and a connect is due.
    Subscribed,
    /// Subscribed, and a connect waits at the server.
    Parked,
}

/// One session, as its client sees it.
#[derive(Debug)]
pub(super) struct Session {
    step: Step,
    connection_type: &'static str,
    client_id: Box<str>,
}

impl Session {
    pub(super) fn new(wire: Wire) -> Session {
        let connection_type = match wire {
            Wire::WebSocket => "websocket",
            Wire::LongPolling => "long-polling",
        };
        Session { step: Step::New, connection_type, client_id: "".into() }
    }

    pub(super) fn stage(&self) -> Stage {
        match self.step {
            Step::New | Step::HandshakeSent => Stage::Open,
            Step::Handshaken | Step::FirstConnectSent | Step::Connected | Step::SubscribeSent => {
                Stage::Handshaken
            }
            Step::Subscribed | Step::Parked => Stage::Listening,
        }
    }

    /// Writes the next request on the way to `goal`; false when there is none, or an answer is still awaited.
    pub(super) fn next_request(&mut self, goal: Stage, out: &mut Vec<u8>) -> bool {
        let listening = goal >= Stage::Listening;
        self.step = match self.step {
            Step::New if goal >= Stage::Handshaken => {
                request::write_handshake(self.connection_type, out);
                Step::HandshakeSent
            }
            Step::Handshaken if listening => {
                request::write_connect(self.connection_type, &self.client_id, out);
                Step::FirstConnectSent
            }
            Step::Connected if listening => {
                request::write_subscribe(&self.client_id, out);
                Step::SubscribeSent
            }
            Step::Subscribed if listening => {
                request::write_connect(self.connection_type, &self.client_id, out);
                Step::Parked
            }
            _ => return false,
        };
        true
    }

    pub(super) fn on_reply(&mut self, reply: &Incoming<'_>) -> Result<(), Fault> {
        if reply.successful != Some(true) {
            let error = reply.error.as_deref().unwrap_or("no error given");
            return Err(Fault::new(format!("{} refused: {error}", reply.channel)));
        }
        self.step = match (&*reply.channel, self.step) {
            ("/meta/handshake", Step::HandshakeSent) => {
                let client_id =
                    reply.client_id.as_deref().filter(|id| !id.is_empty() && !id.contains(['"', '\\']));
                self.client_id =
                    client_id.ok_or_else(|| Fault::new("handshake without a usable clientId"))?.into();
                Step::Handshaken
            }
            ("/meta/connect", Step::FirstConnectSent) => Step::Connected,
            ("/meta/subscribe", Step::SubscribeSent) => Step::Subscribed,
            ("/meta/connect", Step::Parked) => Step::Subscribed,
            (channel, step) => return Err(Fault::new(format!("{channel} answered in step {step:?}"))),
        };
        Ok(())
    }
}
