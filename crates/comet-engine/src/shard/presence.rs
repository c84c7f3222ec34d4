//! Presence: who comes to a channel and who goes, at the session's shard and at the home.
//!
//! A session that subscribes to a channel with presence by its own name is on it until it unsubscribes or ends; its
//! shard tells the home of the channel's companion, where the roster is kept and its changes are published. Rosters
//! and batches of changes are `comet-bus`'s; the subscription is answered when the home has let the session in.

use bayeux::{Channel, Code, Error, Pattern, Reply};
use comet_bus::{ChangesLimits, PresenceLimits, home_of};
use serde_json::value::RawValue;

use crate::attendance::{
    self, Arrival, Arrived, Asked, Asker, Coming, Departure, RosterPage, RosterQuestion,
};
use crate::config::Config;
use crate::exchange::{self, Arriving, Exchange};
use crate::inbox::{Letter, Publish};
use crate::key::{ExchangeKey, SessionKey};
use crate::recovery::Questions;
use crate::wheel::TICK_MS;

use super::Shard;
use super::timer::Timer;

/// Joins and leaves that are told in one go before other work gets its turn.
const TOLD_AT_ONCE: usize = 1_024;

/// The bounds of presence on one shard.
pub(super) fn limits(config: &Config) -> PresenceLimits {
    let limits = &config.limits;
    let changes = ChangesLimits::default();
    PresenceLimits {
        members_per_channel: limits.presence_members_per_channel,
        members_in_all: limits.presence_members_per_shard,
        // A name may have six times its bytes when it is escaped, and one member has to fit into such a queue.
        info_bytes: limits.presence_info_bytes.min(config.session.mailbox_bytes / 8),
        channels: limits.presence_channels_per_shard,
        // Escaped, a text has up to six times the bytes; a batch has to fit into the queue of a session.
        changes: ChangesLimits {
            text_bytes: changes.text_bytes.min(config.session.mailbox_bytes / 12),
            ..changes
        },
    }
}

impl Shard {
    /// Whether the homes that would have to let a session in on one of these can be asked now.
    pub(super) fn may_attend(&self, patterns: &[Pattern]) -> Result<(), Code> {
        if !self.table.has_presence() {
            return Ok(());
        }
        for pattern in patterns {
            let Some((_, home)) = self.attended(pattern.as_str()) else { continue };
            // Homes may have stopped then, and would never answer.
            if self.drain.is_some() {
                return Err(Code::Draining);
            }
            if home != self.index && self.peers[home].waiting_bytes() > self.config.limits.inbox_bytes {
                return Err(Code::Overloaded);
            }
        }
        Ok(())
    }

    /// The channel of this name, if it has presence, and the shard that keeps its roster.
    fn attended(&self, name: &str) -> Option<(Channel, usize)> {
        let channel = Channel::parse(name).ok()?;
        let companion = self.table.companion(&channel)?;
        Some((channel, home_of(companion.as_str(), self.peers.len())))
    }

    /// A session has subscribed to these names: it comes to those it did not listen to before, as far as they have
    /// presence. Its reply, and what it asks of the past, wait until it is there; also where another subscription of
    /// its own that has added a name still waits.
    pub(super) fn attend(
        &mut self,
        (key, exchange, reply): (ExchangeKey, &mut Exchange, usize),
        session: SessionKey,
        (names, added): (&[Pattern], Vec<Pattern>),
        questions: Questions,
    ) {
        if !self.table.has_presence() {
            return self.ask_homes(questions);
        }
        let channels: Vec<_> = added.iter().filter_map(|name| self.attended(name.as_str())).collect();
        let follows = self.follow((key, reply), session, names, &added);
        let awaited = channels.len() as u32 + follows;
        let Some(member) = self.member(session).filter(|_| awaited > 0) else {
            return self.ask_homes(questions);
        };
        exchange.arrivals.push(Arriving { reply, awaited, refused: None, questions });
        exchange.awaited += 1;
        if let Some(seat) = self.seat(session) {
            let coming = Coming { exchange: key, reply, added, followers: Vec::new() };
            seat.aside_mut().coming.push(coming);
        }
        for (channel, home) in channels {
            let (shard, member) = (self.index, member.clone());
            let arrival = Arrival { shard, exchange: key, reply, session, channel, member };
            if home == self.index {
                let arrived = self.on_arrival(arrival);
                exchange.arrived(&arrived);
            } else {
                self.peers[home].post(Letter::Arrival(Box::new(arrival)));
            }
        }
        self.finish_arriving((key, exchange), session, reply);
    }

    /// Makes a subscription wait for those that have added some of its names and wait themselves; how many these are.
    fn follow(
        &mut self,
        follower: (ExchangeKey, usize),
        session: SessionKey,
        names: &[Pattern],
        added: &[Pattern],
    ) -> u32 {
        let Some(aside) = self.seat(session).and_then(|seat| seat.aside.as_mut()) else { return 0 };
        let mut awaited = 0;
        for coming in &mut aside.coming {
            if names.iter().any(|name| !added.contains(name) && coming.added.contains(name)) {
                coming.followers.push(follower);
                awaited += 1;
            }
        }
        awaited
    }

