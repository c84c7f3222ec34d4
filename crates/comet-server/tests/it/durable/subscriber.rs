//! Subscribers that come back with their position, and whoever asks for all there is.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use comet_testkit::{PATIENCE, Received, Socket, WebSocket};
use serde_json::{Value, json};

/// Between two looks at whether the server is dead.
const LOOK: Duration = Duration::from_millis(20);
/// So long nothing comes when nothing more is to come.
const SILENCE: Duration = Duration::from_millis(300);

/// Follows one channel through kills and starts.
pub(crate) struct Subscriber {
    pub(crate) channel: &'static str,
    pub(crate) heard: Vec<Value>,
    /// How often it was told that something is missing.
    pub(crate) gaps: usize,
}

impl Subscriber {
    pub(crate) fn new(channel: &'static str) -> Subscriber {
        Subscriber { channel, heard: Vec::new(), gaps: 0 }
    }

    /// Listens until the server is dead.
    pub(crate) fn run(&mut self, address: SocketAddr, dead: &AtomicBool) {
        let Some(mut wire) = self.begin(address) else { return };
        while let Some(events) = receive(&mut wire, LOOK) {
            self.heard.extend(events);
            // What is in the socket of a dead server was sent.
            if dead.load(Ordering::Acquire) {
                while let Some(events) = receive(&mut wire, LOOK).filter(|events| !events.is_empty()) {
                    self.heard.extend(events);
                }
                return;
            }
        }
    }

    /// Listens until nothing more comes.
    pub(crate) fn finish(&mut self, address: SocketAddr) {
        let mut wire = self.begin(address).expect("the server answers");
        loop {
            let events = receive(&mut wire, SILENCE).expect("the server lives");
            if events.is_empty() {
                return;
            }
            self.heard.extend(events);
        }
    }

    fn begin(&mut self, address: SocketAddr) -> Option<WebSocket> {
        let since = match self.heard.last() {
            Some(event) => event["ext"]["position"].clone(),
            None => json!({ "last": 100_000 }),
        };
        let (wire, reply, events) = subscribe(address, self.channel, &since)?;
        self.gaps += usize::from(reply["ext"]["recovered"] != true);
        self.heard.extend(events);
        Some(wire)
    }
}

/// All that a channel remembers.
pub(crate) fn everything(address: SocketAddr, channel: &str) -> Vec<Value> {
    let (reply, events) = ask(address, channel, &json!({ "last": 100_000 }));
    assert_eq!(reply["ext"]["recovered"], true, "{reply}");
    events
}

/// Asks a channel for what it remembers: the reply and the events.
pub(crate) fn ask(address: SocketAddr, channel: &str, since: &Value) -> (Value, Vec<Value>) {
    let (mut wire, reply, mut events) = subscribe(address, channel, since).expect("the server answers");
    while let Some(more) = receive(&mut wire, SILENCE).filter(|more| !more.is_empty()) {
        events.extend(more);
    }
    (reply, events)
}

/// A new session with one subscription, its reply, and what came with it.
fn subscribe(address: SocketAddr, channel: &str, since: &Value) -> Option<(WebSocket, Value, Vec<Value>)> {
    let mut wire = WebSocket::try_open_on(Socket::try_connect(address)?, "/cometd", PATIENCE)?;
    let hello = json!([{ "channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["websocket"] }]);
    wire.try_send_text(&hello.to_string()).ok()?;
    let (reply, _) = reply(&mut wire, "/meta/handshake")?;
    let client = reply["clientId"].clone();
    let messages = json!([
        { "channel": "/meta/connect", "connectionType": "websocket", "clientId": client, "advice": { "timeout": 0 } },
        { "channel": "/meta/subscribe", "subscription": channel, "clientId": client, "ext": { "since": since } },
    ]);
    wire.try_send_text(&messages.to_string()).ok()?;
    let (reply, events) = self::reply(&mut wire, "/meta/subscribe")?;
    assert_eq!(reply["successful"], true, "{reply}");
    Some((wire, reply, events))
}

/// The reply on a meta channel, and the events that come before it.
fn reply(wire: &mut WebSocket, meta: &str) -> Option<(Value, Vec<Value>)> {
    let end = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    while Instant::now() < end {
        let messages = batch(wire, PATIENCE)?;
        let found = messages.iter().find(|message| message["channel"] == meta).cloned();
        events.extend(messages.into_iter().filter(is_event));
        if let Some(reply) = found {
            return Some((reply, events));
        }
    }
    None
}

/// The events that come next; none when none come within this time, nothing when the connection is lost.
fn receive(wire: &mut WebSocket, within: Duration) -> Option<Vec<Value>> {
    let messages = batch(wire, within)?;
    Some(messages.into_iter().filter(is_event).collect())
}

fn is_event(message: &Value) -> bool {
    message["channel"].as_str().is_some_and(|channel| !channel.starts_with("/meta/"))
}

fn batch(wire: &mut WebSocket, within: Duration) -> Option<Vec<Value>> {
    match wire.try_receive(within) {
        Some(Received::Text(text)) => Some(serde_json::from_str(&text).expect("a batch is JSON")),
        Some(Received::End | Received::Close(..)) => None,
        Some(other) => panic!("unexpected: {other:?}"),
        None => Some(Vec::new()),
    }
}
