//! A message before and after it was accepted: a draft, and what it becomes: frozen, numbered, shared.
//!
//! [`Publication::freeze`] is the one line after which nothing about a message changes: its JSON is
//! written once and every subscriber on every shard shares the bytes. What a transport wraps around
//! them is added by the engine.

use bayeux::{Channel, event};

use crate::Position;

/// What a publication costs beside its event: itself, its places in lists, the memory manager's share.
const OVERHEAD_BYTES: usize = 160;

/// A message that asks to be published.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The channel to publish on.
    pub channel: Channel,
    /// The data, raw JSON text.
    pub data: &'a str,
    /// The publisher's ext, raw JSON text of an object.
    pub ext: Option<&'a str>,
    /// Names the message on its channel: while the name is remembered it is published once. Whoever takes it from a
    /// peer bounds its length.
    pub key: Option<&'a str>,
    /// Who has given the key, of those whose keys are bounded one by one; nobody where it is the server itself.
    pub key_owner: Option<&'a str>,
    /// Which older message of its channel it stands for, where those give way to newer ones: those with the same text.
    /// Whoever takes it from a peer bounds its length.
    pub conflate: Option<&'a str>,
    /// What its receivers are told of who publishes it, raw JSON text of an object.
    pub identity: Option<&'a str>,
    /// The session that publishes, as a number that means nothing here.
    pub publisher: Option<u64>,
    /// Whether that session gets it too; the options of the channel may say no as well.
    pub echo: bool,
    /// When it has lost its meaning, in unix milliseconds: from then on it is not recovered, and not missed either.
    pub expires_at_ms: Option<u64>,
    /// A number for those who count its receivers, which means nothing here.
    pub receipt: Option<u64>,
}

impl<'a> Draft<'a> {
    /// A message that is nothing but its data.
    pub fn new(channel: Channel, data: &'a str) -> Draft<'a> {
        Draft {
            channel,
            data,
            ext: None,
            key: None,
            key_owner: None,
            conflate: None,
            identity: None,
            publisher: None,
            echo: true,
            expires_at_ms: None,
            receipt: None,
        }
    }
}

/// A message accepted on a channel.
#[derive(Debug)]
pub struct Publication {
    /// The channel it was published on.
    pub channel: Channel,
    /// Its place in the channel.
    pub position: Position,
    /// When it was numbered, in unix milliseconds.
    pub at_ms: u64,
    /// When it has lost its meaning, in unix milliseconds.
    pub expires_at_ms: Option<u64>,
    /// Which older message of its channel it stands for; without it, for any.
    pub conflate: Option<Box<str>>,
    /// The session that must not get it.
    pub except: Option<u64>,
    /// A number for those who count its receivers.
    pub receipt: Option<u64>,
    /// The Bayeux event, `{"channel":…,"data":…,"ext":{…,"position":…}}`, as every subscriber receives it.
    pub event: Box<[u8]>,
}

impl Publication {
    /// Freezes a message that was given its position at `now_ms`. A position in the publisher's ext gives way to it;
    /// the other fields of the ext stay byte for byte.
    pub fn freeze(draft: Draft<'_>, position: Position, now_ms: u64) -> Publication {
        let Draft { channel, data, ext, identity, conflate, publisher, echo, expires_at_ms, receipt, .. } =
            draft;
        let except = publisher.filter(|_| !echo);
        let own =
            channel.as_str().len() + data.len() + ext.map_or(0, str::len) + identity.map_or(0, str::len);
        let mut event = Vec::with_capacity(own + 112);
        let write_position = |out: &mut Vec<u8>| position.write_json(out);
        event::write_numbered_event(channel.as_str(), data, ext, identity, write_position, &mut event);
        Publication {
            channel,
            position,
            at_ms: now_ms,
            expires_at_ms,
            conflate: conflate.map(Into::into),
            except,
            receipt,
            event: event.into_boxed_slice(),
        }
    }

    /// Whether it has lost its meaning.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at_ms.is_some_and(|expires_at_ms| expires_at_ms <= now_ms)
    }

    /// The memory it occupies, in bytes; bounds in bytes count this.
    pub fn size_bytes(&self) -> usize {
        let conflate = self.conflate.as_ref().map_or(0, |conflate| conflate.len());
        self.event.len() + self.channel.as_str().len() + conflate + OVERHEAD_BYTES
    }
}
