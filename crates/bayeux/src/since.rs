//! From where a subscriber wants to hear.
//!
//! The forms in which a subscribe asks for the past are read here: `ext.since`, and the `ext.replay` of Salesforce. What
//! is still kept and whether it suffices is known at the homes of the channels; epochs are text that only they read.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::channel::Channel;
use crate::code::Code;
use crate::error::Error;
use crate::pattern::Pattern;

/// The most positions in one request.
pub const MAX_POSITIONS: usize = 1_024;

/// The longest epoch, in bytes.
const MAX_EPOCH_BYTES: usize = 64;

/// A place in a channel as a client remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which count of the channel it is of, in the words of the home.
    pub epoch: Box<str>,
    /// The number of the last publication the client has.
    pub offset: u64,
}

/// From where on one name is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Since {
    /// Everything behind this publication.
    Position(Position),
    /// Everything from this time on, in unix milliseconds.
    Time(u64),
    /// The last so many publications.
    Last(u64),
    /// Everything that is kept.
    Everything,
    /// Everything behind the publication of this number, in whatever epoch: how clients of Salesforce count.
    Replay(i64),
}

/// What a subscribe asks of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinceRequest {
    /// The same for every name of the message.
    One(Since),
    /// Patterns: what is behind these positions, and for every other channel what came from the time on.
    Pattern {
        /// For channels without position, in unix milliseconds.
        time_ms: u64,
        /// Where the client stands, each channel once.
        positions: Vec<(Channel, Position)>,
    },
    /// For these names of the message; of the others only what is new.
    Each(Vec<(Pattern, Since)>),
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    since: Option<&'a RawValue>,
    #[serde(borrow)]
    replay: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SinceFields<'a> {
    epoch: Option<Box<str>>,
    offset: Option<u64>,
    time: Option<u64>,
    last: Option<u64>,
    #[serde(borrow)]
    positions: Option<&'a RawValue>,
}

/// Reads what the `ext` of a subscribe asks of the past.
///
/// # Errors
///
/// `message_invalid` with the reason.
pub(crate) fn read(ext: Option<&RawValue>, patterns: &[Pattern]) -> Result<Option<SinceRequest>, Error> {
    let Some(ext) = ext else { return Ok(None) };
    let fields: Fields<'_> =
        serde_json::from_str(ext.get()).map_err(|_| invalid("ext gives a field twice"))?;
    match (fields.since, fields.replay) {
        (Some(since), _) => read_since(since).map(Some),
        (None, Some(replay)) => read_replay(replay, patterns),
        _ => Ok(None),
    }
}

/// Whether an `ext` asks for replay by ids: that of a handshake by any value but `null`, as that of a subscribe.
pub(crate) fn asks_replay(ext: Option<&RawValue>) -> bool {
    let fields = ext.and_then(|ext| serde_json::from_str::<Fields<'_>>(ext.get()).ok());
    fields.is_some_and(|fields| fields.replay.is_some())
}

fn read_since(since: &RawValue) -> Result<SinceRequest, Error> {
    let fields: SinceFields<'_> = object(since)
        .ok_or_else(|| invalid("ext.since is no object, or a field of it is of the wrong type"))?;
    let since = match fields {
        SinceFields { epoch: Some(epoch), offset: Some(offset), time: None, last: None, positions: None } => {
            Since::Position(position(epoch, offset)?)
        }
        SinceFields { epoch: None, offset: None, time: Some(time), last: None, positions: None } => {
            Since::Time(time)
        }
        SinceFields { epoch: None, offset: None, time: None, last: Some(last), positions: None } => {
            Since::Last(last)
        }
        SinceFields {
            epoch: None,
            offset: None,
            time: Some(time_ms),
            last: None,
            positions: Some(positions),
        } => {
            return Ok(SinceRequest::Pattern { time_ms, positions: read_positions(positions)? });
        }
        _ => return Err(invalid("ext.since is none of the known forms")),
    };
    Ok(SinceRequest::One(since))
}

fn position(epoch: Box<str>, offset: u64) -> Result<Position, Error> {
    if epoch.is_empty() || epoch.len() > MAX_EPOCH_BYTES {
        return Err(invalid("an epoch in ext.since has no or too many bytes"));
    }
    Ok(Position { epoch, offset })
}

fn read_positions(positions: &RawValue) -> Result<Vec<(Channel, Position)>, Error> {
    let Positions(read) = serde_json::from_str(positions.get())
        .map_err(|_| invalid("ext.since.positions maps no channels to positions"))?;
    if read.len() > MAX_POSITIONS {
        return Err(invalid("ext.since.positions has more than 1024 channels"));
    }
    let mut known = HashSet::with_capacity(read.len());
    let mut positions = Vec::with_capacity(read.len());
    for (name, at) in read {
        let channel = Channel::parse(&name).map_err(|_| Error::new(Code::MessageInvalid, &name))?;
        if !known.insert(name) {
            return Err(invalid("ext.since.positions gives a channel twice"));
        }
        let PositionFields { epoch, offset } =
            object(at).ok_or_else(|| invalid("ext.since.positions holds what is no position"))?;
        positions.push((channel, position(epoch, offset)?));
    }
    Ok(positions)
}

#[derive(Deserialize)]
struct PositionFields {
    epoch: Box<str>,
    offset: u64,
}

/// The entries of a map of positions: at most one more than are allowed are kept.
struct Positions<'a>(Vec<(Box<str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Positions<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Positions<'de>, D::Error> {
        deserializer.deserialize_map(PositionsVisitor)
    }
}

struct PositionsVisitor;

impl<'de> Visitor<'de> for PositionsVisitor {
    type Value = Positions<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from channels to positions")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Positions<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            if entries.len() <= MAX_POSITIONS {
                entries.push(entry);
            }
        }
        Ok(Positions(entries))
    }
}

/// Salesforce: a map from the names that are subscribed to to ids, where -1 asks for nothing old and -2 for everything.
/// What is no map, or a map without the name, asks for nothing old.
fn read_replay(replay: &RawValue, patterns: &[Pattern]) -> Result<Option<SinceRequest>, Error> {
    let Ok(ids) = serde_json::from_str::<HashMap<Box<str>, &RawValue>>(replay.get()) else { return Ok(None) };
    let mut each = Vec::new();
    for pattern in patterns {
        let Some(id) = ids.get(pattern.as_str()) else { continue };
        let since = match serde_json::from_str::<i64>(id.get()) {
            Ok(-1) => continue,
            Ok(-2) => Since::Everything,
            Ok(id) if id >= 0 => Since::Replay(id),
            _ => return Err(invalid("an id in ext.replay is no whole number above -3")),
        };
        each.push((pattern.clone(), since));
    }
    Ok(if each.is_empty() { None } else { Some(SinceRequest::Each(each)) })
}

/// Reads an object; a list of values in the right order would be none.
fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok())?
}

fn invalid(reason: &str) -> Error {
    Error::new(Code::MessageInvalid, reason)
}
