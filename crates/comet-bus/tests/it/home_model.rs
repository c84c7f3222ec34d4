//! A home against a plain log of everything that was ever published: whatever is forgotten and whenever, nobody meets a
//! hole that is not told, nobody gets a message twice, and every bound holds.

use std::collections::{HashMap, HashSet};

use comet_bus::{
    ChannelOptions, ChannelTable, Draft, Home, HomeConfig, Position, Published, Recovered, RecoveryLimits,
    Retention, Since,
};
use proptest::prelude::*;

use crate::stage::{channel, head, offsets, pattern};

const NAMES: [&str; 5] = ["/a", "/a/b", "/a/c", "/b", "/b/none"];
const PATTERNS: [&str; 5] = ["/a", "/a/*", "/a/**", "/*", "/**"];
const CHANNELS: usize = 4;
const HISTORY_BYTES: usize = 4_000;
const KEYS: usize = 3;
const KEYS_PER_OWNER: usize = 2;
const KEY_AGE_MS: u64 = 300;

#[derive(Clone, Debug)]
enum Step {
    Publish { name: usize, length: usize, key: Option<u8>, life_ms: Option<u64> },
    Wait(u64),
    Sweep(usize),
    Forget(u64, usize),
    Listen { name: usize, interested: bool },
    Head(usize),
    Since { name: usize, since: Asked, limits: RecoveryLimits },
    Matching { pattern: usize, places: Vec<usize>, ago_ms: Option<u64>, limits: RecoveryLimits },
}

#[derive(Clone, Debug)]
enum Asked {
    /// One of the places the home has told for the channel.
    Place(usize),
    Ago(u64),
    Last(usize),
}

struct Entry {
    name: usize,
    position: Position,
    at_ms: u64,
    expires_at_ms: u64,
}

/// Everything that was ever published, and every place that was ever told.
#[derive(Default)]
struct Log {
    entries: Vec<Entry>,
    /// A channel, a place in it, and how long the log was when it was told.
    places: Vec<(usize, Position, usize)>,
    /// The keys in the order of their messages.
    keys: Vec<(usize, u8, Position, u64)>,
}

/// Who gives a key: the first is the server itself.
fn owner(key: u8) -> usize {
    usize::from(key % 3)
}

impl Log {
    /// The positions that someone should get who has what `seen` tells.
    fn missed(&self, name: usize, now_ms: u64, seen: impl Fn(usize, &Entry) -> bool) -> Vec<Position> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(at, entry)| entry.name == name && !seen(*at, entry) && entry.expires_at_ms > now_ms)
            .map(|(_, entry)| entry.position)
            .collect()
    }

    fn after(&self, (name, _, length): (usize, Position, usize), now_ms: u64) -> Vec<Position> {
        self.missed(name, now_ms, |at, _| at < length)
    }

    fn later(&self, name: usize, time_ms: u64, now_ms: u64) -> Vec<Position> {
        self.missed(name, now_ms, |_, entry| entry.at_ms <= time_ms)
    }
}

fn table() -> ChannelTable {
    let options = |messages, bytes, age_ms| ChannelOptions {
        history: Retention { messages, bytes, age_ms, newest: false },
        ..ChannelOptions::default()
    };
    let rules = [
        (pattern("/a/**"), options(4, 10_000, 1_000)),
        (pattern("/a/b"), options(100, 1_500, 2_000)),
        (pattern("/b/none"), options(0, 0, 0)),
    ];
    ChannelTable::new(options(20, 10_000, 500), rules)
}

fn positions(recovered: &Recovered) -> Option<Vec<Position>> {
    match recovered {
        Recovered::Messages { publications, .. } => {
            Some(publications.iter().map(|publication| publication.position).collect())
        }
        Recovered::Gap { .. } => None,
    }
}

fn size(recovered: &Recovered) -> (usize, usize) {
    match recovered {
        Recovered::Messages { publications, .. } => {
            (publications.len(), publications.iter().map(|publication| publication.size_bytes()).sum())
        }
        Recovered::Gap { .. } => (0, 0),
    }
}

fn limits() -> impl Strategy<Value = RecoveryLimits> {
    prop_oneof![Just((1_000, 1 << 20)), (0..8_usize, 0..2_000_usize)]
        .prop_map(|(messages, bytes)| RecoveryLimits { messages, bytes })
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    let asked = prop_oneof![
        3 => (0..1_000_usize).prop_map(Asked::Place),
        2 => (0..1_500_u64).prop_map(Asked::Ago),
        1 => (0..30_usize).prop_map(Asked::Last),
    ];
    prop_oneof![
        8 => (name.clone(), 0..300_usize, prop::option::weighted(0.4, 0..9_u8), prop::option::weighted(0.2, 0..400_u64))
            .prop_map(|(name, length, key, life_ms)| Step::Publish { name, length, key, life_ms }),
        3 => (0..300_u64).prop_map(Step::Wait),
        1 => (0..4_usize).prop_map(Step::Sweep),
        1 => (0..800_u64, 0..4_usize).prop_map(|(ms, budget)| Step::Forget(ms, budget)),
        1 => (name.clone(), any::<bool>()).prop_map(|(name, interested)| Step::Listen { name, interested }),
        1 => name.clone().prop_map(Step::Head),
        4 => (name, asked, limits()).prop_map(|(name, since, limits)| Step::Since { name, since, limits }),
        2 => (0..PATTERNS.len(), prop::collection::vec(0..1_000_usize, 0..4), prop::option::of(0..1_500_u64), limits())
            .prop_map(|(pattern, places, ago_ms, limits)| Step::Matching { pattern, places, ago_ms, limits }),
    ]
}

