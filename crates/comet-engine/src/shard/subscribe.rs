//! Subscriptions of a session: the list in the hub, the word to the homes, and what is asked of the past.
//!
//! What a message may ask for is `bayeux`'s, who listens is the hub's; here names become subscriptions, and what
//! is to be recovered becomes a question to the home of each channel. The answers come in `recovery`.

use bayeux::{Channel, Code, DeliverRequest, Error, Pattern, Reply, Since, SinceRequest};
use comet_bus::{Position, ShardSet, Subscribed, Unsubscribed, home_of};

use crate::exchange::{Exchange, Recovering};
use crate::inbox::{Interest, Letter};
use crate::key::{ExchangeKey, SessionKey};
use crate::recovery::{Joining, Question, Questions, Recover, Replayed};

use super::Shard;

/// Two shards read one clock a moment apart: so much earlier counts as now.
const CLOCK_MARGIN_MS: u64 = 5;

impl Shard {
    /// Subscribes for a session, and asks for what it wants of the past; its reply waits for the answers.
    pub(super) fn subscribe_of_exchange(
        &mut self,
        key: ExchangeKey,
        exchange: &mut Exchange,
        session: SessionKey,
        (patterns, since, deliver): (Vec<Pattern>, Option<SinceRequest>, Option<DeliverRequest>),
        mut reply: Reply,
    ) {
        // Others of the session may have been let in while the policy thought.
        let is_new = |name: &&Pattern| !self.hub.is_subscribed(session.slot, name.as_str());
        let added = patterns.iter().filter(is_new).count();
        let room = self.config.session.subscriptions.saturating_sub(self.hub.subscriptions(session.slot));
        if added > room {
            return self.refuse(exchange, reply.deny(Code::SubscriptionsTooMany));
        }
        if since.is_some() && self.drain.is_some() {
            // The homes that would have to answer may have stopped.
            return self.refuse(exchange, reply.deny(Code::Draining));
        }
        if let Err(code) = self.may_attend(&patterns) {
            return self.refuse(exchange, reply.deny(code));
        }
        if since.is_some() {
            // Every question costs its home time and memory.
            let open = self.seat(session).map_or(0, |seat| seat.joining().len());
            if open + patterns.len() > self.config.limits.recoveries_per_session {
                return self.refuse(exchange, reply.deny(Code::RateLimited));
            }
            if (0..self.peers.len()).any(|home| self.is_congested(home)) {
                return self.refuse(exchange, reply.deny(Code::Overloaded));
            }
        }
        let questions: Result<Vec<_>, Error> = match &since {
            Some(since) => patterns.iter().map(|pattern| question(pattern, since)).collect(),
            None => Ok(Vec::new()),
        };
        let questions = match questions {
            Ok(questions) => questions,
            Err(error) => return self.refuse(exchange, reply.deny(error)),
        };
        let counts = self.seat(session).is_some_and(|seat| seat.session.counts());
        let silent = since.is_none();
        let since = since.filter(|_| !counts || !self.was_asked(session, &patterns, &mut reply));
        if counts {
            reply.ext.time_ms(self.beginning_ms());
        }
        if let Some(wish) = deliver {
            let manners = self.set_manner(session, &patterns, wish);
            let names = patterns.iter().map(Pattern::as_str).zip(manners);
            reply.ext.deliver(&names.collect::<Vec<_>>());
        }
        let at = exchange.replies.len();
        exchange.replies.push(reply);
        let replays = matches!(&since, Some(SinceRequest::Each(_)));
        let (mut asked, mut fresh, mut unasked) = (Vec::new(), Vec::new(), Vec::new());
        let names = if self.table.has_presence() { patterns.clone() } else { Vec::new() };
        for (index, pattern) in patterns.into_iter().enumerate() {
            let subscribed = self.subscribe(session, pattern.as_str());
            if subscribed != Subscribed::Already {
                fresh.push(pattern.clone());
            }
            let is_new = subscribed != Subscribed::Already;
            if let Some(Some(question)) = questions.get(index) {
                asked.push((pattern, question.clone(), is_new));
            } else if is_new && let Some(question) = self.newest_of(&pattern).filter(|_| silent) {
                asked.push((pattern, question, true));
            } else if is_new && replays {
                unasked.push(pattern);
            }
        }
        let mut questions = Questions::default();
        let asks = since.is_some() || silent && !asked.is_empty();
        if asks {
            let replay = replays.then(Default::default);
            let (gaps, cached) = (Vec::new(), Vec::new());
            let recovering = Recovering { reply: at, awaited: 0, replay, silent, cached, counts, gaps };
            exchange.recoveries.push(recovering);
            exchange.awaited += 1;
            for (pattern, question, is_new) in asked {
                self.prepare((key, exchange, at), session, (pattern, question, is_new), &mut questions);
            }
            for pattern in unasked {
                // Should the others be refused, it ends with them.
                questions.numbers.push(self.join((exchange, at), session, pattern, true, &[]));
            }
        }
        self.attend((key, exchange, at), session, (&names, fresh), questions);
        if asks {
            self.finish_recovery(exchange, session, at);
        }
    }

