//! A running server.
//!
//! A [`Comet`] is what the builder started: it can be asked for its addresses and counts, gives out
//! publishers, and ends with grace. The work itself is done by the engine's threads.

use std::net::SocketAddr;
use std::sync::Arc;

use comet_engine::{Engine, Handle, Identity, Snapshot};

use crate::service::Services;
use crate::web::Web;
use crate::{Builder, Events, Histories, LocalSession, Publisher, Refusal, Rosters};

/// A running server. Dropping it stops it without grace; see [`Comet::run_until`].
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use comet::Comet;
///
/// let comet = Comet::builder().listen(([127, 0, 0, 1], 0)).build()?;
/// println!("listening on {}", comet.addresses()[0]);
/// let counts = comet.metrics();
/// comet.run_until(tokio::time::sleep(std::time::Duration::from_millis(1))).await;
/// assert_eq!(counts().sessions_open, 0);
/// # Ok::<_, std::io::Error>(())
/// # }).unwrap();
/// ```
pub struct Comet {
    engine: Engine,
    web: Arc<Web>,
    services: Services,
}

impl Comet {
    /// Begins to put a server together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(engine: Engine, web: Arc<Web>, services: Services) -> Comet {
        Comet { engine, web, services }
    }

    /// The addresses it listens on, with the ports the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.engine.addresses()
    }

    /// The addresses that speak XMLSocket, with the ports the system chose.
    pub fn flash_addresses(&self) -> &[SocketAddr] {
        self.engine.flash_addresses()
    }

    /// The addresses that tell Flash Players whose movies may connect.
    pub fn flash_policy_addresses(&self) -> &[SocketAddr] {
        self.engine.flash_policy_addresses()
    }

    /// Publishes on channels.
    pub fn publisher(&self) -> Publisher {
        Publisher::new(self.engine.handle().clone())
    }

    /// Lists who is on channels with presence.
    pub fn rosters(&self) -> Rosters {
        Rosters::new(self.engine.handle().clone())
    }

    /// Reads what channels remember.
    pub fn histories(&self) -> Histories {
        Histories::new(self.engine.handle().clone())
    }

    /// Opens a session of the program's own, as this identity: code that listens, publishes and calls services as
    /// somebody, with its events in order and gaps told as to any client that counts. What waits for it is bounded like
    /// any queue. It lives until its [`Events`] are dropped or the server stops.
    ///
    /// # Errors
    /// `too_many_sessions`; `draining` when the server stops.
    pub fn session(
        &self,
        identity: Identity,
    ) -> impl Future<Output = Result<(LocalSession, Events), Refusal>> + Send + 'static {
        LocalSession::open(self.engine.handle().clone(), self.services.clone(), identity)
    }

    /// Reads the server's counts, from any thread and after any time, also when the server has ended.
    pub fn metrics(&self) -> impl Fn() -> Snapshot + Clone + Send + Sync + 'static {
        let handle: Handle = self.engine.handle().clone();
        move || handle.snapshot()
    }

    /// Runs until `shutdown` is ready, then stops with grace.
    pub async fn run_until(self, shutdown: impl Future) {
        shutdown.await;
        self.drain().await;
    }

    /// Stops with grace: held connects are answered, queues are sent, WebSockets are closed with the word
    /// that another server takes over, requests in progress are finished. Bounded in time by the limits.
    pub async fn drain(self) {
        let Comet { engine, web, .. } = self;
        web.drain();
        let engine = tokio::task::spawn_blocking(move || engine.drain());
        if engine.await.is_err() {
            tracing::error!("the engine could not be stopped with grace");
        }
        web.drained().await;
    }
}
