//! Every scenario runs against both floor programs, small, and finds what must be there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use comet_bench::figure::Figure;
use comet_bench::machine::Placement;
use comet_bench::scenario::{Scenario, Size};
use comet_bench::server::{Contender, Launcher};

const SIZE: Size =
    Size { subscribers: 300, idle_connections: 400, publications: 6, idle_s: 0, returning: 0, members: 0 };

fn launcher(shards: usize) -> Launcher {
    let floor = Path::new(env!("CARGO_BIN_EXE_floor-epoll")).parent().unwrap().to_owned();
    let placement = Placement::choose(false).unwrap();
    Launcher { comet: PathBuf::from("/nowhere"), floor, shards, connections: SIZE.connections(), placement }
}

/// The floor programs that run here: a container may refuse io_uring, which the program says with status 69.
fn floors(launcher: &Launcher) -> Vec<Contender> {
    match launcher.start(Contender::FloorUring) {
        Ok(_) => vec![Contender::FloorUring, Contender::FloorEpoll],
        Err(error) => {
            assert!(format!("{error:#}").contains("exit status: 69"), "{error:#}");
            vec![Contender::FloorEpoll]
        }
    }
}

fn every_scenario(shards: usize) {
    let launcher = launcher(shards);
    for contender in floors(&launcher) {
        let mut figures = BTreeSet::new();
        for scenario in Scenario::ALL.into_iter().filter(|scenario| scenario.suits(contender)) {
            let server = launcher.start(contender).unwrap();
            let outcome = scenario.run(&server, &SIZE).unwrap();
            for reading in outcome.readings {
                let floor_of_memory =
                    matches!(reading.figure, Figure::IdleWebSocket | Figure::IdleLongPolling);
                assert!(reading.value > 0.0 || floor_of_memory, "{contender} {reading:?}");
                if reading.figure == Figure::WireBytes {
                    assert_eq!(reading.value, 138.0);
                }
                assert!(figures.insert(reading.figure), "{:?} is measured twice", reading.figure);
            }
        }
        // What only a server that remembers can do says nothing about a bare program; streams are held to the
        // WebSockets of the same server.
        let comet_alone = [
            Figure::FanOutHttpStreaming,
            Figure::FanOutEventSource,
            Figure::FanOutFeed,
            Figure::FanOutMultipart,
            Figure::FanOutFrame,
            Figure::FanOutFlash,
            Figure::FanOutRemembered,
            Figure::ComeBack,
            Figure::ComeBackCost,
            Figure::ComeBackLatency,
            Figure::PresenceJoin,
            Figure::PresenceJoinGrowth,
            Figure::PresenceLeave,
            Figure::PresenceLeaveGrowth,
            Figure::PresencePage,
            Figure::PresencePageGrowth,
        ];
        let expected = Figure::ALL.into_iter().filter(|figure| !comet_alone.contains(figure));
        assert_eq!(figures, expected.collect());
    }
}

#[test]
fn every_scenario_finds_its_figures_on_one_thread() {
    every_scenario(1);
}

#[test]
fn publications_reach_the_subscribers_of_both_threads() {
    every_scenario(2);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = launcher(1).start(Contender::Comet).err().unwrap();
    assert!(format!("{error:#}").contains("/nowhere"), "{error:#}");
}
