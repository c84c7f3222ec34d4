//! A whole server on a free port of this machine, for one test.
//!
//! It is built through the public library, so that what tests see is what programs get. It has its own
//! runtime and stops when it is dropped.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use comet::{
    Builder, Code, Comet, Config, Events, Histories, Identity, LocalSession, Policy, Position, PublishError,
    Publisher, RosterPage, Rosters, Snapshot,
};
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::eventually;

/// A running server.
pub struct TestServer {
    // Dropped first: the server's tasks run on the runtime.
    comet: Option<Comet>,
    runtime: Runtime,
    address: SocketAddr,
    flash_address: Option<SocketAddr>,
    flash_policy_address: Option<SocketAddr>,
    publisher: Publisher,
    rosters: Rosters,
    counts: Box<dyn Fn() -> Snapshot>,
}

impl TestServer {
    /// Starts a server with one shard and defaults for everything else.
    pub fn start() -> TestServer {
        TestServer::with(|_| {})
    }

    /// Starts a server whose configuration the test changes.
    pub fn with(change: impl FnOnce(&mut Config)) -> TestServer {
        let mut config = TestServer::config();
        change(&mut config);
        TestServer::run(Comet::builder().config(config))
    }

    /// A free port of this machine, one shard, defaults for everything else.
    pub fn config() -> Config {
        Config { listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))], shards: 1, ..Config::default() }
    }

    /// A builder with [`TestServer::config`], for a server with a policy, services or pages.
    pub fn builder() -> Builder {
        Comet::builder().config(TestServer::config())
    }

    /// Starts what a builder has put together.
    pub fn run<P: Policy>(builder: Builder<P>) -> TestServer {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("the system has threads left");
        let comet = {
            let _entered = runtime.enter();
            builder.build().expect("the server starts")
        };
        let (address, publisher, rosters) = (comet.addresses()[0], comet.publisher(), comet.rosters());
        let counts = Box::new(comet.metrics());
        let (flash_address, flash_policy_address) =
            (comet.flash_addresses().first().copied(), comet.flash_policy_addresses().first().copied());
        TestServer {
            comet: Some(comet),
            runtime,
            address,
            flash_address,
            flash_policy_address,
            publisher,
            rosters,
            counts,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it speaks XMLSocket.
    pub fn flash_address(&self) -> SocketAddr {
        self.flash_address.expect("the server was told to listen for Flash")
    }

    /// Where it tells the policy for Flash and nothing else.
    pub fn flash_policy_address(&self) -> SocketAddr {
        self.flash_policy_address.expect("the server was told to tell its policy")
    }

    /// Publishes on a channel, without a session.
    pub fn publish<T: Serialize + ?Sized>(&self, channel: &str, data: &T) -> Position {
        self.try_publish(channel, data).expect("the server takes the publication")
    }

    /// Publishes on a channel, without a session.
    ///
    /// # Errors
    /// Whatever the server says against it.
    pub fn try_publish<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
    ) -> Result<Position, PublishError> {
        self.runtime.block_on(self.publisher.publish(channel, data)).map(|accepted| accepted.position)
    }

    /// The server's publisher, for tasks of the test.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// What the server's channels remember.
    pub fn histories(&self) -> Histories {
        self.comet.as_ref().expect("the server was not drained").histories()
    }

    /// Who is on a channel, as far as one page goes.
    pub fn roster(&self, channel: &str) -> RosterPage {
        let page = self.runtime.block_on(self.rosters.page(channel, None, usize::MAX));
        page.expect("the channel has presence")
    }

    /// A session of the server's own code, with this subject.
    pub fn session(&self, subject: &str) -> (LocalSession, Events) {
        let comet = self.comet.as_ref().expect("the server was not drained");
        let identity = Identity { subject: subject.into(), ..Identity::default() };
        self.runtime.block_on(comet.session(identity)).expect("the server has room for it")
    }

    /// The runtime the server lives on.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The server's counts.
    pub fn counts(&self) -> Snapshot {
        (self.counts)()
    }

    /// How many endings, refusals and drops of this code were counted.
    pub fn endings(&self, code: Code) -> u64 {
        self.counts().endings.iter().find(|(known, _)| *known == code).map_or(0, |(_, count)| *count)
    }

    /// Waits until the counts are as they should be; `what` completes the sentence "it never happened that".
    pub fn until(&self, what: &str, condition: impl Fn(&Snapshot) -> bool) {
        eventually(what, || condition(&self.counts()));
    }

    /// Waits until so many connects were held since the start.
    pub fn until_held(&self, connects: u64) {
        self.until("the connect is held", |counts| counts.connects_held >= connects);
    }

    /// Begins a graceful stop on the server's runtime, beside the test.
    pub fn begin_drain(&mut self) -> Draining {
        let comet = self.comet.take().expect("a server is drained once");
        Draining { task: self.runtime.spawn(comet.drain()), since: Instant::now() }
    }

    /// Stops with grace and returns how long that took.
    pub fn drain(mut self) -> Duration {
        let draining = self.begin_drain();
        self.finish(draining)
    }

    /// Waits for the end of a graceful stop; how long it took in all.
    pub fn finish(&self, draining: Draining) -> Duration {
        self.runtime.block_on(draining.task).expect("the stop does not fail");
        draining.since.elapsed()
    }
}

/// A graceful stop in progress.
pub struct Draining {
    task: tokio::task::JoinHandle<()>,
    since: Instant,
}
