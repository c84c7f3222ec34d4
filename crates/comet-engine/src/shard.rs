//! A shard: one thread that owns its listeners, connections, sessions, subscriber lists and timers.
//!
//! Nothing here is shared, so nothing is locked; other shards, the host and the control runtime post
//! letters. A turn of the loop takes what is ready, then lets queued deliveries leave in one batch of
//! sends. Each part of that work is a file of `shard/`; the rules of sessions and the bytes of transports
//! are elsewhere.

mod accept;
mod answer;
mod batch;
mod browser;
mod drain;
mod echo;
mod ending;
mod event_source;
mod expiry;
mod faye;
mod feed;
mod frame;
mod http;
mod image;
mod joining;
mod keeping;
mod lag;
mod leaving;
mod letters;
mod local;
mod output;
mod pace;
mod part;
mod poll;
mod presence;
mod publish;
mod push;
mod read;
mod receipt;
mod recovery;
mod replay;
mod rest;
mod route;
mod session;
mod stream;
mod subscribe;
mod timer;
mod transfer;
mod websocket;
mod xml_socket;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bayeux::Millis;
use comet_bus::journal::Keeper;
use comet_bus::{ChannelTable, Home, Hub, Presence};
use mio::net::TcpListener;
use mio::{Events, Poll, Token};
use slab::Slab;

use crate::browser::ByCookie;
use crate::call_permit::CallGate;
use crate::client_id::Ids;
use crate::coalescing::Coalescing;
use crate::config::Config;
use crate::connection::Connection;
use crate::counters::Counters;
use crate::delivery::{Joiner, Shared};
use crate::exchange::{Exchange, Slot};
use crate::feed::Feed;
use crate::flash::Doors;
use crate::host::Host;
use crate::inbox::{Inbox, Peer};
use crate::key::{ConnectionKey, ExchangeKey, SessionKey};
use crate::permit::Gate;
use crate::receipt::{Changed, Receipts};
use crate::seat::Seat;
use crate::send::Sender;
use crate::session_gate::SessionGate;
use crate::stream_ticket::StreamTicket;
use crate::wheel::Wheel;

pub(crate) use self::joining::Meanwhile;
pub(crate) use self::subscribe::position_of;

use self::drain::Drain;
use self::keeping::Keeping;
use self::output::Outbox;
use self::timer::Timer;

/// Tokens from here on are not connections.
pub(crate) const FIRST_LISTENER: usize = usize::MAX / 2;
/// The token of the inbox's waker.
pub(crate) const WAKER: Token = Token(usize::MAX);
/// What one read takes at most.
const READ_BYTES: usize = 64 << 10;

/// What a shard is given at its start.
pub(crate) struct Parts {
    pub(crate) index: usize,
    pub(crate) poll: Poll,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) doors: Doors,
    pub(crate) inbox: Inbox,
    pub(crate) peers: Vec<Peer>,
    pub(crate) config: Arc<Config>,
    pub(crate) table: Arc<ChannelTable>,
    pub(crate) home: Home,
    pub(crate) keeper: Option<Arc<dyn Keeper>>,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) ids: Ids,
    pub(crate) gate: Gate,
    pub(crate) calls: CallGate,
    pub(crate) session_gate: SessionGate,
    pub(crate) counters: Arc<Counters>,
    /// The same two for all shards.
    pub(crate) started: Instant,
    pub(crate) started_unix_ms: u64,
}

/// One thread's share of the server.
pub(crate) struct Shard {
    index: usize,
    poll: Poll,
    listeners: Vec<TcpListener>,
    doors: Doors,
    /// Listeners that had more to accept than one turn takes.
    unaccepted: Vec<usize>,
    inbox: Inbox,
    peers: Vec<Peer>,
    config: Arc<Config>,
    host: Arc<dyn Host>,
    ids: Ids,
    gate: Gate,
    calls: CallGate,
    session_gate: SessionGate,
    counters: Arc<Counters>,
    started: Instant,
    /// Unix time when `now` was 0; read once, so that it never runs backward.
    started_unix_ms: u64,
    now: Millis,
    /// Counts up: the generation of whatever comes next.
    generation: u32,
    connections: Slab<Connection>,
    sessions: Slab<Seat>,
    /// What the next streams of sessions are opened with, of those that open them so.
    tickets: HashMap<SessionKey, StreamTicket>,
    /// Batches that come in parts, of those that send any.
    gathered: part::Gathered,
    /// The feeds that sessions without a client are there for.
    feeds: HashMap<SessionKey, Box<Feed>>,
    exchanges: Slab<Slot>,
    /// Bytes of the batches in `exchanges`.
    exchange_bytes: usize,
    /// Sessions of the same browser, by its cookie.
    browsers: HashSet<ByCookie>,
    hub: Hub,
    table: Arc<ChannelTable>,
    /// Some channels have a manner of delivery that is not the plain one.
    paces: bool,
    home: Home,
    /// What waits for the journal, where there is one.
    keeping: Option<Box<Keeping>>,
    /// Who is on the channels whose companions have their home here.
    presence: Presence,
    /// When the wheel looks at it next; 0 for never.
    presence_armed: Millis,
    wheel: Wheel<Timer>,
    /// Publications of channels that have their home here, whose publishers want to know who has received them.
    receipts: Receipts,
    /// What was confirmed in this turn.
    confirmed: Changed,
    sender: Sender,
    outbox: Outbox,
    joiner: Joiner,
    /// Sessions with something that may leave.
    dirty: VecDeque<SessionKey>,
    /// Connections whose buffered input can go on.
    resumable: Vec<ConnectionKey>,
    /// Connections whose sockets may hold more than one turn reads.
    unread: Vec<ConnectionKey>,
    /// The inbox had more than one turn takes.
    letters_left: bool,
    /// Scratch for one session's queue.
    queue: Vec<Shared>,
    buffer: Vec<u8>,
    /// Bytes of strangers' request bodies above their first share.
    pooled: usize,
    drain: Option<Drain>,
    stopped: bool,
}

