//! What the tests of homes and histories share: short ways to names, messages and answers.

use std::sync::Arc;

use bayeux::{Channel, Pattern};
use comet_bus::{
    ChannelOptions, ChannelTable, Draft, Home, HomeConfig, Position, Publication, Published, Recovered,
    RecoveryLimits, Retention,
};

/// Room for everything a test brings.
pub(crate) const AMPLE: RecoveryLimits = RecoveryLimits { messages: 10_000, bytes: 100 << 20 };

pub(crate) fn channel(name: &str) -> Channel {
    Channel::parse(name).expect("a channel")
}

pub(crate) fn pattern(name: &str) -> Pattern {
    Pattern::parse(name).expect("a pattern")
}

/// A home with epoch 9 that remembers everything.
pub(crate) fn config() -> HomeConfig {
    let history = Retention { messages: 1_000, bytes: 1 << 20, age_ms: u64::MAX, newest: false };
    HomeConfig {
        epoch: 9,
        known_since_ms: 0,
        channels: 10,
        history_bytes: 10 << 20,
        keys: 10,
        keys_per_owner: 10,
        key_age_ms: 1_000,
        table: table(history),
    }
}

/// All channels with this retention.
pub(crate) fn table(history: Retention) -> Arc<ChannelTable> {
    Arc::new(ChannelTable::new(ChannelOptions { history, ..ChannelOptions::default() }, []))
}

/// Publishes a number.
pub(crate) fn publish(home: &mut Home, name: &str, number: usize, now_ms: u64) -> Position {
    home.publish(Draft::new(channel(name), &number.to_string()), now_ms)
        .expect("there is room")
        .position()
        .expect("nothing waits")
}

/// The publication of a message that is new.
pub(crate) fn new(published: Published) -> Option<Arc<Publication>> {
    match published {
        Published::New { publication, .. } => publication,
        other => panic!("not new: {other:?}"),
    }
}

/// The offsets that were recovered; `None` for a gap.
pub(crate) fn offsets(recovered: &Recovered) -> Option<Vec<u64>> {
    match recovered {
        Recovered::Messages { publications, .. } => {
            Some(publications.iter().map(|publication| publication.position.offset).collect())
        }
        Recovered::Gap { .. } => None,
    }
}

/// Where live messages follow from.
pub(crate) fn head(recovered: &Recovered) -> Position {
    match recovered {
        Recovered::Messages { head, .. } | Recovered::Gap { head } => *head,
    }
}
