//! Publications of durable channels: to the journal first, and to everybody when it has them.
//!
//! What is numbered in one turn goes to the journal as one group, and the journal's word comes back as a letter. Only then a
//! message is remembered, handed out and answered for; a refusal is told to its publisher and to nobody else. The files are
//! the journal's, the numbers and what waits are the home's; here stand those who wait for an answer.

use std::collections::VecDeque;
use std::sync::Arc;

use bayeux::Code;
use comet_bus::Kept;
use comet_bus::journal::{Done, Entry, JournalError, Keeper};
use smallvec::SmallVec;

use crate::accepted::Accepted;
use crate::inbox::{Answer, Letter, Peer};
use crate::receipt::Wish;
use crate::stop::Order;

use super::Shard;
use super::publish::New;

/// Entries that go to the journal together; more do not wait for the end of the turn.
const GROUP_ENTRIES: usize = 512;
/// Bytes of their events, likewise.
const GROUP_BYTES: usize = 1 << 20;
/// Entries of what the journal may forget that go to it together.
const CHORES: usize = 512;

/// Those who wait for one message.
#[derive(Default)]
struct Awaiting {
    answers: SmallVec<[Answer; 1]>,
    /// Who wants to know who has received it.
    wish: Option<Box<Wish>>,
}

/// What of a shard waits for its journal.
pub(super) struct Keeping {
    keeper: Arc<dyn Keeper>,
    /// Who wants to hear of each message that waits, in the order of their tickets.
    waiting: VecDeque<Awaiting>,
    /// The ticket of the first.
    first: u64,
    /// Entries that the journal has not been told.
    group: Vec<Entry>,
    group_bytes: usize,
    /// The groups it has been told, oldest first: number and length.
    told: VecDeque<(u64, usize)>,
    next: u64,
    /// What it may forget and had no room for.
    chores: Vec<Entry>,
    /// It takes nothing more.
    has_failed: bool,
    /// A stop waits until nothing waits here.
    order: Option<Order>,
}

impl Keeping {
    pub(super) fn new(keeper: Arc<dyn Keeper>) -> Keeping {
        Keeping {
            keeper,
            waiting: VecDeque::new(),
            first: 0,
            group: Vec::new(),
            group_bytes: 0,
            told: VecDeque::new(),
            next: 0,
            chores: Vec::new(),
            has_failed: false,
            order: None,
        }
    }
}

/// The word of the journal on a group, on its way to the shard. If it is never given, that is told too.
struct Word {
    peer: Peer,
    group: u64,
    is_given: bool,
}

impl Word {
    fn done(self) -> Done {
        let mut word = self;
        Box::new(move |verdicts| {
            let refusals = verdicts.iter().enumerate();
            let refusals =
                refusals.filter_map(|(index, verdict)| Some((index, verdict.as_ref().err()?.clone())));
            word.is_given = true;
            word.peer.post(Letter::Kept { group: word.group, refusals: Some(refusals.collect()) });
        })
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        if !self.is_given {
            self.peer.post(Letter::Kept { group: self.group, refusals: None });
        }
    }
}

