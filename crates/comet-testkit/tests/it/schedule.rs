//! A run is decided by its seed.

use std::collections::HashSet;
use std::time::Duration;

use comet_testkit::{Schedule, Seed, Trouble, Wishes};

const SECOND: Duration = Duration::from_secs(1);

fn wishes() -> Wishes {
    Wishes {
        duration: 600 * SECOND,
        links: 5,
        pause: SECOND / 10..SECOND,
        lasts: SECOND / 10..3 * SECOND,
        kills: 2,
        outages: 0,
        outage: Duration::ZERO,
    }
}

#[test]
fn the_same_seed_makes_the_same_schedule_and_another_seed_another() {
    let schedule = Schedule::random(Seed(5), &wishes());
    assert_eq!(Schedule::random(Seed(5), &wishes()), schedule);
    assert_ne!(Schedule::random(Seed(6), &wishes()), schedule);
    assert_eq!(schedule.to_string().lines().count(), schedule.planned().len());
}

#[test]
fn a_long_schedule_has_every_kind_of_trouble_in_order_and_one_at_a_time_on_a_link() {
    let schedule = Schedule::random(Seed(1), &wishes());
    let kinds: HashSet<_> = schedule.planned().iter().map(|planned| planned.trouble.kind()).collect();
    assert_eq!(kinds.len(), 11, "{kinds:?}");
    assert!(schedule.planned().is_sorted_by_key(|planned| planned.at));
    for link in 0..5 {
        let mut free = Duration::ZERO;
        let network = schedule.planned().iter().filter(|planned| planned.trouble != Trouble::KillServer);
        for planned in network.filter(|planned| planned.concerns(link)) {
            assert!(planned.at >= free, "{planned}");
            free = planned.at + planned.lasts;
            assert!(free < wishes().duration);
        }
    }
    let kills = schedule.planned().iter().filter(|planned| planned.trouble == Trouble::KillServer);
    assert_eq!(kills.map(|planned| planned.at).collect::<Vec<_>>(), [200 * SECOND, 400 * SECOND]);
}

#[test]
fn the_parts_of_a_run_draw_different_numbers() {
    let numbers = |seed: u64, part: &str| {
        let mut random = Seed(seed).random(part);
        [random.number(), random.number()]
    };
    assert_eq!(numbers(1, "a"), numbers(1, "a"));
    assert_ne!(numbers(1, "a"), numbers(1, "b"));
    assert_ne!(numbers(1, "a"), numbers(2, "a"));
}

#[test]
fn draws_stay_in_their_range_and_reach_all_of_it() {
    let mut random = Seed(3).random("range");
    let drawn: HashSet<u64> = (0..1_000).map(|_| random.within(10..20)).collect();
    assert_eq!(drawn, (10..20).collect());
    assert_eq!(random.within(4..4), 4);
    assert!((0..100).all(|_| random.span(SECOND..2 * SECOND) < 2 * SECOND));
}

#[test]
fn what_is_printed_for_a_failed_run_can_be_read_again() {
    let replay = Seed(0xfeed).replay("the schedule");
    assert_eq!(replay.words(), "COMET_SEED=0xfeed to replay\nthe schedule");
    assert_eq!("0xfeed".parse(), Ok(Seed(0xfeed)));
    assert_eq!("65261".parse(), Ok(replay.seed()));
}
