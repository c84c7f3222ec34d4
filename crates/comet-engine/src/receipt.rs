//! Publications whose publisher wants to know who has received them.
//!
//! At the home of a channel each such publication is open until all who can confirm it have, or its time is up; on a
//! shard that hands it out a [`Tally`] counts. Words and numbers only: who is told, and how, is the shard's business.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use bayeux::{Channel, Code, Millis, event};
use comet_bus::{Position, ShardSet};

use crate::key::SessionKey;

/// Places in the order of time that may be of publications which are over, before these are taken out.
const SPARE_DUE: usize = 64;

/// Who wants to know.
pub(crate) struct Wish {
    /// The shard of the session that publishes.
    pub(crate) shard: usize,
    pub(crate) session: SessionKey,
    /// What the publisher calls the publication.
    pub(crate) key: Option<Box<str>>,
}

/// To a home: what a shard has to say of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) receipt: u64,
    pub(crate) shard: usize,
    /// It has been handed out: to so many sessions, of which so many confirm what they receive.
    pub(crate) sent: Option<(u32, u32)>,
    /// So many more have confirmed it.
    pub(crate) received: u32,
    /// Nobody there has it any more that could confirm it.
    pub(crate) over: bool,
}

/// Counts for one publication on one shard.
pub(crate) struct Tally {
    receipt: u64,
    home: usize,
    sent: Cell<u32>,
    confirming: Cell<u32>,
    received: Cell<u32>,
    over: Cell<bool>,
    /// It stands among those with something new.
    listed: Cell<bool>,
    /// Where it is put when it has something new to say.
    changed: Changed,
}

/// The tallies of one shard with something new to say.
pub(crate) type Changed = Rc<RefCell<Vec<Rc<Tally>>>>;

impl Tally {
    pub(crate) fn new(receipt: u64, home: usize, changed: Changed) -> Rc<Tally> {
        Rc::new(Tally {
            receipt,
            home,
            sent: Cell::new(0),
            confirming: Cell::new(0),
            received: Cell::new(0),
            over: Cell::new(false),
            listed: Cell::new(false),
            changed,
        })
    }

    /// It is queued for a session.
    pub(crate) fn on_queued(&self, confirms: bool) {
        self.sent.set(self.sent.get() + 1);
        self.confirming.set(self.confirming.get() + u32::from(confirms));
    }

    /// It was queued for everyone who gets it now.
    pub(crate) fn handed_out(&self, shard: usize) -> Report {
        let sent = Some((self.sent.get(), self.confirming.get()));
        Report { receipt: self.receipt, shard, sent, received: 0, over: false }
    }

    /// A session has confirmed it.
    pub(crate) fn on_confirmed(self: &Rc<Self>) {
        self.received.set(self.received.get() + 1);
        self.list();
    }

    /// No session has it in its queue any more, nor among what it has sent.
    pub(crate) fn on_over(self: &Rc<Self>) {
        self.over.set(true);
        self.list();
    }

    fn list(self: &Rc<Self>) {
        if !self.listed.replace(true) {
            self.changed.borrow_mut().push(self.clone());
        }
    }

    /// Takes what is new, with the home to be told.
    pub(crate) fn take(&self, shard: usize) -> (usize, Report) {
        self.listed.set(false);
        let (received, over) = (self.received.take(), self.over.get());
        (self.home, Report { receipt: self.receipt, shard, sent: None, received, over })
    }
}

/// The open publications of one home.
pub(crate) struct Receipts {
    most: usize,
    most_of_session: usize,
    patience_ms: Millis,
    last: u64,
    open: HashMap<u64, Open>,
    by_session: HashMap<(usize, SessionKey), usize>,
    /// When the time of each is up, in order; of some that are over, too.
    due: VecDeque<(Millis, u64)>,
    /// Somebody looks when the first is due.
    watched: bool,
    /// Publications that wait for a journal, and will be opened when it has them.
    promised: usize,
}

struct Open {
    wish: Wish,
    channel: Channel,
    position: Position,
    /// Shards that have not said to how many they have handed it.
    awaited: ShardSet,
    /// Shards on which somebody may still confirm it.
    held: ShardSet,
    sent: u32,
    confirming: u32,
    received: u32,
    told: bool,
}

/// An event for whoever wanted to know.
pub(crate) struct Told {
    pub(crate) shard: usize,
    pub(crate) session: SessionKey,
    pub(crate) event: Box<[u8]>,
}

impl Receipts {
    pub(crate) fn new(most: usize, most_of_session: usize, patience_ms: Millis) -> Receipts {
        Receipts {
            most,
            most_of_session,
            patience_ms,
            last: 0,
            open: HashMap::new(),
            by_session: HashMap::new(),
            due: VecDeque::new(),
            watched: false,
            promised: 0,
        }
    }

