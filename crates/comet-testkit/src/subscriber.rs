//! Somebody who listens through trouble.
//!
//! A scenario knows subscribers only by the trait here: they come, say what they saw and were told, and
//! leave. Finding the way back after a fault is their own business; whether they did is the judge's.

mod client;
mod memory;
mod polled;
mod scripted;
mod session;
mod streamed;
mod timed;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;

use crate::{Note, Seed};

pub use client::ClientSubscriber;
pub use scripted::ScriptedSubscriber;

/// What a subscriber's messages travel on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// A WebSocket.
    WebSocket,
    /// Long polling by POST.
    LongPolling,
    /// Callback polling by GET.
    CallbackPolling,
    /// HTTP streaming: events down the answer to a connect.
    HttpStreaming,
    /// Server-sent events, opened with a ticket.
    EventSource,
    /// A multipart answer to the connect.
    Multipart,
    /// A persistent frame, opened with a ticket.
    Iframe,
    /// Timed polling by GET.
    Polling,
    /// An XMLSocket, in the frames of a WebSocket. It is there only where the server was told so.
    Flash,
    /// Another one every few connects, by the same session.
    Switching,
    /// A WebSocket and long polling in turns.
    WebSocketAndLongPolling,
    /// A WebSocket and callback polling in turns.
    WebSocketAndCallbackPolling,
    /// Long polling and callback polling in turns.
    LongAndCallbackPolling,
    /// HTTP streaming and a WebSocket in turns.
    HttpStreamingAndWebSocket,
    /// HTTP streaming and long polling in turns.
    HttpStreamingAndLongPolling,
    /// HTTP streaming and callback polling in turns.
    HttpStreamingAndCallbackPolling,
    /// Server-sent events and a WebSocket in turns.
    EventSourceAndWebSocket,
    /// Server-sent events and long polling in turns.
    EventSourceAndLongPolling,
    /// Server-sent events and HTTP streaming in turns.
    EventSourceAndHttpStreaming,
    /// A multipart answer and a WebSocket in turns.
    MultipartAndWebSocket,
    /// A multipart answer and long polling in turns.
    MultipartAndLongPolling,
    /// A persistent frame and a WebSocket in turns.
    IframeAndWebSocket,
    /// An XMLSocket and a WebSocket in turns.
    FlashAndWebSocket,
    /// Timed polling and a WebSocket in turns.
    PollingAndWebSocket,
    /// An XMLSocket and long polling in turns.
    FlashAndLongPolling,
}

impl Transport {
    /// Those that every server speaks.
    pub const ALL: [Transport; 22] = [
        Transport::WebSocket,
        Transport::LongPolling,
        Transport::CallbackPolling,
        Transport::HttpStreaming,
        Transport::EventSource,
        Transport::Multipart,
        Transport::Iframe,
        Transport::WebSocketAndLongPolling,
        Transport::WebSocketAndCallbackPolling,
        Transport::LongAndCallbackPolling,
        Transport::HttpStreamingAndWebSocket,
        Transport::HttpStreamingAndLongPolling,
        Transport::HttpStreamingAndCallbackPolling,
        Transport::EventSourceAndWebSocket,
        Transport::EventSourceAndLongPolling,
        Transport::EventSourceAndHttpStreaming,
        Transport::MultipartAndWebSocket,
        Transport::MultipartAndLongPolling,
        Transport::IframeAndWebSocket,
        Transport::Polling,
        Transport::PollingAndWebSocket,
        Transport::Switching,
    ];

