//! A plain connection to the server, for tests that choose every byte.
//!
//! It sends what it is given and cuts answers out of what comes back; a scripted client is better wherever
//! the bytes are not the point of the story.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, Protocol, Type};

use crate::{PATIENCE, Response};

/// What came from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// So many bytes.
    Bytes(usize),
    /// Nothing in the time given.
    Nothing,
    /// The end of the connection.
    End,
}

/// A plain connection.
pub struct Socket {
    stream: TcpStream,
    unread: Vec<u8>,
    host: String,
}

impl Socket {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Socket {
        Socket::try_connect(address).expect("the server accepts")
    }

    /// Connects to a server that may be gone.
    pub fn try_connect(address: SocketAddr) -> Option<Socket> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).expect("an open socket has options");
        Some(Socket { stream, unread: Vec::new(), host: address.to_string() })
    }

    /// Connects from this address, one of the machine's own.
    pub fn connect_from(from: IpAddr, address: SocketAddr) -> Socket {
        let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP));
        let socket = socket.expect("there are sockets left");
        socket.bind(&SocketAddr::new(from, 0).into()).expect("the address is this machine's");
        socket.connect(&address.into()).expect("the server accepts");
        Socket { stream: socket.into(), unread: Vec::new(), host: address.to_string() }
    }

    /// Connects with a receive buffer of about `bytes`, so that the server notices early that nobody reads.
    pub fn with_receive_buffer(address: SocketAddr, bytes: usize) -> Socket {
        let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP));
        let socket = socket.expect("there are sockets left");
        socket.set_recv_buffer_size(bytes).expect("an open socket has options");
        socket.connect(&address.into()).expect("the server accepts");
        Socket { stream: socket.into(), unread: Vec::new(), host: address.to_string() }
    }

    /// What to name as `Host`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The client's end of the connection.
    pub fn local_address(&self) -> SocketAddr {
        self.stream.local_addr().expect("an open socket has an address")
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server takes what is sent");
    }

    /// Sends bytes to a server that may have ended the connection, or may not read.
    ///
    /// # Errors
    /// Of the socket; `WouldBlock` when the server takes nothing for [`PATIENCE`].
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.set_write_timeout(Some(PATIENCE))?;
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends as much as the server takes until nothing moves for `pause`; how much that was.
    pub fn send_until_stuck(&mut self, bytes: &[u8], pause: Duration) -> usize {
        self.stream.set_write_timeout(Some(pause)).expect("an open socket has options");
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(0) | Err(_) => break,
                Ok(more) => sent += more,
            }
        }
        sent
    }

    /// Sends a POST of a Bayeux batch.
    pub fn send_batch(&mut self, path: &str, batch: &Value) {
        self.send_post(path, "Content-Type: application/json\r\n", batch.to_string());
    }

    /// Sends a POST with these fields, each with its line end, and this body.
    pub fn send_post(&mut self, path: &str, fields: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{fields}Content-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.send([head.as_bytes(), body].concat());
    }

    /// Posts a Bayeux batch to `/cometd` and returns the messages of the answer.
    pub fn post(&mut self, batch: &Value) -> Vec<Value> {
        self.send_batch("/cometd", batch);
        self.response().messages()
    }

    /// Sends a GET with these fields, each with its line end, and returns the answer.
    pub fn get(&mut self, target: &str, fields: &str) -> Response {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", self.host));
        self.response()
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// Ends the connection with a reset instead of a farewell.
    pub fn reset(self) {
        let socket = socket2::Socket::from(self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("an open socket has options");
    }

    /// Reads once, waiting no longer than `within`.
    pub fn hear(&mut self, within: Duration) -> Heard {
        let mut buffer = [0; 64 << 10];
        self.stream
            .set_read_timeout(Some(within.max(Duration::from_millis(1))))
            .expect("an open socket has options");
        match self.stream.read(&mut buffer) {
            Ok(0) => Heard::End,
            Ok(read) => {
                self.unread.extend_from_slice(&buffer[..read]);
                Heard::Bytes(read)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Heard::Nothing
            }
            Err(_) => Heard::End,
        }
    }

    /// What was read and not yet understood.
    pub fn unread(&mut self) -> &mut Vec<u8> {
        &mut self.unread
    }

    /// The next answer, waiting no longer than `within`; `None` when none comes, or the connection ends first.
    pub fn try_response(&mut self, within: Duration) -> Option<Response> {
        self.read_response(within, false)
    }

    /// The next answer.
    pub fn response(&mut self) -> Response {
        self.try_response(PATIENCE).unwrap_or_else(|| panic!("no answer came, only {:?}", self.unread_text()))
    }

    /// The answer to a HEAD request: it has no body, whatever it says.
    pub fn response_to_head(&mut self) -> Response {
        self.read_response(PATIENCE, true).expect("an answer to HEAD")
    }

    fn read_response(&mut self, within: Duration, to_head: bool) -> Option<Response> {
        let end = Instant::now() + within;
        loop {
            if let Some((response, length)) = Response::read(&self.unread, to_head) {
                self.unread.drain(..length);
                return Some(response);
            }
            match self.hear(end.saturating_duration_since(Instant::now())) {
                Heard::Bytes(_) => {}
                Heard::Nothing if Instant::now() < end => {}
                Heard::Nothing | Heard::End => return None,
            }
        }
    }

    /// Waits for the server to end the connection, and returns what it sent before that.
    pub fn expect_end(&mut self) -> Vec<u8> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.hear(end.saturating_duration_since(Instant::now())) {
                Heard::End => return std::mem::take(&mut self.unread),
                Heard::Bytes(_) => {}
                Heard::Nothing => assert!(Instant::now() < end, "the server does not end the connection"),
            }
        }
    }

    fn unread_text(&self) -> String {
        String::from_utf8_lossy(&self.unread).into_owned()
    }
}
