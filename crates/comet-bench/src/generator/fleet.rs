//! All subscribers of one server, and the loop that turns them.
//! What they say is in `script`, what they count in `ledger`, and those that come back are in `comeback`. Every wait has an end; the first fault ends the run.

mod comeback;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mio::{Events, Interest, Poll, Token};

use super::ledger::Ledger;
use super::peer::{Peer, dial};
use super::publisher::Publisher;
use crate::protocol::payload::Payload;
use crate::script::{Script, Speech, Stage, Wire};

/// Connections being made at the same time: fewer than a listen queue holds.
const DIALS: usize = 256;

/// Most subscribers of one process.
const SUBSCRIBERS: usize = 100_000;

const PUBLISHER: Token = Token(usize::MAX);

/// What kind of subscribers, and where.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The address of the server under test.
    pub address: SocketAddr,
    /// Where its subscribers connect: the same, unless their wire has an address of its own.
    pub door: SocketAddr,
    /// What it speaks.
    pub speech: Speech,
    /// What the subscribers connect with.
    pub wire: Wire,
}

/// Subscribers and publisher of one server.
pub struct Fleet {
    load: Load,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    peers: Vec<Peer>,
    publisher: Publisher,
    ledger: Ledger,
    goal: Stage,
    /// How many peers have reached the goal.
    ready: usize,
}

impl Fleet {
    /// A fleet of nobody but the publisher.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn open(load: Load) -> Result<Fleet> {
        let poll = Poll::new()?;
        let mut publisher = Publisher::open(load.address, load.speech).context("connecting the publisher")?;
        poll.registry().register(&mut publisher.stream, PUBLISHER, Interest::READABLE)?;
        Ok(Fleet {
            load,
            poll,
            events: Events::with_capacity(1024),
            buffer: vec![0; 64 * 1024],
            peers: Vec::new(),
            publisher,
            ledger: Ledger::new(),
            goal: Stage::Opening,
            ready: 0,
        })
    }

    /// Deliveries so far.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Adds subscribers until there are `count`, and waits until all of them have reached `goal`.
    ///
    /// # Errors
    /// When one of them faults, or they are not there within `limit`.
    pub fn grow(&mut self, count: usize, goal: Stage, limit: Duration) -> Result<()> {
        if count > SUBSCRIBERS {
            bail!("{count} subscribers are more than one process takes ({SUBSCRIBERS})");
        }
        self.raise(goal)?;
        let end = Instant::now() + limit;
        while self.ready < count {
            while self.peers.len() < count && self.peers.len() - self.ready < DIALS {
                let index = self.ledger.enroll();
                self.dial(index, None)?;
            }
            self.turn(Duration::ZERO)?;
            if Instant::now() > end {
                bail!("{} of {count} subscribers ready after {limit:?}", self.ready);
            }
        }
        Ok(())
    }

    /// Raises the goal and lets every subscriber go on towards it.
    fn raise(&mut self, goal: Stage) -> Result<()> {
        if goal != self.goal {
            self.goal = goal;
            for (index, peer) in self.peers.iter_mut().enumerate() {
                peer.speak(goal).with_context(|| format!("subscriber {index}"))?;
            }
            self.ready = self.peers.iter().filter(|peer| peer.script.stage() >= goal).count();
        }
        Ok(())
    }

    fn dial(&mut self, index: usize, position: Option<Rc<str>>) -> Result<()> {
        let mut stream =
            dial(self.load.door, index).with_context(|| format!("dialing subscriber {index}"))?;
        self.poll.registry().register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        self.peers.push(Peer::new(stream, Script::new(self.load.wire, self.load.speech, position)));
        Ok(())
    }

    /// Publishes `count` times in one write, and busy-polls until every copy and every answer is there.
    ///
    /// # Errors
    /// When a subscriber faults, or something is missing after `limit`.
    pub fn publish(&mut self, count: usize, limit: Duration) -> Result<()> {
        let payloads: Vec<Payload> = (0..count).map(|_| self.ledger.next_payload()).collect();
        self.publisher.publish(&payloads)?;
        let end = Instant::now() + limit;
        let mut outstanding = self.ledger.outstanding();
        while outstanding > 0 || self.publisher.unanswered() > 0 {
            outstanding -= self.turn(Duration::ZERO)?;
            if Instant::now() > end {
                let unanswered = self.publisher.unanswered();
                bail!("{outstanding} deliveries and {unanswered} answers missing after {limit:?}");
            }
        }
        Ok(())
    }

    /// Answers whatever comes for this long, sleeping while nothing does.
    ///
    /// # Errors
    /// When a subscriber faults.
    pub fn idle(&mut self, duration: Duration) -> Result<()> {
        let end = Instant::now() + duration;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.turn(left.max(Duration::from_millis(1)))?;
        }
        Ok(())
    }

    /// One round of the loop; answers with the deliveries it brought.
    fn turn(&mut self, patience: Duration) -> Result<u64> {
        match self.poll.poll(&mut self.events, Some(patience)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(0),
            other => other?,
        }
        let Fleet { peers, ledger, publisher, buffer, goal, .. } = self;
        let (mut deliveries, mut received) = (0, 0);
        for event in &self.events {
            if event.token() == PUBLISHER {
                publisher.on_readable(buffer)?;
                continue;
            }
            let index = event.token().0;
            let peer = &mut peers[index];
            let was_ready = peer.script.stage() >= *goal;
            let mut sink = |data: &serde_json::value::RawValue| {
                deliveries += 1;
                ledger.on_delivery(index, data.get())
            };
            let mut serve = || {
                if event.is_writable() {
                    peer.on_writable(*goal)?;
                }
                let ended = event.is_read_closed() || event.is_error();
                if event.is_readable() || ended {
                    received += peer.on_readable(*goal, ended, buffer, &mut sink)?;
                }
                Ok::<_, crate::protocol::Fault>(())
            };
            serve().with_context(|| format!("subscriber {index}"))?;
            self.ready += usize::from(!was_ready && peers[index].script.stage() >= *goal);
        }
        ledger.on_bytes(received);
        Ok(deliveries)
    }
}
