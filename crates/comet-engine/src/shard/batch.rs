//! Batches: each message to its session, each step carried out, each reply in its place.
//!
//! The rules are the session's (`bayeux`), the permissions are the host's; here their steps become
//! subscriptions, publications and calls. A batch that has to wait for either lies in the slab of exchanges
//! and goes on when the answer comes. How the answer is written is in `answer`.

use bayeux::{
    Answer as ConnectAnswer, BatchContext, Carrier, Code, Message, Reply, Step, Ticket, Unidentified,
};

use crate::call_permit::Busy;
use crate::exchange::{Answered, Asked, Exchange, Slot};
use crate::feed::Feed;
use crate::host::{Ask, Call, Denial, Later, RequestInfo, Responder, Ruling};
use crate::inbox::Publish;
use crate::key::{ConnectionKey, ExchangeKey, SessionKey};
use crate::receipt::Wish;

use super::Shard;

/// Where a batch came from.
pub(super) enum Origin {
    Http { connect_only: bool, cookie: Option<Box<str>>, info: Option<Box<RequestInfo>> },
    WebSocket,
    Feed { info: Box<RequestInfo>, feed: Box<Feed> },
}

impl Shard {
    /// Takes a batch up. Its connection is of this shard, and so is the session it names, if there is one; `bytes` are
    /// those of its text.
    pub(super) fn start_batch(
        &mut self,
        connection: ConnectionKey,
        mut messages: Vec<Message>,
        bytes: usize,
        origin: Origin,
    ) {
        self.counters.messages_received.add(messages.len() as u64);
        let timesyncs = messages.iter_mut().filter_map(|message| message.timesync.as_mut());
        timesyncs.for_each(|timesync| timesync.on_arrival(self.now));
        let (carrier, cookie, request, feed) = match origin {
            Origin::Http { connect_only, cookie, info } => {
                (Carrier::Http { connect_only }, cookie, info, None)
            }
            Origin::WebSocket => (Carrier::WebSocket, None, None, None),
            Origin::Feed { info, feed } => {
                (Carrier::Http { connect_only: false }, None, Some(info), Some(feed))
            }
        };
        let named = messages.first().and_then(|message| message.client_id.as_deref());
        let session = named.and_then(|id| self.find_session(id, carrier, cookie.as_deref()));
        let overtaken = messages.first().zip(session.and_then(|key| self.seat(key)));
        let overtaken = overtaken.is_some_and(|(message, seat)| seat.session.is_overtaken(message));
        if let Some(session) = session.filter(|_| !overtaken) {
            self.identify(connection, session, carrier);
        }
        // Batches whose connections are gone wait on, until the host has ruled.
        let limits = &self.config.limits;
        let has_room = self.exchanges.len() < limits.exchanges_per_shard
            && self.exchange_bytes + bytes <= limits.exchange_bytes_per_shard.max(bytes);
        let replies = if has_room {
            Vec::with_capacity(messages.len())
        } else {
            let refuse = |message| self.config.session.refuse(&message, Code::Overloaded);
            messages.drain(..).map(refuse).inspect(|_| self.counters.ending(Code::Overloaded)).collect()
        };
        let exchange = Exchange {
            connection,
            carrier,
            bytes,
            lone: messages.len() == 1,
            session,
            replies,
            messages: messages.into_iter(),
            awaited: 0,
            recoveries: Vec::new(),
            arrivals: Vec::new(),
            asked: None,
            connect: None,
            held: false,
            streams: false,
            feed,
            ends: None,
            waits: false,
            blocks: false,
            request,
            cookie,
            local: None,
        };
        let generation = self.next_generation();
        let slot = self.exchanges.insert(Slot { generation, exchange: None }) as u32;
        self.exchange_bytes += bytes;
        self.go_on(ExchangeKey { slot, generation }, Box::new(exchange));
    }

    /// Works on a batch until it is answered or has to wait.
    pub(super) fn go_on(&mut self, key: ExchangeKey, mut exchange: Box<Exchange>) {
        while exchange.asked.is_none() {
            let Some(message) = exchange.messages.next() else { break };
            self.on_message(key, &mut exchange, message);
        }
        if exchange.asked.is_none() && exchange.awaited == 0 {
            self.exchanges.remove(key.slot as usize);
            self.exchange_bytes -= exchange.bytes;
            self.release_wire(&mut exchange);
            return self.answer_batch(*exchange);
        }
        let blocks = exchange.asked.is_some();
        if let Some(connection) = self.connection(exchange.connection)
            && let Some(socket) = connection.socket_mut()
        {
            socket.waiting += u16::from(!exchange.waits);
            // Another batch may block the socket while this one waits for the home of a channel.
            if blocks || exchange.blocks {
                socket.blocked = blocks;
            }
            exchange.waits = true;
            exchange.blocks = blocks;
        }
        self.exchanges[key.slot as usize].exchange = Some(exchange);
    }

