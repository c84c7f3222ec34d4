//! Connect: the heartbeat, the long poll, and the one that is held.
//!
//! Decided here is whether a connect is answered now or held, which older one it ends, and what advice its reply
//! carries. When time is up is in `deadline`; the exchange behind a [`Ticket`] is known to the caller alone.

use serde_json::value::RawValue;

use super::context::{BatchContext, Carrier};
use super::outbound::Delivery;
use super::step::Step;
use super::{Session, Settings};
use crate::Millis;
use crate::advice::{Advice, Reconnect};
use crate::code::Code;
use crate::connection_type::ConnectionType;
use crate::error::Error;
use crate::message::Message;
use crate::meta;
use crate::reply::Reply;
use crate::timesync::TimeSync;

/// The caller's name for the exchange a held connect came in. A new exchange has a new ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// Which connect of its session one is. Only the newest takes deliveries along in sessions whose clients confirm them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Turn(u32);

/// When a connect is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// At once, together with what is queued if [`Session::may_ride_on_connect`].
    Now,
    /// When there is something to deliver, and at the latest at this time: give it to [`Session::hold`].
    Hold {
        /// When time is up.
        until: Millis,
    },
    /// At once, and the answer goes on as a stream that carries what comes: the response becomes a wire, see
    /// [`Session::attach_stream`]. Deliveries leave behind the reply, not with it.
    Stream,
}

/// A connect that was accepted.
#[derive(Debug)]
pub struct Connect {
    /// The reply, for [`Answer::Now`]. When deliveries are taken to leave with it, call [`Session::number_reply`]; after
    /// it is written, [`Session::on_connect_written`].
    pub reply: Reply,
    /// Which connect it is: see [`Session::may_ride_on_turn`].
    pub turn: Turn,
    /// When it is answered.
    pub answer: Answer,
    /// An older connect that was held until now. It ends without a Bayeux reply: on HTTP with the status of
    /// `superseded`, on a WebSocket silently; a successful reply would start a second loop in the client.
    pub superseded: Option<Ticket>,
    /// The stream that this connect is for is opened by another request, with a ticket that the reply has to name: see
    /// [`Session::resume_stream`].
    pub wants_ticket: bool,
    /// Extension fields of the request, such as acknowledgements.
    pub ext: Option<Box<RawValue>>,
}

/// What is kept of a connect while it is held.
#[derive(Debug)]
pub(super) struct Held {
    ticket: Ticket,
    id: Option<Box<RawValue>>,
    advise: bool,
}

impl<D: Delivery> Session<D> {
    /// Whether this is a connect that was made before one that came already. It must not win the session back for an
    /// older wire: ask before the wire it came on becomes the session's.
    pub fn is_overtaken(&self, message: &Message) -> bool {
        message.channel.as_deref() == Some(meta::CONNECT)
            && number_of(message).is_some_and(|number| number <= self.connects)
    }

