//! Messages that give way to newer ones, that are not to come too often, or that are gathered.
//!
//! Which manner holds is the channel's or the subscriber's choice. Such messages wait beside the session's queue and go
//! into it when the wire can carry them: what has not left can still give way, what was queued leaves as it is. What
//! gave way is counted, and told before the next message of its channel.

use bayeux::{Channel, Deliver, DeliverRequest, Pattern, Pushed, event};
use comet_bus::{Leaving, Paced, PacingLimits, Publication};

use crate::delivery::Shared;
use crate::key::SessionKey;

use super::Shard;
use super::timer::Timer;

/// What a socket of such a session keeps to itself of what the peer has no room for.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 16 << 10;

impl Shard {
    /// The manner in which messages of a channel come to a session.
    fn manner(&mut self, key: SessionKey, channel: &Channel) -> Deliver {
        let table = self.table.clone();
        let wish = self.seat(key).and_then(|seat| seat.pace_mut()).and_then(|pace| pace.wish(channel));
        table.options(channel).deliver_to(wish)
    }

    /// Hands a publication to a session as its channel or its subscription wants it.
    pub(super) fn push_in_manner(&mut self, key: SessionKey, publication: &Publication, delivery: Shared) {
        let (channel, now) = (&publication.channel, self.now);
        let deliver = self.manner(key, channel);
        let lazy_ms = self.table.options(channel).lazy_ms;
        let settings = &self.config.session;
        let limits = PacingLimits { messages: settings.mailbox_messages, bytes: settings.mailbox_bytes };
        let Some(seat) = self.seat(key) else { return };
        // What waits of the channel may not be overtaken.
        let waits = seat.pace_mut().is_some_and(|pace| pace.waiting.holds(channel));
        let is_known = seat.pace_mut().is_some_and(|pace| pace.waiting.knows(channel));
        if deliver.is_plain() && !waits {
            return if lazy_ms > 0 {
                self.push_lazily(key, delivery, lazy_ms)
            } else {
                self.push(key, delivery)
            };
        }
        // Who keeps up has nothing that could give way.
        let keeps_up = deliver.pause_ms() == 0 && !is_known && seat.session.pending() == 0;
        if keeps_up && self.can_carry(key) {
            self.tune(key);
            return self.push(key, delivery);
        }
        let Some(seat) = self.seat(key) else { return };
        let size = publication.event.len();
        let pace = seat.aside_mut().pace.get_or_insert_default();
        let entry = (channel, publication.conflate.as_deref());
        match pace.waiting.push(entry, (delivery.uncounted(), size), deliver, now, limits) {
            Paced::Waiting { conflated, dropped, until } => {
                self.counters.messages_conflated.add(u64::from(conflated));
                self.counters.messages_dropped.add(dropped);
                self.tune(key);
                match until {
                    Some(until) => self.arm_pace(key, until),
                    None => self.mark_dirty(key),
                }
            }
            Paced::Full(delivery) => {
                let before = pace.waiting.take_all_of(channel);
                before.into_iter().chain([delivery]).for_each(|delivery| self.push(key, delivery));
                if let Some(seat) = self.seat(key) {
                    seat.trim_aside();
                }
            }
        }
    }