    /// A WebSocket that waited for this batch takes up what came behind it.
    fn release_wire(&mut self, exchange: &mut Exchange) {
        if !std::mem::take(&mut exchange.waits) {
            return;
        }
        if let Some(connection) = self.connection(exchange.connection)
            && let Some(socket) = connection.socket_mut()
        {
            socket.waiting -= 1;
            if exchange.blocks {
                socket.blocked = false;
            }
            self.resumable.push(exchange.connection);
        }
    }

    fn on_message(&mut self, key: ExchangeKey, exchange: &mut Exchange, mut message: Message) {
        let config = self.config.clone();
        if let (Some(_), Some(session)) = (&exchange.feed, exchange.session) {
            // Nobody could know the id before the session was there.
            message.client_id = self.seat(session).map(|seat| seat.who.client_id.clone());
        }
        let Some(session) = exchange.session else {
            let step = Unidentified.on_message(message, &config.session);
            return match step {
                Ok(request) if self.drain.is_some() => {
                    self.refuse(exchange, request.deny(Code::Draining, None));
                }
                Ok(request) => self.ask(key, exchange, Asked::Handshake(request)),
                Err(reply) => self.refuse(exchange, *reply),
            };
        };
        let other_polls = self.other_polls_of_browser(session);
        let now = self.now;
        if self.seat(session).is_none() {
            // The session ended while the batch waited.
            exchange.session = None;
            return self.on_message(key, exchange, message);
        }
        if message.channel.as_deref() == Some(bayeux::meta::CONNECT) {
            // What waits for this client may leave with the answer.
            self.release_with_connect(session);
        }
        let hub = &self.hub;
        let Some(seat) = self.sessions.get_mut(session.slot as usize) else { return };
        let context = BatchContext {
            carrier: exchange.carrier,
            lone: exchange.lone,
            other_polls_of_browser: other_polls,
            subscriptions: hub.subscriptions(session.slot),
            is_subscribed: &|name| hub.is_subscribed(session.slot, name),
        };
        match seat.session.on_message(message, context, &config.session, now) {
            Step::Reply(reply) => self.refuse(exchange, reply),
            Step::Subscribe { patterns, since, deliver, reply, .. } => {
                self.ask(key, exchange, Asked::Subscribe { patterns, since, deliver, reply });
            }
            Step::Unsubscribe { patterns, reply } => {
                patterns.iter().for_each(|pattern| self.unsubscribe(session, pattern.as_str()));
                exchange.replies.push(reply);
            }
            Step::Publish { channel, data, ext, key: name, conflate, echo, expires_ms, receipt, reply } => {
                let publisher = Some(session.number(self.index));
                let receipt =
                    receipt.then(|| Box::new(Wish { shard: self.index, session, key: name.clone() }));
                let (name, key_owner) = name.map(|name| self.own_key(session, &name)).unzip();
                let publish = Publish {
                    ext,
                    key: name,
                    key_owner,
                    conflate,
                    expires_ms,
                    receipt,
                    publisher,
                    echo,
                    ..Publish::new(channel, data)
                };
                self.ask(key, exchange, Asked::Publish { publish, reply });
            }
            Step::Call { channel, data, ext, id, reply } => {
                let call = Publish { ext, ..Publish::new(channel, data) };
                if self.lists_rosters(&call) {
                    return self.ask_for_roster(key, exchange, call, id, reply);
                }
                self.ask(key, exchange, Asked::Call { call, id, reply });
            }
            Step::Connect(mut connect) => {
                self.withdraw_ticket(session);
                // One of Faye's stands beside connects, but not beside another stream.
                if matches!(connect.answer, ConnectAnswer::Stream) || !self.has_faye_stream(session) {
                    self.retire_wire(session, exchange.connection);
                }
                if let Some(ticket) = connect.superseded {
                    self.supersede(ticket, exchange.connection);
                }
                if connect.wants_ticket {
                    match self.wanted_frame(exchange.connection, session, connect.ext.as_deref()) {
                        Ok(frame) => {
                            let ticket = self.give_ticket(session, frame);
                            connect.reply.ext.raw("ticket", &ticket);
                        }
                        Err(error) => {
                            self.counters.ending(error.code);
                            connect.reply = connect.reply.deny(error);
                        }
                    }
                }
                match connect.answer {
                    ConnectAnswer::Now => {
                        let reply = exchange.replies.len();
                        exchange.connect = Some(Answered { turn: connect.turn, reply });
                        exchange.replies.push(connect.reply);
                    }
                    ConnectAnswer::Stream => {
                        let reply = exchange.replies.len();
                        exchange.connect = Some(Answered { turn: connect.turn, reply });
                        exchange.replies.push(connect.reply);
                        exchange.streams = true;
                    }
                    ConnectAnswer::Hold { .. } => {
                        let ticket = Ticket(exchange.connection.pack());
                        self.sessions[session.slot as usize].session.hold(connect, ticket, now);
                        self.counters.connects_held.add(1);
                        exchange.held = true;
                    }
                }
                self.arm_session(session);
            }
            Step::Received => {}
            Step::End { code, reply, superseded } => {
                self.retire_wire(session, exchange.connection);
                if let Some(ticket) = superseded {
                    self.supersede(ticket, exchange.connection);
                }
                self.refuse(exchange, reply);
                exchange.ends = Some(code);
            }
            Step::Disconnect { reply, held } => {
                if let Some((ticket, held)) = held {
                    let holder = ConnectionKey::unpack(ticket.0);
                    if holder == exchange.connection {
                        exchange.replies.push(held);
                    } else {
                        self.answer_with(holder, session, held);
                    }
                }
                exchange.replies.push(reply);
                exchange.ends = Some(Code::Disconnected);
            }
        }
    }

