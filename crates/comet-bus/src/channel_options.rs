//! What a channel offers beside delivery.
//!
//! Plain values with defaults: how much of a channel is remembered, how safe a message is before its publisher is
//! answered, who hears what. Which channel has which options is `channel_table`'s; they come from the configuration,
//! and homes, sessions and publishers keep to them.

use bayeux::{Deliver, DeliverRequest};

/// How much of a channel is remembered. Whichever bound is reached first holds; 0 in any of them remembers nothing
/// but the newest message, where that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The most messages.
    pub messages: usize,
    /// The most memory of one channel's messages, in bytes.
    pub bytes: usize,
    /// The greatest age of a message, in milliseconds.
    pub age_ms: u64,
    /// The newest message is kept whatever these bounds say, and who subscribes gets it by itself.
    pub newest: bool,
}

impl Retention {
    /// Remembers nothing.
    pub const NONE: Retention = Retention { messages: 0, bytes: 0, age_ms: 0, newest: false };

    /// Whether anything is remembered at all.
    pub fn is_none(&self) -> bool {
        !self.newest && (self.messages == 0 || self.bytes == 0 || self.age_ms == 0)
    }
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { messages: 1_000, bytes: 1 << 20, age_ms: 5 * 60 * 1_000, newest: false }
    }
}

/// How safe a message is when its publisher is answered, the weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// In the memory of this process.
    #[default]
    Memory,
    /// Handed to the system to be written: safe from the end of the process.
    Stored,
    /// Written to the disk: safe from the end of the system.
    Fsync,
}

impl Durability {
    /// The word for it in replies.
    pub fn name(self) -> &'static str {
        match self {
            Durability::Memory => "memory",
            Durability::Stored => "stored",
            Durability::Fsync => "fsync",
        }
    }
}

/// What a channel offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelOptions {
    /// How much is remembered for those who come back.
    pub history: Retention,
    /// How safe a message is when its publisher is answered.
    pub durability: Durability,
    /// Whether a publisher that listens hears itself.
    pub echo: bool,
    /// Whether it is known, and told, who listens.
    pub presence: bool,
    /// How long joins and leaves are gathered before they are told, in milliseconds.
    pub presence_debounce_ms: u64,
    /// How its messages come to subscribers that are slower than they are.
    pub deliver: Deliver,
    /// Whether a subscriber may choose another manner, within that one.
    pub deliver_choice: bool,
    /// How long a message may wait for something that leaves anyway before it wakes a subscriber, in milliseconds; 0 for
    /// not at all. Only where messages come in the plain manner.
    pub lazy_ms: u64,
    /// Whether events say who has published them.
    pub identity: bool,
    /// The age at which messages lose their meaning that say none themselves, in milliseconds; 0 for never.
    pub expires_ms: u64,
}

impl Default for ChannelOptions {
    fn default() -> ChannelOptions {
        ChannelOptions {
            history: Retention::default(),
            durability: Durability::Memory,
            echo: true,
            presence: false,
            presence_debounce_ms: 500,
            deliver: Deliver::default(),
            deliver_choice: true,
            lazy_ms: 0,
            identity: false,
            expires_ms: 0,
        }
    }
}

impl ChannelOptions {
    /// Whether messages are simply queued for whoever wishes nothing, and leave at once.
    pub fn is_plain(&self) -> bool {
        self.lazy_ms == 0 && self.deliver_to(None).is_plain()
    }

    /// How the messages come to a subscriber with this wish.
    pub fn deliver_to(&self, wish: Option<&DeliverRequest>) -> Deliver {
        match wish {
            Some(wish) if self.deliver_choice => self.deliver.with(wish),
            _ => self.deliver.with(&DeliverRequest::default()),
        }
    }
}
