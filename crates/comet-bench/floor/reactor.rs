//! The loop of the floor programs: one thread, one epoll, all connections, everything that arrived coalesced.
//! How the bytes reach many sockets is the `Fan` each program brings; what the bytes are is in `wire`.
//! Publications come from any connection of any thread and go to every subscriber of every thread.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use crate::wire::{self, Request};

const LISTENER: Token = Token(usize::MAX);
const INBOX: Token = Token(usize::MAX - 1);

/// Sends the same bytes to many sockets.
pub(crate) trait Fan: Sized {
    /// Makes what one thread needs.
    fn new() -> io::Result<Self>;

    /// Sends `bytes` to each socket without waiting and calls `failed` with the index of each one that did not
    /// take all of them. The descriptors are open sockets for the time of the call.
    fn send(&mut self, sockets: &[RawFd], bytes: &[u8], failed: &mut dyn FnMut(usize)) -> io::Result<()>;
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Nothing is expected of it but a request.
    Request,
    /// A WebSocket: gets every publication.
    Subscriber,
    /// A poll waits on it: gets the next publication.
    Parked,
    /// Its poll was answered and the next one is on its way.
    Answered,
    /// A publication has come in between: the next poll is answered with it at once.
    Owed,
}

struct Connection {
    stream: TcpStream,
    kind: Kind,
}

/// The end by which other threads hand publications to one thread.
#[derive(Clone)]
struct Inbox {
    sender: Sender<Vec<u8>>,
    waker: Arc<Waker>,
}

