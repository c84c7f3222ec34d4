//! Sessions on this shard: found, opened, attached to wires, and ended.
//!
//! What a session may do is `bayeux`'s; here it gets its place, its id and its subscriptions in the hub, and
//! gives them back. Every ending of a session comes through `end_session`, whatever its reason.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bayeux::{Carrier, Code, HandshakeRequest, Message, Reconnect, Reply};
use comet_bus::Unsubscribed;

use crate::client_id::{Place, same_secret};
use crate::delivery::Shared;
use crate::exchange::Exchange;
use crate::host::{Identity, Who};
use crate::key::{ConnectionKey, SessionKey};
use crate::seat::Seat;

use super::Shard;

impl Shard {
    /// The shard that should serve a batch which came by HTTP.
    pub(super) fn shard_of(&self, messages: &[Message], cookie: Option<&str>) -> usize {
        let of_handshake =
            || messages.first().filter(|message| super::route::is_handshake(message)).and(cookie);
        let shard = match of_handshake() {
            Some(cookie) => super::browser::shard_of_cookie(cookie, self.peers.len()),
            None => self.place_elsewhere(messages),
        };
        shard.unwrap_or(self.index)
    }

    /// The other shard on which the session lives that a batch names, if it is another.
    pub(super) fn place_elsewhere(&self, messages: &[Message]) -> Option<usize> {
        let place = self.ids.place(messages.first()?.client_id.as_deref()?)?;
        let shard = usize::from(place.shard);
        (shard != self.index && shard < self.peers.len()).then_some(shard)
    }

    /// The session of this id, if it lives here and the request may speak for it.
    pub(super) fn find_session(
        &mut self,
        id: &str,
        carrier: Carrier,
        cookie: Option<&str>,
    ) -> Option<SessionKey> {
        let place = self.ids.place(id).filter(|place| usize::from(place.shard) == self.index)?;
        let key = SessionKey { slot: place.slot, generation: place.generation };
        let shards = self.peers.len();
        let seat = self.seat(key).filter(|seat| same_secret(&seat.who.client_id, id))?;
        if carrier != Carrier::WebSocket
            && let Some(browser) = &seat.browser
        {
            match cookie {
                Some(cookie) if browser.cookie() == cookie => seat.cookie_proven = true,
                // Two pages that a browser opens at once are given a cookie each, and it keeps the one that came last.
                Some(cookie)
                    if !seat.cookie_proven && super::browser::shard_of_cookie(cookie, shards).is_some() =>
                {
                    self.rebind_browser(key, cookie);
                }
                // A cookie of another browser, or none though the client is known to keep it: a stolen id.
                Some(_) => return None,
                None if seat.cookie_proven => return None,
                None => {}
            }
        }
        Some(key)
    }

    /// Notes whom a connection serves; a WebSocket becomes the session's wire.
    pub(super) fn identify(&mut self, key: ConnectionKey, session: SessionKey, carrier: Carrier) {
        let Some(connection) = self.connection(key) else { return };
        let before = connection.session.replace(session);
        // A socket may have been opened on a connection that served the session by HTTP before.
        let is_wire = self.seat(session).is_none_or(|seat| seat.attached == Some(key));
        if carrier != Carrier::WebSocket || is_wire {
            return;
        }
        self.set_connection_deadline(key, 0);
        if let Some(before) = before.filter(|before| *before != session) {
            self.detach_session(before, key);
        }
        self.retire_wire(session, key);
        if let Some(seat) = self.seat(session) {
            seat.session.attach();
            seat.attached = Some(key);
        }
    }

    /// A session connects on `newer`: a WebSocket or stream it was attached to is ended, behind everything written to it, so
    /// that its client knows when it has read the last of it.
    pub(super) fn retire_wire(&mut self, session: SessionKey, newer: ConnectionKey) {
        if let Some(older) = self.seat(session).and_then(|seat| seat.attached).filter(|older| *older != newer)
        {
            self.end_connection(older, Code::Superseded);
        }
    }

    /// Takes a wire away from a session, which goes on without it.
    pub(super) fn detach_session(&mut self, session: SessionKey, key: ConnectionKey) {
        let (now, config) = (self.now, self.config.clone());
        let Some(seat) = self.seat(session) else { return };
        if seat.attached == Some(key) {
            seat.attached = None;
            seat.session.detach(&config.session, now);
            if self.feeds.contains_key(&session) {
                // Nobody can come back for it: where the next one goes on, the last mark says.
                return self.close_session(session, Code::Disconnected);
            }
        }
        let Some(seat) = self.seat(session) else { return };
        seat.session.abandon(bayeux::Ticket(key.pack()), &config.session, now);
        self.arm_session(session);
    }

    /// Whether a connect of a session is held on this connection.
    pub(super) fn holds_connect(&mut self, key: ConnectionKey) -> bool {
        let Some(session) = self.connection(key).and_then(|connection| connection.session) else {
            return false;
        };
        self.seat(session).is_some_and(|seat| seat.session.held_ticket() == Some(bayeux::Ticket(key.pack())))
    }

