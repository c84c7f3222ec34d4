//! A running server.
//!
//! A [`Comet`] is what the builder started: it can be asked for its addresses and counts, gives out
//! publishers, and ends with grace. The work itself is done by the engine's threads.

use std::net::SocketAddr;
use std::sync::Arc;

use comet_engine::{Engine, Handle, Snapshot};

use crate::web::Web;
use crate::{Builder, Publisher, Rosters};

/// A running server. Dropping it stops it without grace; see [`Comet::run_until`].
pub struct Comet {
    engine: Engine,
    web: Arc<Web>,
}

impl Comet {
    /// Begins to put a server together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(engine: Engine, web: Arc<Web>) -> Comet {
        Comet { engine, web }
    }

    /// The addresses it listens on, with the ports the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.engine.addresses()
    }

    /// Publishes on channels.
    pub fn publisher(&self) -> Publisher {
        Publisher::new(self.engine.handle().clone())
    }

    /// Lists who is on channels with presence.
    pub fn rosters(&self) -> Rosters {
        Rosters::new(self.engine.handle().clone())
    }

    /// Reads the server's counts, from any thread and after any time.
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
        let Comet { engine, web } = self;
        web.drain();
        let engine = tokio::task::spawn_blocking(move || engine.drain());
        if engine.await.is_err() {
            tracing::error!("the engine could not be stopped with grace");
        }
        web.drained().await;
    }
}
