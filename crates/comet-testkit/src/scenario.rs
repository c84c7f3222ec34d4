//! A run with trouble: publishers, subscribers behind proxies, a schedule of faults, and a judge.
//!
//! A scenario is a value; running it against a server gives a report. What subscribers do to find their way
//! back is theirs, what happens to the network the proxies'. Time, memory and threads of a run are bounded:
//! it ends when its time is over and everyone is back, or is not back in time.

mod book;
mod publishing;
mod report;
mod trouble;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::{
    ChildServer, FaultProxy, Link, Schedule, Seed, StreamChecker, Subscriber, TestServer, Told, Transport,
    Trouble,
};
use book::Book;
use publishing::Publishing;
use trouble::Driver;

pub use report::Report;

/// How long everyone has to be back after the last trouble.
const BACK: Duration = Duration::from_secs(60);
/// How often something is said of the progress.
const TELL: Duration = Duration::from_secs(5);
/// Between two looks at what is due.
const TICK: Duration = Duration::from_millis(20);
/// Between two last rounds of publications.
const ROUND: Duration = Duration::from_secs(1);
/// How long leaving may take.
const LEAVING: Duration = Duration::from_secs(40);

/// What is demanded of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demands {
    /// Of clients that do not recover: nothing repeated, nothing out of order, nothing invented, and losses
    /// only while there is trouble and shortly after.
    NoRecovery,
    /// Nothing is lost, but where an outage was longer than what the server remembers; and then it is told,
    /// once for each channel.
    Recovery {
        /// How long an outage may be.
        window: Duration,
        /// Whether the channels outlive a kill of the server, which then costs nothing either.
        durable: bool,
    },
}

/// A run with trouble.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Decides whatever is left to chance.
    pub seed: Seed,
    /// What subscribers travel on, in turns.
    pub transports: Vec<Transport>,
    /// How many listen; everyone to all channels.
    pub subscribers: usize,
    /// How many channels there are.
    pub channels: usize,
    /// How many publish; everyone on all channels in turns, straight to the server.
    pub publishers: usize,
    /// Publications a second by all publishers together; each waits for its acknowledgement all the same.
    pub rate: f64,
    /// How long they publish.
    pub duration: Duration,
    /// After so many deliveries it is enough; 0 for no such end.
    pub deliveries: u64,
    /// What goes wrong.
    pub faults: Schedule,
    /// What is demanded.
    pub demands: Demands,
}

/// A server that scenarios run against.
pub trait Host {
    /// Where it listens. That does not change.
    fn address(&self) -> SocketAddr;

    /// Kills it without warning; whether it can be killed.
    fn kill(&mut self) -> bool {
        false
    }

    /// Starts it again at the same place.
    fn restart(&mut self) {}
}

impl Host for TestServer {
    fn address(&self) -> SocketAddr {
        TestServer::address(self)
    }
}

impl Host for ChildServer {
    fn address(&self) -> SocketAddr {
        ChildServer::address(self)
    }

    fn kill(&mut self) -> bool {
        ChildServer::kill(self);
        true
    }

    fn restart(&mut self) {
        ChildServer::restart(self);
    }
}

impl Scenario {
    /// The names of its channels.
    pub fn channel_names(&self) -> Vec<String> {
        (0..self.channels).map(|channel| format!("/soak/{channel}")).collect()
    }