    /// From when on whoever subscribes now can ask for what it has missed, in unix milliseconds. Of what was before the
    /// start nothing is known: who asked from there would be told of a gap.
    pub(super) fn beginning_ms(&self) -> u64 {
        self.unix_ms().saturating_sub(CLOCK_MARGIN_MS).max(self.started_unix_ms)
    }

    /// Whether a client that counts has asked this very question before: then the answer stands among its events, which
    /// it gets until they have come.
    fn was_asked(&mut self, session: SessionKey, patterns: &[Pattern], reply: &mut Reply) -> bool {
        let Some(seat) = self.seat(session) else { return false };
        let Some(id) = &reply.id else { return false };
        let names = patterns.iter().map(Pattern::as_str);
        let was_asked = seat.repeats.get_or_insert_default().note(id.get(), names);
        if was_asked {
            reply.ext.recovered();
        }
        was_asked
    }

    /// Makes a subscription wait for every home that has channels of the name; what these are to be asked is put beside
    /// the other questions.
    fn prepare(
        &mut self,
        (key, exchange, reply): (ExchangeKey, &mut Exchange, usize),
        session: SessionKey,
        (name, question, is_new): (Pattern, Question, bool),
        questions: &mut Questions,
    ) {
        let shards = self.peers.len();
        let homes = match question.channel() {
            Some(channel) => vec![home_of(channel.as_str(), shards)],
            None => (0..shards).collect(),
        };
        let number = self.join((exchange, reply), session, name.clone(), is_new, &homes);
        questions.numbers.push(number);
        for home in homes {
            let recover = Recover {
                shard: self.index,
                exchange: key,
                reply,
                session,
                number,
                name: name.clone(),
                question: question.for_home(home, shards),
            };
            questions.letters.push((home, recover));
        }
    }

    /// Asks the homes. Also the one on this shard is asked by letter, so that each turn answers only so many.
    pub(super) fn ask_homes(&mut self, questions: Questions) {
        for (home, recover) in questions.letters {
            self.peers[home].post(Letter::Recover(Box::new(recover)));
        }
    }

    /// The subscription does not hold: what it wanted to ask of the past is asked by nobody.
    pub(super) fn take_back_questions(
        &mut self,
        exchange: &mut Exchange,
        session: SessionKey,
        reply: usize,
        questions: &Questions,
    ) {
        let is_its = |one: &mut Recovering| one.reply == reply;
        exchange.awaited -= exchange.recoveries.extract_if(.., is_its).count() as u32;
        if questions.numbers.is_empty() {
            return;
        }
        if let Some(aside) = self.seat(session).and_then(|seat| seat.aside.as_mut()) {
            aside.joining.retain(|joining| !questions.numbers.contains(&joining.number));
        }
        self.release_withheld(session);
    }

    /// Notes that a subscription waits for the answers of these homes; the number of its question.
    fn join(
        &mut self,
        (exchange, reply): (&mut Exchange, usize),
        session: SessionKey,
        name: Pattern,
        is_new: bool,
        homes: &[usize],
    ) -> u32 {
        let number = self.next_generation();
        let mut awaited = ShardSet::default();
        homes.iter().for_each(|home| awaited.insert(*home));
        if let Some(recovering) = exchange.recovering(reply) {
            recovering.awaited += homes.len() as u32;
            if let Some(replay) = &mut recovering.replay {
                replay.names.push(Replayed { number, name: name.clone(), is_new });
            }
        }
        if let Some(seat) = self.seat(session) {
            let joining = Joining { number, name, was_live: !is_new, awaited, is_held: false };
            seat.aside_mut().joining.push(joining);
        }
        number
    }

