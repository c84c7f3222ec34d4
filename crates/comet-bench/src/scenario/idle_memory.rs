//! Idle memory: what the server's resident memory grows by when very many subscribers come and say nothing more.
//! The baseline is the freshly started server, so that whatever it sets up for its first visitor counts too.

use std::time::Duration;

use anyhow::Result;

use super::{GROW, Outcome, Size, fleet, reading};
use crate::figure::Figure;
use crate::procfs::{self, Meter};
use crate::script::{Stage, Wire};
use crate::server::Server;

pub(super) fn run(server: &Server, wire: Wire, size: &Size) -> Result<Outcome> {
    procfs::rest(server.pid())?;
    let before = procfs::resident_bytes(server.pid())?;
    let meter = Meter::start(server.pid())?;
    let mut fleet = fleet(server, wire)?;
    fleet.grow(size.idle_connections, Stage::Listening, GROW)?;
    let foreign_cores = meter.read()?.foreign_cores;
    fleet.idle(Duration::from_secs(size.idle_s))?;
    let after = procfs::resident_bytes(server.pid())?;
    let per_connection = (after as f64 - before as f64) / size.idle_connections as f64;
    let figure = match wire {
        Wire::WebSocket => Figure::IdleWebSocket,
        _ => Figure::IdleLongPolling,
    };
    Ok(Outcome { readings: vec![reading(figure, per_connection)], foreign_cores })
}
