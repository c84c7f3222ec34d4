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
/// Longer than what is remembered below, and than a session outlives it: a stream's age and then `max_interval`.
const OUTAGE: Duration = Duration::from_secs(14);

/// Everyone notices within a second that a wire is silent. A queue that outlived the outage would lose nothing, and nobody
/// would have to be told.
const CONFIG: &str = "\
[server]
shards = 2

[flash]
websocket = true

[session]
timeout = \"1s\"
max_interval = \"8s\"
poll_interval = \"200ms\"

[limits]
stream_age = \"3s\"

[channels]
messages = 100000
";

/// What happens besides the troubles of the network, which are the same for all.
#[derive(Clone, Copy, PartialEq)]
enum Blow {
    /// The server is killed and started again, and one subscriber is cut off for too long.
    KillAndOutage,
    /// The server is killed, and its channels are on disk.
    KillOnDisk,
    /// One subscriber is cut off for too long.
    Outage,
}

fn keeps_the_promise(transport: Transport) {
    is_kept_to::<ScriptedSubscriber>(transport, Blow::KillAndOutage);
}

fn loses_nothing_on_disk(transport: Transport) {
    is_kept_to::<ScriptedSubscriber>(transport, Blow::KillOnDisk);
}

fn tells_an_outage_once(transport: Transport) {
    is_kept_to::<ScriptedSubscriber>(transport, Blow::Outage);
}

fn is_kept_to<S: Subscriber>(transport: Transport, blow: Blow) {
    let durable = blow == Blow::KillOnDisk;
    let seed = Seed::from_env("COMET_SEED");
    let ms = Duration::from_millis;
    let (duration, subscribers) = (Duration::from_secs(20), 6);
    let wishes = Wishes {
        duration,
        links: subscribers,
        pause: ms(100)..ms(900),
        lasts: ms(50)..ms(1_500),
        kills: u32::from(blow != Blow::Outage),
        outages: u32::from(!durable),
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
        demands: Demands::Recovery { window: WINDOW, durable },
    };
    let folder = tempfile::tempdir().unwrap();
    let journal = format!("[journal]\npath = {:?}\n", folder.path().join("journal"));
    // Bad luck adds up: short troubles, one after the other, keep a subscriber away for up to ten seconds.
    let manner = match durable {
        true => format!("age = \"60s\"\ndurability = \"fsync\"\n\n{journal}"),
        false => "age = \"11s\"\n".to_owned(),
    };
    let config = CONFIG.to_owned() + &manner;
    let mut server = ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), &config);
    let report = scenario.run::<S>(&mut server, |_| {});
    report.assert_clean();
    let told = report.verdict.gaps;
    let (outage, restart) = (scenario.channels as u64, (scenario.subscribers * scenario.channels) as u64);
    match blow {
        // Everybody is told of the restart on every channel; who was cut off then may be told of both at once.
        Blow::KillAndOutage => assert!((restart..=restart + outage).contains(&told), "{report}"),
        Blow::KillOnDisk => assert_eq!(told, 0, "{report}"),
        Blow::Outage => assert_eq!(told, outage, "{report}"),
    }
}

#[test]
fn a_websocket_keeps_the_promise() {
    keeps_the_promise(Transport::WebSocket);
}

#[test]
fn an_xml_socket_keeps_the_promise() {
    keeps_the_promise(Transport::Flash);
}

#[test]
fn from_an_xml_socket_to_a_websocket_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::FlashAndWebSocket);
}

#[test]
fn from_an_xml_socket_to_long_polling_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::FlashAndLongPolling);
}

#[test]
fn timed_polling_keeps_the_promise() {
    keeps_the_promise(Transport::Polling);
}

#[test]
fn from_timed_polling_to_a_websocket_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::PollingAndWebSocket);
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
fn http_streaming_keeps_the_promise() {
    keeps_the_promise(Transport::HttpStreaming);
}

#[test]
fn from_http_streaming_to_a_websocket_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::HttpStreamingAndWebSocket);
}

#[test]
fn from_http_streaming_to_long_polling_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::HttpStreamingAndLongPolling);
}

#[test]
fn from_http_streaming_to_callback_polling_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::HttpStreamingAndCallbackPolling);
}

#[test]
fn server_sent_events_keep_the_promise() {
    keeps_the_promise(Transport::EventSource);
}

#[test]
fn from_server_sent_events_to_a_websocket_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::EventSourceAndWebSocket);
}

#[test]
fn from_server_sent_events_to_long_polling_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::EventSourceAndLongPolling);
}

#[test]
fn from_server_sent_events_to_http_streaming_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::EventSourceAndHttpStreaming);
}

#[test]
fn multipart_answers_keep_the_promise() {
    keeps_the_promise(Transport::Multipart);
}

#[test]
fn from_a_multipart_answer_to_a_websocket_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::MultipartAndWebSocket);
}

#[test]
fn from_a_multipart_answer_to_long_polling_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::MultipartAndLongPolling);
}

#[test]
fn persistent_frames_keep_the_promise() {
    keeps_the_promise(Transport::Iframe);
}

#[test]
fn from_a_persistent_frame_to_a_websocket_and_back_the_promise_is_kept() {
    keeps_the_promise(Transport::IframeAndWebSocket);
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
    is_kept_to::<ClientSubscriber>(Transport::WebSocket, Blow::KillAndOutage);
}

#[test]
fn the_promise_is_kept_to_the_rust_client_on_long_polling() {
    is_kept_to::<ClientSubscriber>(Transport::LongPolling, Blow::KillAndOutage);
}

#[test]
fn the_promise_is_kept_to_the_rust_client_between_its_wires() {
    is_kept_to::<ClientSubscriber>(Transport::WebSocketAndLongPolling, Blow::KillAndOutage);
}

#[test]
fn between_all_of_them_the_promise_is_kept() {
    keeps_the_promise(Transport::Switching);
}

#[test]
fn a_kill_loses_nothing_on_disk_for_a_websocket() {
    loses_nothing_on_disk(Transport::WebSocket);
}

#[test]
fn a_kill_loses_nothing_on_disk_for_long_polling() {
    loses_nothing_on_disk(Transport::LongPolling);
}

#[test]
fn a_kill_loses_nothing_on_disk_between_all_of_them() {
    loses_nothing_on_disk(Transport::Switching);
}

#[test]
fn a_kill_loses_nothing_on_disk_for_the_rust_client() {
    is_kept_to::<ClientSubscriber>(Transport::WebSocketAndLongPolling, Blow::KillOnDisk);
}

#[test]
fn an_outage_is_told_once_on_a_websocket() {
    tells_an_outage_once(Transport::WebSocket);
}

#[test]
fn an_outage_is_told_once_by_long_polling() {
    tells_an_outage_once(Transport::LongPolling);
}

#[test]
fn an_outage_is_told_once_by_callback_polling() {
    tells_an_outage_once(Transport::CallbackPolling);
}

#[test]
fn an_outage_is_told_once_between_all_of_them() {
    tells_an_outage_once(Transport::Switching);
}

#[test]
fn an_outage_is_told_once_to_the_rust_client() {
    is_kept_to::<ClientSubscriber>(Transport::WebSocketAndLongPolling, Blow::Outage);
}
