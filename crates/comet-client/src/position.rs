//! Places in channels, where a subscription starts, and what becomes of a publication: the words of history.
//!
//! Values only. They come from events and replies and go into subscribes; what the server remembers is its own
//! business.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The place of a message in its channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Position {
    /// Which count of the channel, as the server writes it; it means nothing but itself.
    pub epoch: String,
    /// The number in that count.
    pub offset: u64,
}

/// Where in the past of its channels a subscription starts. What comes from there on comes in order and once. What the
/// server does not remember any more is told as a [`Gap`](crate::Gap), and so is everything from before the start of a
/// server whose channels are in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// Behind this message of a channel; a pattern takes no position.
    Position(Position),
    /// With the newest so many messages of a channel; a pattern takes no number.
    Last(u64),
    /// With what was published later than this.
    Time(SystemTime),
    /// With what was published no longer ago than this.
    Ago(Duration),
}

impl Since {
    /// What the server reads.
    pub(crate) fn request(&self) -> SinceRequest {
        match self {
            Since::Position(position) => SinceRequest::Position(position.clone()),
            Since::Last(last) => SinceRequest::Last { last: *last },
            Since::Time(time) => SinceRequest::Time { time: unix_ms(*time) },
            Since::Ago(ago) => {
                let time = SystemTime::now().checked_sub(*ago).unwrap_or(UNIX_EPOCH);
                SinceRequest::Time { time: unix_ms(time) }
            }
        }
    }
}

/// The same in the words of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum SinceRequest {
    /// Behind a position.
    Position(Position),
    /// The newest.
    Last { last: u64 },
    /// Later than this, in unix milliseconds.
    Time { time: u64 },
    /// Behind these positions, and on every other channel later than this.
    Pattern { time: u64, positions: std::collections::BTreeMap<String, Position> },
}

/// Unix milliseconds, nothing before 1970.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// How well a publication is kept when it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// In the memory of the server.
    Memory,
    /// Handed to the system of a disk.
    Stored,
    /// On the disk.
    Fsync,
}

/// What became of a publication. A server that does not count tells nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Where it stands in its channel.
    pub position: Option<Position>,
    /// How well it is kept.
    pub durability: Option<Durability>,
}

/// What a publication may be told besides its data. See [`Client::publish_with`](crate::Client::publish_with) and
/// [`Api::publish_with`](crate::Api::publish_with).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Publication {
    pub(crate) key: Option<String>,
    pub(crate) conflate: Option<String>,
    pub(crate) without_echo: bool,
    pub(crate) expires_ms: Option<u64>,
}

impl Publication {
    /// Nothing special.
    pub fn new() -> Publication {
        Publication::default()
    }

    /// Makes publications with the same key on the same channel one and the same: as long as the server remembers
    /// the key of 1 to 64 bytes, all but the first get the place of the first and publish nothing. Without it the
    /// client makes a key of its own, which is enough for whatever it repeats by itself.
    pub fn key(mut self, key: impl Into<String>) -> Publication {
        self.key = Some(key.into());
        self
    }

    /// Stands for older messages with the same key of 1 to 64 bytes on its channel: a subscriber that gets the newest
    /// of each key alone gets no older one behind it, and may never get this one when a newer one comes in time. To all
    /// others it is a message like any other.
    pub fn conflate(mut self, key: impl Into<String>) -> Publication {
        self.conflate = Some(key.into());
        self
    }

    /// Does not come back to the subscriptions of this client.
    pub fn without_echo(mut self) -> Publication {
        self.without_echo = true;
        self
    }

    /// After so long the message has lost its meaning, and is no longer brought to those who have not got it. Whole
    /// milliseconds; the server refuses 0.
    pub fn expires(mut self, age: Duration) -> Publication {
        self.expires_ms = Some(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(since: &SinceRequest) -> String {
        serde_json::to_string(since).unwrap()
    }

    #[test]
    fn a_start_in_the_past_is_written_as_the_server_reads_it() {
        let position = Position { epoch: "a1".into(), offset: 7 };
        assert_eq!(json(&Since::Position(position.clone()).request()), r#"{"epoch":"a1","offset":7}"#);
        assert_eq!(json(&Since::Last(3).request()), r#"{"last":3}"#);
        let time = UNIX_EPOCH + Duration::from_millis(1_234);
        assert_eq!(json(&Since::Time(time).request()), r#"{"time":1234}"#);
        let pattern = SinceRequest::Pattern { time: 5, positions: [("/a".to_owned(), position)].into() };
        assert_eq!(json(&pattern), r#"{"time":5,"positions":{"/a":{"epoch":"a1","offset":7}}}"#);
    }

    #[test]
    fn how_long_ago_counts_back_from_now_and_not_beyond_the_beginning() {
        let SinceRequest::Time { time } = Since::Ago(Duration::from_secs(60)).request() else {
            panic!("a time")
        };
        let ago = unix_ms(SystemTime::now()) - time;
        assert!((60_000..70_000).contains(&ago), "{ago}");
        assert_eq!(Since::Ago(Duration::MAX).request(), SinceRequest::Time { time: 0 });
    }
}