    /// A number for the next publication whose receivers are to confirm it.
    ///
    /// # Errors
    /// `rate_limited` when the session has too many open, `overloaded` when all sessions together have.
    pub(crate) fn number(&mut self, wish: &Wish) -> Result<u64, Code> {
        let own = self.by_session.get(&(wish.shard, wish.session)).copied().unwrap_or(0);
        if own >= self.most_of_session {
            return Err(Code::RateLimited);
        }
        if self.open.len() + self.promised >= self.most {
            return Err(Code::Overloaded);
        }
        self.last += 1;
        Ok(self.last)
    }

    /// A publication with a number is to be opened later: it counts from now on.
    pub(crate) fn promise(&mut self, wish: &Wish) {
        *self.by_session.entry((wish.shard, wish.session)).or_default() += 1;
        self.promised += 1;
    }

    /// A publication that was promised is opened now, or never.
    pub(crate) fn withdraw(&mut self, wish: &Wish) {
        self.promised -= 1;
        self.leave((wish.shard, wish.session));
    }

    /// A session has one less.
    fn leave(&mut self, session: (usize, SessionKey)) {
        if let Some(count) = self.by_session.get_mut(&session) {
            *count -= 1;
            if *count == 0 {
                self.by_session.remove(&session);
            }
        }
    }

    /// The publication of this number goes to these shards now. When to look, if nobody does yet.
    pub(crate) fn open(
        &mut self,
        receipt: u64,
        wish: Wish,
        (channel, position): (Channel, Position),
        awaited: ShardSet,
        now: Millis,
    ) -> Option<Millis> {
        *self.by_session.entry((wish.shard, wish.session)).or_default() += 1;
        let (sent, confirming, received) = (0, 0, 0);
        let held = awaited;
        let open = Open { wish, channel, position, awaited, held, sent, confirming, received, told: false };
        self.open.insert(receipt, open);
        if self.due.len() >= SPARE_DUE + 2 * self.open.len() {
            self.due.retain(|(_, receipt)| self.open.contains_key(receipt));
        }
        self.due.push_back((now + self.patience_ms, receipt));
        let first = self.due.front().map(|(due, _)| *due);
        first.filter(|_| !std::mem::replace(&mut self.watched, true))
    }

    /// Takes a report; what is to be told now: the first confirmation, and then that all have confirmed.
    pub(crate) fn on_report(&mut self, report: Report) -> Option<Told> {
        let open = self.open.get_mut(&report.receipt)?;
        if let Some((sent, confirming)) = report.sent {
            open.awaited.remove(report.shard);
            open.sent += sent;
            open.confirming += confirming;
        }
        open.received += report.received;
        if report.over {
            open.held.remove(report.shard);
        }
        if !open.awaited.is_empty() {
            return None;
        }
        if open.received >= open.confirming || open.held.is_empty() {
            return self.close(report.receipt);
        }
        let first = open.received > 0 && !std::mem::replace(&mut open.told, true);
        first.then(|| open.tell(false))
    }

    /// Ends one: everything is known of it, or its time is up.
    pub(crate) fn close(&mut self, receipt: u64) -> Option<Told> {
        let open = self.open.remove(&receipt)?;
        self.leave((open.wish.shard, open.wish.session));
        if self.open.is_empty() {
            (self.open, self.due) = Default::default();
            if self.promised == 0 {
                self.by_session = HashMap::new();
            }
        }
        Some(open.tell(true))
    }

    /// What is to be told because its time is up, and when to look again.
    pub(crate) fn on_time(&mut self, now: Millis) -> (Vec<Told>, Option<Millis>) {
        let mut told = Vec::new();
        while let Some((due, receipt)) = self.due.front().copied()
            && due <= now
        {
            self.due.pop_front();
            told.extend(self.close(receipt));
        }
        let next = self.due.front().map(|(due, _)| *due);
        self.watched = next.is_some();
        (told, next)
    }
}