struct Stage {
    home: Home,
    log: Log,
    given: HashSet<(usize, Position)>,
    now_ms: u64,
    heard: [bool; NAMES.len()],
}

impl Stage {
    fn publish(&mut self, name: usize, length: usize, key: Option<u8>, life_ms: Option<u64>) {
        let data = format!("\"{}\"", "x".repeat(length));
        let text = key.map(|key| key.to_string());
        let expires_at_ms = life_ms.map(|life_ms| self.now_ms + life_ms);
        let key_owner = key.and_then(|key| [None, Some("a"), Some("b")][owner(key)]);
        let key_text = text.as_deref();
        let draft =
            Draft { key: key_text, key_owner, expires_at_ms, ..Draft::new(channel(NAMES[name]), &data) };
        self.log.keys.retain(|(.., at_ms)| at_ms + KEY_AGE_MS > self.now_ms);
        let known =
            self.log.keys.iter().find(|(n, k, ..)| *n == name && Some(*k) == key).map(|known| known.2);
        let count = |is_counted: &dyn Fn(usize) -> bool| {
            self.log.keys.iter().filter(|known| is_counted(owner(known.1))).count()
        };
        let own = key.map_or(0, |key| count(&|other| other == owner(key)));
        let has_room = key
            .is_none_or(|key| owner(key) == 0 || own >= KEYS_PER_OWNER || count(&|other| other != 0) < KEYS);
        match self.home.publish(draft, self.now_ms) {
            Err(_) if !has_room => assert_eq!(known, None),
            Err(_) => {
                assert_eq!((known, self.home.channels()), (None, CHANNELS));
                assert_eq!(
                    self.home.head(&channel(NAMES[name])).offset,
                    0,
                    "a counted channel is never refused"
                );
                let counted = (0..NAMES.len()).filter(|other| *other != name);
                assert!(counted.into_iter().all(|other| self.heard[other]), "one could have been forgotten");
            }
            Ok(Published::Again { position, .. }) => assert_eq!(known, Some(position)),
            Ok(Published::Waiting { .. } | Published::WaitingAgain(_)) => panic!("nothing is durable"),
            Ok(Published::New { position, .. }) => {
                assert_eq!((known, has_room), (None, true));
                assert!(self.given.insert((name, position)), "{position} was given out before");
                let expires_at_ms = expires_at_ms.unwrap_or(u64::MAX);
                self.log.entries.push(Entry { name, position, at_ms: self.now_ms, expires_at_ms });
                self.log.places.push((name, position, self.log.entries.len()));
                if let Some(key) = key {
                    if own == if owner(key) == 0 { KEYS } else { KEYS_PER_OWNER } {
                        let oldest = self.log.keys.iter().position(|known| owner(known.1) == owner(key));
                        self.log.keys.remove(oldest.expect("it has some"));
                    }
                    self.log.keys.push((name, key, position, self.now_ms));
                }
            }
        }
    }

    fn since(&mut self, name: usize, asked: Asked, limits: RecoveryLimits) {
        let channel = channel(NAMES[name]);
        let told = self.home.head(&channel);
        let (since, expected) = match asked {
            Asked::Place(number) => {
                let places: Vec<_> = self.log.places.iter().filter(|place| place.0 == name).collect();
                let Some(place) = places.get(number % places.len().max(1)) else { return };
                (Since::Position(place.1), self.log.after(**place, self.now_ms))
            }
            Asked::Ago(ms) => {
                let time_ms = self.now_ms - ms;
                (Since::Time(time_ms), self.log.later(name, time_ms, self.now_ms))
            }
            Asked::Last(count) => (Since::Last(count), self.log.missed(name, self.now_ms, |_, _| false)),
        };
        let recovered = self.home.recover(&channel, since, limits, self.now_ms);
        assert_eq!(head(&recovered), told);
        let (messages, bytes) = size(&recovered);
        assert!(messages <= limits.messages && bytes <= limits.bytes);
        match (positions(&recovered), since) {
            (Some(got), Since::Last(count)) => {
                assert!(got.len() <= count && expected.ends_with(&got), "{got:?} of {expected:?}");
            }
            (Some(got), _) => assert_eq!(got, expected, "{since:?}"),
            (None, Since::Last(_)) => panic!("the last are never a gap"),
            (None, _) => {}
        }
        // The last place is where the channel stands: whoever is there misses nothing while it is counted.
        if since == Since::Position(told) {
            assert_eq!(offsets(&recovered), Some(vec![]));
        }
    }

