//! Who in this program listens to what.
//!
//! Several listeners may listen to one pattern; the server is told once for all that ask for the same. Events are
//! matched here, because the server says only the channel. It asks for nothing itself: the session takes what is
//! due, and reports what came of it.

use bayeux::{Channel, Kind, Pattern};
use tokio::sync::oneshot;

use super::listener::Listener;
use crate::mailbox::Mailbox;
use crate::message::IncomingExt;
use crate::position::SinceRequest;
use crate::{Deliver, Error, Event, Gap};

/// Subscriptions of one client.
const MOST: usize = 1_024;

/// Something to be asked of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// What is to be listened to.
    pub(super) pattern: Pattern,
    /// From where.
    pub(super) since: Option<SinceRequest>,
    /// In which manner; `None` leaves it as it is.
    pub(super) deliver: Option<Deliver>,
    /// The listeners it is asked for.
    pub(super) numbers: Vec<u64>,
}

/// What is left to do about a pattern that the server has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// Nothing.
    Done,
    /// Somebody listens who was confirmed before: the server has to be asked again, a little later.
    AskAgain,
}

/// All of them.
#[derive(Default)]
pub(super) struct Interests {
    list: Vec<Listener>,
    accepted: u64,
}

impl Interests {
    /// Adds one. The server may have to be asked for it: see [`Interests::due`].
    pub(super) fn add(
        &mut self,
        number: u64,
        pattern: Pattern,
        mailbox: Mailbox,
        (wish, deliver): (Option<SinceRequest>, Option<Deliver>),
        waiting: oneshot::Sender<Result<(), Error>>,
    ) {
        if self.list.len() >= MOST {
            let _ = waiting.send(Err(Error::TooMany));
            return;
        }
        let mut listener = Listener::new(number, pattern, mailbox, (wish, deliver), waiting);
        let joined = self.list.iter().find(|other| other.pattern == listener.pattern && other.accepted > 0);
        let known =
            listener.pattern.kind() == Kind::Service || joined.is_some_and(|other| listener.join(other));
        if known && let Some(waiting) = listener.waiting.take() {
            let _ = waiting.send(Ok(()));
        }
        self.list.push(listener);
    }

    /// Removes one. Returns its pattern if the server has to be told that nobody listens to it any more.
    pub(super) fn remove(&mut self, number: u64) -> Option<Pattern> {
        let at = self.list.iter().position(|listener| listener.number == number)?;
        let pattern = self.list.remove(at).pattern;
        let heard = self.list.iter().any(|other| other.pattern == pattern);
        (!heard && pattern.kind() != Kind::Service).then_some(pattern)
    }

    /// The numbers of those whose subscription was dropped unnoticed.
    pub(super) fn abandoned(&self) -> Vec<u64> {
        let abandoned = self.list.iter().filter(|listener| listener.mailbox.is_closed());
        abandoned.map(|listener| listener.number).collect()
    }

    /// What the server has to be asked, all of it or of one pattern: whatever it does not know and is not being
    /// asked. It counts as asked from here on.
    pub(super) fn due(&mut self, of: Option<&Pattern>) -> Vec<Ask> {
        let mut asks: Vec<Ask> = Vec::new();
        for listener in &mut self.list {
            let unknown = listener.accepted == 0 && !listener.asking;
            let wanted = of.is_none_or(|pattern| listener.pattern == *pattern);
            if !unknown || !wanted || listener.pattern.kind() == Kind::Service {
                continue;
            }
            listener.asking = true;
            let (since, deliver) = (listener.since(), listener.deliver);
            let same = |ask: &&mut Ask| {
                ask.pattern == listener.pattern && ask.since == since && ask.deliver == deliver
            };
            match asks.iter_mut().find(same) {
                Some(ask) => ask.numbers.push(listener.number),
                None => {
                    asks.push(Ask {
                        pattern: listener.pattern.clone(),
                        since,
                        deliver,
                        numbers: vec![listener.number],
                    });
                }
            }
        }
        asks
    }

