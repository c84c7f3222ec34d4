//! Starting and stopping an engine: listeners, shards, and how they know each other.
//!
//! Everything here happens once. On the way of a message there is nothing of this file; the threads it
//! starts run `shard`, and who needs them afterwards holds a `Handle`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bayeux::ConnectionType;
use comet_bus::MAX_SHARDS;
use comet_bus::journal::{Keeper, Opened};
use mio::net::TcpListener;
use mio::{Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};

use crate::call_permit::CallGate;
use crate::client_id::Ids;
use crate::config::Config;
use crate::counters::Counters;
use crate::flash::Doors;
use crate::handle::{Facts, Handle};
use crate::homes::{homes, table};
use crate::host::Host;
use crate::inbox::{Letter, Peer, inbox};
use crate::permit::Gate;
use crate::session_gate::SessionGate;
use crate::shard::{FIRST_LISTENER, Parts, Shard, WAKER};
use crate::stop::wind_down;

/// Connections that may wait to be accepted; the system caps it.
const BACKLOG: i32 = 4_096;

/// A running engine. Dropping it stops it without grace.
pub struct Engine {
    handle: Handle,
    peers: Vec<Peer>,
    addresses: Vec<SocketAddr>,
    doors: Doors,
    threads: Vec<JoinHandle<()>>,
    keeper: Option<Arc<dyn Keeper>>,
    /// How long the journal may take to end.
    patience: Duration,
}

impl Engine {
    /// Binds the addresses and starts the shards. Durable channels are kept in `journal`, which is closed when the engine
    /// ends.
    ///
    /// # Errors
    /// When an address cannot be bound, or the system refuses a poll or a thread. `InvalidInput` when channels are durable
    /// and there is no journal or no history, and when the channels of the journal find no room.
    pub fn start(
        mut config: Config,
        journal: Option<Opened>,
        host: impl FnOnce(&Handle) -> Arc<dyn Host>,
    ) -> io::Result<Engine> {
        let shards = match config.shards {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            shards => shards,
        };
        let shards = shards.clamp(1, MAX_SHARDS);
        let wanted = [&config.listen[..], &config.flash.listen, &config.flash.policy_listen].concat();
        let (addresses, mut listeners) = listen(&wanted, shards)?;
        let (http, xml_socket) = (config.listen.len(), config.flash.listen.len());
        let policy = config.flash.policy(&addresses[http..http + xml_socket]);
        let doors = Doors { http, xml_socket, policy };
        if !config.flash.is_on() {
            config.session.connection_types.retain(|kind| *kind != ConnectionType::Flash);
        }
        let keeper = journal.as_ref().map(|journal| journal.keeper.clone());
        let gate = Gate::new(config.limits.connections, config.limits.connections_per_address);
        let (calls, session_gate) = (CallGate::default(), SessionGate::default());
        let counters: Vec<_> = (0..shards).map(|_| Arc::new(Counters::default())).collect();
        let mut polls = Vec::with_capacity(shards);
        let mut inboxes = Vec::with_capacity(shards);
        let mut peers = Vec::with_capacity(shards);
        for _ in 0..shards {
            let poll = Poll::new()?;
            let (peer, inbox) = inbox(mio::Waker::new(poll.registry(), WAKER)?);
            polls.push(poll);
            inboxes.push(inbox);
            peers.push(peer);
        }
        let has_policy = !config.flash.listen.is_empty() && !config.flash.domains.is_empty();
        let facts = Facts {
            event_bytes: config.session.mailbox_bytes,
            flash_policy: has_policy.then(|| doors.policy.clone()),
        };
        let ids = Ids::new();
        let table = table(&config);
        let handle = Handle::new(
            peers.clone(),
            counters.clone(),
            gate.clone(),
            facts,
            ids.clone(),
            table.clone(),
            keeper.clone(),
        );
        let homes = homes(&config, &table, shards, journal)?;
        let patience = Duration::from_millis(config.limits.drain_ms);
        let (config, host) = (Arc::new(config), host(&handle));
        // One reading of both clocks for all: what shards tell each other of the time is of one time.
        let (started, started_unix_ms) = (Instant::now(), unix_ms());
        let mut threads = Vec::with_capacity(shards);
        for (index, ((poll, inbox), home)) in polls.into_iter().zip(inboxes).zip(homes).enumerate() {
            let mut own = std::mem::take(&mut listeners[index]);
            for (number, listener) in own.iter_mut().enumerate() {
                poll.registry().register(listener, Token(FIRST_LISTENER + number), Interest::READABLE)?;
            }
            let parts = Parts {
                index,
                poll,
                listeners: own,
                doors: doors.clone(),
                inbox,
                peers: peers.clone(),
                config: config.clone(),
                table: table.clone(),
                home,
                keeper: keeper.clone(),
                host: host.clone(),
                ids: ids.clone(),
                gate: gate.clone(),
                calls: calls.clone(),
                session_gate: session_gate.clone(),
                counters: counters[index].clone(),
                started,
                started_unix_ms,
            };
            let name = format!("shard-{index}");
            threads.push(std::thread::Builder::new().name(name).spawn(move || Shard::new(parts).run())?);
        }
        Ok(Engine { handle, peers, addresses, doors, threads, keeper, patience })
    }

