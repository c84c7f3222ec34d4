//! What is known of a channel that a journal keeps.
//!
//! Its numbers run ahead of what was handed out: a message is numbered, written, and only then everybody's. How far ahead,
//! and from where on the journal still has records, stands here beside the channel's entry; the home changes it.

/// A channel in a journal.
pub(crate) struct Written {
    /// The highest number that was given out. What is above the channel's head waits for the journal.
    numbered: u64,
    /// How many wait.
    waiting: u64,
    /// One was refused, and so will be those that were numbered behind it.
    is_refusing: bool,
    /// The first offset that the journal was not told to forget.
    pub(crate) kept_from: u64,
    /// It stands among those that can be trimmed.
    pub(crate) is_listed: bool,
}

impl Written {
    /// A channel that stands at `head` and has records from `kept_from` on.
    pub(crate) fn new(head: u64, kept_from: u64) -> Written {
        Written { numbered: head, waiting: 0, is_refusing: false, kept_from, is_listed: false }
    }

    /// The next number; `None` while those before it are being refused.
    pub(crate) fn number(&mut self) -> Option<u64> {
        if self.is_refusing {
            return None;
        }
        self.numbered += 1;
        self.waiting += 1;
        Some(self.numbered)
    }

    /// The newest number was not used.
    pub(crate) fn take_back(&mut self) {
        self.numbered -= 1;
        self.waiting -= 1;
    }

    /// The oldest of those that wait was kept.
    pub(crate) fn on_kept(&mut self) {
        self.waiting -= 1;
    }

    /// The oldest of those that wait was refused; the channel stands at `head`.
    pub(crate) fn on_refused(&mut self, head: u64) {
        self.waiting -= 1;
        self.is_refusing = self.waiting > 0;
        if !self.is_refusing {
            self.numbered = head;
        }
    }

    /// Whether any wait.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting > 0
    }
}
