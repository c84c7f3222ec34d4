//! `comet-testkit`'s scenarios as a program: for as long, as many deliveries and as much trouble as asked for.
//!
//! `cargo xtask soak` builds and starts it. The server it judges is the program `comet` in a process of its
//! own; progress and verdicts go to standard output, the verdicts as JSON to a file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use comet_testkit::{
    ChildServer, ClientSubscriber, Demands, Replay, Report, Scenario, Schedule, ScriptedSubscriber, Seed,
    Transport, Wishes,
};
use serde_json::{Map, Value, json};

/// Runs scenarios with trouble against a server and judges every delivery.
#[derive(Parser)]
struct Options {
    /// The program `comet`
    #[arg(long)]
    program: PathBuf,
    /// How long each transport is tried
    #[arg(long, default_value_t = 70)]
    seconds: u64,
    /// Decides what goes wrong and when; a fresh one unless given
    #[arg(long, env = "COMET_SEED")]
    seed: Option<Seed>,
    /// What subscribers travel on
    #[arg(long, value_enum, default_value_t = Choice::All)]
    transport: Choice,
    /// Who listens: subscribers that speak the protocol themselves, on every transport, or the Rust client, on those it
    /// knows
    #[arg(long, value_enum, default_value_t = Speaker::Both)]
    speaker: Speaker,
    /// Each transport is done after so many deliveries, if that comes first
    #[arg(long, default_value_t = 0)]
    deliveries: u64,
    /// How many listen
    #[arg(long, default_value_t = 32)]
    subscribers: usize,
    /// What they listen to
    #[arg(long, default_value_t = 4)]
    channels: usize,
    /// Who publishes
    #[arg(long, default_value_t = 4)]
    publishers: usize,
    /// Publications a second, by all together
    #[arg(long, default_value_t = 800.0)]
    rate: f64,
    /// How often the server is killed and started again
    #[arg(long, default_value_t = 1)]
    kills: u32,
    /// Spoils nothing: whatever is missing is a fault
    #[arg(long)]
    calm: bool,
    /// Keeps the channels of every run on disk, so that a kill costs nothing; without it one run more does
    #[arg(long)]
    durable: bool,
    /// How many subscribers are cut off for longer than the server remembers
    #[arg(long, default_value_t = 2)]
    outages: u32,
    /// Where to write the verdicts
    #[arg(long)]
    json: Option<PathBuf>,
}

/// One transport, or each after the other.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Websocket,
    LongPolling,
    CallbackPolling,
    WebsocketLongPolling,
    WebsocketCallbackPolling,
    LongCallbackPolling,
    HttpStreaming,
    HttpStreamingWebsocket,
    HttpStreamingLongPolling,
    HttpStreamingCallbackPolling,
    Eventsource,
    EventsourceWebsocket,
    EventsourceLongPolling,
    EventsourceHttpStreaming,
    Multipart,
    MultipartWebsocket,
    MultipartLongPolling,
    Iframe,
    IframeWebsocket,
    Polling,
    PollingWebsocket,
    Switching,
    All,
}

/// Who listens.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Speaker {
    Scripted,
    Rust,
    Both,
}

impl Speaker {
    /// Those that there are on a transport.
    fn on(self, transport: Transport) -> Vec<Speaker> {
        use Transport::{LongPolling, WebSocket, WebSocketAndLongPolling};
        let known = matches!(transport, WebSocket | LongPolling | WebSocketAndLongPolling);
        let speakers = [Speaker::Scripted, Speaker::Rust].into_iter();
        let wanted = |speaker: &Speaker| self == Speaker::Both || self == *speaker;
        speakers.filter(wanted).filter(|speaker| known || *speaker == Speaker::Scripted).collect()
    }

    /// The name of its run on a transport.
    fn case(self, transport: Transport) -> String {
        match self {
            Speaker::Rust => format!("{transport} (Rust client)"),
            _ => transport.to_string(),
        }
    }
}

impl Choice {
    fn transports(self) -> Vec<Transport> {
        match self {
            Choice::Websocket => vec![Transport::WebSocket],
            Choice::LongPolling => vec![Transport::LongPolling],
            Choice::CallbackPolling => vec![Transport::CallbackPolling],
            Choice::WebsocketLongPolling => vec![Transport::WebSocketAndLongPolling],
            Choice::WebsocketCallbackPolling => vec![Transport::WebSocketAndCallbackPolling],
            Choice::LongCallbackPolling => vec![Transport::LongAndCallbackPolling],
            Choice::HttpStreaming => vec![Transport::HttpStreaming],
            Choice::HttpStreamingWebsocket => vec![Transport::HttpStreamingAndWebSocket],
            Choice::HttpStreamingLongPolling => vec![Transport::HttpStreamingAndLongPolling],
            Choice::HttpStreamingCallbackPolling => vec![Transport::HttpStreamingAndCallbackPolling],
            Choice::Eventsource => vec![Transport::EventSource],
            Choice::EventsourceWebsocket => vec![Transport::EventSourceAndWebSocket],
            Choice::EventsourceLongPolling => vec![Transport::EventSourceAndLongPolling],
            Choice::EventsourceHttpStreaming => vec![Transport::EventSourceAndHttpStreaming],
            Choice::Multipart => vec![Transport::Multipart],
            Choice::MultipartWebsocket => vec![Transport::MultipartAndWebSocket],
            Choice::MultipartLongPolling => vec![Transport::MultipartAndLongPolling],
            Choice::Iframe => vec![Transport::Iframe],
            Choice::IframeWebsocket => vec![Transport::IframeAndWebSocket],
            Choice::Polling => vec![Transport::Polling],
            Choice::PollingWebsocket => vec![Transport::PollingAndWebSocket],
            Choice::Switching => vec![Transport::Switching],
            Choice::All => Transport::ALL.to_vec(),
        }
    }
}

