//! What waits for one session on channels whose messages give way, or are not to come too often.
//!
//! A line for each such channel keeps what has not left: at most one message for each key where it conflates, the newest
//! where the oldest go. Messages come in with the manner of their channel and the time, and go out in the order of each
//! channel when its pause is over, with the counts of what gave way. Who they are for, and the clock, are not known here.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

use bayeux::{Channel, Deliver, Slow};

/// What may wait for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacingLimits {
    /// The most messages, and the most channels.
    pub messages: usize,
    /// The most bytes.
    pub bytes: usize,
}

/// What waits for one session.
#[derive(Debug)]
pub struct Pacing<D> {
    lines: HashMap<Channel, Line<D>>,
    /// Lines whose messages may leave.
    ready: VecDeque<Channel>,
    messages: usize,
    bytes: usize,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Paced<D> {
    /// It waits.
    Waiting {
        /// Whether it took the place of an older one with its key.
        conflated: bool,
        /// How many others gave way because there was no room.
        dropped: u64,
        /// When it may leave; `None` for at once.
        until: Option<u64>,
    },
    /// There is no room, and nothing that waits gives way for it: what waits of the channel has to leave before it.
    Full(D),
}

/// What leaves, and what is to be said before it.
#[derive(Debug, PartialEq, Eq)]
pub struct Leaving<D> {
    /// The messages.
    pub messages: Vec<D>,
    /// How many messages of these channels were dropped since it was last said.
    pub dropped: Vec<(Channel, u64)>,
    /// How many gave way to newer ones with their keys.
    pub conflated: Vec<(Channel, u64)>,
    /// When the first pause that begins now is over.
    pub until: Option<u64>,
}

#[derive(Debug)]
struct Line<D> {
    /// By the order in which they came.
    entries: BTreeMap<u64, Entry<D>>,
    by_key: HashMap<Rc<str>, u64>,
    next: u64,
    /// When the last one left.
    left_at: Option<u64>,
    pause_ms: u64,
    /// Its messages may be dropped.
    gives_way: bool,
    /// It stands among those that may leave.
    ready: bool,
    dropped: u64,
    conflated: u64,
}

#[derive(Debug)]
struct Entry<D> {
    delivery: D,
    size: usize,
    key: Option<Rc<str>>,
}

impl<D> Line<D> {
    fn new() -> Line<D> {
        Line {
            entries: BTreeMap::new(),
            by_key: HashMap::new(),
            next: 0,
            left_at: None,
            pause_ms: 0,
            gives_way: false,
            ready: false,
            dropped: 0,
            conflated: 0,
        }
    }

    /// Until when nothing leaves.
    fn until(&self) -> u64 {
        self.left_at.map_or(0, |left_at| left_at.saturating_add(self.pause_ms))
    }

    /// Whether something gave way that was not told.
    fn has_news(&self) -> bool {
        self.dropped > 0 || self.conflated > 0
    }

    fn remove(&mut self, place: u64) -> Option<Entry<D>> {
        let entry = self.entries.remove(&place)?;
        if let Some(key) = &entry.key {
            self.by_key.remove(key);
        }
        Some(entry)
    }
}

impl<D> Default for Pacing<D> {
    fn default() -> Pacing<D> {
        Pacing { lines: HashMap::new(), ready: VecDeque::new(), messages: 0, bytes: 0 }
    }
}

impl<D> Pacing<D> {
    /// A message of a channel came, in the manner `deliver`. Where that conflates, `key` says which older one it stands
    /// for; without one it stands for any of its channel.
    pub fn push(
        &mut self,
        (channel, key): (&Channel, Option<&str>),
        (delivery, size): (D, usize),
        deliver: Deliver,
        now: u64,
        limits: PacingLimits,
    ) -> Paced<D> {
        if !self.lines.contains_key(channel) {
            if self.lines.len() >= limits.messages {
                self.open(now);
            }
            if self.lines.len() >= limits.messages {
                return Paced::Full(delivery);
            }
            self.lines.insert(channel.clone(), Line::new());
        }
        let key = deliver.conflates().then(|| Rc::from(key.unwrap_or_default()));
        let conflated = key.as_ref().is_some_and(|key| self.conflate(channel, key));
        let gives_way = deliver.conflates() || deliver.slow != Slow::Disconnect;
        if let Some(line) = self.lines.get_mut(channel) {
            line.gives_way = gives_way;
        }
        let mut dropped = 0;
        while self.messages >= limits.messages || self.bytes.saturating_add(size) > limits.bytes {
            if gives_way && self.drop_oldest(channel) {
                dropped += 1;
            } else if gives_way && self.messages == 0 {
                // One alone fits whatever its size.
                break;
            } else {
                self.forget_idle(channel, now);
                return Paced::Full(delivery);
            }
        }
        let Some(line) = self.lines.get_mut(channel) else { return Paced::Full(delivery) };
        line.pause_ms = deliver.pause_ms();
        if let Some(key) = &key {
            line.by_key.insert(key.clone(), line.next);
        }
        line.entries.insert(line.next, Entry { delivery, size, key });
        line.next += 1;
        self.messages += 1;
        self.bytes += size;
        let until = line.until();
        if until <= now && !line.ready {
            line.ready = true;
            self.ready.push_back(channel.clone());
        }
        let until = (!line.ready).then_some(until);
        Paced::Waiting { conflated, dropped, until }
    }

