//! Accept: what it costs a server to let somebody in, from the first packet to the end of the Bayeux handshake.
//! A bare program has nothing to do after the upgrade, so its figure is the connection alone.

use anyhow::Result;

use super::{GROW, Outcome, Size, fleet, reading};
use crate::figure::Figure;
use crate::procfs::Meter;
use crate::script::{Stage, Wire};
use crate::server::Server;

pub(super) fn run(server: &Server, size: &Size) -> Result<Outcome> {
    let mut fleet = fleet(server, Wire::WebSocket)?;
    let meter = Meter::start(server.pid())?;
    fleet.grow(size.subscribers, Stage::Handshaken, GROW)?;
    let handshaken = meter.read()?;
    fleet.grow(size.subscribers, Stage::Listening, GROW)?;
    let listening = meter.read()?;
    let per_connection_us = |ns: u64| ns as f64 / 1000.0 / size.subscribers as f64;
    Ok(Outcome {
        readings: vec![
            reading(Figure::Accept, per_connection_us(handshaken.server_ns)),
            reading(Figure::Subscribe, per_connection_us(listening.server_ns)),
        ],
        foreign_cores: handshaken.foreign_cores,
    })
}
