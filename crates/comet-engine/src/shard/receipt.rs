//! Receipts: a publisher that asks hears how many have received what it has published.
//!
//! The home of the channel numbers such publications and gathers what the shards report; it tells the publisher's
//! session. Publications without a receipt never come here. What is told when is in `receipt`.

use std::rc::Rc;
use std::sync::Arc;

use bayeux::Channel;
use comet_bus::{Position, Publication, ShardSet, home_of};

use crate::delivery::Delivery;
use crate::inbox::Letter;
use crate::receipt::{Report, Tally, Told, Wish};

use super::Shard;
use super::timer::Timer;

impl Shard {
    /// Counts for a publication that is about to be handed out, if somebody wants to know.
    pub(super) fn tally(&self, publication: &Publication) -> Option<Rc<Tally>> {
        let receipt = publication.receipt?;
        let home = home_of(publication.channel.as_str(), self.peers.len());
        Some(Tally::new(receipt, home, self.confirmed.clone()))
    }

    /// It was handed out on this shard: the home hears of it.
    pub(super) fn report_handed_out(&mut self, publication: &Arc<Publication>, tally: &Tally) {
        let home = home_of(publication.channel.as_str(), self.peers.len());
        self.report(home, tally.handed_out(self.index));
    }

    /// Tells the homes what was confirmed in this turn.
    pub(super) fn report_confirmed(&mut self) {
        if self.confirmed.borrow().is_empty() {
            return;
        }
        let changed = self.confirmed.take();
        for tally in changed {
            let (home, report) = tally.take(self.index);
            self.report(home, report);
        }
    }

    fn report(&mut self, home: usize, report: Report) {
        if home == self.index {
            self.on_report(report);
        } else {
            self.peers[home].post(Letter::Receipt(report));
        }
    }

    /// At the home: a shard has something to say.
    pub(super) fn on_report(&mut self, report: Report) {
        let told = self.receipts.on_report(report);
        self.tell(told);
    }

    /// At the home: the publication of this number goes to these shards now.
    pub(super) fn open_receipt(
        &mut self,
        receipt: u64,
        wish: Wish,
        place: (Channel, Position),
        shards: ShardSet,
    ) {
        if let Some(due) = self.receipts.open(receipt, wish, place, shards, self.now) {
            self.wheel.arm(Timer::Receipts, due);
        }
        if shards.is_empty() {
            let told = self.receipts.close(receipt);
            self.tell(told);
        }
    }

    /// At the home: the time of some is up.
    pub(super) fn on_receipts_timer(&mut self) {
        let (told, next) = self.receipts.on_time(self.now);
        self.tell(told);
        if let Some(next) = next {
            self.wheel.arm(Timer::Receipts, next);
        }
    }

    fn tell(&mut self, told: impl IntoIterator<Item = Told>) {
        for Told { shard, session, event } in told {
            if shard != self.index {
                self.peers[shard].post(Letter::Deliver { session, event });
            } else if self.seat(session).is_some() {
                self.push(session, Delivery::direct(event));
            }
        }
    }
}
