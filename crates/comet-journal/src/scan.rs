//! Everything the store holds, read and held against itself.
//!
//! Every head has all its records, every record has its head, and all heads together are those of the
//! last group. What does not fit is an error that says what was found; nothing is mended here.

use comet_bus::journal::{JournalError, Loaded};
use fjall::Keyspace;
use rustc_hash::FxHashMap;

use crate::encoding::{self, HEADS, RECORDS, SUMMARY, Summary};
use crate::heads::{Head, Heads};
use crate::store::fault;

/// What a store held.
pub(crate) struct Scan {
    pub(crate) heads: Heads,
    /// In the order of their names.
    pub(crate) loaded: Vec<Loaded>,
}

/// Reads it all.
pub(crate) fn scan(keyspace: &Keyspace) -> Result<Scan, JournalError> {
    let mut heads = Heads::default();
    let mut channels: FxHashMap<Box<str>, Loaded> = FxHashMap::default();
    for guard in keyspace.prefix([HEADS]) {
        let (key, value) = guard.into_inner().map_err(fault)?;
        let channel = encoding::channel_of_head(&key).ok_or_else(|| corrupt("a head without a name"))?;
        let head = encoding::head_of(&value).ok_or_else(|| corrupt(format!("the head of {channel}")))?;
        heads.set(channel, Some(head));
        channels.insert(channel.into(), empty(channel, &head));
    }
    check_summary(keyspace, &mut heads)?;
    let mut current: Option<Loaded> = None;
    let mut loaded = Vec::with_capacity(channels.len());
    for guard in keyspace.prefix([RECORDS]) {
        let (key, value) = guard.into_inner().map_err(fault)?;
        let (channel, offset) =
            encoding::channel_of_record(&key).ok_or_else(|| corrupt("a record without a name"))?;
        if current.as_ref().is_none_or(|current| &*current.channel != channel) {
            // A channel that comes a second time was taken out already, and is found to have no head.
            let next = channels
                .remove(channel)
                .ok_or_else(|| corrupt(format!("{channel} has records and no head")))?;
            loaded.extend(current.replace(next));
        }
        let Some(open) = &mut current else { continue };
        if open.floor.checked_add(1 + open.records.len() as u64) != Some(offset) {
            return Err(corrupt(format!(
                "{channel} has offset {offset} in the place of another one; kept are those from {} to {}",
                open.floor.saturating_add(1),
                open.head
            )));
        }
        let kept = encoding::kept(offset, &value)
            .ok_or_else(|| corrupt(format!("offset {offset} of {channel} is garbled")))?;
        open.records.push(kept);
    }
    loaded.extend(current);
    loaded.extend(channels.into_values());
    for channel in &loaded {
        if channel.records.len() as u64 != channel.head - channel.floor {
            return Err(corrupt(format!(
                "{} has {} records between {} and {}",
                channel.channel,
                channel.records.len(),
                channel.floor,
                channel.head
            )));
        }
    }
    loaded.sort_by(|a, b| a.channel.cmp(&b.channel));
    Ok(Scan { heads, loaded })
}

/// The heads are those of one and the same group.
fn check_summary(keyspace: &Keyspace, heads: &mut Heads) -> Result<(), JournalError> {
    let summary = match keyspace.get(SUMMARY).map_err(fault)? {
        Some(value) => Summary::of(&value).ok_or_else(|| corrupt("the summary cannot be read"))?,
        None => Summary::default(),
    };
    if summary.sum != heads.summary().sum {
        return Err(corrupt(format!("the heads are not those of group {}", summary.group)));
    }
    heads.count_from(summary.group);
    Ok(())
}

fn empty(channel: &str, head: &Head) -> Loaded {
    Loaded {
        channel: channel.into(),
        epoch: head.epoch,
        head: head.head,
        floor: head.floor,
        replaced: None,
        records: Vec::new(),
    }
}

fn corrupt(what: impl Into<Box<str>>) -> JournalError {
    JournalError::Corrupt(what.into())
}
