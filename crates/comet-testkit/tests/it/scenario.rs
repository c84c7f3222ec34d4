//! Scenarios: what is wrong is found, and what is not is not.

use std::time::Duration;

use comet::ApiAccess;
use comet_testkit::{
    ClientSubscriber, Demands, Direction, Ending, Fault, Link, Planned, Report, Scenario, Schedule,
    ScriptedSubscriber, Seed, Subscriber, TestServer, Told, Transport, Trouble, Wishes,
};

fn server() -> TestServer {
    let mut config = TestServer::config();
    config.session.timeout_ms = 2_000;
    TestServer::run(TestServer::builder().config(config).api(ApiAccess::Open))
}

fn scenario(seed: Seed, transports: &[Transport], duration: Duration) -> Scenario {
    Scenario {
        seed,
        transports: transports.to_vec(),
        subscribers: 4,
        channels: 2,
        publishers: 2,
        rate: 200.0,
        duration,
        deliveries: 0,
        faults: Schedule::quiet(),
        demands: Demands::NoRecovery,
    }
}

/// Runs through six seconds of trouble; the seed is printed when that fails.
fn survives<S: Subscriber>(transports: &[Transport], demands: Demands) -> Report {
    let seed = Seed::from_env("COMET_SEED");
    let mut scenario = scenario(seed, transports, Duration::from_secs(6));
    scenario.demands = demands;
    let ms = Duration::from_millis;
    scenario.faults = Schedule::random(
        seed,
        &Wishes {
            duration: scenario.duration,
            links: scenario.subscribers,
            pause: ms(20)..ms(300),
            lasts: ms(50)..ms(1_500),
            kills: 0,
            outages: 0,
            outage: Duration::ZERO,
        },
    );
    let _replay = seed.replay(&scenario.faults);
    let report = scenario.run::<S>(&mut server(), |_| {});
    report.assert_clean();
    assert!(report.faults_injected() > 5, "{report}");
    report
}

#[test]
fn the_rust_client_loses_nothing_on_its_wires_and_between_them() {
    let window = Duration::from_secs(60);
    let transports = [Transport::WebSocket, Transport::LongPolling, Transport::WebSocketAndLongPolling];
    let report = survives::<ClientSubscriber>(&transports, Demands::Recovery { window, durable: false });
    assert_eq!((report.verdict.gaps, report.verdict.excused), (0, 0), "{report}");
}

#[test]
fn whoever_counts_and_recovers_loses_nothing_on_any_transport() {
    // Longer than any of the troubles, and far less than the server remembers.
    let window = Duration::from_secs(60);
    for transports in Transport::ALL.chunks(4) {
        let report = survives::<ScriptedSubscriber>(transports, Demands::Recovery { window, durable: false });
        assert_eq!((report.verdict.gaps, report.verdict.excused), (0, 0), "{report}");
    }
}

#[test]
fn without_trouble_nothing_is_missing_on_any_transport() {
    let mut calm = scenario(Seed(1), &Transport::ALL, Duration::from_secs(3));
    calm.demands = Demands::Recovery { window: Duration::ZERO, durable: false };
    let report = calm.run::<ScriptedSubscriber>(&mut server(), |_| {});
    report.assert_clean();
    assert_eq!((report.verdict.excused, report.verdict.gaps), (0, 0));
    assert_eq!(report.verdict.deliveries, 4 * report.verdict.published);
}

#[test]
fn a_run_ends_when_there_were_deliveries_enough() {
    let mut long = scenario(Seed(1), &[Transport::WebSocket], Duration::from_secs(600));
    long.deliveries = 500;
    let report = long.run::<ClientSubscriber>(&mut server(), |_| {});
    report.assert_clean();
    assert!((500..5_000).contains(&report.verdict.deliveries), "{report}");
}

/// Tells of a gap where nothing is missing.
struct Timid {
    inner: ClientSubscriber,
    seen: u64,
}

impl Subscriber for Timid {
    async fn come(link: Link) -> Result<Timid, String> {
        Ok(Timid { inner: ClientSubscriber::come(link).await?, seen: 0 })
    }

    async fn next(&mut self) -> Option<Told> {
        self.seen += 1;
        if self.seen == 100 { Some(Told::Gap { channel: None }) } else { self.inner.next().await }
    }

    async fn leave(self) {
        self.inner.leave().await;
    }
}

#[test]
fn a_gap_without_a_reason_is_convicted_where_recovery_is_demanded() {
    let mut strict = scenario(Seed(1), &[Transport::WebSocket], Duration::from_secs(3));
    let trouble = Trouble::Cut { direction: Direction::ToClient, ending: Ending::Reset };
    let at = Duration::from_secs(1);
    strict.faults = Schedule::of(vec![Planned { at, lasts: Duration::ZERO, link: Some(2), trouble }]);
    strict.demands = Demands::Recovery { window: Duration::from_secs(60), durable: false };
    let report = strict.run::<Timid>(&mut server(), |_| {});
    let needless = |fault: &Fault| matches!(fault, Fault::NeedlessGap { .. });
    assert!(!report.verdict.faults.is_empty() && report.verdict.faults.iter().all(needless), "{report}");
}

#[test]
#[should_panic(expected = "this server cannot be killed")]
fn a_server_within_the_test_cannot_be_killed() {
    let mut deadly = scenario(Seed(1), &[Transport::WebSocket], Duration::from_secs(3));
    let (at, lasts, trouble) = (Duration::ZERO, Duration::ZERO, Trouble::KillServer);
    deadly.faults = Schedule::of(vec![Planned { at, lasts, link: None, trouble }]);
    deadly.run::<ClientSubscriber>(&mut server(), |_| {});
}

/// Loses every hundredth message and says another one twice.
struct Careless {
    inner: ClientSubscriber,
    seen: u64,
    again: Option<Told>,
}

impl Subscriber for Careless {
    async fn come(link: Link) -> Result<Careless, String> {
        Ok(Careless { inner: ClientSubscriber::come(link).await?, seen: 0, again: None })
    }

    async fn next(&mut self) -> Option<Told> {
        if let Some(again) = self.again.take() {
            return Some(again);
        }
        let mut told = self.inner.next().await;
        self.seen += 1;
        if self.seen.is_multiple_of(100) {
            told = self.inner.next().await;
        }
        if self.seen % 100 == 50 {
            self.again = told.clone();
        }
        told
    }

    async fn leave(self) {
        self.inner.leave().await;
    }
}

#[test]
fn a_subscriber_that_loses_and_repeats_without_trouble_is_convicted() {
    let calm = scenario(Seed(1), &[Transport::WebSocket], Duration::from_secs(3));
    let report = calm.run::<Careless>(&mut server(), |_| {});
    let count = |kind: fn(&Fault) -> bool| report.verdict.faults.iter().filter(|fault| kind(fault)).count();
    assert!(count(|fault| matches!(fault, Fault::Lost { .. })) >= 4, "{report}");
    assert!(count(|fault| matches!(fault, Fault::Repeated { .. })) >= 4, "{report}");
    assert!(!report.is_clean());
}