    /// A session has ended while it was coming: whatever waits for that waits no longer.
    pub(super) fn release_followers(&mut self, session: SessionKey, coming: Vec<Coming>) {
        for (exchange, reply) in coming.into_iter().flat_map(|coming| coming.followers) {
            let arrived = Arrived { exchange, reply, session, outcome: Ok(()) };
            self.peers[self.index].post(Letter::Arrived(arrived));
        }
    }

    /// How others see a session.
    fn member(&mut self, session: SessionKey) -> Option<comet_bus::Member> {
        let ids = self.ids.clone();
        let who = &self.seat(session)?.who;
        Some(attendance::member(&ids.public(&who.client_id), &who.identity.subject, &who.identity.info))
    }

    /// A session does not listen to this name any more.
    pub(super) fn depart(&mut self, session: SessionKey, name: &str) {
        if !self.table.has_presence() {
            return;
        }
        let Some((channel, home)) = self.attended(name) else { return };
        let departure = Departure { session: session.number(self.index), channel };
        if home == self.index {
            self.on_departure(&departure);
        } else {
            self.peers[home].post(Letter::Departure(Box::new(departure)));
        }
    }

    /// At the home of a companion: a session comes.
    pub(super) fn on_arrival(&mut self, arrival: Arrival) -> Arrived {
        let Arrival { shard, exchange, reply, session, channel, member } = arrival;
        let debounce_ms = self.table.options(&channel).presence_debounce_ms;
        let now_ms = self.unix_ms();
        let number = session.number(shard);
        let joined = self.presence.on_join(channel.as_str(), number, member, debounce_ms, now_ms);
        self.arm_presence();
        Arrived { exchange, reply, session, outcome: joined.map(|_| ()) }
    }

    /// At the home of a companion: a session is gone.
    pub(super) fn on_departure(&mut self, departure: &Departure) {
        self.presence.on_leave(departure.channel.as_str(), departure.session, self.unix_ms());
        self.arm_presence();
    }

    /// At the session's shard: whether it could come.
    pub(super) fn on_arrived(&mut self, arrived: Arrived) {
        let Some(mut exchange) = self.take_exchange(arrived.exchange) else { return };
        exchange.arrived(&arrived);
        self.finish_arriving((arrived.exchange, &mut exchange), arrived.session, arrived.reply);
        self.go_on(arrived.exchange, exchange);
    }

    /// Says in the reply whether the session is on all its channels, once every home has answered; if not, it is on
    /// none, does not listen, and nothing is asked of the past.
    fn finish_arriving(
        &mut self,
        (key, exchange): (ExchangeKey, &mut Exchange),
        session: SessionKey,
        reply: usize,
    ) {
        let done = |one: &Arriving| one.reply == reply && one.awaited == 0;
        let Some(at) = exchange.arrivals.iter().position(done) else { return };
        let Arriving { refused, questions, .. } = exchange.arrivals.swap_remove(at);
        exchange.awaited -= 1;
        // Homes that have stopped answer no questions.
        let is_late = self.drain.is_some() && !questions.letters.is_empty();
        let error = refused.map(attendance::refusal).or(is_late.then(|| Code::Draining.into()));
        let is_this = |coming: &mut Coming| coming.exchange == key && coming.reply == reply;
        let aside = self.seat(session).and_then(|seat| seat.aside.as_mut());
        let coming = aside.and_then(|aside| aside.coming.extract_if(.., is_this).next());
        let holds = error.is_none();
        if let Some(error) = error {
            self.counters.ending(error.code);
            self.take_back_questions(exchange, session, reply, &questions);
            if let Some(reply) = exchange.replies.get_mut(reply) {
                reply.outcome = Err(error);
            }
        }
        if let Some(Coming { added, followers, .. }) = coming {
            if refused.is_some() {
                added.iter().for_each(|name| self.unsubscribe(session, name.as_str()));
            }
            for (exchange, reply) in followers {
                // One of them may be in the batch that is worked on now: they hear by letter.
                let outcome = refused.map_or(Ok(()), Err);
                let arrived = Arrived { exchange, reply, session, outcome };
                self.peers[self.index].post(Letter::Arrived(arrived));
            }
        }
        if let Some(seat) = self.seat(session) {
            seat.trim_aside();
        }
        if holds {
            self.ask_homes(questions);
        }
    }

    /// Asks the wheel for the time of the next changes.
    fn arm_presence(&mut self) {
        self.counters.presence_sessions.set(self.presence.weight() as u64);
        let Some(due_ms) = self.presence.due(self.unix_ms()) else { return };
        let at = due_ms.saturating_sub(self.started_unix_ms);
        if self.presence_armed == 0 || at < self.presence_armed {
            self.presence_armed = self.wheel.arm(Timer::Presence, at);
        }
    }

