//! Connections of a proxy: accepted, paired with one to the server, ended.
//!
//! Everything runs on the proxy's one thread, in tasks whose number is bounded. A task that panics takes the
//! thread down with it, so that the proxy's owner hears of it.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Counts;
use super::conditions::Conditions;
use super::pump::{Ended, Pump};
use crate::{Direction, Ending, Hole, Random};

/// Connections and copies that are open at the same time; further ones are reset, or not made.
const MOST_TASKS: usize = 1_024;
/// Copies of requests that wait to be said.
const COPIES: usize = 64;
/// How long the server may take to accept.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long a connection that ends with a farewell waits for what is still under way.
const LINGER: Duration = Duration::from_millis(250);
/// How long the answer to a copy is waited for; longer than connects are held.
const COPY_TIME: Duration = Duration::from_secs(60);

/// Runs the proxy until it is over.
pub(super) fn run(
    listener: TcpListener,
    conditions: watch::Receiver<Conditions>,
    counts: &Arc<Counts>,
    random: Random,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system has descriptors left");
    runtime.block_on(relay(listener, conditions, counts, random));
}

async fn relay(
    listener: TcpListener,
    mut conditions: watch::Receiver<Conditions>,
    counts: &Arc<Counts>,
    mut random: Random,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it does not block");
    let (copies, mut copied) = mpsc::channel(COPIES);
    let mut tasks = JoinSet::new();
    let watched = conditions.clone();
    let over = async {
        // That the owner is gone without a word is an end too.
        let _ = conditions.wait_for(|now| now.over).await;
    };
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => break,
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    counts.connections.fetch_add(1, Ordering::Relaxed);
                    if watched.borrow().refuse || tasks.len() >= MOST_TASKS {
                        counts.refused.fetch_add(1, Ordering::Relaxed);
                        reset(client);
                        continue;
                    }
                    let pair = Pair {
                        conditions: watched.clone(),
                        counts: counts.clone(),
                        copies: copies.clone(),
                        random: [random.clone(), { random.number(); random.clone() }],
                        cuts: watched.borrow().cuts,
                    };
                    random.number();
                    tasks.spawn(pair.run(client));
                }
                // Descriptors may be short for a moment.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
            Some(request) = copied.recv() => {
                if tasks.len() < MOST_TASKS {
                    let target = watched.borrow().target;
                    tasks.spawn(repeat(target, request));
                }
            }
            Some(ended) = tasks.join_next() => hand_on(ended),
        }
    }
    tasks.abort_all();
    while let Some(ended) = tasks.join_next().await {
        hand_on(ended);
    }
}

/// A panic of a task is the relay's.
fn hand_on(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Says a request to the server and throws the answer away.
async fn repeat(target: SocketAddr, request: Vec<u8>) {
    let saying = async {
        let mut server = TcpStream::connect(target).await.ok()?;
        server.write_all(&request).await.ok()?;
        let mut answer = [0; 4_096];
        let first = server.read(&mut answer).await.ok()?;
        // The rest follows the first bytes closely, or not at all.
        let rest = async { while server.read(&mut answer).await.is_ok_and(|read| read > 0) {} };
        let _ = timeout(LINGER, rest).await;
        Some(first)
    };
    // Nobody needs the answer, and a server that is gone gives none.
    let _ = timeout(COPY_TIME, saying).await;
}

/// A client's connection and what it needs to be passed on.
struct Pair {
    conditions: watch::Receiver<Conditions>,
    counts: Arc<Counts>,
    copies: mpsc::Sender<Vec<u8>>,
    random: [Random; 2],
    cuts: u64,
}

impl Pair {
    async fn run(mut self, client: TcpStream) {
        self.counts.open.fetch_add(1, Ordering::Relaxed);
        // Dropped with the task, however it ends.
        let _open = Open(self.counts.clone());
        if !self.awaits_fair_weather().await {
            self.counts.cut.fetch_add(1, Ordering::Relaxed);
            return reset(client);
        }
        let target = self.conditions.borrow().target;
        match timeout(CONNECT_TIME, TcpStream::connect(target)).await {
            Ok(Ok(server)) => self.pass(client, server).await,
            _ => reset(client),
        }
    }

    /// Waits while nothing comes through; whether the connection is still wanted then.
    async fn awaits_fair_weather(&mut self) -> bool {
        let mut swallowed = false;
        let cuts = self.cuts;
        let waiting = self.conditions.wait_for(|now| {
            swallowed |= now.hole == Some(Hole::Swallows);
            now.hole.is_none() || now.cuts != cuts
        });
        // The sender lives as long as the relay that runs this.
        waiting.await.is_ok_and(|now| now.cuts == cuts) && !swallowed
    }

    async fn pass(self, mut client: TcpStream, mut server: TcpStream) {
        for stream in [&client, &server] {
            // A connection that is gone already shows with the first byte.
            let _ = stream.set_nodelay(true);
        }
        let [up, down] = self.random;
        let pump = |direction, random| {
            Pump::new(
                direction,
                self.conditions.clone(),
                &self.counts,
                random,
                self.copies.clone(),
                self.cuts,
            )
        };
        let ended = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let up = pump(Direction::ToServer, up).run(from_client, to_server);
            let down = pump(Direction::ToClient, down).run(from_server, to_client);
            both(up, down).await
        };
        match ended {
            Ended::Finished => {}
            Ended::Broken => [client, server].into_iter().for_each(reset),
            Ended::Cut(ending) => {
                self.counts.cut.fetch_add(1, Ordering::Relaxed);
                match ending {
                    Ending::Reset => [client, server].into_iter().for_each(reset),
                    Ending::Finish | Ending::HalfClose => finish(client, server).await,
                }
            }
        }
    }
}

/// Until both ways have finished, or one has ended otherwise.
async fn both(up: impl Future<Output = Ended>, down: impl Future<Output = Ended>) -> Ended {
    tokio::pin!(up, down);
    let (first, other) = tokio::select! {
        ended = &mut up => (ended, true),
        ended = &mut down => (ended, false),
    };
    match (first, other) {
        (Ended::Finished, true) => down.await,
        (Ended::Finished, false) => up.await,
        (ended, _) => ended,
    }
}

/// Ends a connection without a farewell.
fn reset(stream: TcpStream) {
    // Closing does the rest; a socket without the option is closed all the same.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

/// Ends both connections with a farewell, and takes what still comes for a moment: unread bytes would turn the
/// farewell into a reset.
async fn finish(mut client: TcpStream, mut server: TcpStream) {
    let ends = [&mut client, &mut server].map(|stream| async move {
        // A side that is gone needs no farewell.
        let _ = stream.shutdown().await;
        let mut rest = [0; 4_096];
        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    });
    let [client, server] = ends;
    let _ = timeout(LINGER, async { tokio::join!(client, server) }).await;
}

/// Counts an open connection for as long as it lives.
struct Open(Arc<Counts>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_connection_is_the_relays() {
        let mut tasks = JoinSet::new();
        tasks.spawn(async { panic!("in a task") });
        let ended = tasks.join_next().await.unwrap();
        let handed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hand_on(ended)));
        assert_eq!(*handed.unwrap_err().downcast::<&str>().unwrap(), "in a task");
    }
}
