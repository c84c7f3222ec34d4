//! Which shards listen to which names.
//!
//! A home keeps no subscribers, only the set of shards that have some, for each channel and pattern. The hubs of the
//! shards say when their first listener came and their last one went; the home asks for each publication.

use std::collections::HashMap;

use bayeux::Channel;

use crate::ShardSet;

/// The shards that listen, by name.
#[derive(Default)]
pub(crate) struct Interest {
    by_name: HashMap<Box<str>, ShardSet>,
}

impl Interest {
    /// Notes that a shard has gained its first or lost its last listener of a channel or pattern.
    pub(crate) fn note(&mut self, shard: usize, name: &str, interested: bool) {
        if interested {
            match self.by_name.get_mut(name) {
                Some(set) => set.insert(shard),
                None => {
                    let mut set = ShardSet::default();
                    set.insert(shard);
                    self.by_name.insert(name.into(), set);
                }
            }
        } else if let Some(set) = self.by_name.get_mut(name) {
            set.remove(shard);
            if set.is_empty() {
                self.by_name.remove(name);
            }
        }
    }

    /// Whether any shard listens to this very name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The shards that listen to a channel, by its name or by a pattern.
    pub(crate) fn shards(&self, channel: &Channel) -> ShardSet {
        let mut shards = ShardSet::default();
        channel.matching_names(|name| {
            if let Some(set) = self.by_name.get(name) {
                shards = shards.union(*set);
            }
        });
        shards
    }
}
