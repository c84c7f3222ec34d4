//! What the session has to know about the batch a message came in.
//!
//! Facts the caller sees and the session does not live here: the wire, the neighbours in the batch, the subscriptions.
//! They come with every message and are not kept.

use std::fmt;

/// The kind of wire a batch came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// A request that has one response.
    Http {
        /// Responses can overtake each other, so events leave only with connect replies (callback polling).
        connect_only: bool,
    },
    /// A wire that carries frames both ways: WebSocket, WebTransport, XMLSocket.
    WebSocket,
}

/// The circumstances of one message.
#[derive(Clone, Copy)]
pub struct BatchContext<'a> {
    /// The wire.
    pub carrier: Carrier,
    /// The message is the only one of its batch.
    pub lone: bool,
    /// Another session of the same browser holds a poll on HTTP/1.1 now.
    pub other_polls_of_browser: bool,
    /// How many subscriptions the session has.
    pub subscriptions: usize,
    /// Whether the session already has the subscription of this name; subscribing to it again is free.
    pub is_subscribed: &'a dyn Fn(&str) -> bool,
}

impl fmt::Debug for BatchContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchContext")
            .field("carrier", &self.carrier)
            .field("lone", &self.lone)
            .field("other_polls_of_browser", &self.other_polls_of_browser)
            .field("subscriptions", &self.subscriptions)
            .finish_non_exhaustive()
    }
}
