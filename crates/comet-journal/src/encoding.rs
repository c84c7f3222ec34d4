//! How heads and records lie in the store.
//!
//! Keys and values of the one keyspace, and the digest that ties the heads together. Numbers are
//! big-endian, so that the records of a channel lie in their order. Nothing here reads or writes.

use comet_bus::journal::{Kept, Record};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::heads::Head;

/// The key of the summary.
pub(crate) const SUMMARY: &[u8] = b"s";
/// What the keys of heads begin with.
pub(crate) const HEADS: u8 = b'h';
/// What the keys of records begin with.
pub(crate) const RECORDS: u8 = b'r';
/// The longest name of a channel: a key holds it with its number.
pub(crate) const MAX_CHANNEL: usize = 32_768;
/// The longest key of either kind: a value holds it with its length.
pub(crate) const MAX_KEY: usize = u16::MAX as usize;
/// The longest event: a value holds it with its times.
pub(crate) const MAX_EVENT: usize = 1 << 30;

/// The form of everything below; another one is refused at the start.
const FORM: u8 = 1;

/// The record has a time at which it expires.
const EXPIRES: u8 = 1;
/// The record has an idempotency key.
const KEYED: u8 = 2;
/// The record has the text of an older message that it stands for.
const CONFLATED: u8 = 4;

/// What is known about all heads together; written with every group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Counts the groups that changed something.
    pub(crate) group: u64,
    /// The sum of the digests of all heads.
    pub(crate) sum: u64,
}

impl Summary {
    pub(crate) fn value(self) -> Vec<u8> {
        let mut value = vec![FORM];
        value.extend(self.group.to_be_bytes());
        value.extend(self.sum.to_be_bytes());
        value
    }

    pub(crate) fn of(value: &[u8]) -> Option<Summary> {
        let mut fields = Fields(value);
        let form = fields.byte()?;
        let summary = Summary { group: fields.number()?, sum: fields.number()? };
        (form == FORM && fields.0.is_empty()).then_some(summary)
    }
}

pub(crate) fn head_key(channel: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + channel.len());
    key.push(HEADS);
    key.extend(channel.as_bytes());
    key
}

pub(crate) fn channel_of_head(key: &[u8]) -> Option<&str> {
    let (&first, name) = key.split_first()?;
    if first != HEADS { None } else { std::str::from_utf8(name).ok() }
}

pub(crate) fn head_value(head: &Head) -> Vec<u8> {
    let mut value = Vec::with_capacity(25);
    value.extend(head.epoch.to_be_bytes());
    value.extend(head.head.to_be_bytes());
    value.extend(head.floor.to_be_bytes());
    value.push(u8::from(head.stored));
    value
}

pub(crate) fn head_of(value: &[u8]) -> Option<Head> {
    let mut fields = Fields(value);
    let (epoch, head, floor) = (fields.number()?, fields.number()?, fields.number()?);
    let stored = match fields.byte()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    (fields.0.is_empty() && floor <= head).then_some(Head { epoch, head, floor, stored })
}

/// What a head adds to the sum: no two heads, and no two states of one, are likely to add the same.
pub(crate) fn digest(channel: &str, head: &Head) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&xxh3_64(channel.as_bytes()).to_be_bytes());
    hasher.update(&head_value(head));
    hasher.digest()
}

pub(crate) fn record_key(channel: &str, offset: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(3 + channel.len() + 8);
    key.push(RECORDS);
    // Names are no longer than MAX_CHANNEL, so their lengths fit.
    key.extend((channel.len() as u16).to_be_bytes());
    key.extend(channel.as_bytes());
    key.extend(offset.to_be_bytes());
    key
}

pub(crate) fn channel_of_record(key: &[u8]) -> Option<(&str, u64)> {
    let rest = key.strip_prefix(&[RECORDS])?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (name, offset) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let offset = u64::from_be_bytes(offset.try_into().ok()?);
    Some((std::str::from_utf8(name).ok()?, offset))
}

pub(crate) fn record_value(record: &Record) -> Vec<u8> {
    let (key, conflate) = (record.key.as_deref(), record.conflate.as_deref());
    let keys = key.map_or(0, str::len) + conflate.map_or(0, str::len);
    let mut value = Vec::with_capacity(21 + keys + record.event.len());
    value.extend(record.at_ms.to_be_bytes());
    let expires = if record.expires_at_ms.is_some() { EXPIRES } else { 0 };
    let keyed = if key.is_some() { KEYED } else { 0 };
    value.push(expires | keyed | if conflate.is_some() { CONFLATED } else { 0 });
    value.extend(record.expires_at_ms.unwrap_or(0).to_be_bytes());
    for key in key.into_iter().chain(conflate) {
        // Keys are no longer than MAX_KEY, so their lengths fit.
        value.extend((key.len() as u16).to_be_bytes());
        value.extend(key.as_bytes());
    }
    value.extend(&record.event);
    value
}

pub(crate) fn kept(offset: u64, value: &[u8]) -> Option<Kept> {
    let mut fields = Fields(value);
    let (at_ms, has, expiry) = (fields.number()?, fields.byte()?, fields.number()?);
    if has & !(EXPIRES | KEYED | CONFLATED) != 0 {
        return None;
    }
    let expires_at_ms = (has & EXPIRES != 0).then_some(expiry);
    let key = if has & KEYED != 0 { Some(fields.text()?.into()) } else { None };
    let conflate = if has & CONFLATED != 0 { Some(fields.text()?.into()) } else { None };
    Some(Kept { offset, at_ms, expires_at_ms, key, conflate, event: fields.0.into() })
}

/// Takes fields off the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*number))
    }

    fn text(&mut self) -> Option<&str> {
        let (length, rest) = self.0.split_first_chunk::<2>()?;
        let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }
}
