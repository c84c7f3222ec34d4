//! The epochs of channels that are not counted yet, and what a place before the first message says.
//!
//! A channel is counted under the epoch of the time it is first published on, and keeps it until it is forgotten. The
//! epoch moves on now and then, so that it tells about when somebody was told of it: whoever was told that a channel
//! stood before its first message has missed nothing that is not remembered, unless a channel was forgotten that was counted later.

use crate::Position;

/// The epochs of one home.
pub(super) struct Epochs {
    /// The first that anybody was told of.
    first: u64,
    present: u64,
    /// A channel was counted under the present one.
    is_used: bool,
    /// So many of them, from the first on, say nothing: a channel that was counted under the last of those is forgotten.
    doubtful: u64,
}

impl Epochs {
    pub(super) fn new(first: u64) -> Epochs {
        Epochs { first, present: first, is_used: false, doubtful: 0 }
    }

    /// The epoch of channels that are counted from now on.
    pub(super) fn present(&self) -> u64 {
        self.present
    }

    /// A channel is counted under the present epoch.
    pub(super) fn on_counted(&mut self) {
        self.is_used = true;
    }

    /// Before anybody is told: all begins behind an epoch of an earlier process.
    pub(super) fn begin_behind(&mut self, epoch: u64) {
        *self = Epochs::new(epoch.wrapping_add(1));
    }

    /// Some time has passed.
    pub(super) fn go_on(&mut self) {
        if self.is_used {
            self.present = self.present.wrapping_add(1);
            self.is_used = false;
        }
    }

    /// A channel is forgotten that was counted under this epoch, which does not come again.
    pub(super) fn on_forgotten(&mut self, epoch: u64) {
        let place = self.place(epoch);
        if place <= self.place(self.present) {
            self.doubtful = self.doubtful.max(place + 1);
        }
        if epoch == self.present {
            self.go_on();
        }
    }

    /// Where somebody stands in a channel with this head who was told of a place: before its first message, if that is
    /// what another epoch said.
    pub(super) fn translate(&self, told: Position, head: Position) -> Position {
        let (then, now) = (self.place(told.epoch), self.place(head.epoch));
        let is_sure =
            told.offset == 0 && then >= self.doubtful && then < now && now <= self.place(self.present);
        if is_sure { Position { offset: 0, ..head } } else { told }
    }

    fn place(&self, epoch: u64) -> u64 {
        epoch.wrapping_sub(self.first)
    }
}
