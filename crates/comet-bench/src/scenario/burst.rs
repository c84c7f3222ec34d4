//! Burst: ten publications in one write, and the next ten when all their copies have arrived.
//! Measures what a server makes of a queue: coalesced into one write a subscriber, a delivery costs a tenth.

use anyhow::{Result, ensure};

use super::{DELIVER, GROW, Outcome, Size, fleet, reading};
use crate::figure::Figure;
use crate::procfs::{self, Meter};
use crate::script::{Stage, Wire};
use crate::server::Server;

/// Publications of one burst.
const BURST: usize = 10;

pub(super) fn run(server: &Server, size: &Size) -> Result<Outcome> {
    let mut fleet = fleet(server, Wire::WebSocket)?;
    fleet.grow(size.subscribers, Stage::Listening, GROW)?;
    procfs::rest(server.pid())?;
    fleet.publish(BURST, DELIVER)?;
    let bursts = (size.publications / 3).max(1);
    let meter = Meter::start(server.pid())?;
    fleet.ledger().take_summary();
    for _ in 0..bursts {
        fleet.publish(BURST, DELIVER)?;
    }
    let cost = meter.read()?;
    let deliveries = fleet.ledger().take_summary().deliveries;
    let expected = (size.subscribers * bursts * BURST) as u64;
    ensure!(deliveries == expected, "{deliveries} deliveries instead of {expected}");
    let per_delivery = cost.server_ns as f64 / expected as f64;
    Ok(Outcome { readings: vec![reading(Figure::Burst, per_delivery)], foreign_cores: cost.foreign_cores })
}
