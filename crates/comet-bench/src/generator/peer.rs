//! One connection of the generator: a socket, its script, and what is half read or half written.
//! Readiness comes from `fleet`, meaning from `script`. A peer in a steady state owns no buffer.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};

use crate::protocol::Fault;
use crate::script::{Script, Sink, Stage};

/// Connections made from one source address: more than the ports a system gives out by default.
const PER_SOURCE: usize = 20_000;

/// A connection to the server under test.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    pub(super) script: Script,
    open: bool,
    unread: Vec<u8>,
    unsent: Vec<u8>,
}

/// Starts a connection. The `index` chooses the source address: every 20,000 take the next one of 127.0.0.0/8.
pub(super) fn dial(address: SocketAddr, index: usize) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    // Ends with a reset: thousands of sockets left in TIME_WAIT would burden the measurements that follow.
    socket.set_linger(Some(std::time::Duration::ZERO))?;
    if index >= PER_SOURCE {
        let source = Ipv4Addr::new(127, 0, 0, 1 + (index / PER_SOURCE).min(200) as u8);
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

impl Peer {
    pub(super) fn new(stream: TcpStream, script: Script) -> Peer {
        Peer { stream, script, open: false, unread: Vec::new(), unsent: Vec::new() }
    }

    /// The socket takes bytes: the connection stands, or what was left over can go on.
    pub(super) fn on_writable(&mut self, goal: Stage) -> Result<(), Fault> {
        if !self.open {
            if let Some(error) = self.stream.take_error().map_err(broken)? {
                return Err(broken(error));
            }
            self.open = true;
            let mut out = Vec::new();
            self.script.on_open(goal, &mut out);
            return self.write(out);
        }
        let unsent = std::mem::take(&mut self.unsent);
        self.write(unsent)
    }

    /// The goal was raised: says what is due.
    pub(super) fn speak(&mut self, goal: Stage) -> Result<(), Fault> {
        let mut out = Vec::new();
        self.script.speak(goal, &mut out);
        self.write(out)
    }

    /// Reads until the socket is empty (one call where all there is fits into `buffer`), or to the end of the stream
    /// when it has `ended`. Answers with the number of bytes.
    pub(super) fn on_readable(
        &mut self,
        goal: Stage,
        ended: bool,
        buffer: &mut [u8],
        sink: &mut Sink<'_>,
    ) -> Result<usize, Fault> {
        let mut received = 0;
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Err(Fault::new("connection closed by the server")),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(received),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(error)),
            };
            received += count;
            let mut out = Vec::new();
            if self.unread.is_empty() {
                let used = self.script.on_bytes(&buffer[..count], goal, &mut out, sink)?;
                self.unread.extend_from_slice(&buffer[used..count]);
            } else {
                self.unread.extend_from_slice(&buffer[..count]);
                let used = self.script.on_bytes(&self.unread, goal, &mut out, sink)?;
                self.unread.drain(..used);
            }
            self.write(out)?;
            if count < buffer.len() && !ended {
                return Ok(received);
            }
        }
    }

    fn write(&mut self, mut out: Vec<u8>) -> Result<(), Fault> {
        if !self.unsent.is_empty() {
            self.unsent.append(&mut out);
            return Ok(());
        }
        while !out.is_empty() {
            match self.stream.write(&out) {
                Ok(count) => drop(out.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
        self.unsent = out;
        Ok(())
    }
}

fn broken(error: io::Error) -> Fault {
    Fault::new(format!("connection broken: {error}"))
}
