//! Messages that are in no hurry: they wake nobody, and leave with what leaves anyway or when they have waited enough.
//!
//! They stand in the queue of their session, in their place among all others; that a queue rests while nothing else is in
//! it is a rule of `bayeux`. Here is how long, and who looks.

use bayeux::Pushed;

use crate::delivery::Shared;
use crate::key::SessionKey;

use super::Shard;
use super::timer::Timer;

impl Shard {
    /// Queues a delivery that may wait for so long.
    pub(super) fn push_lazily(&mut self, key: SessionKey, delivery: Shared, lazy_ms: u64) {
        let (now, config) = (self.now, self.config.clone());
        let Some(seat) = self.seat(key) else { return };
        if seat.lag_mut().is_some() || seat.dirty {
            return self.push(key, delivery);
        }
        let rested = seat.session.rests();
        if seat.session.push_lazily(delivery.clone(), &config.session) == Pushed::Overflow {
            return self.push_overflowing(key, delivery);
        }
        seat.expiring |= delivery.0.expires();
        delivery.0.on_queued(seat.session.confirms());
        if !seat.session.rests() {
            return self.mark_dirty(key);
        }
        let aside = seat.aside_mut();
        let until = now.saturating_add(lazy_ms);
        aside.rests_until = if rested { until.min(aside.rests_until) } else { until };
        let until = aside.rests_until;
        self.arm_rest(key, until);
    }

    fn arm_rest(&mut self, key: SessionKey, until: u64) {
        let Some(aside) = self.seat(key).and_then(|seat| seat.aside.as_ref()) else { return };
        if aside.rest_armed == 0 || until < aside.rest_armed {
            let armed = self.wheel.arm(Timer::Rest(key), until);
            if let Some(aside) = self.seat(key).and_then(|seat| seat.aside.as_mut()) {
                aside.rest_armed = armed;
            }
        }
    }

    /// What rests in a queue may have waited long enough.
    pub(super) fn on_rest_timer(&mut self, key: SessionKey) {
        let now = self.now;
        let Some(seat) = self.seat(key) else { return };
        let rests = seat.session.rests();
        let Some(aside) = seat.aside.as_mut().filter(|aside| aside.rest_armed <= now) else { return };
        aside.rest_armed = 0;
        let until = aside.rests_until;
        if rests && until > now {
            return self.arm_rest(key, until);
        }
        seat.trim_aside();
        self.end_rest(key);
    }

    /// Whatever rests in a queue leaves as soon as it can.
    pub(super) fn end_rest(&mut self, key: SessionKey) {
        let Some(seat) = self.seat(key).filter(|seat| seat.session.rests()) else { return };
        seat.session.wake();
        self.mark_dirty(key);
    }
}
