//! The Bayeux talk of one subscriber: handshake, first connect, subscription, and connects that wait.
//! One that comes back counts what it receives and asks for what it missed, as Comet's own clients do. How a message travels is decided in `script`. Replies come in parsed, requests go out as text.

use std::rc::Rc;

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
    /// Subscribed, and an answer that goes on was asked for with a ticket.
    StreamAsked,
    /// Subscribed, and events come on an answer that goes on.
    Streaming,
}

/// One session, as its client sees it.
#[derive(Debug)]
pub(super) struct Session {
    step: Step,
    wire: Wire,
    /// What opens an event stream.
    ticket: Option<Box<str>>,
    connection_type: &'static str,
    client_id: Box<str>,
    comeback: Option<Comeback>,
}

/// What somebody who comes back says besides.
#[derive(Debug)]
struct Comeback {
    /// The position after which it wants everything, as JSON.
    position: Rc<str>,
    /// Events that have come.
    received: u64,
}

impl Session {
    pub(super) fn new(wire: Wire, position: Option<Rc<str>>) -> Session {
        let comeback = position.map(|position| Comeback { position, received: 0 });
        let connection_type = match wire {
            Wire::WebSocket => "websocket",
            Wire::Flash => "flash",
            // A first connect that asked for a stream would get it before there is a subscription.
            _ => "long-polling",
        };
        Session { step: Step::New, wire, ticket: None, connection_type, client_id: "".into(), comeback }
    }

    pub(super) fn stage(&self) -> Stage {
        match self.step {
            Step::New | Step::HandshakeSent => Stage::Open,
            Step::Handshaken | Step::FirstConnectSent | Step::Connected | Step::SubscribeSent => {
                Stage::Handshaken
            }
            Step::Streaming => Stage::Listening,
            Step::Subscribed | Step::Parked | Step::StreamAsked if self.wire.is_stream() => Stage::Handshaken,
            Step::Subscribed | Step::Parked | Step::StreamAsked => Stage::Listening,
        }
    }

    /// Whether the next answer is one that goes on.
    pub(super) fn awaits_stream(&self) -> bool {
        let answers_at_once = matches!(self.wire, Wire::HttpStreaming | Wire::Multipart);
        self.step == Step::StreamAsked || self.step == Step::Parked && answers_at_once
    }

    /// The answer that goes on has begun.
    pub(super) fn on_stream(&mut self) {
        self.step = Step::Streaming;
    }

    /// The ticket to be used now, if there is one.
    pub(super) fn take_ticket(&mut self) -> Option<Box<str>> {
        self.ticket.take()
    }

    /// Writes the next request on the way to `goal`; false when there is none, or an answer is still awaited.
    pub(super) fn next_request(&mut self, goal: Stage, out: &mut Vec<u8>) -> bool {
        let listening = goal >= Stage::Listening;
        self.step = match self.step {
            Step::New if goal >= Stage::Handshaken => {
                match self.comeback {
                    Some(_) => request::write_counting_handshake(self.connection_type, out),
                    None => request::write_handshake(self.connection_type, out),
                }
                Step::HandshakeSent
            }
            Step::Handshaken if listening => {
                self.write_connect(out);
                Step::FirstConnectSent
            }
            Step::Connected if listening => {
                match &self.comeback {
                    Some(comeback) => {
                        request::write_subscribe_since(&self.client_id, &comeback.position, out);
                    }
                    None => request::write_subscribe(&self.client_id, out),
                }
                Step::SubscribeSent
            }
            Step::Subscribed if listening => {
                self.connection_type = match self.wire {
                    Wire::HttpStreaming => "http-streaming",
                    Wire::EventSource => "eventsource",
                    Wire::Multipart => "multipart",
                    Wire::Frame => "iframe",
                    _ => self.connection_type,
                };
                self.write_connect(out);
                Step::Parked
            }
            _ => return false,
        };
        true
    }

    fn write_connect(&self, out: &mut Vec<u8>) {
        match &self.comeback {
            Some(comeback) => {
                request::write_counting_connect(self.connection_type, &self.client_id, comeback.received, out)
            }
            None => request::write_connect(self.connection_type, &self.client_id, out),
        }
    }

    pub(super) fn on_event(&mut self) {
        if let Some(comeback) = &mut self.comeback {
            comeback.received += 1;
        }
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
            ("/meta/connect", Step::Parked) if matches!(self.wire, Wire::EventSource | Wire::Frame) => {
                let ticket = reply.ext.as_ref().and_then(|ext| ext.ticket.as_deref());
                self.ticket = Some(ticket.ok_or_else(|| Fault::new("connect without a ticket"))?.into());
                Step::StreamAsked
            }
            ("/meta/connect", Step::Parked) => Step::Subscribed,
            ("/meta/connect", Step::Streaming) => Step::Streaming,
            (channel, step) => return Err(Fault::new(format!("{channel} answered in step {step:?}"))),
        };
        Ok(())
    }
}
