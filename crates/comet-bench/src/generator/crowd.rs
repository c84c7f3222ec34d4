//! A crowd: very many sessions on a few kept-alive connections, that come to one channel and leave it.
//! Requests go out in packs, a pack a connection, and every reply is read and has to be a success. What is measured
//! meanwhile is the scenario's business.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::protocol::{request, response};

/// The channel the crowd comes to.
const CHANNEL: &str = "/crowd/1";
/// Connections that the sessions share.
const CONNECTIONS: usize = 32;
/// Requests that are sent on one connection before their answers are read.
const PACK: usize = 32;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Members of a page.
const PAGE: usize = 100;

/// Sessions and their connections.
pub struct Crowd {
    address: SocketAddr,
    wires: Vec<Wire>,
    sessions: Vec<Box<str>>,
}

/// One connection.
struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// What is needed of a reply.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    successful: bool,
    #[serde(default, rename = "clientId")]
    client_id: Box<str>,
}

/// What is needed of a page.
#[derive(Deserialize)]
struct Page {
    users: usize,
    members: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    next: Option<String>,
}

impl Crowd {
    /// Connects.
    ///
    /// # Errors
    /// When a connection is refused.
    pub fn open(address: SocketAddr) -> Result<Crowd> {
        let wires = (0..CONNECTIONS).map(|_| Wire::open(address)).collect::<Result<_>>()?;
        Ok(Crowd { address, wires, sessions: Vec::new() })
    }

    /// Opens so many sessions.
    ///
    /// # Errors
    /// When a handshake is refused or not answered.
    pub fn shake_hands(&mut self, count: usize) -> Result<()> {
        let mut handshake = Vec::new();
        request::write_handshake("long-polling", &mut handshake);
        let replies = self.exchange(&vec![handshake; count])?;
        self.sessions.extend(replies.into_iter().map(|reply| reply.client_id));
        Ok(())
    }

    /// These sessions subscribe to the channel.
    ///
    /// # Errors
    /// When one is refused or not answered.
    pub fn come(&mut self, who: Range<usize>) -> Result<()> {
        self.say("/meta/subscribe", who)
    }

    /// These sessions unsubscribe.
    ///
    /// # Errors
    /// When one is refused or not answered.
    pub fn go(&mut self, who: Range<usize>) -> Result<()> {
        self.say("/meta/unsubscribe", who)
    }

    fn say(&mut self, what: &str, who: Range<usize>) -> Result<()> {
        let say = |id: &str| {
            let message =
                format!(r#"[{{"channel":"{what}","id":"3","clientId":"{id}","subscription":"{CHANNEL}"}}]"#);
            message.into_bytes()
        };
        let bodies: Vec<_> = self.sessions[who].iter().map(|id| say(id)).collect();
        self.exchange(&bodies).map(drop)
    }

    /// Asks for so many pages, one behind the other and from the start again after the last, on a connection of
    /// its own; what each took.
    ///
    /// # Errors
    /// When a page is not what it should be where `members` are there.
    pub fn pages(&self, count: usize, members: usize) -> Result<Vec<Duration>> {
        let mut asker = Wire::open(self.address)?;
        let (mut times, mut next, mut listed) = (Vec::with_capacity(count), None::<String>, 0);
        for _ in 0..count {
            let after = next.map_or_else(|| "null".to_owned(), |next| format!("\"{next}\""));
            let body = format!(r#"{{"channel":"{CHANNEL}","limit":{PAGE},"after":{after}}}"#);
            let mut out = Vec::new();
            request::write_post("/api/presence", body.as_bytes(), &mut out);
            let begin = Instant::now();
            asker.stream.write_all(&out)?;
            let answer = asker.answer()?;
            times.push(begin.elapsed());
            let page: Page = serde_json::from_slice(&answer).context("a page")?;
            ensure!(page.users == members, "{} users where {members} are", page.users);
            listed += page.members.len();
            if page.next.is_none() {
                ensure!(listed == members, "{listed} listed of {members}");
                listed = 0;
            }
            next = page.next;
        }
        Ok(times)
    }

    /// Sends bodies, each in a request, and reads their replies; in the order of the bodies.
    fn exchange(&mut self, bodies: &[Vec<u8>]) -> Result<Vec<Reply>> {
        let mut replies = Vec::with_capacity(bodies.len());
        for round in bodies.chunks(PACK * self.wires.len()) {
            for (wire, pack) in self.wires.iter_mut().zip(round.chunks(PACK)) {
                let mut out = Vec::new();
                pack.iter().for_each(|body| request::write_post("/cometd", body, &mut out));
                wire.stream.write_all(&out)?;
            }
            for (wire, pack) in self.wires.iter_mut().zip(round.chunks(PACK)) {
                for _ in pack {
                    let answer = wire.answer()?;
                    let batch: Vec<Reply> = serde_json::from_slice(&answer).context("a batch")?;
                    let reply = batch.into_iter().next().context("a batch of one")?;
                    ensure!(reply.successful, "refused: {}", String::from_utf8_lossy(&answer));
                    replies.push(reply);
                }
            }
        }
        Ok(replies)
    }
}

impl Wire {
    fn open(address: SocketAddr) -> Result<Wire> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Wire { stream, unread: Vec::new() })
    }

    /// The body of the next answer.
    fn answer(&mut self) -> Result<Vec<u8>> {
        let mut buffer = [0; 16 * 1024];
        loop {
            if let Some(response) = response::parse(&self.unread)? {
                ensure!(response.status == 200, "answered with {}", response.status);
                let (body, length) = (response.body.into_owned(), response.length);
                self.unread.drain(..length);
                return Ok(body);
            }
            let count = self.stream.read(&mut buffer).context("no answer in time")?;
            ensure!(count > 0, "the server has closed the connection");
            self.unread.extend_from_slice(&buffer[..count]);
        }
    }
}
