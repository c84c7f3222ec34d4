//! The homes of channels at the start: made for every shard, and given back what a journal has kept.
//!
//! Each channel goes to the shard it is numbered at, which may be another than in the process before. What a home remembers
//! is `comet-bus`'s; who keeps it beyond the process comes with the journal.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use comet_bus::journal::{Entry, JournalError, Keeper, Opened};
use comet_bus::{ChannelTable, Durability, Full, Home, HomeConfig, Marks, home_of};

use crate::config::Config;

/// What each channel offers.
pub(crate) fn table(config: &Config) -> Arc<ChannelTable> {
    Arc::new(ChannelTable::new(config.channels.default, config.channels.rules.iter().cloned()))
}

/// Entries that go to the journal together.
const ENTRIES: usize = 512;

/// The homes of all shards, with the channels of a journal. The journal knows what it has to forget when this returns: what
/// is in memory now must not be remembered half in the next life.
///
/// # Errors
/// `InvalidInput` when channels are durable and there is no journal, when durable channels remember nothing, or when there
/// is no room for the channels of the journal; any other when the journal takes nothing.
pub(crate) fn homes(
    config: &Config,
    table: &Arc<ChannelTable>,
    shards: usize,
    journal: Option<Opened>,
) -> io::Result<Vec<Home>> {
    check(config, journal.is_some())?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (limits, now_ms) = (&config.limits, since.as_millis() as u64);
    let home = |shard| {
        Home::new(HomeConfig {
            epoch: epoch(since, shard),
            known_since_ms: now_ms,
            channels: limits.channels_per_shard,
            history_bytes: limits.history_bytes,
            keys: limits.keys,
            keys_per_owner: limits.keys_per_publisher,
            key_age_ms: limits.key_age_ms,
            table: table.clone(),
        })
    };
    let mut homes: Vec<Home> = (0..shards).map(home).collect();
    let Some(Opened { keeper, mut loaded }) = journal else { return Ok(homes) };
    let marks = Marks::of(&mut loaded);
    homes.iter_mut().enumerate().for_each(|(shard, home)| home.begin_mark(&marks, shard));
    homes[0].end_marks(&marks, shards);
    // Those used last come last, as if they had been published on just now.
    loaded.sort_by_key(|loaded| loaded.records.last().map(|record| record.at_ms));
    for loaded in loaded {
        homes[home_of(&loaded.channel, shards)].load(loaded).map_err(|Full| {
            invalid(
                "the journal has more channels than the shards may count: raise channels_per_shard".into(),
            )
        })?;
    }
    for home in &mut homes {
        home.end_loading(now_ms);
        loop {
            let entries = home.take_chores(ENTRIES);
            if entries.is_empty() {
                break;
            }
            tell(&*keeper, entries)
                .map_err(|error| io::Error::other(format!("the journal takes nothing: {error}")))?;
        }
    }
    Ok(homes)
}

/// Tells the journal something and waits until it has it.
fn tell(keeper: &dyn Keeper, entries: Vec<Entry>) -> Result<(), JournalError> {
    let (sender, word) = channel();
    let done = move |verdicts: &[Result<(), JournalError>]| {
        // Whoever waits goes on when nobody can send any more.
        let _ = sender.send(verdicts.iter().cloned().collect());
    };
    keeper.submit_all(entries, Some(Box::new(done)))?;
    word.recv().unwrap_or(Err(JournalError::Closed))
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