    /// What lies in the queue of the system cannot give way any more: let it be little.
    fn tune(&mut self, key: SessionKey) {
        let Some(wire) = self.seat(key).and_then(|seat| seat.attached) else { return };
        let Some(connection) = self.connection(wire).filter(|connection| !connection.tuned) else { return };
        connection.tuned = true;
        // Without it messages are only older when they come.
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&connection.stream).set_tcp_notsent_lowat(UNSENT_BYTES);
    }

    fn arm_pace(&mut self, key: SessionKey, at: u64) {
        let Some(pace) = self.seat(key).and_then(|seat| seat.pace_mut()) else { return };
        if pace.armed == 0 || at < pace.armed {
            let armed = self.wheel.arm(Timer::Pace(key), at);
            if let Some(pace) = self.seat(key).and_then(|seat| seat.pace_mut()) {
                pace.armed = armed;
            }
        }
    }

    /// The pause of some channels of a session may be over.
    pub(super) fn on_pace_timer(&mut self, key: SessionKey) {
        let now = self.now;
        let Some(pace) = self.seat(key).and_then(|seat| seat.pace_mut()).filter(|pace| pace.armed <= now)
        else {
            return;
        };
        pace.armed = 0;
        self.open_paced(key);
        if let Some(seat) = self.seat(key) {
            seat.trim_aside();
        }
    }

    fn open_paced(&mut self, key: SessionKey) {
        let now = self.now;
        let Some(pace) = self.seat(key).and_then(|seat| seat.pace_mut()) else { return };
        if let Some(next) = pace.waiting.open(now) {
            self.arm_pace(key, next);
        }
        self.mark_dirty(key);
    }

    /// Before a session's queue leaves: puts in what waits, if the wire can carry it now.
    pub(super) fn refill(&mut self, key: SessionKey) {
        if self.seat(key).is_some_and(|seat| seat.aside.is_some()) && self.can_carry(key) {
            self.release_paced(key);
        }
    }

    /// Before a connect is judged: what waits may leave with its answer, where no wire carries it.
    pub(super) fn release_with_connect(&mut self, key: SessionKey) {
        if self.seat(key).is_some_and(|seat| seat.aside.is_some() && !seat.session.may_push_now()) {
            self.release_paced(key);
        }
    }

    /// Whether what is queued for a session leaves in this turn.
    fn can_carry(&mut self, key: SessionKey) -> bool {
        let Some(seat) = self.seat(key) else { return false };
        if let Some(reader) = &seat.local {
            return reader.has_room();
        }
        match seat.attached {
            Some(wire) if seat.session.may_push_now() => {
                self.connection(wire).is_some_and(|connection| !connection.is_stalled())
            }
            _ => seat.session.held_ticket().is_some() && seat.session.may_ride_on_connect(),
        }
    }

    /// Puts what waits and may leave into the session's queue, as far as one write goes.
    pub(super) fn release_paced(&mut self, key: SessionKey) {
        let (now, config) = (self.now, self.config.clone());
        let messages = config.limits.messages_per_write.min(config.session.mailbox_messages);
        let bytes = config.limits.bytes_per_write.min(config.session.mailbox_bytes);
        let Some(seat) = self.seat(key).filter(|seat| seat.session.pending() == 0) else { return };
        let Some(pace) = seat.pace_mut().filter(|pace| pace.waiting.is_ready()) else { return };
        let leaving = pace.waiting.take(now, messages, bytes);
        self.tell_given_way(key, &leaving);
        let now_ms = self.unix_ms();
        for delivery in leaving.messages {
            if delivery.0.is_expired(now_ms) {
                self.counters.messages_expired.add(1);
                continue;
            }
            let Some(seat) = self.seat(key) else { return };
            seat.expiring |= delivery.0.expires();
            let channel = delivery.0.publication().map(|publication| &publication.channel);
            if channel.is_some_and(|channel| seat.lag_mut().is_some_and(|lag| lag.has_stopped(channel))) {
                self.push(key, delivery);
            } else if seat.session.push(delivery.clone(), &config.session) == Pushed::Overflow {
                self.push_overflowing(key, delivery);
            }
        }
        if let Some(until) = leaving.until {
            self.arm_pace(key, until);
        }
        self.mark_dirty(key);
        if let Some(seat) = self.seat(key) {
            seat.trim_aside();
        }
    }

    /// All that waits may leave now, whatever its pause.
    pub(super) fn release_all_paced(&mut self, key: SessionKey) {
        let now = self.now;
        let Some(pace) = self.seat(key).and_then(|seat| seat.pace_mut()) else { return };
        if !pace.waiting.is_empty() {
            pace.waiting.set_pauses(|_| 0);
            pace.waiting.open(now);
            self.release_paced(key);
        }
    }

    /// Tells a client what gave way, before the next messages of these channels.
    fn tell_given_way(&mut self, key: SessionKey, leaving: &Leaving<Shared>) {
        let Leaving { dropped, conflated, .. } = leaving;
        if dropped.is_empty() && conflated.is_empty() || !self.seat(key).is_some_and(|seat| seat.hears_gaps())
        {
            return;
        }
        let mut told = Vec::new();
        event::write_missed([], by_name(dropped), by_name(conflated), &mut told);
        self.push_told(key, told);
    }

    /// Takes in what a client wishes for its subscriptions; what is in force for each.
    pub(super) fn set_manner(
        &mut self,
        key: SessionKey,
        names: &[Pattern],
        wish: DeliverRequest,
    ) -> Vec<Deliver> {
        let table = self.table.clone();
        let Some(seat) = self.seat(key) else { return Vec::new() };
        let pace = seat.aside_mut().pace.get_or_insert_default();
        names.iter().for_each(|name| pace.set_wish(name.as_str(), wish));
        self.change_pauses(key);
        names.iter().map(|name| table.options_of_name(name.as_str()).deliver_to(Some(&wish))).collect()
    }

    /// A subscription has ended, and with it the wish for it.
    pub(super) fn forget_manner(&mut self, key: SessionKey, name: &str) {
        let hub = &self.hub;
        let Some(seat) = self.sessions.get_mut(key.slot as usize) else { return };
        if let Some(pace) = seat.pace_mut() {
            pace.set_wish(name, DeliverRequest::default());
            pace.waiting.retain(|channel| hub.hears(key.slot, channel));
            self.change_pauses(key);
        }
    }

    /// The manner of some channels may be another now: so are their pauses.
    fn change_pauses(&mut self, key: SessionKey) {
        let table = self.table.clone();
        let Some(pace) = self.seat(key).and_then(|seat| seat.pace_mut()) else { return };
        pace.set_pauses(&table);
        self.open_paced(key);
        if let Some(seat) = self.seat(key) {
            seat.trim_aside();
        }
    }
}

fn by_name(counts: &[(Channel, u64)]) -> impl Iterator<Item = (&str, u64)> {
    counts.iter().map(|(channel, count)| (channel.as_str(), *count))
}
