//! A history against a plain model in which every message has a fate of its own.

use std::sync::Arc;

use comet_bus::{Draft, History, Position, Publication, Recovered, RecoveryLimits, Retention, Since};
use proptest::prelude::*;

use crate::stage::{channel, offsets};

const EPOCH: u64 = 3;

#[derive(Clone, Debug)]
enum Step {
    Push { length: usize, life_ms: Option<u64> },
    PassOver { expired: bool },
    Wait(u64),
    Trim,
    GiveUp,
    Since(Since, RecoveryLimits),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Kept,
    Lost,
    Expired,
}

#[derive(Default)]
struct Model {
    messages: Vec<(Arc<Publication>, Fate)>,
}

impl Model {
    fn kept(&self) -> Vec<&Arc<Publication>> {
        self.messages.iter().filter(|(_, fate)| *fate == Fate::Kept).map(|(message, _)| message).collect()
    }

    fn bytes(&self) -> usize {
        self.kept().iter().map(|message| message.size_bytes()).sum()
    }

    fn lose_oldest(&mut self, now_ms: u64) {
        let (message, fate) =
            self.messages.iter_mut().find(|(_, fate)| *fate == Fate::Kept).expect("one is kept");
        *fate = if message.is_expired(now_ms) { Fate::Expired } else { Fate::Lost };
    }

    fn keep_to(&mut self, retention: &Retention, now_ms: u64) {
        while self.kept().first().is_some_and(|oldest| {
            oldest.at_ms + retention.age_ms <= now_ms
                || self.kept().len() > retention.messages
                || self.bytes() > retention.bytes
        }) {
            self.lose_oldest(now_ms);
        }
    }

    fn expire(&mut self, now_ms: u64) {
        for (message, fate) in &mut self.messages {
            if *fate == Fate::Kept && message.is_expired(now_ms) {
                *fate = Fate::Expired;
            }
        }
    }

    /// The offsets that should be recovered, `None` for a gap.
    fn since(&self, since: Since, limits: RecoveryLimits) -> Option<Vec<u64>> {
        let within = |wanted: &[&Arc<Publication>]| {
            wanted.len() <= limits.messages
                && wanted.iter().map(|message| message.size_bytes()).sum::<usize>() <= limits.bytes
        };
        let wanted = |message: &Publication| match since {
            Since::Position(position) => message.position.offset > position.offset,
            Since::Time(time_ms) => message.at_ms > time_ms,
            Since::Last(_) => true,
        };
        let mut kept = self.kept();
        kept.retain(|message| wanted(message));
        match since {
            Since::Last(count) => {
                while kept.len() > count || !within(&kept) {
                    kept.remove(0);
                }
            }
            Since::Position(position) => {
                if position.epoch != EPOCH || position.offset > self.messages.len() as u64 {
                    return None;
                }
            }
            Since::Time(_) => {}
        }
        let lost = self.messages.iter().any(|(message, fate)| *fate == Fate::Lost && wanted(message));
        if !matches!(since, Since::Last(_)) && (lost || !within(&kept)) {
            return None;
        }
        Some(kept.iter().map(|message| message.position.offset).collect())
    }
}

fn step() -> impl Strategy<Value = Step> {
    let since = prop_oneof![
        4 => (0..60_u64).prop_map(|offset| Since::Position(Position { epoch: EPOCH, offset })),
        1 => (0..60_u64).prop_map(|offset| Since::Position(Position { epoch: EPOCH + 1, offset })),
        3 => (0..3_000_u64).prop_map(Since::Time),
        2 => (0..20_usize).prop_map(Since::Last),
    ];
    let limits = prop_oneof![Just((usize::MAX, usize::MAX)), (0..12_usize, 0..4_000_usize)];
    prop_oneof![
        6 => (0..200_usize, prop::option::weighted(0.3, 0..400_u64))
            .prop_map(|(length, life_ms)| Step::Push { length, life_ms }),
        1 => any::<bool>().prop_map(|expired| Step::PassOver { expired }),
        3 => (0..150_u64).prop_map(Step::Wait),
        2 => Just(Step::Trim),
        1 => Just(Step::GiveUp),
        5 => (since, limits).prop_map(|(since, (messages, bytes))| {
            Step::Since(since, RecoveryLimits { messages, bytes })
        }),
    ]
}

proptest! {
    #[test]
    fn a_history_says_what_became_of_every_message(
        steps in prop::collection::vec(step(), 0..120),
        (messages, bytes, age_ms) in (1..15_usize, 300..5_000_usize, 100..1_000_u64),
    ) {
        let retention = Retention { messages, bytes, age_ms, newest: false };
        let (mut history, mut model, mut now_ms) = (History::default(), Model::default(), 1_000);
        for step in steps {
            let offset = model.messages.len() as u64 + 1;
            let message = |length: usize, expires_at_ms| {
                let data = format!("\"{}\"", "x".repeat(length));
                let draft = Draft { expires_at_ms, ..Draft::new(channel("/a"), &data) };
                Arc::new(Publication::freeze(draft, Position { epoch: EPOCH, offset }, now_ms))
            };
            match step {
                Step::Push { length, life_ms } => {
                    let message = message(length, life_ms.map(|life_ms| now_ms + life_ms));
                    history.push(message.clone(), &retention, now_ms);
                    model.messages.push((message, Fate::Kept));
                    model.keep_to(&retention, now_ms);
                }
                Step::PassOver { expired } => {
                    // Whatever is kept before a message that is not kept would follow a hole.
                    if history.is_empty() {
                        history.pass_over(offset, now_ms, expired);
                        let fate = if expired { Fate::Expired } else { Fate::Lost };
                        model.messages.push((message(0, None), fate));
                    }
                }
                Step::Wait(ms) => now_ms += ms,
                Step::Trim => {
                    history.trim(&retention, now_ms);
                    model.expire(now_ms);
                    model.keep_to(&retention, now_ms);
                }
                Step::GiveUp => {
                    (0..model.kept().len().div_ceil(4)).for_each(|_| model.lose_oldest(now_ms));
                    history.give_up(now_ms);
                }
                Step::Since(since, limits) => {
                    let head = Position { epoch: EPOCH, offset: offset - 1 };
                    let recovered = history.since(since, head, limits);
                    prop_assert_eq!(offsets(&recovered), model.since(since, limits), "{:?}", since);
                    let (Recovered::Messages { head: told, .. } | Recovered::Gap { head: told }) = recovered;
                    prop_assert_eq!(told, head);
                }
            }
            prop_assert_eq!(history.len(), model.kept().len());
            prop_assert_eq!(history.bytes(), model.bytes());
            prop_assert!(history.len() <= retention.messages && history.bytes() <= retention.bytes);
        }
    }
}
