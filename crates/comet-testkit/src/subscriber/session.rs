//! The session of a scripted subscriber: the protocol in a loop that survives lost wires.
//!
//! It runs on a thread of its own, keeps its session where the server still has it, and tells what it saw. It
//! does not recover what was lost with a wire: it tells of a gap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::polled::Fallible;
use super::{Link, Told, Transport};
use crate::{Note, Random};

/// How long the server may hold a connect, beyond what it takes to say so.
const HELD: Duration = Duration::from_secs(30);
/// How much later than promised an answer may come.
const NETWORK_DELAY: Duration = Duration::from_secs(3);
/// Between two attempts.
const PAUSE: std::ops::Range<Duration> = Duration::from_millis(50)..Duration::from_millis(800);
const SWITCHED: [Transport; 3] = [Transport::WebSocket, Transport::LongPolling, Transport::CallbackPolling];

/// A session, its wire gone or not.
pub(super) struct Session {
    link: Link,
    out: mpsc::Sender<Option<Told>>,
    over: Arc<AtomicBool>,
    random: Random,
    /// The wire the session is about to leave.
    previous: Option<Fallible>,
    client_id: Option<String>,
    cookie: Option<String>,
    transport: Transport,
    timeout: Duration,
    next_id: u64,
    subscribed: bool,
    told_subscribed: bool,
}

/// The other side has gone, or says what cannot be used.
struct Lost;

impl Session {
    /// A session that has not begun. `None` is sent out when it listens for the first time.
    pub(super) fn new(link: Link, out: mpsc::Sender<Option<Told>>, over: Arc<AtomicBool>) -> Session {
        let random = link.seed.random(&format!("subscriber {}", link.number));
        let transport = link.transport;
        Session {
            link,
            out,
            over,
            random,
            previous: None,
            client_id: None,
            cookie: None,
            transport,
            timeout: HELD,
            next_id: 0,
            subscribed: false,
            told_subscribed: false,
        }
    }

    /// Listens until it is over.
    pub(super) fn run(mut self) {
        while !self.over.load(Ordering::Relaxed) {
            if self.link.transport == Transport::Switching {
                self.transport = *self.random.pick(&SWITCHED);
            }
            let stretch = self.stretch();
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            if stretch.is_err() {
                self.previous = None;
                if self.told_subscribed {
                    self.tell(Told::Gap { channel: None });
                }
                std::thread::sleep(self.random.span(PAUSE));
            }
        }
    }

    /// From a new wire to its loss, or to the next transport.
    fn stretch(&mut self) -> Result<(), Lost> {
        let mut wire = Fallible::open(self.link.address, self.transport).ok_or(Lost)?;
        if self.client_id.is_none() {
            self.shake_hands(&mut wire)?;
        }
        // The first answer on a wire shows that it works; only later ones are held.
        self.connect(&mut wire, true)?;
        if !self.subscribed {
            self.subscribe(&mut wire)?;
        }
        if !self.told_subscribed {
            self.told_subscribed = true;
            // Nobody listens any more when the run is over.
            let _ = self.out.blocking_send(None);
        }
        let mut connects = match self.link.transport {
            Transport::Switching => self.random.within(1..6),
            _ => u64::MAX,
        };
        while connects > 0 && !self.over.load(Ordering::Relaxed) {
            self.connect(&mut wire, false)?;
            connects -= 1;
        }
        self.previous = Some(wire);
        Ok(())
    }

    fn shake_hands(&mut self, wire: &mut Fallible) -> Result<(), Lost> {
        let types: Vec<_> = SWITCHED.iter().map(|transport| transport.name()).collect();
        let message =
            json!({"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": types});
        let reply = self.ask(wire, message, NETWORK_DELAY)?;
        self.client_id = reply["clientId"].as_str().map(str::to_owned);
        self.subscribed = false;
        if let Some(timeout) = reply["advice"]["timeout"].as_u64() {
            self.timeout = Duration::from_millis(timeout).min(HELD);
        }
        self.client_id.as_ref().map(|_| ()).ok_or(Lost)
    }

    fn connect(&mut self, wire: &mut Fallible, at_once: bool) -> Result<(), Lost> {
        let mut message = json!({"channel": "/meta/connect", "connectionType": self.transport.name()});
        if at_once {
            message["advice"] = json!({"timeout": 0});
        }
        let held = if at_once { Duration::ZERO } else { self.timeout };
        self.ask(wire, message, held + NETWORK_DELAY).map(|_| ())
    }

    fn subscribe(&mut self, wire: &mut Fallible) -> Result<(), Lost> {
        let names = match self.link.number.is_multiple_of(2) {
            true => json!(self.link.channels),
            false => json!(Link::PATTERN),
        };
        self.ask(wire, json!({"channel": "/meta/subscribe", "subscription": names}), NETWORK_DELAY)?;
        self.subscribed = true;
        Ok(())
    }

    /// Sends a message and takes in everything up to its reply, which has to be a good one.
    fn ask(&mut self, wire: &mut Fallible, mut message: Value, within: Duration) -> Result<Value, Lost> {
        self.next_id += 1;
        let id = self.next_id.to_string();
        message["id"] = json!(id);
        if let Some(client_id) = &self.client_id {
            message["clientId"] = json!(client_id);
        }
        wire.send(&[message], self.cookie.as_deref()).ok_or(Lost)?;
        let end = Instant::now() + within;
        // What left on the old wire left before whatever comes on this one.
        if let Some(previous) = self.previous.take() {
            let batches = previous.last_batches(end).ok_or(Lost)?;
            batches.into_iter().for_each(|batch| drop(self.take_in(batch, "")));
        }
        loop {
            let (batch, cookie) = wire.receive(end).ok_or(Lost)?;
            self.cookie = cookie.or(self.cookie.take());
            if let Some(reply) = self.take_in(batch, &id) {
                let unknown = reply["error"].as_str().is_some_and(|error| error.starts_with("402"));
                if unknown || reply["advice"]["reconnect"] == "handshake" {
                    self.client_id = None;
                }
                return if reply["successful"] == true { Ok(reply) } else { Err(Lost) };
            }
            if !wire.is_pushed() {
                return Err(Lost);
            }
        }
    }

    /// Tells the events of a batch, and returns the reply to the message of this id.
    fn take_in(&mut self, batch: Vec<Value>, id: &str) -> Option<Value> {
        let mut reply = None;
        for message in batch {
            if message.get("data").is_some() {
                self.on_event(&message);
            } else if message["channel"] == "/meta/disconnect" {
                self.client_id = None;
            } else if message["id"] == *id {
                reply = Some(message);
            }
        }
        reply
    }

    fn on_event(&self, event: &Value) {
        let note = Note::read(&event["data"]).unwrap_or_else(|| Note::new("", 0));
        let channel = event["channel"].as_str().unwrap_or_default().to_owned();
        self.tell(Told::Saw { channel, note });
    }

    fn tell(&self, told: Told) {
        // Nobody listens any more when the run is over.
        let _ = self.out.blocking_send(Some(told));
    }
}
