//! One live wire.
//!
//! A connection that waits owns no buffer: input is read into its shard's buffer and only what is left
//! over is boxed, as is output the peer was too slow to take. What the bytes mean is decided in `shard`;
//! sessions outlive connections and are kept elsewhere.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bayeux::Millis;
use comet_wire::callback::Callback;
use comet_wire::http::{Body, HeadScanner};
use comet_wire::websocket::Decoder;
use mio::net::TcpStream;

use crate::delivery::Chunk;
use crate::frame::Frame;
use crate::key::SessionKey;
use crate::opening::Opening;
use crate::permit::Permit;
use crate::stream::{Form, Stream};
use crate::xml_socket::XmlSocket;

/// No entry in the batch of sends.
pub(crate) const NOT_QUEUED: u32 = u32::MAX;

/// One live wire of a shard.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) generation: u32,
    /// This connection's entry in the shard's batch of sends.
    pub(crate) queued: u32,
    pub(crate) address: SocketAddr,
    pub(crate) permit: Permit,
    pub(crate) protocol: Protocol,
    /// The session last served here; for a WebSocket or stream, the one that is attached.
    pub(crate) session: Option<SessionKey>,
    /// When to look at it next; 0 for never.
    pub(crate) deadline: Millis,
    /// When the wheel looks at it next; 0 for never.
    pub(crate) armed: Millis,
    /// The connection ends when its output has left.
    pub(crate) close_when_written: bool,
    /// The peer will send no more.
    pub(crate) half_closed: bool,
    /// It stands in the list of those whose socket may hold more than one turn reads.
    pub(crate) unread: bool,
    /// Input is left in the socket until the batch in progress is answered.
    pub(crate) read_paused: bool,
    /// The system was told to keep little of what the peer has no room for.
    pub(crate) tuned: bool,
    /// The output holds the reply to a connect: the session's clock starts when it has left.
    pub(crate) carries_connect: bool,
    /// What is rarely there.
    pub(crate) cold: Option<Box<Cold>>,
}

/// What the bytes of a connection are.
pub(crate) enum Protocol {
    /// HTTP/1.1, between requests or inside one.
    Http,
    /// HTTP/1.1 with a request whose answer is awaited: a held connect, or a batch that waits.
    Answering(Answering),
    /// HTTP/1.1 with an answer that goes on: what comes behind it waits.
    Streaming(Stream),
    /// A WebSocket of a session, or of none yet.
    WebSocket(WebSocket),
    /// A WebSocket that answers every message with itself.
    Echo(Decoder),
    /// An XMLSocket of a session, or of none yet.
    XmlSocket(Box<XmlSocket>),
    /// A player that may ask for the policy, and nothing else.
    Policy,
    /// Nothing is read any more; the last output is on its way.
    Closing,
}

/// How the request in progress is to be answered.
#[derive(Default)]
pub(crate) struct Answering {
    pub(crate) keep_alive: bool,
    /// What is not the plain case of a page of our own over long polling.
    pub(crate) special: Option<Box<Special>>,
}

/// The special parts of an answer.
#[derive(Default)]
pub(crate) struct Special {
    /// Callback polling: the function to call.
    pub(crate) callback: Option<Callback>,
    /// The allowed origin to name.
    pub(crate) origin: Option<Box<str>>,
    /// A browser cookie to set.
    pub(crate) cookie: Option<Box<str>>,
    /// The frame that the answer is.
    pub(crate) frame: Option<Frame>,
    /// Timed polling by GET: how many events the client has.
    pub(crate) polled: Option<u64>,
}

/// The state of a WebSocket between frames.
pub(crate) struct WebSocket {
    pub(crate) decoder: Decoder,
    /// Batches that wait for an answer from elsewhere.
    pub(crate) waiting: u16,
    /// One of them waits for a ruling: what comes after it must not overtake it.
    pub(crate) blocked: bool,
    /// Pings answered in the running second.
    pub(crate) pings: u16,
    pub(crate) ping_second: u32,
    /// The opening request: policies may want to see it at a handshake.
    pub(crate) opening: Opening,
}

impl WebSocket {
    /// One that is open and has said nothing yet.
    pub(crate) fn new(opening: Opening) -> WebSocket {
        WebSocket {
            decoder: Decoder::default(),
            waiting: 0,
            blocked: false,
            pings: 0,
            ping_second: 0,
            opening,
        }
    }
}

/// What a connection has only sometimes.
#[derive(Default)]
pub(crate) struct Cold {
    /// Read and not yet understood.
    pub(crate) input: Vec<u8>,
    /// How far a request head has been looked for in it.
    pub(crate) scanner: HeadScanner,
    /// A request whose body is still coming.
    pub(crate) request: Option<Box<PartialRequest>>,
    /// A message of a WebSocket for a session of another shard: it moves when what came before is answered.
    pub(crate) onward: Option<Box<Onward>>,
    /// Written and not yet taken by the kernel, with the bytes of the first chunk that are gone.
    pub(crate) output: VecDeque<Chunk>,
    pub(crate) output_sent: usize,
    pub(crate) output_bytes: usize,
    /// When output that has not moved ends the connection.
    pub(crate) stalled_until: Millis,
}

