//! Requests whose answer has not come.
//!
//! Every request has a number, its id on the wire; an answer finds its caller by it. Publications that were lost
//! with a wire wait here to be sent again under their keys, in their order. The number of requests is bounded:
//! further commands wait.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bayeux::{Channel, Pattern};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::moment::Moment;
use crate::message::{Ext, Outgoing};
use crate::{Error, Published};

/// Requests on their way, or waiting to be sent again, at the same time.
const MOST: usize = 256;
/// How long after it was first sent a publication may be sent again: half a minute less than the server remembers
/// its key.
const KEY_TIME: Duration = Duration::from_secs(270);
/// How often a publication is sent that meets lost sessions.
const ATTEMPTS: u32 = 3;

/// Something to publish, and who waits for it.
pub(crate) struct Publishing {
    pub(crate) channel: Channel,
    pub(crate) data: Box<RawValue>,
    pub(crate) key: String,
    pub(crate) conflate: Option<String>,
    pub(crate) without_echo: bool,
    pub(crate) expires_ms: Option<u64>,
    pub(crate) answer: oneshot::Sender<Result<Published, Error>>,
    pub(crate) first_sent: Option<Moment>,
    pub(crate) refused: u32,
}

impl Publishing {
    /// The message, as a request of this number.
    pub(super) fn json(&self, number: u64, client_id: Option<&str>) -> String {
        let ext = Ext {
            key: Some(&self.key),
            conflate: self.conflate.as_deref(),
            echo: self.without_echo.then_some(false),
            expires_ms: self.expires_ms,
            ..Ext::default()
        };
        let message = Outgoing {
            id: number.to_string(),
            channel: self.channel.as_str(),
            client_id,
            data: Some(&self.data),
            ext: Some(ext),
            ..Outgoing::default()
        };
        message.json()
    }

    /// Whether the server would still know that it has it, however long this machine has slept meanwhile.
    fn may_repeat(&self, now: Moment) -> bool {
        self.first_sent.is_none_or(|first| first.age(now) < KEY_TIME)
    }
}

/// Who waits.
pub(super) enum Waiting {
    /// A publisher.
    Publish(Box<Publishing>),
    /// A caller, for the data of the answer.
    Call(oneshot::Sender<Result<Box<RawValue>, Error>>),
    /// These listeners to the pattern; they are kept with the interests. When it was asked.
    Subscribe(Pattern, Vec<u64>, Instant),
}

impl Waiting {
    fn is_given_up(&self) -> bool {
        match self {
            Waiting::Publish(publishing) => publishing.answer.is_closed(),
            Waiting::Call(answer) => answer.is_closed(),
            Waiting::Subscribe(..) => false,
        }
    }

    /// Tells a caller that it failed. Who gave up is told nothing.
    pub(super) fn fail(self, error: Error) {
        match self {
            Waiting::Publish(publishing) => drop(publishing.answer.send(Err(error))),
            Waiting::Call(answer) => drop(answer.send(Err(error))),
            Waiting::Subscribe(..) => {}
        }
    }
}

/// Requests by their number.
#[derive(Default)]
pub(super) struct Pending {
    last: u64,
    waiting: HashMap<u64, Waiting>,
    /// Publications to be sent again, in the order they were sent first.
    again: VecDeque<Box<Publishing>>,
}

