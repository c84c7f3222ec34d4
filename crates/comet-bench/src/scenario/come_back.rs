//! Come-back: after an outage very many subscribers connect at once, and each wants what it missed.
//! Measures how long until the last one has everything, what it costs, and what those notice who were there all the
//! while. Only a server that remembers can take part.

use std::time::Duration;

use anyhow::Result;

use super::{DELIVER, GROW, Outcome, Size, fleet, reading};
use crate::figure::Figure;
use crate::procfs::{self, Meter};
use crate::script::{Stage, Wire};
use crate::server::Server;

/// Subscribers that listen all the while.
pub(super) const LISTENERS: usize = 1_000;
/// Messages that everybody missed.
const MISSED: usize = 100;

pub(super) fn run(server: &Server, size: &Size) -> Result<Outcome> {
    let mut fleet = fleet(server, Wire::WebSocket)?;
    fleet.grow(LISTENERS, Stage::Listening, GROW)?;
    fleet.idle(Duration::from_millis(300))?;
    procfs::rest(server.pid())?;
    let meter = Meter::start(server.pid())?;
    let took = fleet.come_back(size.returning, MISSED, DELIVER)?;
    let cost = meter.read()?;
    let live = fleet.ledger().take_summary();
    Ok(Outcome {
        readings: vec![
            reading(Figure::ComeBack, took.as_secs_f64()),
            reading(Figure::ComeBackCost, cost.server_ns as f64 / 1e3 / size.returning as f64),
            reading(Figure::ComeBackLatency, live.p99_ns as f64 / 1e6),
        ],
        foreign_cores: cost.foreign_cores,
    })
}