    fn matching(&mut self, name: usize, numbers: &[usize], ago_ms: Option<u64>, limits: RecoveryLimits) {
        let asked = pattern(PATTERNS[name]);
        let mut places = HashMap::new();
        for number in numbers {
            if let Some(place) = self.log.places.get(number % self.log.places.len().max(1)) {
                places.insert(place.0, *place);
            }
        }
        let given: Vec<_> = places.values().map(|(name, place, _)| (channel(NAMES[*name]), *place)).collect();
        let time_ms = ago_ms.map(|ms| self.now_ms - ms);
        let answer = self.home.recover_matching(&asked, &given, time_ms, limits, self.now_ms);
        let (mut messages, mut bytes, mut gaps) = (0, 0, 0);
        let mut said: HashMap<&str, &Recovered> = HashMap::new();
        for (channel, recovered) in &answer.channels {
            assert!(asked.matches(channel), "{channel}");
            assert!(said.insert(channel.as_str(), recovered).is_none(), "{channel} is named twice");
            messages += size(recovered).0;
            bytes += size(recovered).1;
            gaps += usize::from(offsets(recovered).is_none());
            assert_ne!(offsets(recovered), Some(vec![]), "{channel} has nothing to say");
        }
        assert!(messages <= limits.messages && bytes <= limits.bytes && gaps <= limits.messages);
        for (number, name) in NAMES.iter().enumerate().filter(|(_, name)| asked.matches(&channel(name))) {
            let expected = match (places.get(&number), time_ms) {
                (Some(place), _) => self.log.after(*place, self.now_ms),
                (None, Some(time_ms)) => self.log.later(number, time_ms, self.now_ms),
                (None, None) => Vec::new(),
            };
            match said.get(name).map(|recovered| positions(recovered)) {
                Some(Some(got)) => assert_eq!(got, expected, "{name}"),
                Some(None) => {}
                None => assert!(expected.is_empty() || !answer.complete, "{name}: {expected:?}"),
            }
        }
    }

    fn look_at_bounds(&mut self) {
        assert!(self.home.history_bytes() <= HISTORY_BYTES);
        assert!(self.home.channels() <= CHANNELS && self.home.keys() <= 2 * KEYS);
        let table = table();
        for name in NAMES {
            let channel = channel(name);
            let ample = RecoveryLimits { messages: usize::MAX, bytes: usize::MAX };
            let recovered = self.home.recover(&channel, Since::Last(usize::MAX), ample, self.now_ms);
            let Retention { messages, bytes, age_ms, .. } = table.options(&channel).history;
            assert!(size(&recovered).0 <= messages && size(&recovered).1 <= bytes);
            let Recovered::Messages { publications, .. } = recovered else {
                panic!("the last are never a gap")
            };
            assert!(publications.iter().all(|publication| publication.at_ms + age_ms > self.now_ms));
        }
    }
}

proptest! {
    #[test]
    fn nobody_meets_a_hole_that_is_not_told(steps in prop::collection::vec(step(), 0..200)) {
        let config = HomeConfig {
            epoch: 1,
            known_since_ms: 0,
            channels: CHANNELS,
            history_bytes: HISTORY_BYTES,
            keys: KEYS,
            keys_per_owner: KEYS_PER_OWNER,
            key_age_ms: KEY_AGE_MS,
            table: table().into(),
        };
        let log = Log::default();
        let mut stage = Stage { home: Home::new(config), log, given: HashSet::new(), now_ms: 10_000, heard: Default::default() };
        for step in steps {
            match step {
                Step::Publish { name, length, key, life_ms } => stage.publish(name, length, key, life_ms),
                Step::Wait(ms) => stage.now_ms += ms,
                Step::Sweep(budget) => stage.home.sweep(stage.now_ms, budget),
                Step::Forget(ms, budget) => {
                    stage.home.forget(stage.now_ms - ms, stage.now_ms, budget);
                }
                Step::Listen { name, interested } => {
                    stage.home.on_interest(0, NAMES[name], interested);
                    stage.heard[name] = interested;
                }
                Step::Head(name) => {
                    let head = stage.home.head(&channel(NAMES[name]));
                    stage.log.places.push((name, head, stage.log.entries.len()));
                }
                Step::Since { name, since, limits } => stage.since(name, since, limits),
                Step::Matching { pattern, places, ago_ms, limits } => {
                    stage.matching(pattern, &places, ago_ms, limits);
                }
            }
            prop_assert!(stage.home.history_bytes() <= HISTORY_BYTES);
        }
        stage.look_at_bounds();
    }
}
