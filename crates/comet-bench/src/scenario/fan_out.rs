//! Fan-out: one publication at a time to every subscriber, each awaited until all copies have arrived.
//! Measures what a delivery costs the server, and when the copies arrive. By long polling the cost holds the
//! receipt of the next request too.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{DELIVER, GROW, Outcome, Size, fleet, reading};
use crate::figure::Figure;
use crate::procfs::{self, Meter};
use crate::script::{Stage, Wire};
use crate::server::{Contender, Server};

/// Publications before the measurement. The system acknowledges up to sixteen segments of a young connection at once, each
/// on the processor of the sender, and how many of those are left depends on what was said before.
const WARM_UP: usize = 20;

pub(super) fn run(server: &Server, wire: Wire, size: &Size) -> Result<Outcome> {
    let mut fleet = fleet(server, wire)?;
    fleet.grow(size.subscribers, Stage::Listening, GROW)?;
    // The last polls are sent, not necessarily parked.
    fleet.idle(Duration::from_millis(300))?;
    for _ in 0..WARM_UP {
        procfs::rest(server.pid())?;
        fleet.publish(1, DELIVER)?;
    }
    let meter = Meter::start(server.pid())?;
    fleet.ledger().take_summary();
    for _ in 0..size.publications {
        fleet.publish(1, DELIVER)?;
        if wire == Wire::LongPolling {
            // The next polls are parked before the next publication, so that it meets all of them at once.
            procfs::rest(server.pid())?;
        }
    }
    let cost = meter.read()?;
    let summary = fleet.ledger().take_summary();
    let expected = (size.subscribers * size.publications) as u64;
    ensure!(summary.deliveries == expected, "{} deliveries instead of {expected}", summary.deliveries);
    let per_delivery = cost.server_ns as f64 / expected as f64;
    let mut readings = match wire {
        Wire::LongPolling => vec![reading(Figure::FanOutLongPolling, per_delivery)],
        Wire::HttpStreaming => vec![reading(Figure::FanOutHttpStreaming, per_delivery)],
        Wire::EventSource => vec![reading(Figure::FanOutEventSource, per_delivery)],
        Wire::Feed => vec![reading(Figure::FanOutFeed, per_delivery)],
        Wire::Multipart => vec![reading(Figure::FanOutMultipart, per_delivery)],
        Wire::Frame => vec![reading(Figure::FanOutFrame, per_delivery)],
        Wire::Flash => vec![reading(Figure::FanOutFlash, per_delivery)],
        Wire::WebSocket if server.contender == Contender::CometForgetful => {
            vec![reading(Figure::FanOutRemembered, per_delivery)]
        }
        Wire::WebSocket => vec![
            reading(Figure::FanOut, per_delivery),
            reading(Figure::LatencyMedian, summary.median_ns as f64 / 1e6),
            reading(Figure::LatencyP99, summary.p99_ns as f64 / 1e6),
            reading(Figure::WireBytes, summary.bytes as f64 / expected as f64),
        ],
    };
    if server.contender == Contender::Comet && wire == Wire::WebSocket {
        readings.push(reading(Figure::FanOutRemembered, per_delivery));
    }
    Ok(Outcome { readings, foreign_cores: cost.foreign_cores })
}
