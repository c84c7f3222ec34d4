//! Who in this program listens to what.
//!
//! Several mailboxes may listen to one pattern; the server is told once. Events are matched here, because
//! the server says only the channel.

use bayeux::{Channel, Kind, Pattern};
use tokio::sync::oneshot;

use crate::mailbox::Mailbox;
use crate::{Error, Event};

/// Subscriptions of one client.
const MOST: usize = 1_024;

struct Interest {
    number: u64,
    pattern: Pattern,
    mailbox: Mailbox,
    /// Who waits for the first confirmation.
    waiting: Option<oneshot::Sender<Result<(), Error>>>,
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
    list: Vec<Interest>,
}

impl Interests {
    /// Adds one. Returns whether the server has to be told.
    pub(super) fn add(
        &mut self,
        number: u64,
        pattern: Pattern,
        mailbox: Mailbox,
        waiting: oneshot::Sender<Result<(), Error>>,
    ) -> bool {
        if self.list.len() >= MOST {
            let _ = waiting.send(Err(Error::TooMany));
            return false;
        }
        if pattern.kind() == Kind::Service {
            let _ = waiting.send(Ok(()));
            self.list.push(Interest { number, pattern, mailbox, waiting: None });
            return false;
        }
        self.list.push(Interest { number, pattern, mailbox, waiting: Some(waiting) });
        true
    }

    /// Removes one. Returns its pattern if the server has to be told that nobody listens to it any more.
    pub(super) fn remove(&mut self, number: u64) -> Option<Pattern> {
        let at = self.list.iter().position(|interest| interest.number == number)?;
        let pattern = self.list.swap_remove(at).pattern;
        let heard = self.list.iter().any(|other| other.pattern == pattern);
        (!heard && pattern.kind() != Kind::Service).then_some(pattern)
    }

    /// The numbers of those whose subscription was dropped unnoticed.
    pub(super) fn abandoned(&self) -> Vec<u64> {
        self.list
            .iter()
            .filter(|interest| interest.mailbox.is_closed())
            .map(|interest| interest.number)
            .collect()
    }

    /// What the server has to know, each pattern once.
    pub(super) fn patterns(&self) -> Vec<Pattern> {
        let mut patterns: Vec<_> = self.list.iter().map(|interest| interest.pattern.clone()).collect();
        patterns.sort();
        patterns.dedup();
        patterns.retain(|pattern| pattern.kind() != Kind::Service);
        patterns
    }

    /// The server has confirmed a pattern, or refused it. Who waits is told; who was confirmed before outlives
    /// a refusal that is only for now.
    pub(super) fn settle(&mut self, pattern: &Pattern, outcome: Result<(), Error>) -> Settled {
        let mut settled = Settled::Done;
        self.list.retain_mut(|interest| {
            if interest.pattern != *pattern {
                return true;
            }
            match (interest.waiting.take(), &outcome) {
                (Some(waiting), outcome) => drop(waiting.send(outcome.clone())),
                (None, Err(error)) if error.is_temporary() => {
                    settled = Settled::AskAgain;
                    return true;
                }
                (None, Err(error)) => interest.mailbox.close(Some(error.clone())),
                (None, Ok(())) => {}
            }
            outcome.is_ok()
        });
        settled
    }

    /// Gives an event to everyone who listens. A message on a channel that is none is nobody's.
    pub(super) fn deliver(&self, channel: &str, event: impl Fn(Channel) -> Event) {
        let Ok(channel) = Channel::parse(channel) else { return };
        for interest in self.list.iter().filter(|interest| interest.pattern.matches(&channel)) {
            interest.mailbox.put(event(channel.clone()));
        }
    }

    /// The wire is lost, and messages with it perhaps. Who was not confirmed yet has missed nothing.
    pub(super) fn interrupted(&self) {
        self.list
            .iter()
            .filter(|interest| interest.waiting.is_none())
            .for_each(|interest| interest.mailbox.interrupted());
    }

    /// It is over.
    pub(super) fn end(&mut self, reason: &Option<Error>) {
        for interest in self.list.drain(..) {
            interest.mailbox.close(reason.clone());
            if let Some(waiting) = interest.waiting {
                let _ = waiting.send(Err(reason.clone().unwrap_or(Error::Ended)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(
        interests: &mut Interests,
        number: u64,
        pattern: &str,
    ) -> (bool, oneshot::Receiver<Result<(), Error>>, Mailbox) {
        let (sender, receiver) = oneshot::channel();
        let mailbox = Mailbox::new(8);
        let told = interests.add(number, Pattern::parse(pattern).unwrap(), mailbox.clone(), sender);
        (told, receiver, mailbox)
    }

    #[test]
    fn the_server_is_told_when_the_last_listener_goes() {
        let mut interests = Interests::default();
        let _kept = [add(&mut interests, 1, "/a"), add(&mut interests, 2, "/a")];
        assert_eq!(interests.patterns().len(), 1);
        assert_eq!(interests.remove(1), None);
        assert_eq!(interests.remove(2), Some(Pattern::parse("/a").unwrap()));
        assert_eq!(interests.remove(2), None);
    }

    #[test]
    fn services_are_heard_without_telling_the_server() {
        let mut interests = Interests::default();
        let (told, mut answer, _mailbox) = add(&mut interests, 1, "/service/**");
        assert!(!told && interests.patterns().is_empty());
        assert_eq!(answer.try_recv(), Ok(Ok(())));
        assert_eq!(interests.remove(1), None);
    }

    #[test]
    fn a_refusal_ends_every_listener_of_the_pattern_and_no_other() {
        let mut interests = Interests::default();
        let (_, mut early, mailbox) = add(&mut interests, 1, "/a");
        let (_, mut other, _kept) = add(&mut interests, 2, "/b");
        let pattern = Pattern::parse("/a").unwrap();
        interests.settle(&pattern, Ok(()));
        assert_eq!(early.try_recv(), Ok(Ok(())));
        interests.settle(&pattern, Err(Error::Ended));
        assert_eq!(mailbox.ended_by(), Some(Error::Ended));
        assert!(other.try_recv().is_err());
        assert_eq!(interests.patterns(), [Pattern::parse("/b").unwrap()]);
    }

    #[test]
    fn a_refusal_for_now_ends_nobody_who_was_confirmed() {
        let mut interests = Interests::default();
        let (_, _confirmed, mailbox) = add(&mut interests, 1, "/a");
        let pattern = Pattern::parse("/a").unwrap();
        assert_eq!(interests.settle(&pattern, Ok(())), Settled::Done);
        let (_, mut late, _) = add(&mut interests, 2, "/a");
        let busy = Error::refused(Some("500::internal"));
        assert_eq!(interests.settle(&pattern, Err(busy.clone())), Settled::AskAgain);
        assert_eq!(late.try_recv(), Ok(Err(busy.clone())));
        assert!(!mailbox.is_closed());
        interests.remove(1);
        assert_eq!(interests.settle(&pattern, Err(busy)), Settled::Done);
    }
}