    pub(super) fn on_connect(
        &mut self,
        message: Message,
        context: BatchContext<'_>,
        settings: &Settings,
        now: Millis,
    ) -> Step {
        if self.is_overtaken(&message) {
            return Step::Reply(settings.refuse(&message, Code::Superseded));
        }
        if let Some(step) = self.end_idle(&message, settings, now) {
            return step;
        }
        self.connects = number_of(&message).unwrap_or(self.connects);
        let Some(kind) = kind_of(&message, context.carrier, settings) else {
            let error = Error::new(
                Code::ConnectionTypesUnsupported,
                message.connection_type.as_deref().unwrap_or_default(),
            );
            // A new handshake tells the client which kinds there are.
            let advice = Advice { reconnect: Reconnect::Handshake, ..settings.refusal_advice(error.code) };
            return Step::Reply(Reply::refuse(&message, error).with_advice(advice));
        };
        let streams = self.streams(kind, &message, context, settings);
        if let Err(error) = self.on_confirmation(&message, context.carrier, streams, settings) {
            return self.refuse_confirmation(&message, error, settings);
        }
        let superseded = self.held.take().map(|held| held.ticket);
        self.turn = self.turn.wrapping_add(1);
        let first = self.connection_type.is_none();
        let changed = self.connection_type.replace(kind) != Some(kind);
        let (answer, advice) = match streams {
            true => (Answer::Stream, settings.advice(Reconnect::Retry)),
            false => self.judge(kind, first, &message, context, settings, now),
        };
        let wants_ticket = self.opens_by_ticket(kind, context);

        let asked_ms = message.advice.interval_ms.unwrap_or(0).min(settings.client_interval_max_ms);
        self.interval_ms = u32::try_from(advice.interval_ms.max(asked_ms)).unwrap_or(u32::MAX);
        let advise = self.advise || changed || advice.multiple_clients || !message.advice.is_empty();
        // Tabs that were told to slow down have to hear when they need not any more.
        self.advise = advice.multiple_clients;

        let mut reply = Reply::accept(&message);
        reply.advice = advise.then_some(advice);
        self.await_writing(settings, now);
        let turn = Turn(self.turn);
        Step::Connect(Connect { reply, turn, answer, superseded, wants_ticket, ext: message.ext })
    }

    fn refuse_confirmation(&mut self, message: &Message, error: Error, settings: &Settings) -> Step {
        let lost = error.code == Code::ResumeFailed;
        let reply = settings.refuse(message, error);
        if !lost {
            return Step::Reply(reply);
        }
        self.end_with(Code::ResumeFailed, reply)
    }

    /// Ends the session with the refusal of a connect.
    pub(super) fn end_with(&mut self, code: Code, reply: Reply) -> Step {
        self.ended = true;
        Step::End { code, reply, superseded: self.held.take().map(|held| held.ticket) }
    }

    /// Whether queued deliveries leave with the answer to this connect: as [`Session::may_ride_on_connect`], but to a
    /// client that confirms what it receives only with that to its newest connect, whatever is answered first.
    pub fn may_ride_on_turn(&self, turn: Turn) -> bool {
        self.may_ride_on_connect() && (self.retained.is_none() || turn.0 == self.turn)
    }

    /// Whether the answer to the connect is a stream. One that is not to be held is none, nor is one that has company,
    /// or that of a client which gets its events with connect replies alone.
    fn streams(
        &self,
        kind: ConnectionType,
        message: &Message,
        context: BatchContext<'_>,
        settings: &Settings,
    ) -> bool {
        kind.streams()
            && context.carrier == Carrier::Http { connect_only: false }
            && context.lone
            && !context.other_polls_of_browser
            && !self.connect_only
            && message.advice.timeout_ms.unwrap_or(settings.timeout_ms) > 0
    }

    /// Whether the answer to the connect names a ticket with which the client opens its stream.
    fn opens_by_ticket(&self, kind: ConnectionType, context: BatchContext<'_>) -> bool {
        context.carrier == Carrier::Http { connect_only: false }
            && kind.one_way()
            && !kind.streams()
            && !context.other_polls_of_browser
            && !self.connect_only
    }

    /// When the connect is answered, and the advice that fits this answer.
    fn judge(
        &self,
        kind: ConnectionType,
        first: bool,
        message: &Message,
        context: BatchContext<'_>,
        settings: &Settings,
        now: Millis,
    ) -> (Answer, Advice) {
        let advice = settings.advice(Reconnect::Retry);
        let http = context.carrier != Carrier::WebSocket;
        if self.opens_by_ticket(kind, context) {
            // The stream shows that the client is there; a held request would cost a second connection.
            return (Answer::Now, Advice { interval_ms: settings.timeout_ms, timeout_ms: 0, ..advice });
        }
        if kind == ConnectionType::Polling {
            return (Answer::Now, Advice { interval_ms: settings.poll_interval_ms, timeout_ms: 0, ..advice });
        }
        let hold_ms = message.advice.timeout_ms.unwrap_or(settings.timeout_ms).min(settings.timeout_ms);
        if first || hold_ms == 0 || self.deliveries_need_connect() || (http && !context.lone) {
            return (Answer::Now, advice);
        }
        if http && context.other_polls_of_browser {
            let interval_ms = settings.multi_session_interval_ms;
            return (Answer::Now, Advice { interval_ms, multiple_clients: true, ..advice });
        }
        (Answer::Hold { until: now.saturating_add(hold_ms) }, advice)
    }

