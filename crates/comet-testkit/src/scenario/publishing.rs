//! Publishers: numbered notes over the HTTP API, each written into the book before it goes and when it is
//! acknowledged.
//!
//! A publication that fails is not said again: without a key that would be a second one. Its number stays
//! unconfirmed, and whether it arrived is open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use comet_client::Api;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Scenario;
use super::book::Book;
use crate::Note;

/// After a publication that failed.
const REST: Duration = Duration::from_millis(100);

/// The publishers of a run.
pub(super) struct Publishing {
    running: Vec<JoinHandle<Publisher>>,
    idle: Vec<Publisher>,
    last: Vec<(String, String, u64)>,
    failed: Arc<AtomicU64>,
}

/// One publisher and its next number on each channel.
struct Publisher {
    name: String,
    api: Api,
    channels: Vec<(String, u64)>,
    failed: Arc<AtomicU64>,
}

impl Publishing {
    /// Begins to publish.
    pub(super) fn begin(
        scenario: &Scenario,
        server: SocketAddr,
        book: &Arc<Book>,
        over: &Arc<AtomicBool>,
        runtime: &Runtime,
    ) -> Publishing {
        let failed = Arc::<AtomicU64>::default();
        let pause = Duration::from_secs_f64(scenario.publishers as f64 / scenario.rate.max(0.001));
        let run = |number: usize| {
            let publisher = Publisher {
                name: format!("p{number}"),
                api: Api::new(&format!("http://{server}"), None).expect("it is an address"),
                channels: scenario.channel_names().into_iter().map(|channel| (channel, 0)).collect(),
                failed: failed.clone(),
            };
            runtime.spawn(publisher.run(number, pause, book.clone(), over.clone()))
        };
        let running = (0..scenario.publishers).map(run).collect();
        Publishing { running, idle: Vec::new(), last: Vec::new(), failed }
    }

    /// Waits for the last publications; it is told that it is over.
    pub(super) fn end(&mut self, runtime: &Runtime) {
        for running in std::mem::take(&mut self.running) {
            match runtime.block_on(running) {
                Ok(publisher) => self.idle.push(publisher),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
    }

    /// Everyone publishes once on every channel.
    pub(super) fn round(&mut self, book: &Book, runtime: &Runtime) {
        self.last.clear();
        for publisher in &mut self.idle {
            for at in 0..publisher.channels.len() {
                if let Some(last) = runtime.block_on(publisher.publish(at, book)) {
                    self.last.push(last);
                }
            }
        }
    }

    /// What was acknowledged in the last round: channel, publisher and number.
    pub(super) fn last(&self) -> &[(String, String, u64)] {
        &self.last
    }

    /// How many publications failed.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

impl Publisher {
    async fn run(
        mut self,
        number: usize,
        pause: Duration,
        book: Arc<Book>,
        over: Arc<AtomicBool>,
    ) -> Publisher {
        let mut at = number;
        let mut due = interval(pause.max(Duration::from_micros(1)));
        due.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while !over.load(Ordering::Relaxed) {
            due.tick().await;
            at = (at + 1) % self.channels.len();
            if self.publish(at, &book).await.is_none() {
                sleep(REST).await;
                due.reset();
            }
        }
        self
    }

    /// Publishes the next note on a channel; which, if it was acknowledged.
    async fn publish(&mut self, at: usize, book: &Book) -> Option<(String, String, u64)> {
        let (channel, number) = &mut self.channels[at];
        let note = Note::new(&self.name, *number);
        *number += 1;
        book.published(channel, &note);
        match self.api.publish(channel, &note.data()).await {
            Ok(position) => {
                book.acknowledged(channel, &note, &position.epoch, position.offset);
                Some((channel.clone(), note.publisher, note.number))
            }
            Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }
}