    /// Those it is made of, in the order of their turns; a switching one takes any of its own.
    pub(crate) fn turns(self) -> &'static [Transport] {
        use Transport::{
            CallbackPolling, EventSource, Flash, HttpStreaming, Iframe, LongPolling, Multipart, Polling,
            WebSocket,
        };
        match self {
            WebSocket => &[WebSocket],
            LongPolling => &[LongPolling],
            CallbackPolling => &[CallbackPolling],
            HttpStreaming => &[HttpStreaming],
            EventSource => &[EventSource],
            Multipart => &[Multipart],
            Iframe => &[Iframe],
            Flash => &[Flash],
            Polling => &[Polling],
            Transport::PollingAndWebSocket => &[Polling, WebSocket],
            Transport::Switching => {
                &[WebSocket, HttpStreaming, EventSource, Multipart, Iframe, LongPolling, CallbackPolling]
            }
            Transport::WebSocketAndLongPolling => &[WebSocket, LongPolling],
            Transport::WebSocketAndCallbackPolling => &[WebSocket, CallbackPolling],
            Transport::LongAndCallbackPolling => &[LongPolling, CallbackPolling],
            Transport::HttpStreamingAndWebSocket => &[HttpStreaming, WebSocket],
            Transport::HttpStreamingAndLongPolling => &[HttpStreaming, LongPolling],
            Transport::HttpStreamingAndCallbackPolling => &[HttpStreaming, CallbackPolling],
            Transport::EventSourceAndWebSocket => &[EventSource, WebSocket],
            Transport::EventSourceAndLongPolling => &[EventSource, LongPolling],
            Transport::EventSourceAndHttpStreaming => &[EventSource, HttpStreaming],
            Transport::MultipartAndWebSocket => &[Multipart, WebSocket],
            Transport::MultipartAndLongPolling => &[Multipart, LongPolling],
            Transport::IframeAndWebSocket => &[Iframe, WebSocket],
            Transport::FlashAndWebSocket => &[Flash, WebSocket],
            Transport::FlashAndLongPolling => &[Flash, LongPolling],
        }
    }

    /// Whether events come down an answer that goes on.
    pub(crate) fn streams(self) -> bool {
        matches!(
            self,
            Transport::HttpStreaming | Transport::EventSource | Transport::Multipart | Transport::Iframe
        )
    }

    /// Its name, as flags and verdicts write it.
    pub fn name(self) -> &'static str {
        match self {
            Transport::WebSocket => "websocket",
            Transport::LongPolling => "long-polling",
            Transport::CallbackPolling => "callback-polling",
            Transport::Switching => "switching",
            Transport::WebSocketAndLongPolling => "websocket-long-polling",
            Transport::WebSocketAndCallbackPolling => "websocket-callback-polling",
            Transport::LongAndCallbackPolling => "long-callback-polling",
            Transport::HttpStreaming => "http-streaming",
            Transport::HttpStreamingAndWebSocket => "http-streaming-websocket",
            Transport::HttpStreamingAndLongPolling => "http-streaming-long-polling",
            Transport::HttpStreamingAndCallbackPolling => "http-streaming-callback-polling",
            Transport::EventSource => "eventsource",
            Transport::EventSourceAndWebSocket => "eventsource-websocket",
            Transport::EventSourceAndLongPolling => "eventsource-long-polling",
            Transport::EventSourceAndHttpStreaming => "eventsource-http-streaming",
            Transport::Multipart => "multipart",
            Transport::MultipartAndWebSocket => "multipart-websocket",
            Transport::MultipartAndLongPolling => "multipart-long-polling",
            Transport::Iframe => "iframe",
            Transport::IframeAndWebSocket => "iframe-websocket",
            Transport::Polling => "polling",
            Transport::PollingAndWebSocket => "polling-websocket",
            Transport::Flash => "flash",
            Transport::FlashAndWebSocket => "flash-websocket",
            Transport::FlashAndLongPolling => "flash-long-polling",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where a subscriber listens, and to what.
#[derive(Clone, Debug)]
pub struct Link {
    /// Which subscriber it is, from 0.
    pub number: usize,
    /// Where to connect to: a proxy's address.
    pub address: SocketAddr,
    /// What to travel on.
    pub transport: Transport,
    /// The channels to listen to. One pattern, [`Link::PATTERN`], names them all and no other.
    pub channels: Vec<String>,
    /// What the subscriber leaves to chance is decided by this seed.
    pub seed: Seed,
}

impl Link {
    /// The pattern that matches exactly the channels of a scenario.
    pub const PATTERN: &'static str = "/soak/*";
}

/// What a subscriber tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A note came.
    Saw {
        /// On this channel.
        channel: String,
        /// The note; data that is none is one of a publisher whose name is empty.
        note: Note,
    },
    /// Messages may be missing here.
    Gap {
        /// On this channel; `None` when it may be on any.
        channel: Option<String>,
    },
}

/// Somebody who listens to channels and finds the way back.
pub trait Subscriber: Sized + Send + 'static {
    /// Comes: begins a session and listens. When this returns, whatever is published from then on is to be
    /// seen.
    ///
    /// # Errors
    /// In words, when the first attempt fails; there is no trouble on the link yet.
    fn come(link: Link) -> impl Future<Output = Result<Self, String>> + Send;

    /// Waits for the next thing to tell, in the order in which it happened; `None` when the subscriber has
    /// given up for good. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Option<Told>> + Send;

    /// Ends the session; what is still under way is no longer asked for.
    fn leave(self) -> impl Future<Output = ()> + Send;
}

/// The note in the raw JSON of a publication.
fn note_of(data: &str) -> Note {
    let note = serde_json::from_str(data).ok().and_then(|data| Note::read(&data));
    note.unwrap_or_else(|| Note::new("", 0))
}
