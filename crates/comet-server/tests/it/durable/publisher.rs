//! Publishers that note what they were told, through kills and starts.
//!
//! Half of what they publish has a key: when nobody answered, the same is sent again, to the next process if need be. What has
//! no key is never sent twice.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use comet_testkit::{PATIENCE, Socket};
use serde_json::{Value, json};

use super::{CHANNELS, Place, place};

/// A publication that somebody was told of.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) channel: &'static str,
    pub(crate) data: Value,
    pub(crate) place: Place,
}

/// Publishes as long as there is a server.
pub(crate) trait Publisher: Send {
    /// Publishes until the server is dead.
    fn run(&mut self, address: SocketAddr, dead: &AtomicBool);

    /// Sends what was not answered and may be sent again; everything that was acknowledged.
    fn finish(&mut self, address: SocketAddr) -> Vec<Acknowledged>;
}

/// What a publisher is about to say and what it was told.
struct Notes {
    number: usize,
    durability: &'static str,
    count: usize,
    /// What has a key and was not answered.
    pending: Option<Said>,
    acknowledged: Vec<Acknowledged>,
}

/// One publication.
#[derive(Clone)]
struct Said {
    channel: &'static str,
    data: Value,
    key: Option<String>,
}

impl Notes {
    fn new(number: usize, durability: &'static str) -> Notes {
        Notes { number, durability, count: 0, pending: None, acknowledged: Vec::new() }
    }

    fn next(&mut self) -> Said {
        if let Some(pending) = self.pending.clone() {
            return pending;
        }
        self.count += 1;
        let (number, count) = (self.number, self.count);
        let key = (count % 2 == 0).then(|| format!("{number}-{count}"));
        let said = Said { channel: CHANNELS[count % CHANNELS.len()], data: json!([number, count]), key };
        self.pending = said.key.is_some().then(|| said.clone());
        said
    }

    fn on_acknowledged(&mut self, said: Said, position: &Value, durability: &Value) -> Acknowledged {
        assert_eq!(durability, self.durability);
        self.pending = None;
        let one = Acknowledged { channel: said.channel, data: said.data, place: place(position) };
        self.acknowledged.push(one.clone());
        one
    }
}

/// Publishes through the HTTP API.
pub(crate) struct ApiPublisher {
    notes: Notes,
    socket: Option<Socket>,
}

impl ApiPublisher {
    pub(crate) fn new(number: usize, durability: &'static str) -> ApiPublisher {
        ApiPublisher { notes: Notes::new(number, durability), socket: None }
    }

    /// Publishes one message on a channel; nothing when nobody answers.
    pub(crate) fn publish_one(&mut self, address: SocketAddr, channel: &'static str) -> Option<Acknowledged> {
        self.send(address, Said { channel, data: json!(1), key: None })
    }

    fn send(&mut self, address: SocketAddr, said: Said) -> Option<Acknowledged> {
        let mut socket = self.socket.take().or_else(|| Socket::try_connect(address))?;
        let mut body = json!({ "channel": said.channel, "data": said.data });
        if let Some(key) = &said.key {
            body["key"] = json!(key);
        }
        let answer = post(&mut socket, "/api/publish", &body)?;
        self.socket = Some(socket);
        assert!(answer["position"].is_object(), "refused: {answer}");
        Some(self.notes.on_acknowledged(said, &answer["position"], &answer["durability"]))
    }
}

impl Publisher for ApiPublisher {
    fn run(&mut self, address: SocketAddr, dead: &AtomicBool) {
        while !dead.load(Ordering::Acquire) {
            let said = self.notes.next();
            if self.send(address, said).is_none() {
                break;
            }
        }
        self.socket = None;
    }

    fn finish(&mut self, address: SocketAddr) -> Vec<Acknowledged> {
        if let Some(pending) = self.notes.pending.clone() {
            self.send(address, pending).expect("the server answers");
        }
        std::mem::take(&mut self.notes.acknowledged)
    }
}

/// Publishes as a client of the protocol that counts, and so is told.
pub(crate) struct BayeuxPublisher {
    notes: Notes,
    session: Option<(Socket, String)>,
}

impl BayeuxPublisher {
    pub(crate) fn new(number: usize, durability: &'static str) -> BayeuxPublisher {
        BayeuxPublisher { notes: Notes::new(number, durability), session: None }
    }

    fn session(address: SocketAddr) -> Option<(Socket, String)> {
        let mut socket = Socket::try_connect(address)?;
        let hello = json!([{ "channel": "/meta/handshake", "version": "1.0",
            "supportedConnectionTypes": ["long-polling"], "ext": { "received": true } }]);
        let reply = post(&mut socket, "/cometd", &hello)?;
        let client = reply[0]["clientId"].as_str().unwrap_or_else(|| panic!("refused: {reply}")).to_owned();
        Some((socket, client))
    }

    fn send(&mut self, address: SocketAddr, said: Said) -> Option<()> {
        let (mut socket, client) = self.session.take().or_else(|| BayeuxPublisher::session(address))?;
        let mut message = json!({ "channel": said.channel, "data": said.data, "clientId": client });
        if let Some(key) = &said.key {
            message["ext"] = json!({ "key": key });
        }
        let reply = post(&mut socket, "/cometd", &json!([message]))?[0].take();
        self.session = Some((socket, client));
        assert_eq!(reply["successful"], true, "{reply}");
        self.notes.on_acknowledged(said, &reply["ext"]["position"], &reply["ext"]["durability"]);
        Some(())
    }
}

impl Publisher for BayeuxPublisher {
    fn run(&mut self, address: SocketAddr, dead: &AtomicBool) {
        while !dead.load(Ordering::Acquire) {
            let said = self.notes.next();
            if self.send(address, said).is_none() {
                break;
            }
        }
        self.session = None;
    }

    fn finish(&mut self, address: SocketAddr) -> Vec<Acknowledged> {
        if let Some(pending) = self.notes.pending.clone() {
            self.send(address, pending).expect("the server answers");
        }
        std::mem::take(&mut self.notes.acknowledged)
    }
}

/// The answer to a request; `None` when the connection is lost.
fn post(socket: &mut Socket, path: &str, body: &Value) -> Option<Value> {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        socket.host(),
        body.len()
    );
    socket.try_send(head + &body).ok()?;
    socket.try_response(PATIENCE).map(|response| response.json())
}