    /// What is asked for whoever subscribes to a channel of this name and asks for nothing, if the channel wants that.
    fn newest_of(&self, name: &Pattern) -> Option<Question> {
        let channel = Channel::parse(name.as_str()).ok().filter(|channel| self.table.caches(channel))?;
        // The home may have stopped.
        self.drain.is_none().then(|| Question::of(channel, &Since::Last(1)))
    }

    /// Makes a session listen to a name.
    fn subscribe(&mut self, session: SessionKey, name: &str) -> Subscribed {
        let subscribed = self.hub.subscribe(session.slot, name);
        if subscribed == Subscribed::First {
            self.tell_interest(name, true);
        }
        subscribed
    }

    pub(super) fn unsubscribe(&mut self, session: SessionKey, name: &str) {
        let unsubscribed = self.hub.unsubscribe(session.slot, name);
        if unsubscribed == Unsubscribed::Last {
            self.tell_interest(name, false);
        }
        if unsubscribed != Unsubscribed::Absent {
            self.depart(session, name);
        }
        let Some(seat) = self.seat(session) else { return };
        // Whoever listens again may ask again, also under an old id.
        seat.repeats = None;
        if let Some(aside) = seat.aside.as_mut() {
            aside.joining.retain(|joining| joining.name.as_str() != name);
            aside.coming.iter_mut().for_each(|coming| coming.added.retain(|added| added.as_str() != name));
            self.forget_missed(session);
            self.release_withheld(session);
            self.forget_manner(session, name);
        }
    }

    /// Tells the home of a name, or every shard when it is a pattern, that this shard listens or does not.
    pub(super) fn tell_interest(&mut self, name: &str, interested: bool) {
        let homes = if name.ends_with('*') {
            0..self.peers.len()
        } else {
            let home = home_of(name, self.peers.len());
            home..home + 1
        };
        for home in homes {
            if home == self.index {
                self.home.on_interest(self.index, name, interested);
            } else {
                self.peers[home].tell(Interest { shard: self.index, name: name.into(), interested });
            }
        }
    }
}

/// What one name of a subscribe asks of the past, if anything.
fn question(pattern: &Pattern, since: &SinceRequest) -> Result<Option<Question>, Error> {
    let channel = Channel::parse(pattern.as_str()).ok();
    match (since, channel) {
        (SinceRequest::One(since), Some(channel)) => Ok(Some(Question::of(channel, since))),
        (SinceRequest::One(Since::Time(time_ms)), None) => {
            Ok(Some(Question::Matching { positions: Vec::new(), time_ms: *time_ms }))
        }
        (SinceRequest::One(_), None) => Err(needs_channel(pattern)),
        (SinceRequest::Pattern { time_ms, positions }, Some(channel)) => {
            let known = positions.iter().find(|(name, _)| *name == channel);
            let since =
                known.map_or(Since::Time(*time_ms), |(_, position)| Since::Position(position.clone()));
            Ok(Some(Question::of(channel, &since)))
        }
        (SinceRequest::Pattern { time_ms, positions }, None) => {
            let positions = positions.iter().filter(|(channel, _)| pattern.matches(channel));
            let positions = positions.map(|(channel, position)| (channel.clone(), position_of(position)));
            Ok(Some(Question::Matching { positions: positions.collect(), time_ms: *time_ms }))
        }
        (SinceRequest::Each(each), channel) => {
            match (each.iter().find(|(name, _)| name == pattern), channel) {
                (Some((_, since)), Some(channel)) => Ok(Some(Question::of(channel, since))),
                (Some(_), None) => Err(needs_channel(pattern)),
                (None, _) => Ok(None),
            }
        }
    }
}

fn needs_channel(pattern: &Pattern) -> Error {
    let reason = format!("{} is a pattern, which has no position or count", pattern.as_str());
    Error::new(Code::MessageInvalid, &reason)
}

/// A position as a home knows it; one that no home ever gave out stands for a lost one.
pub(crate) fn position_of(position: &bayeux::Position) -> Position {
    Position::parse(&position.epoch, position.offset).unwrap_or(Position { epoch: 0, offset: u64::MAX })
}
