//! Scripted clients: the protocol in the words of a story.
//!
//! A client keeps its session's id, gives every message an id of its own, sorts what comes back into replies
//! and events, and keeps a connect on its way while it waits for events, as real clients do. The bytes are
//! the wire's.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{PATIENCE, TestServer, Wire};

/// A client on the wire `W`.
pub struct Client<W> {
    /// The wire, for tests that need to touch it.
    pub wire: W,
    client_id: String,
    next_id: u64,
    connect: Option<String>,
    events: VecDeque<Value>,
    replies: Vec<Value>,
}

impl<W: Wire> Client<W> {
    /// A client that has not said anything yet.
    pub fn new(server: &TestServer) -> Client<W> {
        Client::at(server.address())
    }

    /// A client of whoever listens at this address, that has not said anything yet.
    pub fn at(address: SocketAddr) -> Client<W> {
        Client::on(W::open(address), String::new())
    }

    /// A client with a session: it has shaken hands and its first connect is answered.
    pub fn connected(server: &TestServer) -> Client<W> {
        let mut client = Client::new(server);
        client.handshake();
        client.connect();
        client
    }

    /// The same client, its session and its browser, on another wire.
    pub fn crossing<V: Wire>(&self, server: &TestServer) -> Client<V> {
        self.crossing_to(server.address())
    }

    /// The same at another address.
    pub fn crossing_to<V: Wire>(&self, address: SocketAddr) -> Client<V> {
        let mut wire = V::open(address);
        if let Some(cookie) = self.wire.cookie() {
            wire.set_cookie(cookie);
        }
        Client::on(wire, self.client_id.clone())
    }

    fn on(wire: W, client_id: String) -> Client<W> {
        Client { wire, client_id, next_id: 0, connect: None, events: VecDeque::new(), replies: Vec::new() }
    }

    /// The session's id.
    pub fn id(&self) -> &str {
        &self.client_id
    }

    /// Shakes hands and returns the reply.
    pub fn handshake(&mut self) -> Value {
        let reply = self.try_handshake(json!({}));
        assert_eq!(reply["successful"], true, "{reply}");
        reply
    }

    /// Shakes hands with these fields besides the usual ones; the reply may be a refusal.
    pub fn try_handshake(&mut self, fields: Value) -> Value {
        let mut message = json!({
            "channel": "/meta/handshake",
            "version": "1.0",
            "supportedConnectionTypes": [W::CONNECTION_TYPE],
        });
        extend(&mut message, fields);
        let id = self.send(message);
        let reply = self.reply(&id);
        if let Some(client_id) = reply["clientId"].as_str() {
            self.client_id = client_id.to_owned();
        }
        reply
    }

    /// Sends a connect and waits for its reply.
    pub fn connect(&mut self) -> Value {
        let reply = self.try_connect(json!({}));
        assert_eq!(reply["successful"], true, "{reply}");
        reply
    }

    /// Sends a connect with these fields besides the usual ones and waits for its reply, which may be a refusal.
    pub fn try_connect(&mut self, fields: Value) -> Value {
        let id = self.send_connect(fields);
        self.reply(&id)
    }

    /// Sends a connect that asks not to be held, and waits for its reply: how clients begin on a new wire.
    pub fn connect_at_once(&mut self) {
        let reply = self.try_connect(json!({ "advice": { "timeout": 0 } }));
        assert_eq!(reply["successful"], true, "{reply}");
    }

    /// Speaks for another session from here on, and begins with a connect that asks not to be held.
    pub fn connect_as(&mut self, client_id: &str) {
        self.client_id = client_id.to_owned();
        self.connect_at_once();
    }

    /// Sends a connect, if none is on its way and no answer to one goes on, and does not wait.
    pub fn hold(&mut self) {
        if self.connect.is_none() && !self.wire.is_streaming() {
            self.send_connect(json!({}));
        }
    }

    /// Waits for the reply to the connect that is on its way.
    pub fn held_reply(&mut self) -> Value {
        let id = self.connect.clone().expect("a connect is on its way");
        self.reply(&id)
    }

    fn send_connect(&mut self, fields: Value) -> String {
        let mut message = json!({ "channel": "/meta/connect", "connectionType": W::CONNECTION_TYPE });
        extend(&mut message, fields);
        let id = self.send(message);
        self.connect = Some(id.clone());
        id
    }

