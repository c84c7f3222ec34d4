//! In which manner messages come to a subscription, and where it starts: what a program may ask of it.
//!
//! Values only. They go into subscribes as `ext.deliver` and `ext.since`; what gives way, and when something leaves, is the
//! server's business.

use std::time::Duration;

use bayeux::{MAX_PAUSE_MS, Slow};
use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, Since};

/// In which manner the messages of a subscription come, where that is not all of them and at once. What is left out is
/// as the channel has it; nothing comes more often than the channel allows.
///
/// ```
/// use std::time::Duration;
///
/// use comet_client::{Deliver, Slow};
///
/// // Of each key the newest, and of each channel at most five times a second.
/// let deliver = Deliver::new().slow(Slow::Conflate).every(Duration::from_millis(200));
/// # let _ = deliver;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Deliver {
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "word")]
    slow: Option<Slow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_ms: Option<u64>,
}

fn word<S: Serializer>(slow: &Option<Slow>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(slow.unwrap_or_default().name())
}

impl Deliver {
    /// As the channel has it.
    pub fn new() -> Deliver {
        Deliver::default()
    }

    /// What gives way when messages come faster than they are taken. Which message stands for which is said by the
    /// publisher: see [`Publication::conflate`](crate::Publication::conflate).
    pub fn slow(mut self, slow: Slow) -> Deliver {
        self.slow = Some(slow);
        self
    }

    /// Of each channel something comes at most so often, the first message at once and then the newest of each key.
    /// Whole milliseconds, a minute at most; the server keeps to it within 50 milliseconds.
    pub fn every(mut self, pause: Duration) -> Deliver {
        self.every_ms = Some(whole_ms(pause));
        self
    }

    /// Of each channel a first message comes at once; those behind it are gathered for so long and come together. Whole
    /// milliseconds, a minute at most.
    pub fn batch(mut self, pause: Duration) -> Deliver {
        self.batch_ms = Some(whole_ms(pause));
        self
    }

    /// What the server would refuse.
    fn check(&self) -> Result<(), Error> {
        match self.every_ms.into_iter().chain(self.batch_ms).max() {
            Some(pause_ms) if pause_ms > MAX_PAUSE_MS => Err(Error::Manner(format!(
                "a pause between deliveries has at most {MAX_PAUSE_MS} ms, and this one has {pause_ms}"
            ))),
            _ => Ok(()),
        }
    }
}

/// In which manner the messages of a subscription come, as the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Fields")]
pub struct Manner {
    /// What gives way.
    pub slow: Slow,
    /// The pause between two messages of a channel of which the newest comes; zero for none.
    pub every: Duration,
    /// How long messages are gathered behind a first one; zero for not at all.
    pub batch: Duration,
}

/// A manner as it comes.
#[derive(Deserialize)]
struct Fields {
    slow: String,
    every_ms: u64,
    batch_ms: u64,
}

impl From<Fields> for Manner {
    fn from(Fields { slow, every_ms, batch_ms }: Fields) -> Manner {
        // A word that is not known yet is a way of giving way.
        let slow = Slow::from_name(&slow).unwrap_or(Slow::DropOldest);
        Manner { slow, every: Duration::from_millis(every_ms), batch: Duration::from_millis(batch_ms) }
    }
}

/// Where a subscription starts and in which manner its messages come. See
/// [`Client::subscribe_with`](crate::Client::subscribe_with).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Listening {
    pub(crate) since: Option<Since>,
    pub(crate) deliver: Option<Deliver>,
}

impl Listening {
    /// From now on, and as the channel has it.
    pub fn new() -> Listening {
        Listening::default()
    }

    /// Starts in the past.
    pub fn since(mut self, since: Since) -> Listening {
        self.since = Some(since);
        self
    }

    /// Has messages come in this manner.
    pub fn deliver(mut self, deliver: Deliver) -> Listening {
        self.deliver = Some(deliver);
        self
    }

    /// What the server would refuse.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.deliver.as_ref().map_or(Ok(()), Deliver::check)
    }
}

fn whole_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(deliver: Deliver) -> String {
        serde_json::to_string(&deliver).unwrap()
    }

    #[test]
    fn a_manner_is_written_as_the_server_reads_it() {
        assert_eq!(json(Deliver::new()), "{}");
        assert_eq!(json(Deliver::new().slow(Slow::DropOldest)), r#"{"slow":"drop_oldest"}"#);
        let all = Deliver::new().slow(Slow::Conflate).every(Duration::from_millis(200)).batch(Duration::ZERO);
        assert_eq!(json(all), r#"{"slow":"conflate","every_ms":200,"batch_ms":0}"#);
    }

    #[test]
    fn what_the_server_says_of_a_manner_is_read() {
        let read = |json: &str| serde_json::from_str::<Manner>(json).ok();
        let every = Duration::from_millis(200);
        let said = read(r#"{"slow":"conflate","every_ms":200,"batch_ms":0}"#);
        assert_eq!(said, Some(Manner { slow: Slow::Conflate, every, batch: Duration::ZERO }));
        assert_eq!(
            read(r#"{"slow":"new","every_ms":0,"batch_ms":0}"#).map(|said| said.slow),
            Some(Slow::DropOldest)
        );
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn a_pause_has_a_minute_at_most() {
        let minute = Duration::from_secs(60);
        assert_eq!(Listening::new().deliver(Deliver::new().every(minute)).check(), Ok(()));
        for longer in [minute + Duration::from_millis(1), Duration::MAX] {
            let refused = Listening::new().deliver(Deliver::new().batch(longer)).check();
            assert!(matches!(refused, Err(Error::Manner(_))), "{refused:?}");
        }
    }
}