    pub(super) fn refuse(&mut self, exchange: &mut Exchange, reply: Reply) {
        if let Err(error) = &reply.outcome {
            self.counters.ending(error.code);
        }
        exchange.replies.push(reply);
    }

    /// Asks the host; a ruling given at once is carried out at once.
    pub(super) fn ask(&mut self, key: ExchangeKey, exchange: &mut Exchange, asked: Asked) {
        let later = Later { peer: &self.peers[self.index], exchange: key };
        let who = exchange.session.and_then(|key| {
            self.sessions.get(key.slot as usize).filter(|seat| seat.generation == key.generation)
        });
        let ruling = match (&asked, who.map(|seat| &seat.who)) {
            (Asked::Handshake(request), _) => {
                let (Some(message), Some(info)) = (request.message.raw.as_deref(), self.request_of(exchange))
                else {
                    return self.carry_out(key, exchange, asked, Ruling::deny(Code::Internal));
                };
                let ruling = self.host.judge(Ask::Handshake { message, request: &info }, later);
                exchange.request = Some(info);
                ruling
            }
            (Asked::Subscribe { patterns, .. }, Some(who)) => {
                let others = self.table.asked_for(patterns);
                let patterns = others.as_deref().unwrap_or(patterns);
                self.host.judge(Ask::Subscribe { who, patterns }, later)
            }
            (Asked::Roster { question, .. }, Some(who)) => {
                self.host.judge(Ask::Subscribe { who, patterns: std::slice::from_ref(&question.0) }, later)
            }
            (Asked::Publish { publish, .. }, _) if self.table.is_companion(&publish.channel) => {
                let reason = "only the server publishes here".into();
                Some(Ruling::Deny(Denial { code: Code::PublishDenied, reason, advice: None }))
            }
            (Asked::Publish { publish, .. } | Asked::Call { call: publish, .. }, Some(who)) => {
                let (channel, data) = (&publish.channel, &*publish.data);
                self.host.judge(Ask::Publish { who, channel, data }, later)
            }
            (_, None) => Some(Ruling::deny(Code::SessionUnknown)),
        };
        match ruling {
            Some(ruling) => self.carry_out(key, exchange, asked, ruling),
            None => exchange.asked = Some(asked),
        }
    }

    /// The request that carried the batch or opened its WebSocket.
    fn request_of(&self, exchange: &mut Exchange) -> Option<Box<RequestInfo>> {
        exchange.request.take().or_else(|| {
            let connection = self.connections.get(exchange.connection.slot as usize)?;
            if connection.generation != exchange.connection.generation {
                return None;
            }
            connection.opening().map(|opening| Box::new(opening.request(connection.address)))
        })
    }

