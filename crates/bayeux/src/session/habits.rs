//! What only few sessions need, in a box of their own.
//!
//! Kept here: when a client last did more than connect, which CometD's activity extension asks for, and what a held
//! connect said of its clock. Who is silent altogether is told by `deadline`; times come in as arguments.

use super::outbound::Delivery;
use super::step::Step;
use super::{Session, Settings};
use crate::Millis;
use crate::code::Code;
use crate::message::Message;
use crate::meta;
use crate::timesync::TimeSync;

/// What only few sessions need.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// Of the held connect.
    pub(super) timesync: Option<TimeSync>,
    /// When the client last said something other than a connect; `None` before anybody asked.
    active: Option<Millis>,
    /// Events have left since its last connect.
    hears: bool,
}

impl Habits {
    /// Those of a new session, if there is anything to watch.
    pub(super) fn of(settings: &Settings, now: Millis) -> Option<Box<Habits>> {
        (settings.max_inactivity_ms > 0).then(|| Box::new(Habits { active: Some(now), ..Habits::default() }))
    }
}

impl<D> Session<D> {
    /// A connect is held that said this of its clock.
    pub(super) fn hold_timesync(&mut self, timesync: Option<Box<TimeSync>>) {
        if timesync.is_some() || self.habits.is_some() {
            self.habits.get_or_insert_default().timesync = timesync.map(|timesync| *timesync);
        }
    }

    /// What the held connect said of its clock.
    pub(super) fn timesync_of_held(&mut self) -> Option<Box<TimeSync>> {
        self.habits.as_mut()?.timesync.take().map(Box::new)
    }

    /// A message came. Connects and counts only show that the client is there.
    pub(super) fn on_activity(&mut self, message: &Message, now: Millis) {
        if let Some(habits) = &mut self.habits
            && !matches!(message.channel.as_deref(), Some(meta::CONNECT | meta::RECEIVED))
        {
            habits.active = Some(now);
        }
    }

    /// Events leave.
    pub(super) fn on_hearing(&mut self) {
        if let Some(habits) = &mut self.habits {
            habits.hears |= !self.mailbox.is_empty();
        }
    }
}

impl<D: Delivery> Session<D> {
    /// A connect came: the end of a session whose client has done nothing else for too long.
    pub(super) fn end_idle(&mut self, message: &Message, settings: &Settings, now: Millis) -> Option<Step> {
        let max_inactivity_ms = settings.max_inactivity_ms;
        if max_inactivity_ms == 0 {
            return None;
        }
        // Sessions may be older than the setting.
        let habits = self.habits.get_or_insert_default();
        if std::mem::take(&mut habits.hears) && settings.events_are_activity {
            habits.active = Some(now);
        }
        if now.saturating_sub(*habits.active.get_or_insert(now)) <= max_inactivity_ms {
            return None;
        }
        Some(self.end_with(Code::SessionInactive, settings.refuse(message, Code::SessionInactive)))
    }
}
