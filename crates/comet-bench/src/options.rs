//! What the command line says, and its way into a campaign.
//! The words are clap's; what they mean is decided by `campaign` and `scenario`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::scenario::{Scenario, Size};

/// Which scenarios to run.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Choice {
    /// All of them: every figure that has a bound, and the rest.
    First,
    /// Single publications to the subscribers of each wire.
    FanOut,
    /// Single publications to WebSockets and to long polls alone.
    LongPolling,
    /// Ten back-to-back publications.
    Burst,
    /// Memory of idle WebSockets and parked long polls.
    IdleMemory,
    /// Cost of connect, upgrade and handshake.
    Accept,
    /// Many come back at once and get what they missed.
    ComeBack,
    /// Sessions come to a channel with presence and leave it.
    Presence,
}

impl Choice {
    /// The scenarios behind the word.
    pub fn scenarios(self) -> Vec<Scenario> {
        match self {
            Choice::First => Scenario::ALL.to_vec(),
            Choice::FanOut => vec![
                Scenario::FanOut,
                Scenario::FanOutLongPolling,
                Scenario::FanOutHttpStreaming,
                Scenario::FanOutEventSource,
                Scenario::FanOutFeed,
                Scenario::FanOutMultipart,
                Scenario::FanOutFrame,
                Scenario::FanOutFlash,
            ],
            Choice::LongPolling => vec![Scenario::FanOut, Scenario::FanOutLongPolling],
            Choice::Burst => vec![Scenario::Burst],
            Choice::IdleMemory => vec![Scenario::IdleWebSocket, Scenario::IdleLongPolling],
            Choice::Accept => vec![Scenario::Accept],
            Choice::ComeBack => vec![Scenario::ComeBack],
            Choice::Presence => vec![Scenario::Presence],
        }
    }
}

/// Options of the load generator.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// What to run
    #[arg(value_enum, default_value = "first")]
    pub choice: Choice,
    /// The program `comet` [default: beside this program]
    #[arg(long, value_name = "PATH")]
    pub comet: Option<PathBuf>,
    /// The folder of `floor-uring` and `floor-epoll` [default: beside this program]
    #[arg(long, value_name = "FOLDER")]
    pub floor: Option<PathBuf>,
    /// Measure the floor alone
    #[arg(long, conflicts_with = "check")]
    pub floor_only: bool,
    /// How often each program is measured; three is the least that makes a median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub rounds: u16,
    /// Threads of the server that deliver; with one, server and generator get a processor each
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub shards: u16,
    /// Subscribers of a fan-out and connections of the accept scenario; at most what one process may open
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub subscribers: u32,
    /// Connections of the memory scenarios; at most what one process may open
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub idle_connections: u32,
    /// Publications of a fan-out; a burst of ten is repeated a third as often
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub publications: u16,
    /// Seconds of idleness before memory is read
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(0..=600))]
    pub idle_s: u16,
    /// Subscribers that come back at once; at most what one process may open, and the thousand that listen
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=90_000))]
    pub returning: u32,
    /// Members of the channel whose presence is measured
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1_000..=90_000))]
    pub members: u32,
    /// Write everything measured to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Exit with status 1 when a bound is not kept
    #[arg(long)]
    pub check: bool,
}

impl Options {
    /// How much load they ask for.
    pub fn size(&self) -> Size {
        Size {
            subscribers: self.subscribers as usize,
            idle_connections: self.idle_connections as usize,
            publications: self.publications.into(),
            idle_s: self.idle_s.into(),
            returning: self.returning as usize,
            members: self.members as usize,
        }
    }
}
