//! The figures: what is measured, in which unit, and the bound it has to keep.
//! How each is measured is in `scenario`, how they are compared in `verdict`. Add a figure here and in one scenario.

use serde::Serialize;

/// One measured quantity. Smaller is better for each of them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// One publication to all WebSocket subscribers.
    FanOut,
    /// Ten back-to-back publications to all WebSocket subscribers.
    Burst,
    /// User memory of an idle WebSocket.
    IdleWebSocket,
    /// User memory of a parked long poll.
    IdleLongPolling,
    /// Connect, upgrade and handshake.
    Accept,
    /// The same with first connect and subscription.
    Subscribe,
    /// One publication to all long polls, with the receipt of their next requests.
    FanOutLongPolling,
    /// One publication to all streams of lines.
    FanOutHttpStreaming,
    /// One publication to all event streams of sessions.
    FanOutEventSource,
    /// One publication to all plain event streams.
    FanOutFeed,
    /// One publication to all answers of parts.
    FanOutMultipart,
    /// One publication to all persistent frames.
    FanOutFrame,
    /// One publication to all XMLSockets.
    FanOutFlash,
    /// Time from publishing to the median subscriber.
    LatencyMedian,
    /// Time from publishing to the last of a hundred subscribers.
    LatencyP99,
    /// What one delivery by WebSocket takes on the wire.
    WireBytes,
    /// One publication to all WebSocket subscribers, beside a Comet that remembers nothing.
    FanOutRemembered,
    /// Many come back at once: from the first connection to the last message any of them missed.
    ComeBack,
    /// What it costs the server, each.
    ComeBackCost,
    /// Time from publishing to the last of a hundred of those who listened all the while.
    ComeBackLatency,
    /// A session comes to a channel with presence where very many are.
    PresenceJoin,
    /// That, beside the same where a thousand are.
    PresenceJoinGrowth,
    /// A session leaves such a channel.
    PresenceLeave,
    /// That, beside the same where a thousand are.
    PresenceLeaveGrowth,
    /// A page of the list of who is there, asked for by HTTP; the median.
    PresencePage,
    /// That, beside the same where a thousand are.
    PresencePageGrowth,
}

/// What a figure of Comet has to keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// At most so many times that of the program it is compared with, median against median.
    Ratio(f64),
    /// At most so many times another figure of Comet's own, median against median.
    Beside(Figure, f64),
    /// At most so much.
    AtMost(f64),
    /// Printed for information.
    Free,
}

impl Figure {
    /// Every figure, in the order of the report.
    pub const ALL: [Figure; 26] = [
        Figure::FanOut,
        Figure::Burst,
        Figure::IdleWebSocket,
        Figure::IdleLongPolling,
        Figure::Accept,
        Figure::Subscribe,
        Figure::FanOutLongPolling,
        Figure::FanOutHttpStreaming,
        Figure::FanOutEventSource,
        Figure::FanOutFeed,
        Figure::FanOutMultipart,
        Figure::FanOutFrame,
        Figure::FanOutFlash,
        Figure::LatencyMedian,
        Figure::LatencyP99,
        Figure::WireBytes,
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

    /// What it is called in the report.
    pub fn name(self) -> &'static str {
        match self {
            Figure::FanOut => "fan-out by WebSocket",
            Figure::Burst => "burst of ten by WebSocket",
            Figure::IdleWebSocket => "idle WebSocket",
            Figure::IdleLongPolling => "parked long poll",
            Figure::Accept => "accept and handshake",
            Figure::Subscribe => "accept, handshake, connect, subscribe",
            Figure::FanOutLongPolling => "fan-out by long polling",
            Figure::FanOutHttpStreaming => "fan-out by HTTP streaming",
            Figure::FanOutEventSource => "fan-out by event stream",
            Figure::FanOutFeed => "fan-out by plain event stream",
            Figure::FanOutMultipart => "fan-out by multipart",
            Figure::FanOutFrame => "fan-out by persistent frame",
            Figure::FanOutFlash => "fan-out by XMLSocket",
            Figure::LatencyMedian => "fan-out latency, median",
            Figure::LatencyP99 => "fan-out latency, p99",
            Figure::WireBytes => "bytes on the wire",
            Figure::FanOutRemembered => "fan-out with history",
            Figure::ComeBack => "come-back at once, to the last",
            Figure::ComeBackCost => "come-back at once, cost",
            Figure::ComeBackLatency => "live latency meanwhile, p99",
            Figure::PresenceJoin => "presence, one joins",
            Figure::PresenceJoinGrowth => "presence, join beside that of 1,000",
            Figure::PresenceLeave => "presence, one leaves",
            Figure::PresenceLeaveGrowth => "presence, leave beside that of 1,000",
            Figure::PresencePage => "presence, a page of 100",
            Figure::PresencePageGrowth => "presence, page beside that of 1,000",
        }
    }

