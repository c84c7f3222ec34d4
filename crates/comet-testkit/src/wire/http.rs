//! The wires of scripted clients on long polling and callback polling.
//!
//! As browsers do, they use one connection for polls and another for everything else, keep both alive, and
//! send back the cookie they were given.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Wire;
use crate::{Response, Socket};

/// Long polling by POST.
pub type LongPollWire = HttpWire<Post>;
/// Callback polling (JSONP) by GET.
pub type CallbackWire = HttpWire<Callback>;

/// How a batch is put into a request, and the answer taken out of a response.
pub trait Phrase: Send {
    /// The `connectionType`.
    const CONNECTION_TYPE: &'static str;
    /// The whole request; `fields` are ready lines.
    fn request(host: &str, fields: &str, batch: &[Value]) -> String;
    /// The batch in an answer.
    fn batch(response: &Response) -> Vec<Value>;
}

/// The POST of long polling.
pub struct Post;

impl Phrase for Post {
    const CONNECTION_TYPE: &'static str = "long-polling";

    fn request(host: &str, fields: &str, batch: &[Value]) -> String {
        let body = Value::from(batch).to_string();
        let length = body.len();
        format!(
            "POST /cometd HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        )
    }

    fn batch(response: &Response) -> Vec<Value> {
        response.messages()
    }
}

/// The GET of callback polling.
pub struct Callback;

impl Phrase for Callback {
    const CONNECTION_TYPE: &'static str = "callback-polling";

    fn request(host: &str, fields: &str, batch: &[Value]) -> String {
        let message = percent_encode(&Value::from(batch).to_string());
        // The browser vouches for the page that asks.
        let fields = format!("Referer: http://{host}/page\r\n{fields}");
        format!("GET /cometd?jsonp=cometd.heard&message={message} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")
    }

    fn batch(response: &Response) -> Vec<Value> {
        assert_eq!(response.status, 200, "{}", response.text());
        let script = response.text();
        let json = script.strip_prefix("/**/cometd.heard(").and_then(|rest| rest.strip_suffix(");"));
        let json = json.unwrap_or_else(|| panic!("this calls no callback: {script}"));
        serde_json::from_str(json).unwrap_or_else(|_| panic!("this is no batch: {json}"))
    }
}

/// Everything but letters and digits as an escape.
fn percent_encode(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(escape).collect()
}

/// A wire made of HTTP requests.
pub struct HttpWire<P> {
    address: SocketAddr,
    command: Lane,
    poll: Lane,
    cookie: Option<String>,
    phrase: PhantomData<P>,
}

/// A connection that is opened when it is needed.
#[derive(Default)]
struct Lane {
    socket: Option<Socket>,
    outstanding: usize,
}

impl<P> HttpWire<P> {
    /// Whether an answer is on its way.
    pub(super) fn is_waiting(&self) -> bool {
        self.command.outstanding + self.poll.outstanding > 0
    }

    /// Closes the connection that carries the polls, whatever is held on it.
    pub fn drop_poll(&mut self) {
        self.poll = Lane::default();
    }
}

impl<P: Phrase> Wire for HttpWire<P> {
    const CONNECTION_TYPE: &'static str = P::CONNECTION_TYPE;

    fn open(address: SocketAddr) -> HttpWire<P> {
        HttpWire {
            address,
            command: Lane::default(),
            poll: Lane::default(),
            cookie: None,
            phrase: PhantomData,
        }
    }

    fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    fn set_cookie(&mut self, cookie: &str) {
        self.cookie = Some(cookie.into());
    }

    fn send(&mut self, batch: &[Value]) {
        let polls = batch.iter().any(|message| message["channel"] == "/meta/connect");
        let fields = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let lane = if polls { &mut self.poll } else { &mut self.command };
        let socket = lane.socket.get_or_insert_with(|| Socket::connect(self.address));
        let request = P::request(socket.host(), &fields, batch);
        socket.send(request);
        lane.outstanding += 1;
    }

    fn receive(&mut self, within: Duration) -> Option<Vec<Value>> {
        let end = Instant::now() + within;
        loop {
            let lone = self.command.outstanding == 0 || self.poll.outstanding == 0;
            let left = end.saturating_duration_since(Instant::now());
            for lane in [&mut self.command, &mut self.poll] {
                if lane.outstanding == 0 {
                    continue;
                }
                let wait = if lone { left } else { left.min(Duration::from_millis(5)) };
                let Some(response) = lane.hear(wait) else { continue };
                if let Some(cookie) = response.field("set-cookie") {
                    self.cookie = cookie.split(';').next().map(Into::into);
                }
                return Some(P::batch(&response));
            }
            if Instant::now() >= end || (self.command.outstanding == 0 && self.poll.outstanding == 0) {
                return None;
            }
        }
    }
}

impl Lane {
    fn hear(&mut self, within: Duration) -> Option<Response> {
        let response = self.socket.as_mut()?.try_response(within)?;
        self.outstanding -= 1;
        if response.closes() {
            self.socket = None;
        }
        Some(response)
    }
}
