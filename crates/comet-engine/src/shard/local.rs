//! Sessions of the server's own process, on their shard.
//!
//! They get a seat, subscriptions and deliveries like any session; only their wire is a queue into the process, and what
//! they ask comes as letters. The rules are the same as everywhere: a reader that falls behind catches up from the
//! history, and is told what is lost.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bayeux::{Code, Message, Pattern, Reply, Session, SinceRequest, Subscription, meta};
use tokio::sync::mpsc::error::TrySendError;

use crate::client_id::Place;
use crate::exchange::{Exchange, Slot};
use crate::host::{Identity, Who};
use crate::key::{ExchangeKey, SessionKey};
use crate::local::{LocalAsk, LocalWire, ReplyTo};
use crate::seat::Seat;

use super::Shard;

impl Shard {
    pub(super) fn on_local(&mut self, ask: LocalAsk) {
        match ask {
            LocalAsk::Open { identity, wire, answer } => {
                let opened = self.open_local(identity, wire);
                let who = opened.map(|key| self.sessions[key.slot as usize].who.clone());
                if let Err(Ok(who)) = answer.send(who) {
                    // Nobody waits for it any more.
                    self.end_session(who.key, Code::Disconnected);
                }
            }
            LocalAsk::Subscribe { session, patterns, since, answer } => {
                self.subscribe_local(session, patterns, since, answer);
            }
            LocalAsk::Unsubscribe { session, pattern } => {
                if self.seat(session).is_some() {
                    self.unsubscribe(session, pattern.as_str());
                }
            }
            LocalAsk::Ready { session } => self.mark_dirty(session),
        }
    }

    fn open_local(&mut self, identity: Identity, wire: LocalWire) -> Result<SessionKey, Code> {
        if self.drain.is_some() {
            return Err(Code::Draining);
        }
        let permit = self.session_gate.admit(self.config.limits.sessions).ok_or(Code::TooManySessions)?;
        let generation = self.next_generation();
        let slot = self.sessions.vacant_key() as u32;
        let key = SessionKey { slot, generation };
        let client_id = self.ids.make(Place { shard: self.index as u8, slot, generation });
        let session = Session::local(client_id.clone(), &self.config.session);
        let who = Arc::new(Who {
            client_id,
            identity,
            address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            shard: self.index as u8,
            key,
            ended: AtomicBool::new(false),
            open_calls: Default::default(),
        });
        self.sessions
            .insert(Seat { local: Some(Box::new(wire)), ..Seat::new(session, generation, who, permit) });
        self.counters.sessions_open.set(self.sessions.len() as u64);
        Ok(key)
    }

    fn subscribe_local(
        &mut self,
        session: SessionKey,
        patterns: Vec<Pattern>,
        since: Option<SinceRequest>,
        answer: ReplyTo,
    ) {
        if self.seat(session).is_none() {
            return;
        }
        let names = patterns.iter().map(|pattern| pattern.as_str().into()).collect();
        let message = Message {
            channel: Some(meta::SUBSCRIBE.into()),
            subscription: Some(Subscription::Many(names)),
            ..Message::default()
        };
        let reply = Reply::accept(&message);
        if self.exchanges.len() >= self.config.limits.exchanges_per_shard {
            drop(answer.send(reply.deny(Code::Overloaded)));
            return;
        }
        let generation = self.next_generation();
        let slot = self.exchanges.insert(Slot { generation, exchange: None }) as u32;
        let key = ExchangeKey { slot, generation };
        let mut exchange = Box::new(Exchange::local(session, answer));
        self.subscribe_of_exchange(key, &mut exchange, session, (patterns, since, None), reply);
        self.go_on(key, exchange);
    }

    /// The batch of a session of the process is done: its only reply goes to whoever waits.
    pub(super) fn answer_local(&mut self, answer: ReplyTo, replies: Vec<Reply>, session: Option<SessionKey>) {
        if let Some(reply) = replies.into_iter().next() {
            // Whoever asked may have stopped waiting.
            drop(answer.send(reply));
        }
        if let Some(session) = session {
            self.mark_dirty(session);
        }
    }

    /// Gives a reader what is queued for it, as far as it has room.
    pub(super) fn push_local(&mut self, key: SessionKey) {
        match self.fill_local(key) {
            Filled::All => self.mark_dirty(key),
            // It says when it has room again.
            Filled::Part => {}
            Filled::Gone => self.end_session(key, Code::Disconnected),
        }
    }

    /// Moves what is queued for a reader into its queue.
    pub(super) fn fill_local(&mut self, key: SessionKey) -> Filled {
        let Some(seat) = self.seat(key) else { return Filled::All };
        let Some(wire) = &seat.local else { return Filled::All };
        let (mut taken, mut filled, mut waits) = (0, Filled::All, false);
        while seat.session.pending() > 0 {
            match wire.sender.try_reserve() {
                Ok(place) => {
                    let Some(delivery) = seat.session.take(1, usize::MAX).next() else { break };
                    place.send(delivery.0.to_local());
                    (taken, waits) = (taken + 1, false);
                }
                // Room that came between the two looks would be told by nobody.
                Err(TrySendError::Full(())) if !waits => {
                    wire.await_room();
                    waits = true;
                }
                Err(TrySendError::Full(())) => {
                    filled = Filled::Part;
                    break;
                }
                Err(TrySendError::Closed(())) => {
                    filled = Filled::Gone;
                    break;
                }
            }
        }
        seat.session.confirm_taken();
        self.counters.deliveries.add(taken);
        filled
    }
}

/// How far the queue of a reader was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// Nothing is left on the shard.
    All,
    /// It is full.
    Part,
    /// The reader is gone.
    Gone,
}
