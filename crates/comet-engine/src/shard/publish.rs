//! Publications: to the home of their channel, numbered there, and on to every shard that listens.
//!
//! The home freezes a message before anyone receives it, and its shard answers the publisher. Numbering and
//! subscriber lists are `comet-bus`'s; sessions get their deliveries in `push`.

use std::sync::Arc;

use bayeux::{Code, event};
use comet_bus::journal::Entry;
use comet_bus::{Draft, Durability, Full, Publication, Published, ShardSet, home_of};

use crate::accepted::Accepted;
use crate::exchange::Exchange;
use crate::inbox::{Answer, Interest, Letter, Publish};
use crate::key::{ExchangeKey, SessionKey};
use crate::receipt::Wish;

use super::Shard;

/// A message that the journal has to be told of.
pub(super) struct New {
    pub(super) entry: Entry,
    /// Who wants to know who has received it.
    pub(super) wish: Option<Box<Wish>>,
}

/// What became of a message at the home of its channel.
enum Numbered {
    /// All there is to say.
    Done(Result<Accepted, Code>),
    /// It waits for the journal under this ticket; of a new one the journal has to be told.
    Waits(u64, Option<New>),
}

impl Shard {
    /// Publishes for a session; the batch's last reply waits for the outcome when the home is elsewhere or the
    /// channel durable.
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
            match self.number(publish) {
                Numbered::Done(outcome) => {
                    exchange.published(reply, outcome.map_err(|code| self.refused(code)), tells);
                }
                Numbered::Waits(ticket, entry) => {
                    let answer = Answer::Exchange { shard: self.index, exchange: key, reply };
                    self.await_journal(ticket, entry, answer);
                }
            }
        } else if self.is_congested(home) {
            exchange.published(reply, Err(self.refused(Code::Overloaded)), tells);
        } else {
            let answer = Answer::Exchange { shard: self.index, exchange: key, reply };
            self.peers[home].post(Letter::Publish { publish, answer });
        }
    }

    /// The key of a session's publication, apart from those of others: nobody can take one that somebody else is about
    /// to use. With it, who is to lose keys when it has given too many: a user, or else the session.
    pub(super) fn own_key(&self, session: SessionKey, name: &str) -> (Box<str>, Box<str>) {
        let seat = self.sessions.get(session.slot as usize);
        let subject = seat.map_or("", |seat| seat.who.identity.subject.as_str());
        let owner = match subject {
            "" => format!("session/{}", session.number(self.index)),
            subject => format!("user/{subject}"),
        };
        (format!("client/{}/{subject}/{name}", subject.len()).into(), owner.into())
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
        let numbered = match answer {
            Answer::Caller(_) if self.drain.is_some() => Numbered::Done(Err(Code::Draining)),
            // Sessions have been told before their publications came here.
            Answer::Caller(_) if self.table.is_companion(&publish.channel) => {
                Numbered::Done(Err(Code::PublishDenied))
            }
            _ => self.number(publish),
        };
        match numbered {
            Numbered::Done(outcome) => self.answer(answer, outcome),
            Numbered::Waits(ticket, entry) => self.await_journal(ticket, entry, answer),
        }
    }

    /// Tells a publisher what became of its message. Its batch may be the one that is worked on now: it hears by letter.
    pub(super) fn answer(&self, answer: Answer, outcome: Result<Accepted, Code>) {
        match answer {
            Answer::Exchange { shard, exchange, reply } => {
                self.peers[shard].post(Letter::Published { exchange, reply, outcome });
            }
            // Whoever asked may have stopped waiting.
            Answer::Caller(caller) => drop(caller.send(outcome)),
        }
    }

    /// Numbers a message and hands it to every shard with listeners.
    fn number(&mut self, publish: Publish) -> Numbered {
        // It has to fit into the queue of every session that will get it.
        if publish.weight() > self.config.session.mailbox_bytes {
            return Numbered::Done(Err(Code::DataTooLarge));
        }
        if (0..self.peers.len()).any(|shard| shard != self.index && self.is_congested(shard)) {
            return Numbered::Done(Err(Code::Overloaded));
        }
        let receipt = match publish.receipt.as_ref().map(|wish| self.receipts.number(wish)).transpose() {
            Ok(receipt) => receipt,
            Err(code) => return Numbered::Done(Err(code)),
        };
        let wanted = publish.receipt.map(|wish| (wish, publish.channel.clone()));
        self.learn_interest();
        // Not the time of the turn: nothing may seem older than what somebody was told before it was numbered.
        let now_ms = self.started_unix_ms + self.read_clock();
        let ext = publish.ext.as_ref().map(|ext| ext.get());
        let Publish { publisher, echo, .. } = publish;
        let expires_at_ms = publish.expires_ms.map(|age_ms| now_ms.saturating_add(age_ms));
        let identity = publish.identity.as_deref();
        let (key, key_owner) = (publish.key.as_deref(), publish.key_owner.as_deref());
        let conflate = publish.conflate.as_deref();
        let draft = Draft {
            ext,
            key,
            key_owner,
            conflate,
            identity,
            publisher,
            echo,
            expires_at_ms,
            receipt,
            ..Draft::new(publish.channel, publish.data.get())
        };
        let (publication, position, shards) = match self.home.publish(draft, now_ms) {
            Err(Full) => return Numbered::Done(Err(Code::Overloaded)),
            Ok(Published::Again { position, durability }) => {
                return Numbered::Done(Ok(Accepted { position, durability }));
            }
            Ok(Published::WaitingAgain(ticket)) => return Numbered::Waits(ticket, None),
            Ok(Published::Waiting { ticket, entry }) if self.can_keep() => {
                let wish = wanted.map(|(wish, _)| wish);
                return Numbered::Waits(ticket, Some(New { entry: *entry, wish }));
            }
            Ok(Published::Waiting { .. }) => {
                self.home.take_back(1);
                return Numbered::Done(Err(Code::JournalUnavailable));
            }
            Ok(Published::New { publication, position, shards }) => (publication, position, shards),
        };
        self.counters.publications.add(1);
        if let (Some(receipt), Some((wish, channel))) = (receipt, wanted) {
            self.open_receipt(receipt, *wish, (channel, position), shards);
        }
        if let Some(publication) = publication {
            self.spread(&publication, shards);
        }
        Numbered::Done(Ok(Accepted { position, durability: Durability::Memory }))
    }

    /// Numbers a message of a channel that is not durable, and hands it out.
    pub(super) fn number_in_memory(&mut self, publish: Publish) -> Result<Accepted, Code> {
        match self.number(publish) {
            Numbered::Done(outcome) => outcome,
            Numbered::Waits(_, new) => {
                // Nobody would hear of it: it never was.
                self.home.take_back(usize::from(new.is_some()));
                Err(Code::Internal)
            }
        }
    }

    /// Hands a numbered message to the shards with listeners.
    pub(super) fn spread(&mut self, publication: &Arc<Publication>, shards: ShardSet) {
        for shard in shards.iter() {
            if shard == self.index {
                self.hand_out(publication);
            } else {
                self.peers[shard].post(Letter::Publication(publication.clone()));
            }
        }
    }

    /// At the home of names: takes in which shards listen to them.
    pub(super) fn learn_interest(&mut self) {
        while let Some(Interest { shard, name, interested }) = self.inbox.take_interest() {
            self.home.on_interest(shard, &name, interested);
        }
    }

    /// At the publisher's shard: what became of a publication.
    pub(super) fn on_published(&mut self, key: ExchangeKey, reply: usize, outcome: Result<Accepted, Code>) {
        let Some(mut exchange) = self.take_exchange(key) else { return };
        let tells =
            exchange.session.and_then(|session| self.seat(session)).is_some_and(|seat| seat.session.counts());
        exchange.published(reply, outcome.map_err(|code| self.refused(code)), tells);
        self.go_on(key, exchange);
    }
}
