//! One coarse timing wheel for everything of a shard that waits.
//!
//! An entry is a key and the tick at which to look at it again; what is due, and whether it is due at
//! all, the owner of the key decides then. So nothing is ever cancelled: an entry whose deadline moved
//! away is put back when it comes up, and deadlines beyond the wheel's reach are looked at once a turn.

use bayeux::Millis;

/// How coarse the wheel is.
pub(crate) const TICK_MS: u64 = 50;
const SLOTS: usize = 1024;

/// A wheel of `SLOTS` ticks of [`TICK_MS`].
pub(crate) struct Wheel<K> {
    slots: Vec<Vec<K>>,
    /// The tick up to which entries were handed out.
    done: u64,
    entries: usize,
}

impl<K: Copy> Wheel<K> {
    pub(crate) fn new(now: Millis) -> Wheel<K> {
        let slots = std::iter::repeat_with(Vec::new).take(SLOTS).collect();
        Wheel { slots, done: now / TICK_MS, entries: 0 }
    }

    /// Asks to be handed `key` at `at` or up to one tick later, or earlier when that is beyond the wheel.
    /// Returns when it will be handed out.
    pub(crate) fn arm(&mut self, key: K, at: Millis) -> Millis {
        let tick = at.div_ceil(TICK_MS).clamp(self.done + 1, self.done + SLOTS as u64 - 1);
        self.slots[tick as usize % SLOTS].push(key);
        self.entries += 1;
        tick * TICK_MS
    }

    /// Hands out every key whose tick has passed.
    pub(crate) fn expire(&mut self, now: Millis, due: &mut Vec<K>) {
        let tick = now / TICK_MS;
        while self.done < tick {
            self.done += 1;
            let slot = &mut self.slots[self.done as usize % SLOTS];
            self.entries -= slot.len();
            if slot.capacity() > 64 && slot.len() * 4 < slot.capacity() {
                due.append(&mut std::mem::take(slot));
            } else {
                due.append(slot);
            }
        }
    }

    /// Milliseconds until something may be due; `None` when nothing waits.
    pub(crate) fn next_ms(&self, now: Millis) -> Option<u64> {
        if self.entries == 0 {
            return None;
        }
        let ahead =
            (1..SLOTS as u64).find(|ahead| !self.slots[(self.done + ahead) as usize % SLOTS].is_empty());
        ahead.map(|ahead| ((self.done + ahead) * TICK_MS).saturating_sub(now).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_up_at_its_tick_and_not_before() {
        let mut wheel = Wheel::new(1_000);
        let mut due = Vec::new();
        wheel.arm(7, 1_200);
        wheel.expire(1_149, &mut due);
        assert!(due.is_empty());
        assert_eq!(wheel.next_ms(1_149), Some(51));
        wheel.expire(1_200, &mut due);
        assert_eq!(due, [7]);
        assert_eq!(wheel.next_ms(1_200), None);
    }

    #[test]
    fn a_deadline_beyond_the_wheel_comes_up_once_a_turn() {
        let mut wheel = Wheel::new(0);
        let mut due = Vec::new();
        wheel.arm(1, 10_000_000);
        wheel.expire(TICK_MS * SLOTS as u64, &mut due);
        assert_eq!(due, [1]);
    }

    #[test]
    fn a_deadline_in_the_past_comes_up_at_the_next_tick() {
        let mut wheel = Wheel::new(5_000);
        let mut due = Vec::new();
        wheel.arm(1, 10);
        wheel.expire(5_000 + TICK_MS, &mut due);
        assert_eq!(due, [1]);
    }
}