impl Shard {
    pub(crate) fn new(parts: Parts) -> Shard {
        let Parts {
            index,
            poll,
            listeners,
            doors,
            inbox,
            peers,
            config,
            table,
            home,
            keeper,
            host,
            ids,
            gate,
            calls,
            session_gate,
            counters,
            started,
            started_unix_ms,
        } = parts;
        Shard {
            index,
            poll,
            listeners,
            doors,
            unaccepted: Vec::new(),
            inbox,
            peers,
            paces: table.paces(),
            table,
            home,
            keeping: keeper.map(|keeper| Box::new(Keeping::new(keeper))),
            presence: Presence::new(presence::limits(&config)),
            presence_armed: 0,
            receipts: Receipts::new(
                config.limits.receipts_per_shard,
                config.limits.receipts_per_session,
                config.limits.receipt_ms,
            ),
            confirmed: Changed::default(),
            sender: Sender::new(config.io_uring),
            config,
            host,
            ids,
            gate,
            calls,
            session_gate,
            counters,
            started,
            started_unix_ms,
            now: 1,
            generation: 0,
            connections: Slab::new(),
            sessions: Slab::new(),
            tickets: HashMap::new(),
            gathered: Default::default(),
            feeds: HashMap::new(),
            exchanges: Slab::new(),
            exchange_bytes: 0,
            browsers: HashSet::new(),
            hub: Hub::default(),
            wheel: Wheel::new(1),
            outbox: Outbox::default(),
            joiner: Joiner::default(),
            dirty: VecDeque::new(),
            resumable: Vec::new(),
            unread: Vec::new(),
            letters_left: false,
            queue: Vec::new(),
            buffer: vec![0; READ_BYTES],
            pooled: 0,
            drain: None,
            stopped: false,
        }
    }

    /// Turns until it is told to stop.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut coalescing = Coalescing::default();
        self.wheel.arm(Timer::Sweep, self.now + timer::SWEEP_MS);
        self.wheel.arm(Timer::Forget, self.now + timer::FORGET_MS);
        while !self.stopped {
            let timeout = if self.has_work() { Some(0) } else { self.wheel.next_ms(self.now) };
            if let Some(wait) = coalescing.wait().filter(|_| timeout != Some(0)) {
                std::thread::sleep(wait);
            }
            if let Err(error) = self.poll.poll(&mut events, timeout.map(Duration::from_millis))
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                tracing::error!(shard = self.index, %error, "the poll failed");
                return;
            }
            self.now = self.read_clock();
            coalescing.on_turn(self.now, events.iter().count() as u32);
            for event in &events {
                match event.token() {
                    WAKER => {}
                    Token(at) if at >= FIRST_LISTENER => self.on_acceptable(at - FIRST_LISTENER),
                    Token(at) => self.on_ready(ConnectionKey::unpack(at as u64), event),
                }
            }
            self.accept_rest();
            self.on_letters();
            self.on_timers();
            self.resume_connections();
            self.tell_journal();
            self.push_dirty();
            self.report_confirmed();
            self.flush();
            self.look_at_drain();
        }
    }

    fn read_clock(&self) -> Millis {
        self.started.elapsed().as_millis() as Millis + 1
    }

    /// The time when this turn began, in unix milliseconds.
    fn unix_ms(&self) -> u64 {
        self.started_unix_ms + self.now
    }

    fn has_work(&self) -> bool {
        !self.dirty.is_empty()
            || !self.resumable.is_empty()
            || !self.unread.is_empty()
            || !self.unaccepted.is_empty()
            || self.letters_left
            || !self.outbox.is_empty()
    }

    fn next_generation(&mut self) -> u32 {
        // Kept small enough that a packed key never looks like a listener's token.
        self.generation = self.generation.wrapping_add(1) & 0x3fff_ffff;
        self.generation
    }

    fn connection(&mut self, key: ConnectionKey) -> Option<&mut Connection> {
        self.connections
            .get_mut(key.slot as usize)
            .filter(|connection| connection.generation == key.generation)
    }

    fn seat(&mut self, key: SessionKey) -> Option<&mut Seat> {
        self.sessions.get_mut(key.slot as usize).filter(|seat| seat.generation == key.generation)
    }

    /// Takes a batch that waits, to work on it.
    fn take_exchange(&mut self, key: ExchangeKey) -> Option<Box<Exchange>> {
        let slot = self.exchanges.get_mut(key.slot as usize)?;
        if slot.generation == key.generation { slot.exchange.take() } else { None }
    }
}
