//! A proxy that behaves badly when it is told to.
//!
//! It listens on a free port, passes bytes on to a server and spoils that as a test or a schedule wants:
//! connections cut at any byte, black holes, delays, requests said twice. What the bytes mean is not known
//! here, but for where an HTTP request ends. One thread carries it all and ends with the proxy.

mod conditions;
mod pump;
mod relay;
mod request;

use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::{Direction, Ending, Hole, Seed, Trouble};
use conditions::{Conditions, Cut, CutAfter};

/// A proxy before a server.
pub struct FaultProxy {
    address: SocketAddr,
    conditions: watch::Sender<Conditions>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

/// What a proxy has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyCounts {
    /// Connections of clients, refused ones too.
    pub connections: u64,
    /// Connections that are open.
    pub open: u64,
    /// Connections that were cut or half closed because the proxy was told to.
    pub cut: u64,
    /// Connections that were reset as soon as they came.
    pub refused: u64,
    /// Requests that were said twice.
    pub duplicated: u64,
    /// Bytes that were passed on, both ways.
    pub bytes: u64,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    open: AtomicU64,
    cut: AtomicU64,
    refused: AtomicU64,
    duplicated: AtomicU64,
    bytes: AtomicU64,
}

impl FaultProxy {
    /// Begins to pass on to the server at this address. What is left to chance is the same every time.
    pub fn before(server: SocketAddr) -> FaultProxy {
        FaultProxy::seeded(server, Seed(0), "proxy")
    }

    /// Begins to pass on to the server at this address; `part` of the seed decides what is left to chance.
    pub fn seeded(server: SocketAddr, seed: Seed, part: &str) -> FaultProxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("this machine has free ports");
        listener.set_nonblocking(true).expect("an open socket has options");
        let address = listener.local_addr().expect("an open socket has an address");
        let (conditions, told) = watch::channel(Conditions::fair(server));
        let counts = Arc::<Counts>::default();
        let (counted, random) = (counts.clone(), seed.random(part));
        let run = move || relay::run(listener, told, &counted, random);
        let thread = std::thread::Builder::new().name("fault-proxy".into()).spawn(run);
        let thread = Some(thread.expect("the system has threads left"));
        FaultProxy { address, conditions, counts, thread }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes new connections on to another server, or to the same at another address.
    pub fn retarget(&self, server: SocketAddr) {
        self.conditions.send_modify(|conditions| conditions.target = server);
    }

    /// Resets every connection that is open now.
    pub fn cut_all(&self) {
        self.end_all(Direction::ToClient, Ending::Reset);
    }

    /// Ends every connection that is open now with a farewell to both sides.
    pub fn finish_all(&self) {
        self.end_all(Direction::ToClient, Ending::Finish);
    }

    /// Closes one way of every connection that is open now.
    pub fn half_close_all(&self, direction: Direction) {
        self.end_all(direction, Ending::HalfClose);
    }

    fn end_all(&self, direction: Direction, ending: Ending) {
        self.conditions.send_modify(|conditions| conditions.cut(direction, ending));
    }

    /// Until it is healed, resets every connection, open ones and new ones, after a number of bytes to the
    /// client that is drawn from the range for each.
    pub fn cut_after_bytes(&self, bytes: Range<u64>) {
        self.end_after_bytes(Direction::ToClient, bytes, Ending::Reset);
    }

    /// Until it is healed, ends every connection, open ones and new ones, after a number of bytes this way
    /// that is drawn from the range for each.
    pub fn end_after_bytes(&self, direction: Direction, bytes: Range<u64>, ending: Ending) {
        self.conditions.send_modify(|conditions| {
            let number = conditions.cut_after.number + 1;
            conditions.cut_after = CutAfter { number, rule: Some((bytes, Cut { direction, ending })) };
        });
    }

    /// Until it is healed, lets nothing through and ends nothing.
    pub fn blackhole(&self, hole: Hole) {
        self.conditions.send_modify(|conditions| conditions.hole = Some(hole));
    }

    /// Until it is healed, keeps whatever it reads for so long. A connection has one such portion on its way at
    /// a time, so that a long delay is a narrow way too.
    pub fn delay(&self, delay: Duration) {
        self.conditions.send_modify(|conditions| conditions.delay = Some(delay));
    }

    /// Until it is healed, passes bytes on one by one, with such a pause after each.
    pub fn dribble(&self, pause: Duration) {
        self.conditions.send_modify(|conditions| conditions.dribble = Some(pause));
    }

    /// Resets every connection that is open, and until it is healed every new one.
    pub fn refuse(&self) {
        self.conditions.send_modify(|conditions| {
            conditions.refuse = true;
            conditions.cut(Direction::ToClient, Ending::Reset);
        });
    }

    /// Until it is healed, says every whole POST request to the server a second time, on a connection of its
    /// own, and throws that answer away.
    pub fn duplicate(&self) {
        self.conditions.send_modify(|conditions| conditions.duplicate = true);
    }

    /// From here on everything goes through as it should.
    pub fn heal(&self) {
        self.conditions.send_modify(Conditions::heal);
    }

    /// Does what a schedule says. What happens to the server itself is not the proxy's business.
    pub fn apply(&self, trouble: &Trouble) {
        match trouble {
            Trouble::Cut { direction, ending } => self.end_all(*direction, *ending),
            Trouble::CutAfterBytes { direction, bytes, ending } => {
                self.end_after_bytes(*direction, bytes.clone(), *ending);
            }
            Trouble::Blackhole(hole) => self.blackhole(*hole),
            Trouble::Delay(delay) => self.delay(*delay),
            Trouble::Dribble(pause) => self.dribble(*pause),
            Trouble::Refuse => self.refuse(),
            Trouble::Duplicate => self.duplicate(),
            Trouble::KillServer => {}
        }
    }

    /// What it has done so far.
    pub fn counts(&self) -> ProxyCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ProxyCounts {
            connections: read(&self.counts.connections),
            open: read(&self.counts.open),
            cut: read(&self.counts.cut),
            refused: read(&self.counts.refused),
            duplicated: read(&self.counts.duplicated),
            bytes: read(&self.counts.bytes),
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.conditions.send_modify(|conditions| conditions.over = true);
        let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) else { return };
        // A test that fails already fails for its own reason; the panic has printed its words.
        if !std::thread::panicking() {
            std::panic::resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_its_thread_is_its_owners() {
        let mut proxy = FaultProxy::before(SocketAddr::from(([127, 0, 0, 1], 1)));
        proxy.conditions.send_modify(|conditions| conditions.over = true);
        proxy.thread.take().unwrap().join().unwrap();
        proxy.thread = Some(std::thread::spawn(|| panic!("in the thread")));
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(proxy)));
        assert_eq!(*dropped.unwrap_err().downcast::<&str>().unwrap(), "in the thread");
    }
}