impl Pending {
    /// A number that was never used.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Whether another request may go.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() + self.again.len() < MOST
    }

    /// Whether nobody waits for an answer.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn add(&mut self, number: u64, waiting: Waiting) {
        self.waiting.insert(number, waiting);
    }

    pub(super) fn find(&self, number: u64) -> Option<&Waiting> {
        self.waiting.get(&number)
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Waiting> {
        self.waiting.remove(&number)
    }

    /// Forgets requests whose callers have given up.
    pub(super) fn sweep(&mut self) {
        self.waiting.retain(|_, waiting| !waiting.is_given_up());
        self.again.retain(|publishing| !publishing.answer.is_closed());
    }

    /// The session was gone before the server looked at this publication: the next one gets it, unless that went on
    /// for too long.
    pub(super) fn on_refused_for_session(&mut self, mut publishing: Box<Publishing>, error: Error) {
        publishing.refused += 1;
        if publishing.refused < ATTEMPTS {
            self.again.push_back(publishing);
        } else {
            Waiting::Publish(publishing).fail(error);
        }
    }

    /// The wire is lost: no answer will come any more. Publications are kept to be sent again, if the server `knows_keys`;
    /// everybody else is told.
    pub(super) fn lose(&mut self, knows_keys: bool) {
        let mut lost: Vec<_> = self.waiting.drain().collect();
        lost.sort_unstable_by_key(|(number, _)| *number);
        for (_, waiting) in lost {
            match waiting {
                Waiting::Publish(publishing) if knows_keys => self.again.push_back(publishing),
                waiting => waiting.fail(Error::Lost),
            }
        }
        if !knows_keys {
            let safe = |publishing: &Publishing| publishing.first_sent.is_none() || publishing.refused > 0;
            for publishing in std::mem::take(&mut self.again) {
                match safe(&publishing) {
                    true => self.again.push_back(publishing),
                    false => Waiting::Publish(publishing).fail(Error::Lost),
                }
            }
        }
    }

    /// The next publication to be sent again. Whose key may be forgotten by now is told that it is lost.
    pub(super) fn repeat(&mut self, now: Moment) -> Option<Box<Publishing>> {
        loop {
            let publishing = self.again.pop_front()?;
            if publishing.answer.is_closed() {
                continue;
            }
            if publishing.may_repeat(now) {
                return Some(publishing);
            }
            Waiting::Publish(publishing).fail(Error::Lost);
        }
    }

    /// It is over.
    pub(super) fn end(&mut self) {
        self.lose(false);
        self.again.drain(..).for_each(|publishing| Waiting::Publish(publishing).fail(Error::Ended));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = oneshot::Receiver<Result<Published, Error>>;

    fn publishing(key: &str, first_sent: Option<Moment>) -> (Box<Publishing>, Answer) {
        let (answer, receiver) = oneshot::channel();
        let publishing = Publishing {
            channel: Channel::parse("/a").unwrap(),
            data: serde_json::value::to_raw_value(&1).unwrap(),
            key: key.into(),
            conflate: Some("c".into()),
            without_echo: true,
            expires_ms: Some(5),
            answer,
            first_sent,
            refused: 0,
        };
        (Box::new(publishing), receiver)
    }

    #[test]
    fn a_publication_carries_its_key() {
        let (publishing, _) = publishing("k", None);
        assert_eq!(
            publishing.json(3, Some("c")),
            r#"{"id":"3","channel":"/a","clientId":"c","data":1,"ext":{"key":"k","conflate":"c","echo":false,"expires_ms":5}}"#
        );
    }

    #[tokio::test]
    async fn what_is_lost_with_a_wire_is_sent_again_in_its_order() {
        let (mut pending, now) = (Pending::default(), Moment::now());
        let mut kept = Vec::new();
        for key in ["a", "b", "c"] {
            let (publishing, answer) = publishing(key, Some(now));
            let number = pending.number();
            pending.add(number, Waiting::Publish(publishing));
            kept.push(answer);
        }
        pending.lose(true);
        drop(kept.remove(1));
        let mut again = || pending.repeat(now).map(|publishing| publishing.key.clone());
        assert_eq!((again(), again(), again()), (Some("a".into()), Some("c".into()), None));
    }

    #[tokio::test]
    async fn what_may_have_been_published_is_not_said_again_without_its_key() {
        let (mut pending, now) = (Pending::default(), Moment::now());
        let (second, long) = (Duration::from_secs(1), KEY_TIME);
        // Awake for so long, or asleep.
        for (timer, wall) in [(long, long), (second, long), (long, second)] {
            let (old, mut late) = publishing("a", Some(now));
            pending.add(1, Waiting::Publish(old));
            pending.lose(true);
            assert!(pending.repeat(now.later(timer, wall)).is_none());
            assert_eq!(late.try_recv(), Ok(Err(Error::Lost)));
        }
        let (young, mut lost) = publishing("b", Some(now));
        pending.add(2, Waiting::Publish(young));
        pending.lose(false);
        assert_eq!(lost.try_recv(), Ok(Err(Error::Lost)));
    }

    #[tokio::test]
    async fn a_publication_that_meets_lost_sessions_is_given_up_after_a_while() {
        let mut pending = Pending::default();
        let (mut publishing, mut answer) = publishing("a", None);
        let unknown = Error::refused(Some("402::session_unknown"));
        for _ in 1..ATTEMPTS {
            pending.on_refused_for_session(publishing, unknown.clone());
            publishing = pending.repeat(Moment::now()).unwrap();
        }
        pending.on_refused_for_session(publishing, unknown.clone());
        assert_eq!(answer.try_recv(), Ok(Err(unknown)));
    }
}