    /// Publishes the changes that are due, a bounded number.
    pub(super) fn on_presence_timer(&mut self) {
        if self.presence_armed > self.now {
            return;
        }
        self.presence_armed = 0;
        if self.drain.is_some() {
            // Everyone goes, and whoever comes back finds a new roster.
            return;
        }
        let mut budget = TOLD_AT_ONCE;
        while budget > 0 {
            if (0..self.peers.len()).any(|shard| shard != self.index && self.is_congested(shard)) {
                self.presence_armed = self.wheel.arm(Timer::Presence, self.now + TICK_MS);
                return;
            }
            let now_ms = self.unix_ms();
            let Some(name) = self.presence.next_due(now_ms) else { break };
            let companion = Channel::parse(name).ok().as_ref().and_then(comet_bus::companion_of);
            let Some(companion) = companion.filter(|one| self.home.reserve(one, now_ms).is_ok()) else {
                // No place for it among the channels that are counted: what changes meanwhile is told with it.
                self.counters.ending(Code::Overloaded);
                self.presence.put_off_next(now_ms);
                budget -= 1;
                continue;
            };
            let Some(changes) = self.presence.take_next(now_ms, budget) else { break };
            budget = budget.saturating_sub(changes.entries().max(1));
            self.counters.presence_changes.add(changes.entries() as u64);
            let data = RawValue::from_string(changes.to_json());
            let told = data.map_err(|_| Code::Internal);
            let told = told.and_then(|data| self.number_in_memory(Publish::new(companion.clone(), data)));
            if let Err(code) = told {
                self.counters.ending(code);
                tracing::warn!(
                    channel = companion.as_str(),
                    code = code.name(),
                    "changes of presence are lost"
                );
            }
        }
        self.arm_presence();
    }

    /// Whether a call is for the service that lists who is on a channel. The host may have one of its own.
    pub(super) fn lists_rosters(&self, call: &Publish) -> bool {
        self.table.has_presence()
            && call.channel.as_str() == attendance::SERVICE
            && !self.host.serves(&call.channel)
    }

    /// A session calls that service: whoever may listen to the channel may know who else does.
    pub(super) fn ask_for_roster(
        &mut self,
        key: ExchangeKey,
        exchange: &mut Exchange,
        call: Publish,
        id: Option<Box<RawValue>>,
        reply: Reply,
    ) {
        let asked = match Asked::parse(&call.data) {
            Ok(asked) => asked,
            Err(error) => return self.refuse(exchange, reply.deny(error)),
        };
        let name = asked.channel.as_str();
        let Some(pattern) = Pattern::parse(name).ok().filter(|_| self.attended(name).is_some()) else {
            let error = Error::new(Code::ServiceRefused, &format!("{name} has no presence"));
            return self.refuse(exchange, reply.deny(error));
        };
        let question = Box::new((pattern, asked));
        self.ask(key, exchange, exchange::Asked::Roster { call, question, id, reply });
    }

    /// It may ask.
    pub(super) fn ask_roster(
        &mut self,
        exchange: &mut Exchange,
        session: SessionKey,
        (call, asked): (Publish, Asked),
        id: Option<Box<RawValue>>,
        reply: Reply,
    ) {
        if self.drain.is_some() {
            return self.refuse(exchange, reply.deny(Code::Draining));
        }
        let Some(responder) = self.responder(exchange, session, &call, id, reply) else { return };
        let Asked { channel, after, members } = asked;
        let asker = Asker::Session(responder);
        let Some((channel, home)) = self.attended(channel.as_str()) else { return };
        let question = RosterQuestion { channel, after, members, asker };
        if home == self.index {
            self.on_roster_question(question);
        } else {
            self.peers[home].post(Letter::Roster(Box::new(question)));
        }
    }

    /// At the home of a companion: somebody wants to know who is there.
    pub(super) fn on_roster_question(&mut self, question: RosterQuestion) {
        let RosterQuestion { channel, after, members, asker } = question;
        let name = channel.as_str();
        let Some(companion) = self.table.companion(&channel) else { return };
        let limit = members.min(self.config.limits.presence_page_members);
        let page = match asker {
            _ if limit == 0 => Default::default(),
            Asker::Session(_) => self.presence.page_told(name, after, limit),
            Asker::Caller(_) => self.presence.page(name, after, limit),
        };
        let (count, position) = (self.presence.count(name), self.home.head(&companion));
        let answer = RosterPage { count, page, position };
        match asker {
            Asker::Session(responder) => {
                let data = RawValue::from_string(answer.to_json(&channel));
                responder.answer(data.map_err(|_| Code::Internal.into()));
            }
            // Whoever asked may have stopped waiting.
            Asker::Caller(caller) => drop(caller.send(answer)),
        }
    }
}
