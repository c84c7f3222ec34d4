//! Presence: what it costs that somebody comes to a channel or leaves it, and how long a page of the list takes, where
//! few are there and where very many are. It should make no difference. The changes are gathered and told, to nobody,
//! within what is measured.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use super::{Outcome, Size, reading};
use crate::figure::Figure;
use crate::generator::Crowd;
use crate::procfs::{self, Meter};
use crate::server::Server;

/// What the server needs to be told: nobody times out meanwhile.
pub(super) const CONFIG: &str =
    "\n[session]\nmax_interval = \"1h\"\n\n[channels.\"/crowd/**\"]\npresence = true\n";

/// Members where there are few.
const FEW: usize = 1_000;
/// Those who come and go while it is measured.
const PROBES: usize = 500;
/// How often they do.
const TURNS: usize = 6;
/// How long after a change all of it has been told.
const TOLD: Duration = Duration::from_millis(700);
/// Pages that are asked for.
const PAGES: usize = 500;

/// What was found at one size.
struct Found {
    join_us: f64,
    leave_us: f64,
    page_ms: f64,
    foreign_cores: f64,
}

pub(super) fn run(server: &Server, size: &Size) -> Result<Outcome> {
    let mut crowd = Crowd::open(server.address)?;
    let many = size.members.max(FEW);
    crowd.shake_hands(many + PROBES)?;
    crowd.come(0..FEW)?;
    let at_few = measure(server, &mut crowd, FEW, many)?;
    crowd.come(FEW..many)?;
    let at_many = measure(server, &mut crowd, many, many)?;
    Ok(Outcome {
        readings: vec![
            reading(Figure::PresenceJoin, at_many.join_us),
            reading(Figure::PresenceJoinGrowth, at_many.join_us / at_few.join_us),
            reading(Figure::PresenceLeave, at_many.leave_us),
            reading(Figure::PresenceLeaveGrowth, at_many.leave_us / at_few.leave_us),
            reading(Figure::PresencePage, at_many.page_ms),
            reading(Figure::PresencePageGrowth, at_many.page_ms / at_few.page_ms),
        ],
        foreign_cores: at_few.foreign_cores.max(at_many.foreign_cores),
    })
}

/// Lets the probes come and go where `members` are there; the sessions of the probes begin at `first`.
fn measure(server: &Server, crowd: &mut Crowd, members: usize, first: usize) -> Result<Found> {
    let probes = first..first + PROBES;
    let (mut join_ns, mut leave_ns, mut foreign_cores) = (0, 0, 0.0_f64);
    for turn in 0..=TURNS {
        // Long queues of changes have been told by then, and caches are warm after the first turn.
        sleep(TOLD);
        procfs::rest(server.pid())?;
        let meter = Meter::start(server.pid())?;
        crowd.come(probes.clone())?;
        sleep(TOLD);
        let joined = meter.read()?;
        let meter = Meter::start(server.pid())?;
        crowd.go(probes.clone())?;
        sleep(TOLD);
        let left = meter.read()?;
        if turn > 0 {
            join_ns += joined.server_ns;
            leave_ns += left.server_ns;
            foreign_cores = foreign_cores.max(joined.foreign_cores).max(left.foreign_cores);
        }
    }
    let each_us = |ns: u64| ns as f64 / 1e3 / (TURNS * PROBES) as f64;
    let mut times = crowd.pages(PAGES, members)?;
    times.sort();
    let page_ms = times[times.len() / 2].as_secs_f64() * 1e3;
    Ok(Found { join_us: each_us(join_ns), leave_us: each_us(leave_ns), page_ms, foreign_cores })
}