/// Where a WebSocket is to move, and the message it is to bring.
pub(crate) struct Onward {
    pub(crate) shard: usize,
    pub(crate) message: Vec<u8>,
}

/// A request whose body is still coming.
pub(crate) struct PartialRequest {
    pub(crate) head: Vec<u8>,
    pub(crate) decoder: Body,
    pub(crate) body: Vec<u8>,
    /// Bytes drawn from the shard's pool for bodies of strangers.
    pub(crate) pooled: usize,
    /// Body bytes at the last look at its rate.
    pub(crate) seen: usize,
}

impl Connection {
    /// The rarely used part, made when it is missing.
    pub(crate) fn cold_mut(&mut self) -> &mut Cold {
        self.cold.get_or_insert_default()
    }

    /// Gives the rarely used part back when it is empty.
    pub(crate) fn trim(&mut self) {
        if let Some(cold) = &self.cold
            && cold.input.is_empty()
            && cold.request.is_none()
            && cold.onward.is_none()
            && cold.output.is_empty()
        {
            self.cold = None;
        }
    }

    /// Takes what was written and not yet taken by the kernel.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        let Some(cold) = &mut self.cold else { return Vec::new() };
        let mut output = Vec::with_capacity(cold.output_bytes);
        cold.output.drain(..).for_each(|chunk| output.extend_from_slice(chunk.bytes()));
        output.drain(..cold.output_sent.min(output.len()));
        (cold.output_sent, cold.output_bytes) = (0, 0);
        output
    }

    /// Whether output waits for the peer to take it.
    pub(crate) fn is_stalled(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| !cold.output.is_empty())
    }

    /// When output that does not move ends the connection, if any waits for the peer.
    pub(crate) fn stalled_until(&self) -> Option<Millis> {
        self.cold.as_ref().filter(|cold| !cold.output.is_empty()).map(|cold| cold.stalled_until)
    }

    /// Whether bytes were read that nobody has looked at yet.
    pub(crate) fn has_input(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| !cold.input.is_empty())
    }

    /// Whether this WebSocket is to move.
    pub(crate) fn is_moving(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.onward.is_some())
    }

    /// Whether batches of this WebSocket wait for an answer from elsewhere.
    pub(crate) fn has_batches(&mut self) -> bool {
        self.socket_mut().is_some_and(|socket| socket.waiting > 0)
    }

    /// Whether this is a WebSocket or XMLSocket of any kind that has not ended.
    pub(crate) fn is_open_socket(&self) -> bool {
        matches!(self.protocol, Protocol::WebSocket(_) | Protocol::Echo(_) | Protocol::XmlSocket(_))
    }

    /// What wires have that carry batches both ways, if it is one.
    pub(crate) fn socket_mut(&mut self) -> Option<&mut WebSocket> {
        match &mut self.protocol {
            Protocol::WebSocket(socket) => Some(socket),
            Protocol::XmlSocket(socket) => Some(&mut socket.link),
            _ => None,
        }
    }

    /// The request that opened it, if it is such a wire.
    pub(crate) fn opening(&self) -> Option<&Opening> {
        match &self.protocol {
            Protocol::WebSocket(socket) => Some(&socket.opening),
            Protocol::XmlSocket(socket) => Some(&socket.link.opening),
            _ => None,
        }
    }

    /// Whether it is an XMLSocket with messages in hand that have waited.
    pub(crate) fn has_text(&self) -> bool {
        matches!(&self.protocol, Protocol::XmlSocket(socket) if !socket.text.is_empty())
    }

    /// The form of what is pushed to it, if it is a wire that can be pushed to.
    pub(crate) fn form(&self) -> Option<Form> {
        match &self.protocol {
            Protocol::WebSocket(_) => Some(Form::WebSocket),
            Protocol::Streaming(stream) => Some(stream.form),
            Protocol::XmlSocket(socket) => Some(socket.form()),
            _ => None,
        }
    }

    /// Of the output that a peer has not taken only what has begun to leave still leaves: it could not understand another
    /// word in the middle of a frame.
    pub(crate) fn keep_what_has_begun(&mut self) {
        let Some(cold) = self.cold.as_mut().filter(|cold| !cold.output.is_empty()) else { return };
        cold.output.truncate(1);
        cold.output_bytes =
            cold.output.iter().map(|chunk| chunk.bytes().len()).sum::<usize>() - cold.output_sent;
    }
}

/// A connection on its way to the shard it belongs to.
pub(crate) struct Moved {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) address: SocketAddr,
    pub(crate) permit: Permit,
    pub(crate) half_closed: bool,
    /// Written and not yet taken by the kernel.
    pub(crate) output: Vec<u8>,
    pub(crate) freight: Freight,
}

/// What a moved connection brings along.
pub(crate) enum Freight {
    /// Bytes from the beginning of a request on.
    Unread(Vec<u8>),
    /// A request with its whole body, decoded, and what was read behind it.
    Request { head: Vec<u8>, body: Vec<u8>, unread: Vec<u8> },
    /// A WebSocket with its first message and what was read behind it.
    WebSocket { opening: Opening, message: Vec<u8>, unread: Vec<u8> },
    /// An XMLSocket with all that was read from it, from the beginning of a message on.
    XmlSocket { socket: Box<XmlSocket>, unread: Vec<u8> },
}
