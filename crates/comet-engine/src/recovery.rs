//! What is asked of the homes of channels when somebody comes back, and what they answer.
//!
//! Questions and answers travel between shards as letters; a session that waits for an answer is joining. What is
//! remembered, and whether it suffices, is `comet-bus`'s.

use bayeux::{Channel, Pattern};
use comet_bus::{Position, Recovered, ShardSet, Since, home_of};

use crate::key::{ExchangeKey, SessionKey};

/// A subscription of a session whose past is still asked for. What the awaited homes publish meanwhile comes with
/// their answers.
pub(crate) struct Joining {
    /// Which question it is: the answers to an earlier one, whose subscription has ended, are not for it.
    pub(crate) number: u32,
    pub(crate) name: Pattern,
    /// The session listened to the name before it asked: what comes meanwhile goes on.
    pub(crate) was_live: bool,
    /// Homes that have not answered.
    pub(crate) awaited: ShardSet,
    /// The answer is there and waits for those of other names: what is published from now on is not in it.
    pub(crate) is_held: bool,
}

/// A subscribe that asks by ids. Its answers wait for each other, and go into the queue together or not at all.
#[derive(Default)]
pub(crate) struct Replay {
    pub(crate) names: Vec<Replayed>,
    /// What the homes have said so far.
    pub(crate) answers: Vec<Recovery>,
    /// How many messages that brings, and of how many bytes.
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    /// A channel of which something is missing, once there is one: nothing is brought.
    pub(crate) missing: Option<Box<str>>,
}

/// One name of a subscribe that asks by ids.
pub(crate) struct Replayed {
    /// The number of its question.
    pub(crate) number: u32,
    pub(crate) name: Pattern,
    /// The session did not listen to it before.
    pub(crate) is_new: bool,
}

/// What one subscribe asks of the homes; posted once it is certain that the subscription holds.
#[derive(Default)]
pub(crate) struct Questions {
    /// The numbers of the questions.
    pub(crate) numbers: Vec<u32>,
    /// Each with its home.
    pub(crate) letters: Vec<(usize, Recover)>,
}

/// What is asked for.
#[derive(Clone)]
pub(crate) enum Question {
    /// Of one channel.
    Channel(Channel, Since),
    /// Of one channel, what came after this offset of its present epoch.
    Replay(Channel, u64),
    /// Of the channels of a pattern: from these positions on, and for all others from a time on, in unix milliseconds.
    Matching { positions: Vec<(Channel, Position)>, time_ms: u64 },
}

impl Question {
    /// What a client asks of one channel, in the words of its home.
    pub(crate) fn of(channel: Channel, since: &bayeux::Since) -> Question {
        match since {
            bayeux::Since::Position(position) => {
                Question::Channel(channel, Since::Position(crate::shard::position_of(position)))
            }
            bayeux::Since::Time(time_ms) => Question::Channel(channel, Since::Time(*time_ms)),
            bayeux::Since::Last(count) => {
                Question::Channel(channel, Since::Last(usize::try_from(*count).unwrap_or(usize::MAX)))
            }
            bayeux::Since::Everything => Question::Channel(channel, Since::Last(usize::MAX)),
            bayeux::Since::Replay(id) => Question::Replay(channel, u64::try_from(*id).unwrap_or(u64::MAX)),
        }
    }

    /// The one channel that is asked for.
    pub(crate) fn channel(&self) -> Option<&Channel> {
        match self {
            Question::Channel(channel, _) | Question::Replay(channel, _) => Some(channel),
            Question::Matching { .. } => None,
        }
    }

    /// What of it is asked of one home.
    pub(crate) fn for_home(&self, home: usize, shards: usize) -> Question {
        let Question::Matching { positions, time_ms } = self else { return self.clone() };
        let positions = positions.iter().filter(|(channel, _)| home_of(channel.as_str(), shards) == home);
        Question::Matching { positions: positions.cloned().collect(), time_ms: *time_ms }
    }
}

impl Recovery {
    /// How many messages it brings.
    pub(crate) fn messages(&self) -> usize {
        let count = |recovered: &Recovered| match recovered {
            Recovered::Messages { publications, .. } => publications.len(),
            Recovered::Gap { .. } => 0,
        };
        self.channels.iter().map(|(_, recovered)| count(recovered)).sum()
    }

    /// Bytes it counts for; the messages themselves are shared with the history.
    pub(crate) fn weight(&self) -> usize {
        128 + 64 * self.channels.len() + 16 * self.messages()
    }
}

impl Recover {
    /// Bytes it counts for.
    pub(crate) fn weight(&self) -> usize {
        128 + match &self.question {
            Question::Matching { positions, .. } => 64 * positions.len(),
            Question::Channel(..) | Question::Replay(..) => 0,
        }
    }
}

/// To a home: a session of `shard` wants to know.
pub(crate) struct Recover {
    pub(crate) shard: usize,
    pub(crate) exchange: ExchangeKey,
    pub(crate) reply: usize,
    pub(crate) session: SessionKey,
    pub(crate) number: u32,
    pub(crate) name: Pattern,
    pub(crate) question: Question,
}

/// From a home: all it can say. What it publishes afterwards comes afterwards.
pub(crate) struct Recovery {
    pub(crate) exchange: ExchangeKey,
    pub(crate) reply: usize,
    pub(crate) session: SessionKey,
    pub(crate) number: u32,
    pub(crate) name: Pattern,
    pub(crate) home: usize,
    pub(crate) channels: Vec<(Channel, Recovered)>,
    /// Where something of unnamed channels is missing, live messages follow from here.
    pub(crate) incomplete: Option<Position>,
}