    /// The host ruled on a step that waited.
    pub(super) fn on_ruling(&mut self, key: ExchangeKey, ruling: Ruling) {
        let Some(mut exchange) = self.take_exchange(key) else { return };
        if let Some(asked) = exchange.asked.take() {
            self.carry_out(key, &mut exchange, asked, ruling);
        }
        self.go_on(key, exchange);
    }

    fn carry_out(&mut self, key: ExchangeKey, exchange: &mut Exchange, asked: Asked, ruling: Ruling) {
        let denial = match (ruling, asked) {
            (Ruling::Deny(denial), asked) => (denial, asked),
            (ruling, Asked::Handshake(request)) => {
                return self.open_session(exchange, request, ruling.identity());
            }
            (_, asked) => return self.carry_out_allowed(key, exchange, asked),
        };
        let (denial, asked) = denial;
        let error = bayeux::Error::new(denial.code, &denial.reason);
        let reply = match asked {
            Asked::Handshake(request) => request.deny(error, denial.advice),
            Asked::Subscribe { reply, .. }
            | Asked::Publish { reply, .. }
            | Asked::Call { reply, .. }
            | Asked::Roster { reply, .. } => reply.deny(error),
        };
        self.refuse(exchange, reply);
    }

    fn carry_out_allowed(&mut self, key: ExchangeKey, exchange: &mut Exchange, asked: Asked) {
        let session = exchange.session.filter(|session| self.seat(*session).is_some());
        match (asked, session) {
            (Asked::Handshake(_), _) => {}
            (
                Asked::Subscribe { reply, .. }
                | Asked::Publish { reply, .. }
                | Asked::Call { reply, .. }
                | Asked::Roster { reply, .. },
                None,
            ) => {
                self.refuse(exchange, reply.deny(Code::SessionUnknown));
            }
            (Asked::Subscribe { patterns, since, deliver, reply }, Some(session)) => {
                self.subscribe_of_exchange(key, exchange, session, (patterns, since, deliver), reply);
            }
            (Asked::Publish { publish, reply }, Some(session)) => {
                exchange.replies.push(reply);
                self.publish_of_exchange(key, exchange, session, publish);
            }
            (Asked::Call { call, id, reply }, Some(session)) => {
                self.call(exchange, session, call, id, reply);
            }
            (Asked::Roster { call, question, id, reply }, Some(session)) => {
                self.ask_roster(exchange, session, (call, question.1), id, reply);
            }
        }
    }

    fn call(
        &mut self,
        exchange: &mut Exchange,
        session: SessionKey,
        call: Publish,
        id: Option<Box<serde_json::value::RawValue>>,
        reply: Reply,
    ) {
        if !self.host.serves(&call.channel) {
            return self.refuse(
                exchange,
                reply.deny(bayeux::Error::new(Code::ServiceUnknown, call.channel.as_str())),
            );
        }
        let Some(who) = self.seat(session).map(|seat| seat.who.clone()) else {
            return self.refuse(exchange, reply.deny(Code::SessionUnknown));
        };
        let Some(responder) = self.responder(exchange, session, &call, id, reply) else { return };
        let Publish { channel, data, ext, .. } = call;
        self.host.call(Call { who, channel, data, ext, responder });
    }

    /// Acknowledges a call, if there is room for it; who answers it takes the responder.
    pub(super) fn responder(
        &mut self,
        exchange: &mut Exchange,
        session: SessionKey,
        call: &Publish,
        id: Option<Box<serde_json::value::RawValue>>,
        reply: Reply,
    ) -> Option<Responder> {
        let Some(who) = self.seat(session).map(|seat| seat.who.clone()) else {
            self.refuse(exchange, reply.deny(Code::SessionUnknown));
            return None;
        };
        let permit = match self.calls.admit(&who, call.data.get().len(), &self.config.limits) {
            Ok(permit) => permit,
            Err(busy) => {
                let code = if busy == Busy::Session { Code::RateLimited } else { Code::Overloaded };
                self.refuse(exchange, reply.deny(code));
                return None;
            }
        };
        exchange.replies.push(reply);
        Some(Responder {
            peer: self.peers[self.index].clone(),
            session,
            channel: call.channel.clone(),
            id,
            event_bytes: self.config.session.mailbox_bytes,
            permit,
        })
    }
}
