//! The program is killed and started again, and everyone finds it.

use std::path::Path;
use std::time::Duration;

use comet_testkit::{
    ChildServer, ClientSubscriber, Demands, Planned, Scenario, Schedule, ScriptedSubscriber, Seed,
    Subscriber, Transport, Trouble,
};

/// Runs while the server is killed in the middle.
fn survives<S: Subscriber>(transports: &[Transport]) {
    let program = Path::new(env!("CARGO_BIN_EXE_comet"));
    let mut server = ChildServer::start(program, "[session]\ntimeout = \"2s\"\npoll_interval = \"200ms\"\n");
    let (address, process) = (server.address(), server.process());
    let at = Duration::from_secs(1);
    let kill = Planned { at, lasts: at / 4, link: None, trouble: Trouble::KillServer };
    let scenario = Scenario {
        seed: Seed(1),
        transports: transports.to_vec(),
        subscribers: 4,
        channels: 2,
        publishers: 2,
        rate: 100.0,
        duration: Duration::from_secs(3),
        deliveries: 0,
        faults: Schedule::of(vec![kill]),
        demands: Demands::NoRecovery,
    };
    let report = scenario.run::<S>(&mut server, |_| {});
    report.assert_clean();
    assert_eq!(server.address(), address);
    assert_ne!(server.process(), process);
    assert_eq!(report.troubles.get("kill-server"), Some(&1));
    assert!(report.failed_publications > 0, "nobody can publish while there is no server: {report}");
}

#[test]
fn the_rust_client_finds_a_killed_server_again() {
    survives::<ClientSubscriber>(&[Transport::WebSocket, Transport::LongPolling]);
}

#[test]
fn scripted_subscribers_find_a_killed_server_again_on_every_transport() {
    survives::<ScriptedSubscriber>(&Transport::ALL);
}

#[test]
#[should_panic(expected = "there is no key nonsense")]
fn a_server_that_does_not_start_says_why() {
    ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), "[server]\nnonsense = 1\n");
}
