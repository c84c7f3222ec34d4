//! Saying how a client connects.
//!
//! Values only; the session reads them for as long as it lives.

use std::time::Duration;

use crate::address::Address;
use crate::{Client, Error};

/// The kind of wire a client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Transport {
    /// A WebSocket, or long polling where none can be opened.
    #[default]
    Auto,
    /// A WebSocket.
    WebSocket,
    /// Long polling.
    LongPolling,
}

/// Gathers how a client connects. See [`Client::builder`].
///
/// ```no_run
/// # async fn run() -> Result<(), comet_client::Error> {
/// use std::time::Duration;
///
/// use comet_client::{Client, Transport};
///
/// let client = Client::builder("http://127.0.0.1:8000")
///     .token("what the policy of the server reads")
///     .transport(Transport::LongPolling)
///     .patience(Duration::from_secs(5))
///     .connect()
///     .await?;
/// # client.disconnect().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    address: String,
    options: Options,
}

/// What a session is told once.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) transport: Transport,
    pub(crate) token: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) patience: Duration,
    pub(crate) network_delay: Duration,
    pub(crate) queue: usize,
    pub(crate) message_bytes: usize,
}

impl Builder {
    pub(crate) fn new(address: impl Into<String>) -> Builder {
        let options = Options {
            transport: Transport::Auto,
            token: None,
            authorization: None,
            patience: Duration::from_secs(30),
            network_delay: Duration::from_secs(10),
            queue: 4_096,
            message_bytes: 16 << 20,
        };
        Builder { address: address.into(), options }
    }

    /// Uses this kind of wire.
    pub fn transport(mut self, transport: Transport) -> Builder {
        self.options.transport = transport;
        self
    }

    /// Sends this as `ext.token` of every handshake.
    pub fn token(mut self, token: impl Into<String>) -> Builder {
        self.options.token = Some(token.into());
        self
    }

    /// Sends `Authorization: Bearer` with this key on every request.
    pub fn key(mut self, key: &str) -> Builder {
        self.options.authorization = Some(format!("Bearer {key}"));
        self
    }

    /// How long a call waits for its answer; 30 seconds unless told.
    pub fn patience(mut self, patience: Duration) -> Builder {
        self.options.patience = patience;
        self
    }

    /// How much later than the server promised an answer may come before the connection counts as lost; 10
    /// seconds unless told.
    pub fn network_delay(mut self, network_delay: Duration) -> Builder {
        self.options.network_delay = network_delay;
        self
    }

    /// Events that may wait in one subscription; 4,096 unless told. More are counted and told as a gap: a program that
    /// reads slower than others write has to choose what it can do without.
    pub fn queue(mut self, events: usize) -> Builder {
        self.options.queue = events;
        self
    }

    /// Bytes of the longest batch that is taken from the server; 16 MiB unless told.
    pub fn message_bytes(mut self, bytes: usize) -> Builder {
        self.options.message_bytes = bytes;
        self
    }

    /// What was said, for those who talk without a session.
    pub(crate) fn into_options(self) -> Options {
        self.options
    }

    /// Connects and shakes hands. Later failures are the session's to get over, this first one is told.
    ///
    /// # Errors
    /// [`Error::Address`] when the address is none, [`Error::Unreachable`] when nobody listens there, [`Error::Refused`] when the
    /// server does not let the client in, [`Error::Protocol`] and [`Error::Closed`] when it is no such server,
    /// [`Error::TimedOut`] when it does not answer.
    pub async fn connect(self) -> Result<Client, Error> {
        let address = Address::parse(&self.address)?;
        Client::start(address, self.options).await
    }
}
