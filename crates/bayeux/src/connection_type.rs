//! The kinds of wire by their protocol names.
//!
//! Here stands what each kind means for delivery, and nothing about its bytes. The names come in with handshakes and
//! connects and go out in handshake replies.

use std::fmt;

/// A kind of wire, named as in `connectionType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionType {
    /// `websocket`
    WebSocket,
    /// `webtransport`
    WebTransport,
    /// `eventsource`: server-sent events down, POST up
    EventSource,
    /// `http-streaming`: newline-delimited JSON down, POST up
    HttpStreaming,
    /// `multipart`: multipart/x-mixed-replace down, POST up
    Multipart,
    /// `iframe`: the persistent frame down, POST up
    Iframe,
    /// `flash`: an XMLSocket, both ways
    Flash,
    /// `long-polling`
    LongPolling,
    /// `cross-origin-long-polling`: Faye's form-encoded long polling
    CrossOriginLongPolling,
    /// `callback-polling`: JSONP
    CallbackPolling,
    /// `polling`: plain timed polling
    Polling,
}

impl ConnectionType {
    /// All kinds, the most wanted first.
    pub const ALL: [ConnectionType; 11] = [
        ConnectionType::WebSocket,
        ConnectionType::WebTransport,
        ConnectionType::EventSource,
        ConnectionType::HttpStreaming,
        ConnectionType::Multipart,
        ConnectionType::Iframe,
        ConnectionType::Flash,
        ConnectionType::LongPolling,
        ConnectionType::CrossOriginLongPolling,
        ConnectionType::CallbackPolling,
        ConnectionType::Polling,
    ];

    /// Finds a kind by its protocol name.
    pub fn parse(name: &str) -> Option<ConnectionType> {
        ConnectionType::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The protocol name.
    pub fn name(self) -> &'static str {
        match self {
            ConnectionType::WebSocket => "websocket",
            ConnectionType::WebTransport => "webtransport",
            ConnectionType::EventSource => "eventsource",
            ConnectionType::HttpStreaming => "http-streaming",
            ConnectionType::Multipart => "multipart",
            ConnectionType::Iframe => "iframe",
            ConnectionType::Flash => "flash",
            ConnectionType::LongPolling => "long-polling",
            ConnectionType::CrossOriginLongPolling => "cross-origin-long-polling",
            ConnectionType::CallbackPolling => "callback-polling",
            ConnectionType::Polling => "polling",
        }
    }

    /// Whether the server can send events at any time.
    pub fn pushes(self) -> bool {
        !self.polls()
    }

    /// Whether events leave only with the answers to requests.
    pub fn polls(self) -> bool {
        matches!(
            self,
            ConnectionType::LongPolling
                | ConnectionType::CrossOriginLongPolling
                | ConnectionType::CallbackPolling
                | ConnectionType::Polling
        )
    }

    /// Whether events leave only with connect replies, because answers of this kind can overtake each other.
    pub fn connect_only(self) -> bool {
        self == ConnectionType::CallbackPolling
    }

    /// Whether the answer to a connect goes on and is that wire; what else flows one way is opened by another request.
    pub fn streams(self) -> bool {
        matches!(self, ConnectionType::HttpStreaming | ConnectionType::Multipart)
    }

    /// Whether events flow down one wire while requests come up on others.
    pub fn one_way(self) -> bool {
        matches!(
            self,
            ConnectionType::EventSource
                | ConnectionType::HttpStreaming
                | ConnectionType::Multipart
                | ConnectionType::Iframe
        )
    }
}

impl fmt::Display for ConnectionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