/// Serves for ever on `threads` threads that share one port, and prints the address once all of them listen.
pub(crate) fn serve<F: Fan>(threads: usize) -> io::Result<()> {
    let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut inboxes = Vec::new();
    let mut parts = Vec::new();
    for _ in 0..threads {
        let listener = listen(address)?;
        address = listener.local_addr()?;
        let poll = Poll::new()?;
        let (sender, receiver) = channel();
        inboxes.push(Inbox { sender, waker: Arc::new(Waker::new(poll.registry(), INBOX)?) });
        parts.push((listener, poll, receiver));
    }
    println!("listening on {address}");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..)
            .zip(parts)
            .map(|(own, (listener, poll, inbox))| {
                let others = (0..).zip(&inboxes).filter(|(index, _)| *index != own);
                let others = others.map(|(_, other)| other.clone()).collect();
                scope.spawn(move || Reactor::<F>::new(listener, poll, inbox, others)?.run())
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a floor thread does not panic"))
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    // Accepted sockets inherit it: no call per connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(TcpListener::from_std(socket.into()))
}

struct Reactor<F> {
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    /// Unfinished requests by connection. Empty in a steady state: an idle connection owns nothing.
    partial: HashMap<usize, Vec<u8>>,
    inbox: Receiver<Vec<u8>>,
    others: Vec<Inbox>,
    /// What has arrived and not gone out, as frames and as events joined by commas.
    frames: Vec<u8>,
    events: Vec<u8>,
    /// The answer of the last publication, for polls that come late.
    answer: Vec<u8>,
    sockets: Vec<RawFd>,
    slots: Vec<usize>,
    fan: F,
}

impl<F: Fan> Reactor<F> {
    fn new(
        listener: TcpListener,
        poll: Poll,
        inbox: Receiver<Vec<u8>>,
        others: Vec<Inbox>,
    ) -> io::Result<Self> {
        Ok(Reactor {
            poll,
            listener,
            connections: Slab::new(),
            partial: HashMap::new(),
            inbox,
            others,
            frames: Vec::new(),
            events: Vec::new(),
            answer: Vec::new(),
            sockets: Vec::new(),
            slots: Vec::new(),
            fan: F::new()?,
        })
    }

    fn run(mut self) -> io::Result<()> {
        self.poll.registry().register(&mut self.listener, LISTENER, Interest::READABLE)?;
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    INBOX => {
                        while let Ok(payload) = self.inbox.try_recv() {
                            self.queue(&payload);
                        }
                    }
                    Token(slot) => self.on_readable(slot, event.is_read_closed(), &mut buffer)?,
                }
            }
            self.publish()?;
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((mut stream, _)) => {
                    let entry = self.connections.vacant_entry();
                    let slot = entry.key();
                    self.poll.registry().register(&mut stream, Token(slot), Interest::READABLE)?;
                    entry.insert(Connection { stream, kind: Kind::Request });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A read that did not fill the buffer has emptied the socket; the end of the stream needs one more.
    fn on_readable(&mut self, slot: usize, ended: bool, buffer: &mut [u8]) -> io::Result<()> {
        while let Some(connection) = self.connections.get_mut(slot) {
            if connection.kind != Kind::Subscriber {
                // The answer acknowledges the request.
                let _ = socket2::SockRef::from(&connection.stream).set_tcp_quickack(false);
            }
            match connection.stream.read(buffer) {
                Ok(0) => self.close(slot),
                Ok(count) => {
                    // What a subscriber says (pongs) is of no interest here.
                    if connection.kind != Kind::Subscriber {
                        self.on_bytes(slot, &buffer[..count])?;
                    }
                    if count < buffer.len() && !ended {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.close(slot),
            }
        }
        Ok(())
    }

    fn on_bytes(&mut self, slot: usize, bytes: &[u8]) -> io::Result<()> {
        let gathered = self.partial.remove(&slot).map(|mut start| {
            start.extend_from_slice(bytes);
            start
        });
        let mut input = gathered.as_deref().unwrap_or(bytes);
        let mut out = Vec::new();
        while !input.is_empty() {
            let connection = &mut self.connections[slot];
            match wire::parse_request(input) {
                Ok(Some(Request::Upgrade { key })) => {
                    wire::write_switch(key, &mut out);
                    connection.kind = Kind::Subscriber;
                    input = &[];
                }
                Ok(Some(Request::Poll { length })) => {
                    connection.kind = match connection.kind {
                        Kind::Owed => {
                            out.extend_from_slice(&self.answer);
                            Kind::Answered
                        }
                        _ => Kind::Parked,
                    };
                    input = &input[length..];
                }
                Ok(Some(Request::Publish { payload, length })) => {
                    for other in &self.others {
                        if other.sender.send(payload.to_vec()).is_ok() {
                            other.waker.wake()?;
                        }
                    }
                    self.queue(payload);
                    out.extend_from_slice(wire::PUBLISHED);
                    input = &input[length..];
                }
                Ok(None) => {
                    self.partial.insert(slot, input.to_vec());
                    break;
                }
                Err(_) => {
                    self.close(slot);
                    return Ok(());
                }
            }
        }
        // An answer that does not fit into an empty send buffer has met a peer that does not read: let it go.
        if !out.is_empty() && !matches!(self.connections[slot].stream.write(&out), Ok(n) if n == out.len()) {
            self.close(slot);
        }
        Ok(())
    }

    fn queue(&mut self, payload: &[u8]) {
        if !self.events.is_empty() {
            self.events.push(b',');
        }
        let start = self.events.len();
        wire::write_event(payload, &mut self.events);
        wire::write_frame(&self.events[start..], &mut self.frames);
    }

    /// One write to each listener with all that came in since the last one.
    fn publish(&mut self) -> io::Result<()> {
        if self.events.is_empty() {
            return Ok(());
        }
        let frames = std::mem::take(&mut self.frames);
        self.send(Kind::Subscriber, &frames)?;
        self.frames = frames;
        self.frames.clear();
        let mut answer = std::mem::take(&mut self.answer);
        answer.clear();
        wire::write_poll_answer(&self.events, &mut answer);
        self.send(Kind::Parked, &answer)?;
        self.answer = answer;
        self.events.clear();
        Ok(())
    }

    fn send(&mut self, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        self.sockets.clear();
        self.slots.clear();
        for (slot, connection) in &mut self.connections {
            if connection.kind == kind {
                self.sockets.push(connection.stream.as_raw_fd());
                self.slots.push(slot);
            }
            if kind == Kind::Parked {
                connection.kind = match connection.kind {
                    Kind::Parked => Kind::Answered,
                    Kind::Answered => Kind::Owed,
                    other => other,
                };
            }
        }
        let mut failed = Vec::new();
        self.fan.send(&self.sockets, bytes, &mut |index| failed.push(index))?;
        for index in failed {
            self.close(self.slots[index]);
        }
        Ok(())
    }

    fn close(&mut self, slot: usize) {
        self.connections.try_remove(slot);
        self.partial.remove(&slot);
    }
}