    /// The server has confirmed what was asked for these, or refused it. Who waits is told; who was confirmed before
    /// outlives a refusal that is only for now.
    pub(super) fn settle(&mut self, numbers: &[u64], outcome: Result<&IncomingExt, Error>) -> Settled {
        let mut settled = Settled::Done;
        self.accepted += u64::from(outcome.is_ok());
        let accepted = self.accepted;
        // Whoever waits may look at the manner as soon as it is told.
        let said = outcome.as_ref().ok().and_then(|ext| ext.deliver);
        let asked = self.list.iter().find(|listener| numbers.contains(&listener.number));
        if let (Some(asked), Some(_)) = (asked, said) {
            let same = self.list.iter().filter(|listener| listener.pattern == asked.pattern);
            same.for_each(|listener| listener.mailbox.set_manner(said));
        }
        let mut manner = None;
        self.list.retain_mut(|listener| {
            if !numbers.contains(&listener.number) {
                return true;
            }
            listener.asking = false;
            let waiting = listener.waiting.take();
            match &outcome {
                Ok(ext) => {
                    listener.on_accepted(accepted, ext);
                    manner =
                        listener.deliver.map(|deliver| (listener.pattern.clone(), deliver)).or(manner.take());
                    waiting.into_iter().for_each(|waiting| drop(waiting.send(Ok(()))));
                    true
                }
                Err(error) => {
                    if let Some(waiting) = waiting {
                        drop(waiting.send(Err(error.clone())));
                        return false;
                    }
                    if error.is_temporary() {
                        settled = Settled::AskAgain;
                        return true;
                    }
                    listener.mailbox.close(Some(error.clone()));
                    false
                }
            }
        });
        if let Some((pattern, deliver)) = manner {
            // The server has one manner for a name, whoever asks; the next session is told the same.
            let same =
                self.list.iter_mut().filter(|listener| listener.pattern == pattern && !listener.asking);
            same.for_each(|listener| listener.deliver = Some(deliver));
        }
        settled
    }

    /// How often the session has accepted something; a connect that leaves now brings all of that along.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Whether a listener was promised the past and has not got it yet.
    pub(super) fn is_catching_up(&self) -> bool {
        self.list.iter().any(Listener::is_catching_up)
    }

    /// A connect was answered that left after so many acceptances; everything older than `time` was sent before.
    pub(super) fn on_connected(&mut self, accepted: u64, time: Option<u64>, now: u64) {
        let caught_up = |listener: &&mut Listener| listener.accepted > 0 && listener.accepted <= accepted;
        self.list.iter_mut().filter(caught_up).for_each(|listener| listener.on_caught_up(time, now));
    }

    /// Gives an event to everyone who listens. A message on a channel that is none is nobody's.
    pub(super) fn deliver(&mut self, channel: &str, now: u64, event: impl Fn(Channel) -> Event) {
        let Ok(channel) = Channel::parse(channel) else { return };
        for listener in self.list.iter_mut().filter(|listener| listener.pattern.matches(&channel)) {
            listener.deliver(event(channel.clone()), now);
        }
    }

    /// Tells everyone who listens what is missing.
    pub(super) fn on_missed(&mut self, ext: &IncomingExt, now: u64) {
        let gaps = ext.gaps.iter().flatten();
        for (name, head) in gaps {
            let Ok(channel) = Channel::parse(name) else { continue };
            let dropped = ext.dropped.as_ref().and_then(|dropped| dropped.get(name).copied());
            for listener in self.list.iter_mut().filter(|listener| listener.pattern.matches(&channel)) {
                listener.on_gap(&channel, head, dropped, now);
            }
        }
        let is_gap = |name: &str| ext.gaps.as_ref().is_some_and(|gaps| gaps.contains_key(name));
        let thinned = ext.dropped.iter().chain(&ext.conflated).flatten();
        for (name, events) in thinned.filter(|(name, _)| !is_gap(name)) {
            let Ok(channel) = Channel::parse(name) else { continue };
            for listener in self.list.iter().filter(|listener| listener.pattern.matches(&channel)) {
                listener.mailbox.tell(Gap::Thinned { channel: channel.clone(), events: *events });
            }
        }
    }

    /// There is another wire: answers that were awaited on the old one do not come.
    pub(super) fn on_wire(&mut self) {
        self.list.iter_mut().for_each(|listener| listener.asking = false);
    }

    /// The session is gone.
    pub(super) fn on_forgotten(&mut self) {
        self.list.iter_mut().for_each(Listener::on_forgotten);
    }

    /// Messages may be lost, and nobody can say which. Who was not confirmed yet has missed nothing.
    pub(super) fn interrupted(&self) {
        let confirmed = self.list.iter().filter(|listener| listener.waiting.is_none());
        confirmed.for_each(|listener| listener.mailbox.tell(Gap::Unknown));
    }

    /// It is over.
    pub(super) fn end(&mut self, reason: &Option<Error>) {
        for listener in self.list.drain(..) {
            listener.mailbox.close(reason.clone());
            if let Some(waiting) = listener.waiting {
                let _ = waiting.send(Err(reason.clone().unwrap_or(Error::Ended)));
            }
        }
    }
}

#[cfg(test)]
#[path = "interest/tests.rs"]
mod tests;