    /// Takes the older message of a key away.
    fn conflate(&mut self, channel: &Channel, key: &str) -> bool {
        let Some(line) = self.lines.get_mut(channel) else { return false };
        let Some(older) = line.by_key.get(key).copied().and_then(|place| line.remove(place)) else {
            return false;
        };
        line.conflated += 1;
        self.messages -= 1;
        self.bytes -= older.size;
        true
    }

    /// Drops the oldest message of a channel, or of another that gives way when it has none.
    fn drop_oldest(&mut self, channel: &Channel) -> bool {
        let has_some = |line: &Line<D>| line.gives_way && !line.entries.is_empty();
        let of_channel = self.lines.get(channel).filter(|line| has_some(line)).map(|_| channel.clone());
        let victim = of_channel.or_else(|| {
            let mut lines = self.lines.iter().filter(|(_, line)| has_some(line));
            lines.next().map(|(channel, _)| channel.clone())
        });
        let Some(line) = victim.and_then(|channel| self.lines.get_mut(&channel)) else { return false };
        let Some(entry) = line.entries.keys().next().copied().and_then(|place| line.remove(place)) else {
            return false;
        };
        line.dropped += 1;
        self.messages -= 1;
        self.bytes -= entry.size;
        true
    }

    fn forget_idle(&mut self, channel: &Channel, now: u64) {
        let is_idle = |line: &Line<D>| {
            line.entries.is_empty() && line.until() <= now && !line.has_news() && !line.ready
        };
        if self.lines.get(channel).is_some_and(is_idle) {
            self.lines.remove(channel);
        }
    }

    /// Takes what may leave: at most so many messages and bytes, but one at least.
    pub fn take(&mut self, now: u64, max_messages: usize, max_bytes: usize) -> Leaving<D> {
        let mut leaving =
            Leaving { messages: Vec::new(), dropped: Vec::new(), conflated: Vec::new(), until: None };
        let mut bytes = 0_usize;
        while let Some(channel) = self.ready.front() {
            let Some(line) = self.lines.get_mut(channel) else {
                self.ready.pop_front();
                continue;
            };
            for (name, count) in
                [(&mut leaving.dropped, &mut line.dropped), (&mut leaving.conflated, &mut line.conflated)]
            {
                if !line.entries.is_empty() && *count > 0 {
                    name.push((channel.clone(), std::mem::take(count)));
                }
            }
            while let Some((_, entry)) = line.entries.first_key_value() {
                let fits = leaving.messages.len() < max_messages && bytes + entry.size <= max_bytes;
                if !fits && !leaving.messages.is_empty() {
                    return leaving;
                }
                let Some(entry) = line.entries.keys().next().copied().and_then(|place| line.remove(place))
                else {
                    break;
                };
                bytes += entry.size;
                self.messages -= 1;
                self.bytes -= entry.size;
                line.left_at = Some(now);
                leaving.messages.push(entry.delivery);
            }
            line.ready = false;
            let until = line.until();
            let idle = until <= now && !line.has_news();
            if until > now {
                leaving.until = Some(leaving.until.map_or(until, |first| first.min(until)));
            }
            if let Some(channel) = self.ready.pop_front()
                && idle
            {
                self.lines.remove(&channel);
            }
        }
        leaving
    }

    /// Takes all that waits of a channel, whatever its pause.
    pub fn take_all_of(&mut self, channel: &Channel) -> Vec<D> {
        let Some(line) = self.lines.remove(channel) else { return Vec::new() };
        self.ready.retain(|ready| ready != channel);
        self.messages -= line.entries.len();
        self.bytes -= line.entries.values().map(|entry| entry.size).sum::<usize>();
        line.entries.into_values().map(|entry| entry.delivery).collect()
    }

    /// Lets the lines go whose pause is over; when the next one is.
    pub fn open(&mut self, now: u64) -> Option<u64> {
        let Pacing { lines, ready, .. } = self;
        let mut next: Option<u64> = None;
        lines.retain(|channel, line| {
            let until = line.until();
            if line.ready {
                return true;
            }
            if until > now {
                next = Some(next.map_or(until, |next| next.min(until)));
                return true;
            }
            if !line.entries.is_empty() {
                line.ready = true;
                ready.push_back(channel.clone());
            }
            line.ready || line.has_news()
        });
        next
    }

    /// Sets the pauses anew; ask [`Pacing::open`] afterwards.
    pub fn set_pauses(&mut self, mut pause_ms: impl FnMut(&Channel) -> u64) {
        for (channel, line) in &mut self.lines {
            line.pause_ms = pause_ms(channel);
        }
    }

    /// Forgets the channels that are not wanted any more.
    pub fn retain(&mut self, mut wanted: impl FnMut(&Channel) -> bool) {
        let (messages, bytes) = (&mut self.messages, &mut self.bytes);
        self.lines.retain(|channel, line| {
            let keep = wanted(channel);
            if !keep {
                *messages -= line.entries.len();
                *bytes -= line.entries.values().map(|entry| entry.size).sum::<usize>();
            }
            keep
        });
        let lines = &self.lines;
        self.ready.retain(|channel| lines.contains_key(channel));
    }

    /// Whether something waits of a channel.
    pub fn holds(&self, channel: &Channel) -> bool {
        self.lines.get(channel).is_some_and(|line| !line.entries.is_empty())
    }

    /// Whether something is remembered of a channel: what waits, a pause, or what gave way.
    pub fn knows(&self, channel: &Channel) -> bool {
        self.lines.contains_key(channel)
    }

    /// Whether something may leave.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.messages
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// The bytes of what waits.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing is remembered, not even a pause.
    pub fn is_idle(&self) -> bool {
        self.lines.is_empty()
    }
}
