//! The judge of long runs comes to the verdicts of the judge that keeps everything.

use std::collections::{HashSet, VecDeque};

use comet_testkit::{Checker, Fault, Note, Random, Seed, StreamChecker};

const CHANNELS: [&str; 2] = ["/a", "/b"];
const RUNS: u64 = 1_500;

/// One thing that is told to a judge.
#[derive(Clone)]
enum Told {
    Published(&'static str, Note),
    Acknowledged(&'static str, Note, String, u64),
    Saw(usize, &'static str, Note),
    Gap(usize, &'static str),
    Outage(usize, bool),
    Allow(usize, &'static str),
    Excuse(usize),
}

/// What one subscriber and the publishers did, each in their own order.
struct Run {
    publishers: Vec<VecDeque<Told>>,
    subscribers: Vec<VecDeque<Told>>,
    throughout: Vec<(usize, &'static str)>,
}

/// A message, and whether the server took and acknowledged it.
struct Message {
    channel: &'static str,
    note: Note,
    arrives: bool,
}

impl Run {
    /// A run of this seed; `percent` of what subscribers do is wrong.
    fn random(random: &mut Random, percent: u64) -> Run {
        let publishers = random.within(1..4) as usize;
        let mut numbers = vec![random.within(0..5); publishers * CHANNELS.len()];
        let mut run =
            Run { publishers: vec![VecDeque::new(); publishers], subscribers: vec![], throughout: vec![] };
        let (mut messages, mut epoch) = (Vec::new(), 1);
        for offset in 0..random.within(2..60) {
            let (publisher, at) =
                (random.within(0..publishers as u64) as usize, random.within(0..2) as usize);
            let number = &mut numbers[publisher * CHANNELS.len() + at];
            let (channel, note) = (CHANNELS[at], Note::new(&format!("p{publisher}"), *number));
            *number += 1;
            let first = !messages.iter().any(|message: &Message| message.channel == channel);
            let acknowledged = first || random.chance(90);
            let arrives = acknowledged || random.chance(50);
            run.publishers[publisher].push_back(Told::Published(channel, note.clone()));
            if acknowledged {
                epoch += u64::from(percent > 0 && random.chance(2));
                let told = Told::Acknowledged(channel, note.clone(), epoch.to_string(), offset);
                run.publishers[publisher].push_back(told);
            }
            messages.push(Message { channel, note, arrives });
        }
        for subscriber in 0..random.within(1..4) as usize {
            for channel in CHANNELS {
                if random.chance(70) {
                    run.throughout.push((subscriber, channel));
                }
            }
            run.subscribers.push(sightings(subscriber, &messages, random, percent));
        }
        run
    }

    /// Everything in one order in which it can have happened: what is seen was published before.
    fn told(mut self, random: &mut Random) -> Vec<Told> {
        let (mut told, mut published) = (Vec::new(), HashSet::new());
        loop {
            let mut ready = Vec::new();
            for (at, queue) in self.publishers.iter().chain(&self.subscribers).enumerate() {
                match queue.front() {
                    Some(Told::Saw(_, channel, note))
                        if note.number < 1_000 && !published.contains(&(*channel, note.clone())) => {}
                    Some(_) => ready.push(at),
                    None => {}
                }
            }
            if ready.is_empty() {
                return told;
            }
            let at = *random.pick(&ready);
            let publishers = self.publishers.len();
            let queue = match at.checked_sub(publishers) {
                Some(at) => &mut self.subscribers[at],
                None => &mut self.publishers[at],
            };
            let next = queue.pop_front().expect("it has a front");
            if let Told::Published(channel, note) = &next {
                published.insert((*channel, note.clone()));
            }
            told.push(next);
        }
    }
}

/// What a subscriber sees of the messages, with faults.
fn sightings(who: usize, messages: &[Message], random: &mut Random, percent: u64) -> VecDeque<Told> {
    let mut told = VecDeque::new();
    let mut lose = 0;
    for message in messages.iter().filter(|message| message.arrives) {
        let Message { channel, note, .. } = message;
        if random.chance(percent) {
            let one = *random.pick(&CHANNELS);
            match random.within(0..9) {
                0 | 1 => lose = random.within(1..6),
                2 => told.push_back(Told::Gap(who, one)),
                3 => told.push_back(Told::Outage(who, random.chance(60))),
                4 => told.push_back(Told::Allow(who, one)),
                5 => told.push_back(Told::Excuse(who)),
                6 => told.push_back(Told::Saw(who, one, Note::new("p0", 1_000 + random.within(0..3)))),
                7 => {
                    // One that was seen, or lost, is seen once more.
                    let earlier: Vec<_> = messages
                        .iter()
                        .take_while(|earlier| earlier.note != *note || earlier.channel != *channel)
                        .filter(|earlier| earlier.arrives)
                        .collect();
                    if !earlier.is_empty() {
                        let again = random.pick(&earlier);
                        told.push_back(Told::Saw(who, again.channel, again.note.clone()));
                    }
                }
                _ => {
                    let length = told.len();
                    if length > 1 {
                        told.swap(length - 1, length - 2);
                    }
                }
            }
        }
        if lose > 0 {
            lose -= 1;
        } else {
            told.push_back(Told::Saw(who, channel, note.clone()));
        }
    }
    told
}

/// Tells both judges the same.
fn judged(random: &mut Random, percent: u64) -> (Vec<Fault>, StreamChecker) {
    let run = Run::random(random, percent);
    let (mut checker, mut stream) = (Checker::new(), StreamChecker::new());
    for (subscriber, channel) in &run.throughout {
        checker.listens_throughout(&subscriber.to_string(), channel);
        stream.listens_throughout(&subscriber.to_string(), channel);
    }
    for told in run.told(random) {
        match told {
            Told::Published(channel, note) => {
                checker.published(channel, &note);
                stream.published(channel, &note);
            }
            Told::Acknowledged(channel, note, epoch, offset) => {
                checker.acknowledged_at(channel, &note, &epoch, offset);
                stream.acknowledged_at(channel, &note, &epoch, offset);
            }
            Told::Saw(who, channel, note) => {
                checker.saw(&who.to_string(), channel, &note);
                stream.saw(&who.to_string(), channel, &note);
            }
            Told::Gap(who, channel) => {
                checker.told_of_gap(&who.to_string(), channel);
                stream.told_of_gap(&who.to_string(), channel);
            }
            Told::Outage(who, longer_than_window) => {
                checker.on_outage(&who.to_string(), longer_than_window);
                stream.on_outage(&who.to_string(), longer_than_window);
            }
            Told::Allow(who, channel) => {
                checker.allow_gap(&who.to_string(), channel);
                stream.allow_gap(&who.to_string(), channel);
            }
            Told::Excuse(who) => {
                checker.excuse_loss(&who.to_string());
                stream.excuse_loss(&who.to_string());
            }
        }
    }
    (checker.faults(), stream)
}

#[test]
fn both_judges_agree_on_runs_with_any_faults() {
    let seed = Seed::from_env("COMET_SEED");
    let replay = seed.replay(format!("{RUNS} runs with faults"));
    let mut kinds = [0; 6];
    for run in 0..RUNS {
        let (faults, stream) = judged(&mut seed.random(&format!("run {run}")), 15);
        let verdict = stream.verdict();
        assert_eq!(verdict.faults, faults, "run {run}");
        assert_eq!(verdict.more_faults, 0);
        for fault in &faults {
            kinds[match fault {
                Fault::Lost { .. } => 0,
                Fault::Repeated { .. } => 1,
                Fault::Late { .. } => 2,
                Fault::OutOfPlace { .. } => 3,
                Fault::Invented { .. } => 4,
                Fault::NeedlessGap { .. } => 5,
                Fault::Disagreement { .. } => panic!("places were told: {fault}"),
            }] += 1;
        }
    }
    assert!(kinds.iter().all(|count| *count > 100), "{kinds:?}");
    drop(replay);
}

#[test]
fn both_judges_find_nothing_in_runs_without_faults() {
    let seed = Seed::from_env("COMET_SEED");
    let replay = seed.replay("runs without faults");
    for run in 0..300 {
        let (faults, stream) = judged(&mut seed.random(&format!("run {run}")), 0);
        assert_eq!((faults, stream.verdict().is_clean()), (vec![], true), "run {run}");
    }
    drop(replay);
}

fn note(number: u64) -> Note {
    Note::new("p", number)
}

#[test]
fn more_faults_than_are_named_are_counted_to_the_last() {
    let mut checker = StreamChecker::new();
    checker.listens_throughout("alice", "/a");
    for number in 0..20_000 {
        checker.published("/a", &note(number));
        checker.acknowledged_at("/a", &note(number), "one", number);
        if number % 2 == 0 {
            checker.saw("alice", "/a", &note(number));
        }
    }
    let verdict = checker.verdict();
    assert_eq!((verdict.faults.len(), verdict.more_faults), (1_000, 9_000));
    assert!(verdict.faults.contains(&Fault::Lost {
        subscriber: "alice".into(),
        channel: "/a".into(),
        note: note(1)
    }));
    assert!(!verdict.is_clean());
    assert!(verdict.to_string().contains("10000 faults\n  alice lost p:1 on /a\n"), "{verdict}");
}

#[test]
fn a_long_run_is_judged_to_its_last_message() {
    let mut checker = StreamChecker::new();
    let subscribers = ["alice", "bob", "carol"];
    subscribers.iter().for_each(|subscriber| checker.listens_throughout(subscriber, "/a"));
    for number in 0..100_000 {
        checker.published("/a", &note(number));
        checker.acknowledged_at("/a", &note(number), "one", number);
        subscribers.iter().for_each(|subscriber| checker.saw(subscriber, "/a", &note(number)));
    }
    let verdict = checker.verdict();
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!((verdict.published, verdict.acknowledged, verdict.deliveries), (100_000, 100_000, 300_000));
    assert_eq!(checker.last_seen("bob", "/a", "p"), Some(99_999));
    checker.published("/a", &note(100_000));
    assert!(checker.verdict().is_clean(), "it may not have arrived");
    checker.acknowledged("/a", &note(100_000));
    assert_eq!(checker.verdict().faults.len(), 3);
    assert!(checker.so_far().is_clean(), "it may still come");
    checker.excuse_loss("carol");
    let verdict = checker.verdict();
    assert_eq!((verdict.faults.len(), verdict.excused), (2, 1));
}

#[test]
#[should_panic(expected = "the numbers of p go up by one")]
fn a_publisher_that_leaves_a_number_out_is_told() {
    let mut checker = StreamChecker::new();
    checker.published("/a", &note(1));
    checker.published("/a", &note(3));
}