    /// Runs, with subscribers of one kind, and tells now and then how it goes. The server's HTTP API has to be
    /// open: that is how publishers speak.
    ///
    /// # Panics
    /// When a subscriber cannot come before there is any trouble, when a server is to be killed that cannot be,
    /// or when a part of the run panics.
    pub fn run<S: Subscriber>(&self, host: &mut dyn Host, mut tell: impl FnMut(&str)) -> Report {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("the system has threads left");
        let (began, server) = (Instant::now(), host.address());
        let proxies: Vec<_> = (0..self.subscribers)
            .map(|link| FaultProxy::seeded(server, self.seed, &format!("proxy {link}")))
            .collect();
        let book = Arc::new(Book::new(self));
        let over = Arc::<AtomicBool>::default();
        let subscribers: Vec<S> = runtime.block_on(self.arrive(&proxies));
        let mut tasks = JoinSet::new();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        for (number, subscriber) in subscribers.into_iter().enumerate() {
            tasks.spawn_on(listen(subscriber, number, book.clone(), stopped.clone()), runtime.handle());
        }
        let mut publishing = Publishing::begin(self, server, &book, &over, &runtime);
        let mut driver = Driver::new(&self.faults, &proxies, &book);
        let (start, mut told) = (Instant::now(), Instant::now());
        while start.elapsed() < self.duration && !self.has_enough(&book) {
            driver.on_time(start.elapsed(), host);
            check(&mut tasks);
            if told.elapsed() >= TELL {
                told = Instant::now();
                tell(&format!("{:>6.0} s  {}", start.elapsed().as_secs_f64(), book.progress()));
            }
            std::thread::sleep(TICK);
        }
        let troubles = driver.finish(host);
        over.store(true, Ordering::Relaxed);
        publishing.end(&runtime);
        let absent = self.await_everyone(&mut publishing, &book, &runtime, &mut tasks);
        // Everyone watches as long as the tasks live.
        stop.send_replace(true);
        runtime.block_on(leave(&mut tasks));
        let counts = proxies.iter().map(FaultProxy::counts).collect();
        Report {
            seed: self.seed,
            verdict: book.verdict(),
            troubles,
            absent,
            failed_publications: publishing.failed(),
            proxies: counts,
            elapsed: began.elapsed(),
        }
    }

    fn has_enough(&self, book: &Book) -> bool {
        self.deliveries > 0 && book.deliveries() >= self.deliveries
    }

    async fn arrive<S: Subscriber>(&self, proxies: &[FaultProxy]) -> Vec<S> {
        let mut subscribers = Vec::new();
        for (number, proxy) in proxies.iter().enumerate() {
            let transport = self.transports[number % self.transports.len()];
            let (address, channels) = (proxy.address(), self.channel_names());
            let link = Link { number, address, transport, channels, seed: self.seed };
            let come = S::come(link).await;
            subscribers.push(
                come.unwrap_or_else(|error| {
                    panic!("subscriber {number} on {transport} cannot come: {error}")
                }),
            );
        }
        subscribers
    }

    /// Publishes a round every now and then until everyone has seen the whole of one; who has not in time.
    fn await_everyone(
        &self,
        publishing: &mut Publishing,
        book: &Book,
        runtime: &Runtime,
        tasks: &mut JoinSet<()>,
    ) -> Vec<String> {
        let end = Instant::now() + BACK;
        loop {
            publishing.round(book, runtime);
            let next = Instant::now() + ROUND;
            while Instant::now() < next {
                check(tasks);
                if book.absent(publishing.last()).is_empty() {
                    return Vec::new();
                }
                std::thread::sleep(TICK);
            }
            if Instant::now() > end {
                return book.absent(publishing.last());
            }
        }
    }
}

/// A scenario that kills its server needs one that can be killed.
fn kills(trouble: &Trouble) -> bool {
    *trouble == Trouble::KillServer
}

/// Writes down what a subscriber tells until it is over.
async fn listen<S: Subscriber>(
    mut subscriber: S,
    number: usize,
    book: Arc<Book>,
    mut stop: tokio::sync::watch::Receiver<bool>,
) {
    loop {
        let told = tokio::select! {
            told = subscriber.next() => told,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match told {
            Some(Told::Saw { channel, note }) => book.saw(number, &channel, &note),
            Some(Told::Gap { channel }) => book.told_of_gap(number, channel.as_deref()),
            // Who gave up is absent at the end.
            None => return,
        }
    }
    subscriber.leave().await;
}

/// A panic of a subscriber is the scenario's.
fn check(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.try_join_next() {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

async fn leave(tasks: &mut JoinSet<()>) {
    let leaving = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    };
    // Who cannot leave politely is gone with the runtime.
    let _ = tokio::time::timeout(LEAVING, leaving).await;
}

/// The judge's name of a subscriber.
fn name(number: usize) -> String {
    format!("subscriber {number}")
}

/// A judge to whom everyone who listens is known.
fn judge(scenario: &Scenario) -> StreamChecker {
    let mut checker = StreamChecker::new();
    for number in 0..scenario.subscribers {
        for channel in scenario.channel_names() {
            checker.listens_throughout(&name(number), &channel);
        }
    }
    checker
}
