//! What listeners of a roster have not been told yet.
//!
//! Kept here are departures, new info and the border between members who were announced and those who were not;
//! who is there is the roster's. Each join and leave is noted as it happens, and what cancels out is forgotten, so
//! that this never grows beyond what listeners believe plus who is there.

use std::collections::BTreeMap;

use super::member::Member;
use super::seq::Seq;

/// The difference between a roster and what its listeners were told of it.
pub(super) struct Untold {
    /// Users who were announced and have left, as they were announced.
    pub(super) departed: BTreeMap<Seq, Member>,
    /// Users who are there and were announced with other info: what was announced.
    pub(super) renewed: BTreeMap<Seq, Member>,
    /// How many members stand at or behind `announced`.
    pub(super) fresh: usize,
    /// Members of lower number were announced, members from here on were not.
    pub(super) announced: u64,
    /// When the window of gathering ends; `None` while there is nothing to tell.
    due: Option<u64>,
    debounce_ms: u64,
}

impl Untold {
    pub(super) fn new(first: u64, debounce_ms: u64) -> Untold {
        Untold {
            departed: BTreeMap::new(),
            renewed: BTreeMap::new(),
            fresh: 0,
            announced: first,
            due: None,
            debounce_ms,
        }
    }

    /// A user came whom listeners do not know.
    pub(super) fn on_join(&mut self, now_ms: u64) {
        self.fresh += 1;
        self.settle(now_ms);
    }

    /// A user came back before its departure was told; `told` is what listeners believe.
    pub(super) fn on_return(&mut self, seq: Seq, told: Member, member: &Member, now_ms: u64) {
        if told != *member {
            self.renewed.insert(seq, told);
        }
        self.settle(now_ms);
    }

    /// The info of a user changed from what `old` says to what `member` says.
    pub(super) fn on_renewal(&mut self, seq: Seq, old: Member, member: &Member, now_ms: u64) {
        if seq.0 < self.announced {
            let told = self.renewed.remove(&seq).unwrap_or(old);
            if told != *member {
                self.renewed.insert(seq, told);
            }
        }
        self.settle(now_ms);
    }

    /// A user is gone. Returns whether its departure has to be told.
    pub(super) fn on_leave(&mut self, seq: Seq, member: Member, now_ms: u64) -> bool {
        let announced = seq.0 < self.announced;
        if announced {
            let told = self.renewed.remove(&seq).unwrap_or(member);
            self.departed.insert(seq, told);
        } else {
            self.fresh -= 1;
        }
        self.settle(now_ms);
        announced
    }

    /// Some of it was told, or could not be: what is left follows at once.
    pub(super) fn on_told(&mut self, now_ms: u64) {
        self.due = (!self.is_empty()).then_some(now_ms);
    }

    /// When the next changes are due, in the caller's milliseconds.
    pub(super) fn due(&self) -> Option<u64> {
        self.due
    }

    /// Whether changes are due. A window that ends later than it could have begun is due as well: the caller's
    /// clock was set back.
    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        self.due.is_some_and(|due| due <= now_ms || due - now_ms > self.debounce_ms)
    }

    /// Whether listeners know all there is to know.
    pub(super) fn is_empty(&self) -> bool {
        self.fresh == 0 && self.departed.is_empty() && self.renewed.is_empty()
    }

    /// Opens the window with the first thing to tell, closes it when nothing is left to tell.
    fn settle(&mut self, now_ms: u64) {
        if self.is_empty() {
            self.due = None;
        } else if self.due.is_none() {
            self.due = Some(now_ms.saturating_add(self.debounce_ms));
        }
    }
}
