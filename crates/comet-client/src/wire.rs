//! A wire: requests out, batches in, whatever carries them.
//!
//! Both kinds run as tasks of their own that end with the wire. They know how bytes travel and what a batch
//! looks like, never what a message means; what breaks is told once, as the last arrival.

mod http;
mod long_poll;
mod websocket;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Error;
use crate::address::Address;
use crate::builder::Options;
use crate::message::Incoming;

pub(crate) use http::{Caller, Growing};
pub(crate) use long_poll::refused;

/// Requests that wait to be written: those a session has on their way, and its own few.
const OUTBOX: usize = 2_048;
/// Batches that wait to be looked at.
const INBOX: usize = 64;

/// Which requests go together: a held connect must not hold up the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The connect.
    Connect,
    /// Everything else, in order.
    Command,
}

/// One request on its way.
struct Parcel {
    lane: Lane,
    number: u64,
    json: String,
}

/// What comes.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// Messages.
    Batch(Vec<Incoming>),
    /// These requests will not be answered; the wire is fine.
    Unanswered {
        /// Their numbers.
        requests: Vec<u64>,
        /// Why.
        error: Error,
    },
    /// The wire is lost.
    Lost(Error),
}

/// One wire.
pub(crate) struct Wire {
    connection_type: &'static str,
    outbox: mpsc::Sender<Parcel>,
    arrivals: mpsc::Receiver<Arrival>,
    /// Ends the tasks with the wire.
    _tasks: JoinSet<()>,
}

impl Wire {
    /// Opens a WebSocket.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when nobody is there, anything else when no WebSocket is to be had.
    pub(crate) async fn websocket(address: &Address, options: &Options) -> Result<Wire, Error> {
        let socket = websocket::Socket::open(address, options).await?;
        Ok(Wire::run("websocket", |outbox, arrivals, tasks| socket.run(outbox, arrivals, tasks)))
    }

    /// Prepares long polling; whether anybody is there shows with the first request.
    pub(crate) fn long_polling(address: &Address, options: &Options) -> Wire {
        let poll = long_poll::LongPoll::new(address, options);
        Wire::run("long-polling", |outbox, arrivals, tasks| poll.run(outbox, arrivals, tasks))
    }

    fn run(
        connection_type: &'static str,
        start: impl FnOnce(mpsc::Receiver<Parcel>, mpsc::Sender<Arrival>, &mut JoinSet<()>),
    ) -> Wire {
        let (outbox, parcels) = mpsc::channel(OUTBOX);
        let (sender, arrivals) = mpsc::channel(INBOX);
        let mut tasks = JoinSet::new();
        start(parcels, sender, &mut tasks);
        Wire { connection_type, outbox, arrivals, _tasks: tasks }
    }

    /// The kind of wire by its protocol name.
    pub(crate) fn connection_type(&self) -> &'static str {
        self.connection_type
    }

    /// Whether it is a WebSocket.
    pub(crate) fn is_websocket(&self) -> bool {
        self.connection_type == "websocket"
    }

    /// Sends one message. It never waits: that it cannot be taken means that the wire stands still.
    pub(crate) fn send(&self, lane: Lane, number: u64, json: String) -> Result<(), Error> {
        self.outbox.try_send(Parcel { lane, number, json }).map_err(|_| Error::Lost)
    }

    /// The next arrival.
    pub(crate) async fn next(&mut self) -> Arrival {
        self.arrivals.recv().await.unwrap_or(Arrival::Lost(Error::Lost))
    }
}