    /// Subscribes to a channel or pattern.
    pub fn subscribe(&mut self, name: &str) {
        let reply = self.request("/meta/subscribe", json!({ "subscription": name }));
        assert_eq!(reply["successful"], true, "{reply}");
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, name: &str) {
        let reply = self.request("/meta/unsubscribe", json!({ "subscription": name }));
        assert_eq!(reply["successful"], true, "{reply}");
    }

    /// Publishes and waits for the acknowledgement.
    pub fn publish(&mut self, channel: &str, data: impl Into<Value>) {
        let reply = self.request(channel, json!({ "data": data.into() }));
        assert_eq!(reply["successful"], true, "{reply}");
    }

    /// Calls a service: waits for the acknowledgement and for the answer, and returns the answer.
    pub fn call(&mut self, channel: &str, data: impl Into<Value>) -> Value {
        let id = self.send(json!({ "channel": channel, "data": data.into() }));
        let reply = self.reply(&id);
        assert_eq!(reply["successful"], true, "{reply}");
        let at = |client: &Client<W>| client.events.iter().position(|event| event["id"] == *id);
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = at(self) {
                return self.events.remove(at).expect("the answer was just seen");
            }
            self.hold();
            assert!(self.hear(end), "no answer on {channel}");
        }
    }

    /// Ends the session and waits for the reply.
    pub fn disconnect(&mut self) -> Value {
        self.request("/meta/disconnect", json!({}))
    }

    /// Sends one message on `channel` with these fields and waits for its reply.
    pub fn request(&mut self, channel: &str, fields: Value) -> Value {
        let mut message = json!({ "channel": channel });
        extend(&mut message, fields);
        let id = self.send(message);
        self.reply(&id)
    }

    /// Sends one message, with its id and the session's, and does not wait; returns the message's id.
    pub fn send(&mut self, message: Value) -> String {
        self.send_all(vec![message]).remove(0)
    }

    /// Sends a batch, each message with its id, a fresh one unless it has one, and the session's, and does not wait.
    pub fn send_all(&mut self, mut batch: Vec<Value>) -> Vec<String> {
        let mut ids = Vec::new();
        for message in &mut batch {
            self.next_id += 1;
            let id = message["id"].as_str().map_or_else(|| self.next_id.to_string(), str::to_owned);
            message["id"] = json!(id);
            if message["channel"] != "/meta/handshake" && message.get("clientId").is_none() {
                message["clientId"] = json!(self.client_id);
            }
            ids.push(id);
        }
        self.wire.send(&batch);
        ids
    }

    /// Waits for the reply to the message of this id.
    pub fn reply(&mut self, id: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.replies.iter().position(|reply| reply["id"] == *id) {
                return self.replies.remove(at);
            }
            assert!(self.hear(end), "no reply to message {id}");
        }
    }

    /// Waits for the next event.
    pub fn event(&mut self) -> Value {
        self.try_event(PATIENCE).expect("an event comes")
    }

    /// Waits for the next event, no longer than `within`.
    pub fn try_event(&mut self, within: Duration) -> Option<Value> {
        let end = Instant::now() + within;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            self.hold();
            if !self.hear(end) {
                return None;
            }
        }
    }

    /// Waits for so many events.
    pub fn events(&mut self, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.event()).collect()
    }

    /// Waits for the next event, which has to be this one.
    pub fn expect_event(&mut self, channel: &str, data: impl Into<Value>) {
        let event = self.event();
        assert_eq!((&event["channel"], &event["data"]), (&json!(channel), &data.into()), "{event}");
    }

    /// The events that have come and were not looked at.
    pub fn waiting_events(&mut self) -> &mut VecDeque<Value> {
        &mut self.events
    }

    /// Takes in what comes next; whether anything came before `end`.
    fn hear(&mut self, end: Instant) -> bool {
        let left = end.saturating_duration_since(Instant::now());
        let Some(batch) = self.wire.receive(left) else { return false };
        for message in batch {
            // Replies have no data; events do.
            if message.get("data").is_some() || message["channel"] == "/meta/gap" {
                self.events.push_back(message);
                continue;
            }
            if self.connect.as_deref().is_some_and(|connect| message["id"] == *connect) {
                self.connect = None;
            }
            self.replies.push(message);
        }
        true
    }
}

fn extend(message: &mut Value, fields: Value) {
    let (Value::Object(message), Value::Object(fields)) = (message, fields) else {
        panic!("a message and its further fields are objects");
    };
    message.extend(fields);
}
