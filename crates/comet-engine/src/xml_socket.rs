//! The state of an XMLSocket between messages.
//!
//! The stream is plain TCP, or comes in the binary frames of a WebSocket; from there on the two are one. What it has in
//! common with a WebSocket is the same thing. Messages are cut by `comet-wire` and worked on in `shard/xml_socket.rs`.

use comet_wire::xml_socket::Scanner;

use crate::connection::WebSocket;
use crate::opening::Opening;
use crate::stream::Form;

/// An XMLSocket of a session, or of none yet.
pub(crate) struct XmlSocket {
    /// What it has in common with a WebSocket; the decoder is at work where frames carry the stream.
    pub(crate) link: WebSocket,
    /// The stream comes in frames of a WebSocket.
    pub(crate) framed: bool,
    pub(crate) scanner: Scanner,
    /// What came in frames and is not cut yet.
    pub(crate) text: Vec<u8>,
}

impl XmlSocket {
    /// One whose stream comes in frames of a WebSocket.
    pub(crate) fn framed(opening: Opening) -> XmlSocket {
        XmlSocket { link: WebSocket::new(opening), framed: true, ..XmlSocket::default() }
    }

    /// The form of what is pushed to it.
    pub(crate) fn form(&self) -> Form {
        if self.framed { Form::XmlSocketFrame } else { Form::XmlSocket }
    }
}

impl Default for XmlSocket {
    /// One over plain TCP, of which nothing is known but its address.
    fn default() -> XmlSocket {
        XmlSocket {
            link: WebSocket::new(Opening::default()),
            framed: false,
            scanner: Scanner::default(),
            text: Vec::new(),
        }
    }
}