    /// The addresses it listens on, with the ports the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses[..self.doors.http]
    }

    /// The addresses that speak XMLSocket.
    pub fn flash_addresses(&self) -> &[SocketAddr] {
        &self.addresses[self.doors.http..self.doors.http + self.doors.xml_socket]
    }

    /// The addresses that tell the policy for Flash.
    pub fn flash_policy_addresses(&self) -> &[SocketAddr] {
        &self.addresses[self.doors.http + self.doors.xml_socket..]
    }

    /// How to talk to it.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Stops with grace: answers what is held, sends what is queued, tells everyone to come back. Blocks
    /// until that is done or its time is up.
    pub fn drain(mut self) {
        wind_down(&self.peers);
        for thread in self.threads.drain(..) {
            join(thread);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.handle.post_all(|| Letter::Stop);
        for thread in self.threads.drain(..) {
            join(thread);
        }
        if let Some(keeper) = self.keeper.take() {
            close(keeper, self.patience);
        }
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a shard panicked");
    }
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64
}

/// Ends a journal in order, and waits for that no longer than it may take: a device that hangs holds nobody up.
fn close(keeper: Arc<dyn Keeper>, patience: Duration) {
    let (ended, end) = std::sync::mpsc::channel();
    let closing = std::thread::Builder::new().name("journal-end".into());
    if let Err(error) = closing.spawn(move || drop(ended.send(keeper.close()))) {
        return tracing::error!(%error, "the journal cannot be closed");
    }
    match end.recv_timeout(patience) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the journal did not end in order"),
        Err(_) => tracing::error!("the journal did not end in time"),
    }
}

/// One listener for each address and shard; the system spreads connections over them.
fn listen(wanted: &[SocketAddr], shards: usize) -> io::Result<(Vec<SocketAddr>, Vec<Vec<TcpListener>>)> {
    let mut addresses = Vec::new();
    let mut listeners: Vec<Vec<TcpListener>> = (0..shards).map(|_| Vec::new()).collect();
    for address in wanted {
        let refused =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
        // Listeners that share their port would also share it with another server: take it alone first.
        let address = claim(*address).map_err(refused)?;
        for own in &mut listeners {
            own.push(bind(address, shards > 1).map_err(refused)?);
        }
        addresses.push(address);
    }
    Ok((addresses, listeners))
}

/// The address with its port, if nobody else has it.
fn claim(address: SocketAddr) -> io::Result<SocketAddr> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    let claimed = socket.local_addr()?.as_socket();
    claimed.ok_or_else(|| io::ErrorKind::Unsupported.into())
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    if shared {
        socket.set_reuse_port(true)?;
    }
    // Accepted connections inherit it on Linux; elsewhere it is set on each.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}