    /// What its numbers count.
    pub fn unit(self) -> &'static str {
        match self {
            Figure::FanOut
            | Figure::Burst
            | Figure::FanOutLongPolling
            | Figure::FanOutHttpStreaming
            | Figure::FanOutEventSource
            | Figure::FanOutFeed
            | Figure::FanOutMultipart
            | Figure::FanOutFrame
            | Figure::FanOutFlash
            | Figure::FanOutRemembered => "CPU ns/delivery",
            Figure::IdleWebSocket | Figure::IdleLongPolling => "bytes/connection",
            Figure::Accept | Figure::Subscribe | Figure::ComeBackCost => "CPU us/connection",
            Figure::PresenceJoin | Figure::PresenceLeave => "CPU us/session",
            Figure::PresenceJoinGrowth | Figure::PresenceLeaveGrowth | Figure::PresencePageGrowth => "times",
            Figure::LatencyMedian | Figure::LatencyP99 | Figure::ComeBackLatency | Figure::PresencePage => {
                "ms"
            }
            Figure::ComeBack => "s",
            Figure::WireBytes => "bytes/delivery",
        }
    }

    /// Digits printed after the point.
    pub fn decimals(self) -> usize {
        match self.unit() {
            "CPU us/connection" | "CPU us/session" | "ms" => 1,
            "s" | "times" => 2,
            _ => 0,
        }
    }

    /// What Comet has to keep.
    pub fn bound(self) -> Bound {
        match self {
            Figure::FanOut => Bound::Ratio(1.15),
            Figure::Burst => Bound::Ratio(1.5),
            Figure::IdleWebSocket | Figure::IdleLongPolling => Bound::AtMost(2048.0),
            Figure::Accept => Bound::Ratio(2.0),
            Figure::FanOutRemembered => Bound::Ratio(1.1),
            Figure::ComeBack => Bound::AtMost(5.0),
            Figure::ComeBackLatency => Bound::AtMost(200.0),
            Figure::PresenceJoinGrowth | Figure::PresenceLeaveGrowth | Figure::PresencePageGrowth => {
                Bound::AtMost(1.5)
            }
            Figure::FanOutHttpStreaming | Figure::FanOutEventSource | Figure::FanOutFeed => {
                Bound::Beside(Figure::FanOut, 1.2)
            }
            Figure::FanOutMultipart | Figure::FanOutFrame | Figure::FanOutFlash => {
                Bound::Beside(Figure::FanOut, 1.5)
            }
            Figure::FanOutLongPolling => Bound::Beside(Figure::FanOut, 1.8),
            Figure::PresenceJoin
            | Figure::PresenceLeave
            | Figure::PresencePage
            | Figure::ComeBackCost
            | Figure::Subscribe
            | Figure::LatencyMedian
            | Figure::LatencyP99
            | Figure::WireBytes => Bound::Free,
        }
    }
}
