//! The session of a scripted subscriber: the protocol in a loop that survives lost wires.
//!
//! It runs on a thread of its own, keeps its session where the server still has it, and counts what it receives, so that
//! the server sends again what was lost with a wire. A new session asks for what it missed. What the server calls missing
//! is told as a gap. What is remembered for that is in `memory`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::memory::Memory;
use super::polled::Fallible;
use super::{Link, Told, Transport};
use crate::{Note, Random};

/// How long the server may hold a connect, beyond what it takes to say so.
const HELD: Duration = Duration::from_secs(30);
/// How much later than promised an answer may come.
const NETWORK_DELAY: Duration = Duration::from_secs(3);
/// Between two attempts.
const PAUSE: std::ops::Range<Duration> = Duration::from_millis(50)..Duration::from_millis(800);
/// How long it listens to a stream before it looks up.
const LISTENS: std::ops::Range<Duration> = Duration::from_millis(200)..Duration::from_millis(1_500);
/// Events after which the server is told of them on a WebSocket, without waiting for a connect.
const MOST_UNCONFIRMED: u64 = 256;

/// A session, its wire gone or not.
pub(super) struct Session {
    link: Link,
    out: mpsc::Sender<Option<Told>>,
    over: Arc<AtomicBool>,
    random: Random,
    client_id: Option<String>,
    cookie: Option<String>,
    transport: Transport,
    timeout: Duration,
    next_id: u64,
    subscribed: bool,
    /// Subscribes left in this session.
    asked: bool,
    /// They left again, because answers were lost: what they asked for may come twice.
    asked_again: bool,
    told_subscribed: bool,
    memory: Memory,
    stretches: usize,
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
            client_id: None,
            cookie: None,
            transport,
            timeout: HELD,
            next_id: 0,
            subscribed: false,
            asked: false,
            asked_again: false,
            told_subscribed: false,
            memory: Memory::default(),
            stretches: 0,
        }
    }

    /// Listens until it is over.
    pub(super) fn run(mut self) {
        while !self.over.load(Ordering::Relaxed) {
            self.transport = self.next_transport();
            let stretch = self.stretch();
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            if stretch.is_err() {
                std::thread::sleep(self.random.span(PAUSE));
            }
        }
    }

    fn next_transport(&mut self) -> Transport {
        let turns = self.link.transport.turns();
        self.stretches += 1;
        match self.link.transport {
            Transport::Switching => *self.random.pick(turns),
            _ => turns[self.stretches % turns.len()],
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
        let mut connects = match self.link.transport.turns() {
            [_] => u64::MAX,
            _ => self.random.within(1..6),
        };
        while connects > 0 && !self.over.load(Ordering::Relaxed) {
            match self.transport.streams() {
                true => self.listen(&mut wire)?,
                false => self.connect(&mut wire, false)?,
            }
            connects -= 1;
        }
        Ok(())
    }

    fn shake_hands(&mut self, wire: &mut Fallible) -> Result<(), Lost> {
        let own = [Transport::Switching, self.link.transport];
        let types: Vec<_> =
            own.iter().flat_map(|one| one.turns()).map(|transport| transport.name()).collect();
        let message = json!({
            "channel": "/meta/handshake",
            "version": "1.0",
            "supportedConnectionTypes": types,
            "ext": {"received": true},
        });
        let reply = self.ask(wire, message, NETWORK_DELAY)?;
        self.client_id = reply["clientId"].as_str().map(str::to_owned);
        self.subscribed = false;
        self.asked = false;
        self.asked_again = false;
        self.memory.on_session();
        if reply["ext"]["received"] != true {
            return Err(Lost);
        }
        if let Some(timeout) = reply["advice"]["timeout"].as_u64() {
            self.timeout = Duration::from_millis(timeout).min(HELD);
        }
        self.client_id.as_ref().map(|_| ()).ok_or(Lost)
    }

    fn connect(&mut self, wire: &mut Fallible, at_once: bool) -> Result<(), Lost> {
        self.connect_with(wire, at_once, at_once && !self.transport.streams())
    }

    fn connect_with(&mut self, wire: &mut Fallible, at_once: bool, polls: bool) -> Result<(), Lost> {
        let mut message = json!({"channel": "/meta/connect", "connectionType": self.transport.name()});
        message["ext"] = json!({"received": self.memory.confirm()});
        if self.transport == Transport::Iframe {
            message["ext"]["frame"] = json!({"mode": "message"});
        }
        if polls {
            message["advice"] = json!({"timeout": 0});
        }
        let held = if at_once { Duration::ZERO } else { self.timeout };
        self.ask(wire, message, held + NETWORK_DELAY).map(|_| ())
    }

    /// Takes in what comes on a stream for a while, and opens the next when it has ended well.
    fn listen(&mut self, wire: &mut Fallible) -> Result<(), Lost> {
        let end = Instant::now() + self.random.span(LISTENS);
        while Instant::now() < end && !self.over.load(Ordering::Relaxed) {
            // A server that says nothing at all, not even a heartbeat, is gone.
            let silence = Instant::now() + self.timeout + NETWORK_DELAY;
            let (batch, _) = wire.receive(silence).ok_or(Lost)?;
            let last_word = batch.iter().find(|message| is_last_word(message)).cloned();
            self.take_in(batch, "");
            self.confirm(wire)?;
            let Some(word) = last_word else { continue };
            self.memory.on_reply(&word);
            match word["advice"]["reconnect"].as_str() {
                Some("retry") if word["successful"] == true => self.connect(wire, true)?,
                Some("retry") => return Err(Lost),
                _ => {
                    self.client_id = None;
                    return Err(Lost);
                }
            }
        }
        Ok(())
    }

    fn subscribe(&mut self, wire: &mut Fallible) -> Result<(), Lost> {
        if self.asked {
            self.asked_again = true;
            // Whatever the lost answer belongs to stands before the answer to this, a gap among it.
            self.connect_with(wire, true, true)?;
            if self.transport.streams() {
                self.connect(wire, true)?;
            }
        }
        self.asked = true;
        // Whoever comes for the first time has missed nothing.
        match self.link.number.is_multiple_of(2) {
            true => {
                for channel in self.link.channels.clone() {
                    let since = self.memory.since(&channel).filter(|_| self.told_subscribed);
                    self.subscribe_to(wire, &channel, since)?;
                }
            }
            false => {
                let since = self.memory.since_all().filter(|_| self.told_subscribed);
                self.subscribe_to(wire, Link::PATTERN, since)?;
            }
        }
        self.subscribed = true;
        Ok(())
    }

    fn subscribe_to(&mut self, wire: &mut Fallible, name: &str, since: Option<Value>) -> Result<(), Lost> {
        let mut message = json!({"channel": "/meta/subscribe", "subscription": name});
        if let Some(since) = since {
            message["ext"] = json!({"since": since});
        }
        self.ask(wire, message, NETWORK_DELAY).map(|_| ())
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
        loop {
            let (batch, cookie) = wire.receive(end).ok_or(Lost)?;
            self.cookie = cookie.or(self.cookie.take());
            let reply = self.take_in(batch, &id);
            self.confirm(wire)?;
            if let Some(reply) = reply {
                self.memory.on_reply(&reply);
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

    /// Tells a server that pushes what has come, when that is much.
    fn confirm(&mut self, wire: &mut Fallible) -> Result<(), Lost> {
        if !wire.is_pushed() || self.memory.unconfirmed() < MOST_UNCONFIRMED {
            return Ok(());
        }
        let mut message = json!({"channel": "/meta/received", "clientId": self.client_id});
        message["ext"] = json!({"received": self.memory.confirm()});
        wire.send(&[message], None).ok_or(Lost)
    }

    /// Tells the events of a batch, and returns the reply to the message of this id.
    fn take_in(&mut self, batch: Vec<Value>, id: &str) -> Option<Value> {
        let mut reply = None;
        for message in batch {
            if message.get("data").is_some() {
                self.on_event(&message);
            } else if message["channel"] == "/meta/gap" {
                self.on_gap(&message);
            } else if message["channel"] == "/meta/disconnect" {
                self.client_id = None;
            } else if message["id"] == *id {
                reply = Some(message);
            }
        }
        reply
    }

    fn on_event(&mut self, event: &Value) {
        self.memory.on_event();
        let channel = event["channel"].as_str().unwrap_or_default();
        let is_new = self.memory.on_position(channel, &event["ext"]["position"]);
        if !is_new && self.asked_again {
            return;
        }
        let note = Note::read(&event["data"]).unwrap_or_else(|| Note::new("", 0));
        self.tell(Told::Saw { channel: channel.to_owned(), note });
    }

    fn on_gap(&mut self, message: &Value) {
        self.memory.on_event();
        for (name, head) in message["ext"]["gaps"].as_object().into_iter().flatten() {
            if name == Link::PATTERN {
                // Something is missing of channels that could not be named: those it knows nothing of.
                let unknown = |channel: &&String| !self.memory.knows(channel);
                for channel in self.link.channels.iter().filter(unknown) {
                    self.tell(Told::Gap { channel: Some(channel.clone()) });
                }
            } else {
                self.memory.on_position(name, head);
                self.tell(Told::Gap { channel: Some(name.clone()) });
            }
        }
    }

    fn tell(&self, told: Told) {
        // Nobody listens any more when the run is over.
        let _ = self.out.blocking_send(Some(told));
    }
}

/// Whether this says how a stream has ended.
fn is_last_word(message: &Value) -> bool {
    message["channel"] == "/meta/connect" && message.get("id").is_none()
}