impl Shard {
    /// Whether the journal of durable channels takes anything.
    pub(super) fn can_keep(&self) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| !keeping.has_failed)
    }

    /// Notes who waits for the message with this ticket; of a `new` one the journal has to be told.
    pub(super) fn await_journal(&mut self, ticket: u64, new: Option<New>, answer: Answer) {
        let Some(keeping) = &mut self.keeping else { return };
        if let Some(New { entry, wish }) = new {
            if let Some(wish) = &wish {
                self.receipts.promise(wish);
            }
            if let Entry::Append { record, .. } = &entry {
                keeping.group_bytes += record.event.len();
            }
            keeping.group.push(entry);
            keeping.waiting.push_back(Awaiting { answers: SmallVec::new(), wish });
        }
        let place = ticket.checked_sub(keeping.first).and_then(|place| usize::try_from(place).ok());
        if let Some(awaiting) = place.and_then(|place| keeping.waiting.get_mut(place)) {
            awaiting.answers.push(answer);
        }
        if keeping.group.len() >= GROUP_ENTRIES || keeping.group_bytes >= GROUP_BYTES {
            self.tell_journal();
        }
    }

    /// Tells the journal what was numbered. What it has no room for was never numbered.
    pub(super) fn tell_journal(&mut self) {
        let Some(keeping) = self.keeping.as_mut().filter(|keeping| !keeping.group.is_empty()) else { return };
        let entries = std::mem::take(&mut keeping.group);
        keeping.group_bytes = 0;
        let (group, count) = (keeping.next, entries.len());
        keeping.next += 1;
        let word = Word { peer: self.peers[self.index].clone(), group, is_given: false };
        match keeping.keeper.submit_all(entries, Some(word.done())) {
            Ok(()) => keeping.told.push_back((group, count)),
            Err(error) => {
                let left = keeping.waiting.len() - count;
                let refused: Vec<_> = keeping.waiting.drain(left..).collect();
                self.home.take_back(count);
                let code = self.code_of(&error);
                refused.into_iter().for_each(|awaiting| self.refuse_awaiting(awaiting, code));
            }
        }
        self.count_waiting();
    }

    /// The journal has given its word on a group: each entry is kept, but for the refusals; without any word it is gone.
    pub(super) fn on_kept(&mut self, group: u64, refusals: Option<Vec<(usize, JournalError)>>) {
        let Some(keeping) = &mut self.keeping else { return };
        // A group that was refused at once is not among them.
        if !keeping.told.iter().any(|(told, _)| *told == group) {
            return;
        }
        let (Some(refusals), Some((_, count))) =
            (refusals, keeping.told.pop_front().filter(|(told, _)| *told == group))
        else {
            return self.lose_journal(&JournalError::Closed);
        };
        self.learn_interest();
        let now_ms = self.unix_ms();
        let mut refusals = refusals.into_iter().peekable();
        for index in 0..count {
            let refusal = refusals.next_if(|(refused, _)| *refused == index);
            match refusal {
                Some((_, error @ (JournalError::TooBig | JournalError::OutOfOrder { .. }))) => {
                    tracing::error!(%error, "the journal refuses a message");
                    self.refuse_oldest();
                }
                // Whatever else it says, it says of every message from now on.
                Some((_, error)) => return self.lose_journal(&error),
                None => {
                    let Some(kept) = self.home.on_kept(now_ms) else { return };
                    self.publish_kept(&kept);
                }
            }
        }
        if self.home.has_many_chores() {
            self.do_chores();
        }
        self.count_waiting();
    }

    /// The journal takes nothing more, and what waits for it is refused: some of it may be found at the next start.
    fn lose_journal(&mut self, error: &JournalError) {
        tracing::error!(shard = self.index, %error, "durable channels take no more publications");
        while self.home.waiting() > 0 {
            self.refuse_oldest();
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.has_failed = true;
            keeping.group.clear();
            keeping.told.clear();
            keeping.chores = Vec::new();
        }
        self.counters.journal_failed.set(1);
        self.count_waiting();
    }

    /// The oldest message that waits is everybody's now.
    fn publish_kept(&mut self, kept: &Kept) {
        let Awaiting { answers, wish } = self.take_oldest();
        let Kept { publication, shards, durability } = kept;
        let position = publication.position;
        self.counters.publications.add(1);
        if let Some(wish) = wish {
            self.receipts.withdraw(&wish);
            if let Some(receipt) = publication.receipt {
                self.open_receipt(receipt, *wish, (publication.channel.clone(), position), *shards);
            }
        }
        self.spread(publication, *shards);
        let accepted = Accepted { position, durability: *durability };
        answers.into_iter().for_each(|answer| self.answer(answer, Ok(accepted)));
    }

    /// The oldest message that waits never was.
    fn refuse_oldest(&mut self) {
        self.home.on_refused();
        let awaiting = self.take_oldest();
        self.refuse_awaiting(awaiting, Code::JournalUnavailable);
    }

    fn take_oldest(&mut self) -> Awaiting {
        let Some(keeping) = &mut self.keeping else { return Awaiting::default() };
        keeping.first += 1;
        keeping.waiting.pop_front().unwrap_or_default()
    }

    fn refuse_awaiting(&mut self, awaiting: Awaiting, code: Code) {
        let Awaiting { answers, wish } = awaiting;
        if let Some(wish) = wish {
            self.receipts.withdraw(&wish);
        }
        answers.into_iter().for_each(|answer| self.answer(answer, Err(code)));
    }

    /// Tells the journal what it may forget.
    pub(super) fn do_chores(&mut self) {
        let Some(keeping) = self.keeping.as_mut().filter(|keeping| !keeping.has_failed) else { return };
        loop {
            let mut chores = std::mem::take(&mut keeping.chores);
            if chores.is_empty() {
                chores = self.home.take_chores(CHORES);
            }
            if chores.is_empty() {
                return;
            }
            match keeping.keeper.submit_all(chores.clone(), None) {
                Ok(()) => {}
                // It can wait; nothing is lost by what is kept for longer.
                Err(_) => {
                    keeping.chores = chores;
                    return;
                }
            }
        }
    }

    /// A stop wants to know when nothing waits for the journal.
    pub(super) fn keep_all(&mut self, order: Order) {
        self.tell_journal();
        if let Some(keeping) = &mut self.keeping {
            keeping.order = Some(order);
        }
        self.count_waiting();
    }

    /// A stop has no more time.
    pub(super) fn stop_keeping(&mut self) {
        let Some(keeping) = &mut self.keeping else { return };
        if keeping.order.take().is_some() {
            tracing::error!(waiting = self.home.waiting(), "the journal did not take everything in time");
        }
    }

    fn count_waiting(&mut self) {
        let waiting = self.home.waiting();
        self.counters.publications_waiting.set(waiting as u64);
        if let Some(keeping) = &mut self.keeping
            && waiting == 0
        {
            keeping.order = None;
        }
    }

    /// What a publisher is told when the journal takes nothing from this shard now.
    fn code_of(&mut self, error: &JournalError) -> Code {
        match error {
            JournalError::Busy => Code::Overloaded,
            _ if self.drain.is_some() => Code::Draining,
            error => {
                self.lose_journal(error);
                Code::JournalUnavailable
            }
        }
    }
}