    /// Holds a connect whose answer was [`Answer::Hold`]. The caller asks [`Session::wakes_connect`] afterwards if it
    /// may have queued something in between; such a connect is also due at once.
    pub fn hold(&mut self, connect: Connect, ticket: Ticket, now: Millis) {
        self.deadline = match connect.answer {
            Answer::Hold { until } if !self.deliveries_need_connect() => until,
            _ => now,
        };
        self.hold_timesync(connect.reply.timesync);
        self.held = Some(Held { ticket, advise: connect.reply.advice.is_some(), id: connect.reply.id });
    }

    /// The ticket of the held connect.
    pub fn held_ticket(&self) -> Option<Ticket> {
        self.held.as_ref().map(|held| held.ticket)
    }

    /// Ends the hold and gives the successful reply, because there is something to deliver or time is up. When deliveries
    /// are taken to leave with it, call [`Session::number_reply`]; after it is written, [`Session::on_connect_written`].
    pub fn release(&mut self, settings: &Settings, now: Millis) -> Option<(Ticket, Reply)> {
        let held = self.held.take()?;
        self.await_writing(settings, now);
        let advice = held.advise.then(|| settings.advice(Reconnect::Retry));
        Some((held.ticket, held.reply(advice, self.timesync_of_held())))
    }

    /// The wire of a held connect is gone. A ticket that is not the held one is of the past and means nothing.
    pub fn abandon(&mut self, ticket: Ticket, settings: &Settings, now: Millis) {
        if self.held_ticket() == Some(ticket) {
            self.held = None;
            self.on_connect_written(settings, now);
        }
    }

    /// Ends the session for the reason of `code` and answers the held connect. Afterwards every message of the client is
    /// of an unknown session.
    pub fn end(&mut self, code: Code, settings: &Settings) -> Option<(Ticket, Reply)> {
        self.ended = true;
        let held = self.held.take()?;
        let ticket = held.ticket;
        let advice = settings.advice(code.reconnect());
        let reply = held.reply(Some(advice), self.timesync_of_held());
        // Clients accept the advice to handshake only from a failure.
        let failed = code.reconnect() == Reconnect::Handshake;
        Some((ticket, if failed { reply.deny(code) } else { reply }))
    }
}

impl Held {
    fn reply(self, advice: Option<Advice>, timesync: Option<Box<TimeSync>>) -> Reply {
        let connect =
            Message { channel: Some(meta::CONNECT.into()), id: self.id, timesync, ..Message::default() };
        Reply { advice, ..Reply::accept(&connect) }
    }
}

/// The kind of wire of a connect; `None` when it is not served. A client that does not say is what it came on.
fn kind_of(message: &Message, carrier: Carrier, settings: &Settings) -> Option<ConnectionType> {
    let Some(name) = message.connection_type.as_deref() else {
        return Some(match carrier {
            Carrier::WebSocket => ConnectionType::WebSocket,
            Carrier::Http { connect_only: true } => ConnectionType::CallbackPolling,
            Carrier::Http { connect_only: false } => ConnectionType::LongPolling,
        });
    };
    ConnectionType::parse(name).filter(|kind| settings.connection_types.contains(kind))
}

/// The number a client gave its connect, if it counts them.
fn number_of(message: &Message) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Ext {
        connect: Option<u32>,
    }
    serde_json::from_str::<Ext>(message.ext.as_deref()?.get()).ok()?.connect
}
