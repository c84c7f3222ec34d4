//! The homes of channels at the start: made for every shard, and given back what a journal has kept.
//!
//! Each channel goes to the shard it is numbered at, which may be another than in the process before. What a home remembers
//! is `comet-bus`'s; who keeps it beyond the process comes with the journal.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use comet_bus::journal::Loaded;
use comet_bus::{ChannelTable, Durability, Full, Home, HomeConfig, home_of};

use crate::config::Config;

/// The homes of all shards, with the channels of a journal; `None` where there is no journal.
///
/// # Errors
/// `InvalidInput` when channels are durable and there is no journal, when durable channels remember nothing, or when there
/// is no room for the channels of the journal.
pub(crate) fn homes(config: &Config, shards: usize, loaded: Option<Vec<Loaded>>) -> io::Result<Vec<Home>> {
    check(config, loaded.is_some())?;
    let table = Arc::new(ChannelTable::new(config.channels.default, config.channels.rules.iter().cloned()));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (limits, now_ms) = (&config.limits, since.as_millis() as u64);
    let home = |shard| {
        Home::new(HomeConfig {
            epoch: epoch(since, shard),
            known_since_ms: now_ms,
            channels: limits.channels_per_shard,
            history_bytes: limits.history_bytes,
            keys: limits.keys,
            key_age_ms: limits.key_age_ms,
            table: table.clone(),
        })
    };
    let mut homes: Vec<Home> = (0..shards).map(home).collect();
    let mut loaded = loaded.unwrap_or_default();
    // Those used last come last, as if they had been published on just now.
    loaded.sort_by_key(|loaded| loaded.records.last().map(|record| record.at_ms));
    for loaded in loaded {
        homes[home_of(&loaded.channel, shards)].load(loaded).map_err(|Full| {
            invalid(
                "the journal has more channels than the shards may count: raise channels_per_shard".into(),
            )
        })?;
    }
    homes.iter_mut().for_each(|home| home.end_loading(now_ms));
    Ok(homes)
}

/// Durable channels need a journal, and a history that it can bring back.
fn check(config: &Config, has_journal: bool) -> io::Result<()> {
    let channels = &config.channels;
    let rules = channels.rules.iter().map(|(pattern, options)| (pattern.as_str(), options));
    for (name, options) in rules.chain([("all other channels", &channels.default)]) {
        if options.durability == Durability::Memory {
            continue;
        }
        let durability = options.durability.name();
        if !has_journal {
            return Err(invalid(format!("{name}: {durability:?} needs a journal, and there is none")));
        }
        if options.history.is_none() {
            return Err(invalid(format!(
                "{name}: {durability:?} needs a history, and nothing is remembered"
            )));
        }
    }
    Ok(())
}

fn invalid(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, words)
}

/// An epoch that no earlier run of the shard has used: nanoseconds since 1970, the shard in the low bits.
fn epoch(since: Duration, shard: usize) -> u64 {
    (since.as_nanos() as u64) << 6 | shard as u64
}
