//! The home of channels: numbers publications and knows which shards listen.
//!
//! Every channel has one home shard, found by [`home_of`]; there its offsets are counted. A home keeps
//! no subscribers, only the set of shards that have some. Interest comes in from the shards' hubs, the
//! numbered publication goes out to the shards the answer names.

use std::collections::HashMap;

use bayeux::{Channel, Millis};

use crate::{Position, ShardSet};

/// The home side of every channel that hashes to this shard.
pub struct Home {
    channels: HashMap<Box<str>, Numbered>,
    interest: HashMap<Box<str>, ShardSet>,
    epoch: u64,
    capacity: usize,
}

struct Numbered {
    epoch: u64,
    offset: u64,
    used: Millis,
}

/// The home counts as many channels as it may and none of them can be forgotten yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Home {
    /// A home that counts at most `capacity` channels. `epoch` must differ from every earlier one of
    /// the same shard, also across restarts.
    pub fn new(epoch: u64, capacity: usize) -> Home {
        Home { channels: HashMap::new(), interest: HashMap::new(), epoch, capacity }
    }

    /// Notes that `shard` has gained its first or lost its last listener of `name`, a channel or a
    /// pattern.
    pub fn on_interest(&mut self, shard: usize, name: &str, interested: bool) {
        if interested {
            match self.interest.get_mut(name) {
                Some(set) => set.insert(shard),
                None => {
                    let mut set = ShardSet::default();
                    set.insert(shard);
                    self.interest.insert(name.into(), set);
                }
            }
        } else if let Some(set) = self.interest.get_mut(name) {
            set.remove(shard);
            if set.is_empty() {
                self.interest.remove(name);
            }
        }
    }

    /// Numbers one publication and names the shards that have listeners of its channel.
    ///
    /// # Errors
    /// [`Full`] when the channel is new and there is no room for it.
    pub fn number(&mut self, channel: &Channel, now: Millis) -> Result<(Position, ShardSet), Full> {
        let position = match self.channels.get_mut(channel.as_str()) {
            Some(numbered) => {
                numbered.offset += 1;
                numbered.used = now;
                Position { epoch: numbered.epoch, offset: numbered.offset }
            }
            None => {
                if self.channels.len() >= self.capacity {
                    return Err(Full);
                }
                let numbered = Numbered { epoch: self.epoch, offset: 1, used: now };
                self.channels.insert(channel.as_str().into(), numbered);
                Position { epoch: self.epoch, offset: 1 }
            }
        };
        let mut shards = ShardSet::default();
        channel.matching_names(|name| {
            if let Some(set) = self.interest.get(name) {
                shards = shards.union(*set);
            }
        });
        Ok((position, shards))
    }

    /// Forgets channels that were not published to since `before`. A forgotten channel that comes back
    /// counts from 1 again, so the epoch moves on.
    pub fn forget(&mut self, before: Millis) {
        let held = self.channels.len();
        self.channels.retain(|_, numbered| numbered.used >= before);
        if self.channels.len() < held {
            self.epoch = self.epoch.wrapping_add(1);
            self.channels.shrink_to(self.channels.len() * 2);
        }
    }

    /// How many channels are counted here.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }
}

/// The shard, of `shards`, at which the channel of this name is numbered. Every shard of a node gets the
/// same answer; it is not kept anywhere, so it may differ between versions.
pub fn home_of(name: &str, shards: usize) -> usize {
    // FNV-1a: whoever invents names so that they collide only crowds one shard, never a table.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    // FNV leaves names that differ in their last characters close together: mix before dividing.
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((mixed >> 32) as usize) % shards.max(1)
}
