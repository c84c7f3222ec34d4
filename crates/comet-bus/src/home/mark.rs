//! Since when a journal has everything there was on durable channels.
//!
//! Of a durable channel that is in no journal one thing can be known: that nothing was published on it, since the journal
//! is kept for the channels it is kept for now, or since a channel was forgotten last. That time lies in the journal itself,
//! as a record under a name that is no channel of anybody, one for each shard. Its epoch tells which channels are durable.

use super::Home;
use crate::journal::{Entry, Loaded, Record};
use crate::{Durability, Position};

/// What the names of marks begin with; the number of a shard follows.
const PREFIX: &str = "/meta/journal/";

/// Where the mark of a home stands in the journal.
pub(super) struct Mark {
    name: Box<str>,
    /// Its last record.
    position: Position,
}

/// The marks that a journal was found with.
#[derive(Debug, Default)]
pub struct Marks {
    found: Vec<Loaded>,
}

impl Marks {
    /// Takes the marks out of what a journal has loaded.
    pub fn of(loaded: &mut Vec<Loaded>) -> Marks {
        let (found, channels) =
            std::mem::take(loaded).into_iter().partition(|loaded| loaded.channel.starts_with(PREFIX));
        *loaded = channels;
        Marks { found }
    }

    /// Since when everything is known, in unix milliseconds, where `digest` tells which channels are durable; `None` when
    /// the journal was kept for others, or for none.
    fn since_ms(&self, digest: u64) -> Option<u64> {
        let since = |mark: &Loaded| {
            let last = mark.records.last().filter(|_| mark.epoch == digest);
            last.map(|record| record.at_ms)
        };
        let all: Option<Vec<u64>> = self.found.iter().map(since).collect();
        all?.into_iter().max()
    }
}

impl Home {
    /// Before anything is loaded: takes the word of the marks, and sets its own, as that of this shard.
    pub fn begin_mark(&mut self, marks: &Marks, shard: usize) {
        let digest = self.table.durable_digest();
        self.durable_since_ms = marks.since_ms(digest).unwrap_or(self.known_since_ms);
        let name = format!("{PREFIX}{shard}");
        let own = marks.found.iter().find(|mark| *mark.channel == *name && mark.epoch == digest);
        let position = Position { epoch: digest, offset: own.map_or(0, |mark| mark.head) };
        self.mark = Some(Mark { name: name.into(), position });
        self.write_mark();
    }

    /// Has the journal forget the marks of shards that are no more.
    pub fn end_marks(&mut self, marks: &Marks, shards: usize) {
        for Loaded { channel, epoch, .. } in &marks.found {
            let shard = channel.strip_prefix(PREFIX).and_then(|shard| shard.parse::<usize>().ok());
            if shard.is_none_or(|shard| shard >= shards) {
                self.leave_journal(channel, *epoch);
            }
        }
    }

    /// Something of a forgotten durable channel was lost at that time.
    pub(super) fn on_durable_lost(&mut self, lost_at_ms: u64) {
        if lost_at_ms > self.durable_since_ms {
            self.durable_since_ms = lost_at_ms;
            self.write_mark();
        }
    }

    fn write_mark(&mut self) {
        let Some(Mark { name, position }) = &mut self.mark else { return };
        position.offset += 1;
        let (channel, position) = (name.clone(), *position);
        let record = Record {
            channel: channel.clone(),
            position,
            at_ms: self.durable_since_ms,
            expires_at_ms: None,
            key: None,
            conflate: None,
            event: Box::default(),
        };
        self.tell_journal(Entry::Append { record, durability: Durability::Fsync });
        let Position { epoch, offset } = position;
        self.tell_journal(Entry::Trim { channel, epoch, below: offset });
    }
}