/// Troubles up to here lose nothing: what comes and goes meanwhile is remembered until everyone is back.
const WINDOW: Duration = Duration::from_secs(10);
/// Longer than what is remembered, and than it takes to notice.
const OUTAGE: Duration = Duration::from_secs(45);

/// Connects are held for a short time and timed polls come often, so that a run sees many of them; all subscribers have
/// one address; and channels remember 30 seconds, whatever came in them. Sessions have the queues that every server gives them.
const CONFIG: &str = "\
[server]
shards = 2

[session]
timeout = \"5s\"
poll_interval = \"500ms\"
recovery_messages = 1000000
recovery_bytes = \"256MiB\"

[channels]
messages = 1000000
bytes = \"256MiB\"
age = \"30s\"

[limits]
connections_per_address = 10000
stream_age = \"20s\"
history_bytes = \"1GiB\"
";

fn main() -> ExitCode {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(Seed::fresh);
    println!("seed {seed}");
    let (mut cases, mut clean, mut deliveries) = (Map::new(), true, 0);
    let transports = options.transport.transports().into_iter();
    let runs = transports.flat_map(|transport| {
        options.speaker.on(transport).into_iter().map(move |speaker| (transport, speaker))
    });
    let on_disk = options.transport == Choice::All && !options.durable && options.speaker != Speaker::Rust;
    let on_disk = on_disk.then_some((Transport::Switching, Speaker::Scripted, true));
    let runs = runs.map(|(transport, speaker)| (transport, speaker, false)).chain(on_disk);
    for (transport, speaker, on_disk) in runs {
        let durable = options.durable || on_disk;
        let scenario = scenario(&options, seed, transport, durable);
        let case = speaker.case(transport) + if on_disk { ", on disk" } else { "" };
        // Printed when the run panics, too.
        let replay = seed.replay(format!("{case}\n{}", scenario.faults));
        println!("\n{case}: {} troubles in {} s", scenario.faults.planned().len(), options.seconds);
        let folder = tempfile::tempdir().expect("there is room for a journal");
        let journal = format!("\n[journal]\npath = {:?}\n", folder.path().join("journal"));
        let config = if durable {
            CONFIG.replace("\nage =", "\ndurability = \"fsync\"\nage =") + &journal
        } else {
            CONFIG.into()
        };
        let mut server = ChildServer::start(&options.program, &config);
        let tell = |progress: &str| println!("{case:<16} {progress}");
        let report = match speaker {
            Speaker::Rust => scenario.run::<ClientSubscriber>(&mut server, tell),
            _ => scenario.run::<ScriptedSubscriber>(&mut server, tell),
        };
        println!("{report}");
        deliveries += report.verdict.deliveries;
        clean &= settle(&case, &report, &replay);
        cases.insert(case, verdict(&report));
    }
    println!("\n{deliveries} deliveries judged");
    if let Some(file) = options.json {
        let kept = json!({
            "seed": seed.to_string(),
            "seconds_per_transport": options.seconds,
            "window_seconds": WINDOW.as_secs(),
            "outage_seconds": OUTAGE.as_secs(),
            "deliveries": deliveries,
            "cases": cases,
        });
        if let Err(error) = std::fs::write(&file, format!("{kept:#}\n")) {
            eprintln!("error: cannot write {}: {error}", file.display());
            clean = false;
        }
    }
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn scenario(options: &Options, seed: Seed, transport: Transport, durable: bool) -> Scenario {
    let duration = Duration::from_secs(options.seconds);
    let ms = Duration::from_millis;
    let wishes = Wishes {
        duration,
        links: options.subscribers,
        pause: ms(100)..ms(4_000),
        lasts: ms(100)..ms(4_000),
        kills: options.kills,
        outages: options.outages,
        outage: OUTAGE,
    };
    Scenario {
        seed,
        transports: vec![transport],
        subscribers: options.subscribers,
        channels: options.channels,
        publishers: options.publishers,
        rate: options.rate,
        duration,
        deliveries: options.deliveries,
        faults: if options.calm { Schedule::quiet() } else { Schedule::random(seed, &wishes) },
        demands: Demands::Recovery { window: WINDOW, durable },
    }
}

/// Says whether the run is as demanded, and how to have it again when not.
fn settle(case: &str, report: &Report, replay: &Replay) -> bool {
    let clean = report.is_clean();
    println!("{case}: {}", if clean { "ok" } else { "failed" });
    if !clean {
        println!("{}", replay.words());
    }
    clean
}

fn verdict(report: &Report) -> Value {
    let verdict = &report.verdict;
    json!({
        "verdict": if report.is_clean() { "ok" } else { "failed" },
        "published": verdict.published,
        "acknowledged": verdict.acknowledged,
        "deliveries": verdict.deliveries,
        "gaps": verdict.gaps,
        "missing_with_an_excuse": verdict.excused,
        "faults": verdict.faults.len() as u64 + verdict.more_faults,
        "not_back": report.absent.len(),
        "faults_injected": report.troubles,
    })
}