impl Open {
    fn tell(&self, last: bool) -> Told {
        let epoch = format!("{:x}", self.position.epoch);
        let receipt = event::Receipt {
            channel: self.channel.as_str(),
            epoch: &epoch,
            offset: self.position.offset,
            key: self.wish.key.as_deref(),
            sent: self.sent,
            confirming: self.confirming,
            received: self.received,
            last,
        };
        let mut out = Vec::new();
        event::write_receipt(&receipt, &mut out);
        Told { shard: self.wish.shard, session: self.wish.session, event: out.into_boxed_slice() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: SessionKey = SessionKey { slot: 1, generation: 1 };

    fn wish() -> Wish {
        Wish { shard: 0, session: ALICE, key: Some("k".into()) }
    }

    fn opened(receipts: &mut Receipts, shards: &[usize], now: Millis) -> u64 {
        let mut awaited = ShardSet::default();
        shards.iter().for_each(|shard| awaited.insert(*shard));
        let receipt = receipts.number(&wish()).unwrap();
        let place = (Channel::parse("/a").unwrap(), Position { epoch: 1, offset: receipt });
        receipts.open(receipt, wish(), place, awaited, now);
        receipt
    }

    fn report(receipt: u64, shard: usize, sent: Option<(u32, u32)>, received: u32) -> Report {
        Report { receipt, shard, sent, received, over: false }
    }

    fn text(told: Option<Told>) -> String {
        told.map(|told| String::from_utf8(told.event.into()).unwrap()).unwrap_or_default()
    }

    #[test]
    fn the_first_confirmation_is_told_and_then_that_all_have() {
        let mut receipts = Receipts::new(9, 9, 1_000);
        let one = opened(&mut receipts, &[0, 1], 0);
        assert!(receipts.on_report(report(one, 0, Some((3, 2)), 0)).is_none());
        assert!(
            receipts.on_report(report(one, 0, None, 1)).is_none(),
            "the other shard has not said how many"
        );
        let first = text(receipts.on_report(report(one, 1, Some((1, 1)), 0)));
        assert!(first.contains(r#""sent":4,"confirming":3,"received":1,"last":false"#), "{first}");
        assert!(receipts.on_report(report(one, 1, None, 1)).is_none(), "the second is not told");
        let all = text(receipts.on_report(report(one, 0, None, 1)));
        assert!(all.contains(r#""received":3,"last":true"#), "{all}");
        assert!(receipts.on_report(report(one, 0, None, 1)).is_none(), "it is over");
    }

    #[test]
    fn when_nobody_can_confirm_it_is_over_at_once_and_when_nobody_does_its_time_runs_out() {
        let mut receipts = Receipts::new(9, 9, 1_000);
        let one = opened(&mut receipts, &[0], 0);
        assert!(
            text(receipts.on_report(report(one, 0, Some((2, 0)), 0))).contains(r#""sent":2,"confirming":0"#)
        );
        let two = opened(&mut receipts, &[0], 100);
        receipts.on_report(report(two, 0, Some((2, 2)), 0));
        let three = opened(&mut receipts, &[0], 500);
        assert_eq!(receipts.on_time(1_099).1, Some(1_100));
        let (told, next) = receipts.on_time(1_100);
        assert_eq!((told.len(), next), (1, Some(1_500)));
        assert!(text(told.into_iter().next()).contains(r#""received":0,"last":true"#));
        assert!(receipts.close(three).is_some());
        assert_eq!(receipts.on_time(5_000).1, None);
    }

    #[test]
    fn when_all_who_could_have_are_gone_it_is_over() {
        let mut receipts = Receipts::new(9, 9, 1_000);
        let one = opened(&mut receipts, &[0, 1], 0);
        receipts.on_report(report(one, 0, Some((2, 2)), 0));
        receipts.on_report(report(one, 1, Some((1, 1)), 0));
        let gone = |shard, received| Report { over: true, ..report(one, shard, None, received) };
        assert!(text(receipts.on_report(gone(0, 1))).contains(r#""received":1,"last":false"#));
        assert!(text(receipts.on_report(gone(1, 0))).contains(r#""confirming":3,"received":1,"last":true"#));
    }

    #[test]
    fn so_many_are_open_and_no_more() {
        let mut receipts = Receipts::new(3, 2, 1_000);
        let one = opened(&mut receipts, &[0], 0);
        opened(&mut receipts, &[0], 0);
        assert_eq!(receipts.number(&wish()), Err(Code::RateLimited));
        let bob = Wish { session: SessionKey { slot: 2, generation: 1 }, ..wish() };
        let three = receipts.number(&bob).unwrap();
        let place = (Channel::parse("/a").unwrap(), Position { epoch: 1, offset: 3 });
        receipts.open(three, bob, place, ShardSet::default(), 0);
        let carol = Wish { session: SessionKey { slot: 3, generation: 1 }, ..wish() };
        assert_eq!(receipts.number(&carol), Err(Code::Overloaded));
        receipts.close(one);
        assert!(receipts.number(&carol).is_ok() && receipts.number(&wish()).is_ok());
        // What is promised counts, and what is not kept counts no more.
        receipts.promise(&wish());
        assert_eq!(receipts.number(&wish()), Err(Code::RateLimited));
        assert_eq!(receipts.number(&carol), Err(Code::Overloaded));
        receipts.withdraw(&wish());
        assert!(receipts.number(&carol).is_ok() && receipts.number(&wish()).is_ok());
    }
}
