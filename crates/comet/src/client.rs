//! A client as policies and services see it.
//!
//! It can be asked who it is, sent something, and sent away; its session stays with the engine, and using
//! a client whose session has ended does nothing.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bayeux::{BINARY_EXT, Binary, Channel, Code};
use comet_engine::{Handle, Identity, Who};
use serde::Serialize;

use crate::PublishError;

/// One client's session. Cheap to clone; two are equal when they are the same session.
///
/// ```
/// use comet::{Call, Channel, Refusal, Reply};
///
/// /// Answers now, and tells the caller alone once the work is done.
/// async fn place_order(call: Call) -> Result<Reply, Refusal> {
///     let done = Channel::parse("/service/orders/done").map_err(|error| Refusal::because(error.to_string()))?;
///     tokio::spawn(async move {
///         if !call.client.has_ended() && call.client.send(&done, "sent").is_err() {
///             call.client.disconnect();
///         }
///     });
///     Reply::json("accepted")
/// }
/// let builder = comet::Comet::builder().service("/service/orders", place_order);
/// ```
#[derive(Clone)]
pub struct Client {
    who: Arc<Who>,
    handle: Handle,
}

impl Client {
    pub(crate) fn new(who: Arc<Who>, handle: Handle) -> Client {
        Client { who, handle }
    }

    /// The id of the session. A secret between it and the server: never show it to other clients.
    pub fn id(&self) -> &str {
        &self.who.client_id
    }

    /// What others may know its session by: no secret, and the same as `ext.publisher.session` of the events it has
    /// published on channels with the option `identity`.
    pub fn public_id(&self) -> String {
        self.handle.public_id(&self.who)
    }

    /// Who it is, as the policy said.
    pub fn identity(&self) -> &Identity {
        &self.who.identity
    }

    /// Where its handshake came from.
    pub fn address(&self) -> SocketAddr {
        self.who.address
    }

    /// Whether its session has ended. A service that is about to remember the client asks this first: its end
    /// may have been told already, by `on_session_end`, while the call waited.
    pub fn has_ended(&self) -> bool {
        self.who.has_ended()
    }

    /// Sends something to this client alone, as an event on `channel`; nobody else gets it and it needs no
    /// subscription.
    ///
    /// # Errors
    /// [`PublishError::Data`] when the data cannot be written as JSON, [`PublishError::Refused`] with `data_too_large` when it is
    /// larger than the queue of a session.
    pub fn send<T: Serialize + ?Sized>(&self, channel: &Channel, data: &T) -> Result<(), PublishError> {
        let data = serde_json::value::to_raw_value(data).map_err(PublishError::Data)?;
        self.handle.deliver(&self.who, channel, &data).map_err(PublishError::Refused)
    }

    /// Sends bytes to this client alone like [`Client::send`], in the form of CometD's binary extension.
    ///
    /// # Errors
    /// [`PublishError::Refused`] with `data_too_large` when the data is larger than the queue of a session.
    pub fn send_binary(&self, channel: &Channel, data: &Binary) -> Result<(), PublishError> {
        let sent = self.handle.deliver_with(&self.who, channel, &data.encode(), Some(BINARY_EXT));
        sent.map_err(PublishError::Refused)
    }

    /// Ends its session; the client is told not to come back by itself.
    pub fn disconnect(&self) {
        self.handle.end_session(&self.who, Code::DisconnectedByServer);
    }
}

impl PartialEq for Client {
    fn eq(&self, other: &Client) -> bool {
        Arc::ptr_eq(&self.who, &other.who)
    }
}

impl Eq for Client {}

impl std::hash::Hash for Client {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.who.client_id.hash(state);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The id is a secret.
        f.debug_struct("Client").field("identity", &self.who.identity).finish_non_exhaustive()
    }
}
