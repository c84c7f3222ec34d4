//! Publications: to the home of their channel, numbered there, and on to every shard that listens.
//!
//! The home freezes a message before anyone receives it, and its shard answers the publisher. Numbering and
//! subscriber lists are `comet-bus`'s; sessions get their deliveries in `push`.

use bayeux::{Code, event};
use comet_bus::{Draft, Full, Position, Published, home_of};

use crate::exchange::Exchange;
use crate::inbox::{Answer, Interest, Letter, Publish};
use crate::key::{ExchangeKey, SessionKey};

use super::Shard;

impl Shard {
    /// Publishes for a session; the batch's last reply waits for the outcome when the home is elsewhere.
    pub(super) fn publish_of_exchange(
        &mut self,
        key: ExchangeKey,
        exchange: &mut Exchange,
        session: SessionKey,
        mut publish: Publish,
    ) {
        let reply = exchange.replies.len() - 1;
        let home = home_of(publish.channel.as_str(), self.peers.len());
        exchange.awaited += 1;
        if self.home.identifies(&publish.channel) {
            publish.identity = self.identity_of(session);
        }
        let tells = self.seat(session).is_some_and(|seat| seat.session.counts());
        if self.drain.is_some() {
            exchange.published(reply, Err(self.refused(Code::Draining)), tells);
        } else if home == self.index {
            let outcome = self.number(publish);
            exchange.published(reply, outcome.map_err(|code| self.refused(code)), tells);
        } else if self.is_congested(home) {
            exchange.published(reply, Err(self.refused(Code::Overloaded)), tells);
        } else {
            let answer = Answer::Exchange { shard: self.index, exchange: key, reply };
            self.peers[home].post(Letter::Publish { publish, answer });
        }
    }

    /// What others may know of a session.
    fn identity_of(&mut self, session: SessionKey) -> Option<Box<str>> {
        let ids = self.ids.clone();
        let who = &self.seat(session)?.who;
        Some(event::publisher(&who.identity.subject, Some(&ids.public(&who.client_id))))
    }

    fn refused(&self, code: Code) -> Code {
        self.counters.ending(code);
        code
    }

    pub(super) fn is_congested(&self, shard: usize) -> bool {
        self.peers[shard].waiting_bytes() > self.config.limits.inbox_bytes
    }

    /// At the home of a channel: a message from another shard or from outside.
    pub(super) fn on_publish(&mut self, publish: Publish, answer: Answer) {
        // What other shards have accepted is numbered until they all have stopped accepting.
        let outcome = match answer {
            Answer::Caller(_) if self.drain.is_some() => Err(Code::Draining),
            // Sessions have been told before their publications came here.
            Answer::Caller(_) if self.table.is_companion(&publish.channel) => Err(Code::PublishDenied),
            _ => self.number(publish),
        };
        match answer {
            Answer::Exchange { shard, exchange, reply } => {
                self.peers[shard].post(Letter::Published { exchange, reply, outcome });
            }
            // Whoever asked may have stopped waiting.
            Answer::Caller(caller) => drop(caller.send(outcome)),
        }
    }

    /// Numbers a message and hands it to every shard with listeners.
    pub(super) fn number(&mut self, publish: Publish) -> Result<Position, Code> {
        // It has to fit into the queue of every session that will get it.
        if publish.weight() > self.config.session.mailbox_bytes {
            return Err(Code::DataTooLarge);
        }
        if (0..self.peers.len()).any(|shard| shard != self.index && self.is_congested(shard)) {
            return Err(Code::Overloaded);
        }
        let receipt = publish.receipt.as_ref().map(|wish| self.receipts.number(wish)).transpose()?;
        let wanted = publish.receipt.map(|wish| (wish, publish.channel.clone()));
        self.learn_interest();
        // Not the time of the turn: nothing may seem older than what somebody was told before it was numbered.
        let now_ms = self.started_unix_ms + self.read_clock();
        let ext = publish.ext.as_ref().map(|ext| ext.get());
        let Publish { publisher, echo, .. } = publish;
        let expires_at_ms = publish.expires_ms.map(|age_ms| now_ms.saturating_add(age_ms));
        let identity = publish.identity.as_deref();
        let key = publish.key.as_deref();
        let conflate = publish.conflate.as_deref();
        let draft = Draft {
            ext,
            key,
            conflate,
            identity,
            publisher,
            echo,
            expires_at_ms,
            receipt,
            ..Draft::new(publish.channel, publish.data.get())
        };
        let published = self.home.publish(draft, now_ms).map_err(|Full| Code::Overloaded)?;
        let position = published.position();
        let Published::New { publication, shards, .. } = published else { return Ok(position) };
        self.counters.publications.add(1);
        if let (Some(receipt), Some((wish, channel))) = (receipt, wanted) {
            self.open_receipt(receipt, *wish, (channel, position), shards);
        }
        let Some(publication) = publication else { return Ok(position) };
        for shard in shards.iter() {
            if shard == self.index {
                self.hand_out(&publication);
            } else {
                self.peers[shard].post(Letter::Publication(publication.clone()));
            }
        }
        Ok(position)
    }

    /// At the home of names: takes in which shards listen to them.
    pub(super) fn learn_interest(&mut self) {
        while let Some(Interest { shard, name, interested }) = self.inbox.take_interest() {
            self.home.on_interest(shard, &name, interested);
        }
    }

    /// At the publisher's shard: what became of a publication.
    pub(super) fn on_published(&mut self, key: ExchangeKey, reply: usize, outcome: Result<Position, Code>) {
        let Some(mut exchange) = self.take_exchange(key) else { return };
        let tells =
            exchange.session.and_then(|session| self.seat(session)).is_some_and(|seat| seat.session.counts());
        exchange.published(reply, outcome.map_err(|code| self.refused(code)), tells);
        self.go_on(key, exchange);
    }
}