    /// Gives a client that was let in its session.
    pub(super) fn open_session(
        &mut self,
        exchange: &mut Exchange,
        request: HandshakeRequest,
        identity: Identity,
    ) {
        let Some(permit) = self.session_gate.admit(self.config.limits.sessions) else {
            return self.refuse(exchange, request.deny(Code::TooManySessions, None));
        };
        let Some(address) = self.connection(exchange.connection).map(|connection| connection.address) else {
            return self.refuse(exchange, request.deny(Code::Internal, None));
        };
        if !self.hears(exchange.connection) {
            return self.refuse(exchange, request.deny(Code::HandshakeTimeout, None));
        }
        let generation = self.next_generation();
        let slot = self.sessions.vacant_key() as u32;
        let key = SessionKey { slot, generation };
        let client_id = self.ids.make(Place { shard: self.index as u8, slot, generation });
        let (session, reply) = request.accept(client_id.clone(), &self.config.session, self.now);
        let cookie = self.cookie_for(exchange);
        let cookie_proven = cookie.is_some() && cookie.as_deref() == exchange.cookie.as_deref();
        let browser = cookie.map(|cookie| self.join_browser(&cookie, slot));
        let who = Arc::new(Who {
            client_id,
            identity,
            address,
            shard: self.index as u8,
            key,
            ended: AtomicBool::new(false),
            open_calls: Default::default(),
        });
        let seat = Seat { browser, cookie_proven, ..Seat::new(session, generation, who, permit) };
        self.sessions.insert(seat);
        self.counters.sessions_made.add(1);
        self.counters.sessions_open.set(self.sessions.len() as u64);
        exchange.session = Some(key);
        exchange.replies.push(reply);
        self.identify(exchange.connection, key, exchange.carrier);
        self.arm_session(key);
    }

    /// Ends a session by its own wish: its replies are written, its wire is closed in peace.
    pub(super) fn close_session(&mut self, key: SessionKey, code: Code) {
        let attached = self.seat(key).and_then(|seat| seat.attached.take());
        self.remove_session(key, code);
        if let Some(connection) = attached {
            if let Some(wire) = self.connection(connection) {
                wire.session = None;
            }
            self.end_wire(connection, code);
        }
    }

    /// Ends a session that did not ask for it: held connect, wire and subscribers' lists are told.
    pub(super) fn end_session(&mut self, key: SessionKey, code: Code) {
        if self.seat(key).is_none() {
            return;
        }
        self.counters.ending(code);
        // A reader in the process takes what there is, as far as it has room, and so does a feed.
        self.fill_local(key);
        if self.feeds.contains_key(&key) {
            self.push_session(key);
        }
        let config = self.config.clone();
        // What the server had to say before it ended the session by its own will is still said.
        let events = if code == Code::DisconnectedByServer { self.take_last_events(key) } else { Vec::new() };
        let Some(seat) = self.seat(key) else { return };
        let held = seat.session.end(code, &config.session);
        let attached = seat.attached.take();
        if let Some((ticket, mut reply)) = held {
            let holder = ConnectionKey::unpack(ticket.0);
            self.tell_times(Some(key), std::slice::from_mut(&mut reply));
            if Some(holder) == attached {
                self.write_frame(holder, &events, &[reply]);
            } else {
                // Told to handshake, some clients would take a farewell behind it for the end.
                let last = (code.reconnect() == Reconnect::None).then(|| farewell(&config.session));
                let replies: Vec<_> = std::iter::once(reply).chain(last).collect();
                self.respond(holder, &events, &replies);
            }
        } else if let (Some(connection), Code::DisconnectedByServer) = (attached, code) {
            self.write_frame(connection, &events, &[farewell(&config.session)]);
        }
        self.remove_session(key, code);
        if let Some(connection) = attached {
            if let Some(wire) = self.connection(connection) {
                wire.session = None;
            }
            self.end_wire(connection, code);
        }
    }

    /// Takes a session's queue, as far as one write goes, when there is a wire that waits for it.
    fn take_last_events(&mut self, key: SessionKey) -> Vec<Shared> {
        let Some(seat) = self.seat(key) else { return Vec::new() };
        let (held, attached) = (seat.session.held_ticket(), seat.attached);
        let wire = held.map(|ticket| ConnectionKey::unpack(ticket.0)).or(attached);
        if wire.is_some_and(|wire| self.hears(wire)) { self.take_events(key) } else { Vec::new() }
    }

    fn remove_session(&mut self, key: SessionKey, code: Code) {
        if self.seat(key).is_none() {
            return;
        }
        let mut seat = self.sessions.remove(key.slot as usize);
        self.withdraw_ticket(key);
        self.gathered.remove(key);
        self.feeds.remove(&key);
        if let Some(aside) = &mut seat.aside {
            self.release_followers(key, std::mem::take(&mut aside.coming));
        }
        let (mut ended, attends) = (Vec::<(Box<str>, bool)>::new(), self.table.has_presence());
        self.hub.remove(key.slot, |name, how| {
            let last = how == Unsubscribed::Last;
            if last || attends {
                ended.push((name.into(), last));
            }
        });
        for (name, last) in ended {
            if last {
                self.tell_interest(&name, false);
            }
            self.depart(key, &name);
        }
        if let Some(browser) = seat.browser {
            self.leave_browser(&browser, key);
        }
        self.counters.sessions_open.set(self.sessions.len() as u64);
        if let Some(local) = &seat.local {
            local.end(code);
        }
        seat.who.end();
        self.host.session_ended(&seat.who, code);
    }
}

fn farewell(settings: &bayeux::Settings) -> Reply {
    Reply::farewell(settings.advice(Reconnect::None))
}
