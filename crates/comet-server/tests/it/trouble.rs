//! The promise of delivery against the program itself: connections that are spoilt, black holes shorter and longer than
//! what is remembered, and a server that is killed and started again. One short run for each transport and each switch
//! between two of them; `cargo xtask soak` has the long ones.

use std::path::Path;
use std::time::Duration;

use comet_testkit::{
    ChildServer, ClientSubscriber, Demands, Scenario, Schedule, ScriptedSubscriber, Seed, Subscriber,
    Transport, Wishes,
};

/// Troubles up to here lose nothing.
const WINDOW: Duration = Duration::from_secs(2);
/// Longer than what is remembered below, and than it takes to notice.
const OUTAGE: Duration = Duration::from_secs(12);

/// Everyone notices within a second that a wire is silent, and all is remembered for eight.
const CONFIG: &str = "\
[server]
shards = 2

[session]
timeout = \"1s\"

[channels]
messages = 100000
age = \"8s\"
";

fn keeps_the_promise(transport: Transport) {
    is_kept_to::<ScriptedSubscriber>(transport);
}

fn is_kept_to<S: Subscriber>(transport: Transport) {
    let seed = Seed::from_env("COMET_SEED");
    let ms = Duration::from_millis;
    let (duration, subscribers) = (Duration::from_secs(20), 6);
    let wishes = Wishes {
        duration,
        links: subscribers,
        pause: ms(100)..ms(900),
        lasts: ms(50)..ms(1_500),
        kills: 1,
        outages: 1,
        outage: OUTAGE,
    };
    let faults = Schedule::random(seed, &wishes);
    let _replay = seed.replay(format!("{transport}\n{faults}"));
    let scenario = Scenario {
        seed,
        transports: vec![transport],
        subscribers,
        channels: 3,
        publishers: 2,
        rate: 100.0,
        duration,
        deliveries: 0,
        faults,
        demands: Demands::Recovery { window: WINDOW },
    };
    let mut server = ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), CONFIG);
    let report = scenario.run::<S>(&mut server, |_| {});
    report.assert_clean();
    // Everybody is told of the restart on every channel, and one is cut off for too long besides.
    let told = (scenario.subscribers * scenario.channels) as u64;
    assert!((told..=told + scenario.channels as u64).contains(&report.verdict.gaps), "{report}");
}

#[test]
fn a_websocket_keeps_the_promise() {
    keeps_the_promise(Transport::WebSocket);
}

#[test]
fn long_polling_keeps_the_promise() {
    keeps_the_promise(Transport::LongPolling);
}

#[test]
fn callback_polling_keeps_the_promise() {
    keeps_the_promise(Transport::CallbackPolling);
}

#[test]
fn from_a_websocket_to_long_polling_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::WebSocketAndLongPolling);
}

#[test]
fn from_a_websocket_to_callback_polling_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::WebSocketAndCallbackPolling);
}

#[test]
fn from_long_polling_to_callback_polling_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::LongAndCallbackPolling);
}

#[test]
fn the_promise_is_kept_to_the_rust_client_on_a_websocket() {
    is_kept_to::<ClientSubscriber>(Transport::WebSocket);
}

#[test]
fn the_promise_is_kept_to_the_rust_client_on_long_polling() {
    is_kept_to::<ClientSubscriber>(Transport::LongPolling);
}

#[test]
fn the_promise_is_kept_to_the_rust_client_between_its_wires() {
    is_kept_to::<ClientSubscriber>(Transport::WebSocketAndLongPolling);
}

#[test]
fn between_all_of_them_the_promise_is_kept() {
    keeps_the_promise(Transport::Switching);
}
