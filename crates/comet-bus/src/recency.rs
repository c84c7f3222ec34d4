//! The channels of a home in the order of their last use.
//!
//! A doubly linked list over slots: a slot moves to the front in constant time, both ends can be walked from, and a walk
//! goes on where it stopped, whatever has moved meanwhile. What is in the slots, and when it was used, is the ledger's.

/// No slot.
const NONE: u32 = u32::MAX;

/// Why somebody walks from the oldest on.
#[derive(Clone, Copy)]
pub(crate) enum Walk {
    /// Time has passed.
    Forgetting,
    /// There is no room for a new one.
    MakingRoom,
}

/// Slots in the order of their last use.
pub(crate) struct Recency {
    /// By slot; what an unused slot holds means nothing.
    links: Vec<Link>,
    newest: u32,
    oldest: u32,
    /// Where each walk goes on.
    hands: [u32; 2],
}

#[derive(Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
}

impl Default for Recency {
    fn default() -> Recency {
        Recency { links: Vec::new(), newest: NONE, oldest: NONE, hands: [NONE; 2] }
    }
}

impl Recency {
    /// Takes in a slot that is not in the list, as the newest.
    pub(crate) fn insert(&mut self, slot: u32) {
        let link = Link { newer: NONE, older: self.newest };
        if self.links.len() <= slot as usize {
            self.links.resize(slot as usize + 1, link);
        }
        self.links[slot as usize] = link;
        match self.newest {
            NONE => self.oldest = slot,
            newest => self.links[newest as usize].newer = slot,
        }
        self.newest = slot;
    }

    /// Makes a slot of the list the newest.
    pub(crate) fn touch(&mut self, slot: u32) {
        if self.newest != slot {
            self.remove(slot);
            self.insert(slot);
        }
    }

    /// Takes a slot out of the list.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Link { newer, older } = self.links[slot as usize];
        for hand in self.hands.iter_mut().filter(|hand| **hand == slot) {
            *hand = newer;
        }
        match newer {
            NONE => self.newest = older,
            newer => self.links[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
    }

    /// The slot used last.
    pub(crate) fn newest(&self) -> Option<u32> {
        known(self.newest)
    }

    /// The slot a walk has come to: at first, and after the newest, the one used the longest ago.
    pub(crate) fn at(&self, walk: Walk) -> Option<u32> {
        known(self.hands[walk as usize]).or(known(self.oldest))
    }

    /// A walk goes on behind a slot of the list; whether there is more before its end.
    pub(crate) fn pass(&mut self, walk: Walk, slot: u32) -> bool {
        self.hands[walk as usize] = self.links[slot as usize].newer;
        self.hands[walk as usize] != NONE
    }

    /// A walk begins anew.
    pub(crate) fn restart(&mut self, walk: Walk) {
        self.hands[walk as usize] = NONE;
    }

    /// The slot used before this one.
    pub(crate) fn older(&self, slot: u32) -> Option<u32> {
        known(self.links[slot as usize].older)
    }
}

fn known(slot: u32) -> Option<u32> {
    (slot != NONE).then_some(slot)
}
