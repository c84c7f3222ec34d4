//! What can be wrong with a run, with names and numbers.

use std::fmt;

use super::Note;

/// What is wrong with a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A message that was acknowledged, or that somebody else saw, was not seen, and no gap was told there.
    Lost {
        /// Who did not see it.
        subscriber: String,
        /// Where.
        channel: String,
        /// What.
        note: Note,
    },
    /// A message was seen twice.
    Repeated {
        /// Who saw it.
        subscriber: String,
        /// Where.
        channel: String,
        /// What.
        note: Note,
    },
    /// A publisher's message was seen after a later one of the same publisher, a gap between them or not.
    Late {
        /// Who saw it.
        subscriber: String,
        /// Where.
        channel: String,
        /// What.
        note: Note,
    },
    /// A message was seen after one that stands behind it in the channel.
    OutOfPlace {
        /// Who saw it.
        subscriber: String,
        /// Where.
        channel: String,
        /// What.
        note: Note,
    },
    /// Two subscribers saw the messages of a channel in different orders.
    Disagreement {
        /// The two.
        subscribers: [String; 2],
        /// Where.
        channel: String,
        /// A message that one saw before, the other after some other message.
        note: Note,
    },
    /// A message was seen that nobody published there.
    Invented {
        /// Who saw it.
        subscriber: String,
        /// Where.
        channel: String,
        /// What.
        note: Note,
    },
    /// A gap was told that no outage explains, or a second one for the same outage.
    NeedlessGap {
        /// Who was told.
        subscriber: String,
        /// Where.
        channel: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Lost { subscriber, channel, note } => write!(f, "{subscriber} lost {note} on {channel}"),
            Fault::Repeated { subscriber, channel, note } => {
                write!(f, "{subscriber} saw {note} on {channel} again")
            }
            Fault::Late { subscriber, channel, note } => {
                write!(f, "{subscriber} saw {note} on {channel} after a later one")
            }
            Fault::OutOfPlace { subscriber, channel, note } => {
                write!(f, "{subscriber} saw {note} out of its place on {channel}")
            }
            Fault::Disagreement { subscribers: [one, other], channel, note } => {
                write!(f, "{one} and {other} saw {note} on {channel} in different orders")
            }
            Fault::Invented { subscriber, channel, note } => {
                write!(f, "{subscriber} saw {note} on {channel}, which nobody published")
            }
            Fault::NeedlessGap { subscriber, channel } => {
                write!(f, "{subscriber} was told of a gap on {channel} without need")
            }
        }
    }
}
