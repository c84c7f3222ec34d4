//! What is done to a server, and what is read off it meanwhile: one module a scenario.
//! A scenario gets a fresh server, loads it, and answers with readings; which servers and how often is `campaign`'s.

mod accept;
mod burst;
mod come_back;
mod fan_out;
mod idle_memory;
mod presence;

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::figure::Figure;
use crate::generator::{Fleet, Load};
use crate::script::Wire;
use crate::server::{Contender, Server};

/// How long a server may take to let everybody in.
const GROW: Duration = Duration::from_secs(60);
/// How long the copies of a publication may take.
const DELIVER: Duration = Duration::from_secs(30);

/// How much load.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Size {
    /// Subscribers of the fan-outs, and connections of the accept scenario.
    pub subscribers: usize,
    /// Connections of the memory scenarios.
    pub idle_connections: usize,
    /// Publications measured by a fan-out, and a burst is measured a third as often.
    pub publications: usize,
    /// How long connections are idle before memory is read, in seconds.
    pub idle_s: u64,
    /// Subscribers that come back at once.
    pub returning: usize,
    /// Members of the channel whose presence is measured.
    pub members: usize,
}

impl Size {
    /// The most connections a server has at the same time: its subscribers and the publisher.
    pub fn connections(&self) -> usize {
        self.subscribers.max(self.idle_connections).max(come_back::LISTENERS + self.returning) + 1
    }
}

/// The scenarios, in the order they are run.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Single publications to WebSockets.
    FanOut,
    /// Back-to-back publications to WebSockets.
    Burst,
    /// Memory of idle WebSockets.
    IdleWebSocket,
    /// Memory of parked long polls.
    IdleLongPolling,
    /// Cost of letting somebody in.
    Accept,
    /// Single publications to long polls.
    FanOutLongPolling,
    /// Single publications to streams of lines.
    FanOutHttpStreaming,
    /// Single publications to event streams of sessions.
    FanOutEventSource,
    /// Single publications to plain event streams.
    FanOutFeed,
    /// Single publications to answers of parts.
    FanOutMultipart,
    /// Single publications to persistent frames.
    FanOutFrame,
    /// Single publications to XMLSockets.
    FanOutFlash,
    /// Many come back and get what they missed.
    ComeBack,
    /// Sessions come to a channel and leave it, where few are there and where many are.
    Presence,
}

/// One number of one run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Reading {
    /// What was measured.
    pub figure: Figure,
    /// The number, in the figure's unit.
    pub value: f64,
}

/// What one run of a scenario has found.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The numbers.
    pub readings: Vec<Reading>,
    /// Processors kept busy by others while something was timed.
    pub foreign_cores: f64,
}

impl Scenario {
    /// Every scenario.
    pub const ALL: [Scenario; 14] = [
        Scenario::FanOut,
        Scenario::Burst,
        Scenario::IdleWebSocket,
        Scenario::IdleLongPolling,
        Scenario::Accept,
        Scenario::FanOutLongPolling,
        Scenario::FanOutHttpStreaming,
        Scenario::FanOutEventSource,
        Scenario::FanOutFeed,
        Scenario::FanOutMultipart,
        Scenario::FanOutFrame,
        Scenario::FanOutFlash,
        Scenario::ComeBack,
        Scenario::Presence,
    ];

    /// Whether it says something about this program.
    pub fn suits(self, contender: Contender) -> bool {
        match contender {
            Contender::Comet => true,
            Contender::CometForgetful => self == Scenario::FanOut,
            Contender::FloorUring | Contender::FloorEpoll => {
                // They speak WebSocket and long polling.
                !matches!(
                    self,
                    Scenario::FanOutHttpStreaming
                        | Scenario::FanOutEventSource
                        | Scenario::FanOutFeed
                        | Scenario::FanOutMultipart
                        | Scenario::FanOutFrame
                        | Scenario::FanOutFlash
                        | Scenario::ComeBack
                        | Scenario::Presence
                )
            }
        }
    }

    /// What Comet has to be told for it beside the usual, as the text of a configuration.
    pub fn configuration(self) -> &'static str {
        match self {
            Scenario::Presence => presence::CONFIG,
            Scenario::FanOutFlash => "\n[flash]\nlisten = [\"127.0.0.1:0\"]\n",
            _ => "",
        }
    }

    /// Runs it against a server nobody has used yet.
    ///
    /// # Errors
    /// When a delivery is lost, repeated or out of order, a connection breaks, or the server is too slow.
    pub fn run(self, server: &Server, size: &Size) -> Result<Outcome> {
        match self {
            Scenario::FanOut => fan_out::run(server, Wire::WebSocket, size),
            Scenario::FanOutLongPolling => fan_out::run(server, Wire::LongPolling, size),
            Scenario::FanOutHttpStreaming => fan_out::run(server, Wire::HttpStreaming, size),
            Scenario::FanOutEventSource => fan_out::run(server, Wire::EventSource, size),
            Scenario::FanOutFeed => fan_out::run(server, Wire::Feed, size),
            Scenario::FanOutMultipart => fan_out::run(server, Wire::Multipart, size),
            Scenario::FanOutFrame => fan_out::run(server, Wire::Frame, size),
            Scenario::FanOutFlash => fan_out::run(server, Wire::Flash, size),
            Scenario::Burst => burst::run(server, size),
            Scenario::IdleWebSocket => idle_memory::run(server, Wire::WebSocket, size),
            Scenario::IdleLongPolling => idle_memory::run(server, Wire::LongPolling, size),
            Scenario::Accept => accept::run(server, size),
            Scenario::ComeBack => come_back::run(server, size),
            Scenario::Presence => presence::run(server, size),
        }
    }
}

fn fleet(server: &Server, wire: Wire) -> Result<Fleet> {
    let door = match wire {
        Wire::Flash => server.flash_address.context("the server has no address for XMLSockets")?,
        _ => server.address,
    };
    Fleet::open(Load { address: server.address, door, speech: server.speech, wire })
}

fn reading(figure: Figure, value: f64) -> Reading {
    Reading { figure, value }
}
