//! Who may.
//!
//! A [`Policy`] answers three questions, each of them before anything happens; it sees identities, channels
//! and the request, never sessions or sockets. An answer that is known at once costs no detour; one that has
//! to wait holds up only the client it concerns.

use bayeux::{Advice, Channel, Code, Pattern, Reconnect};
use comet_engine::{Denial, Identity, RequestInfo, Ruling};
use serde_json::value::RawValue;

use crate::Client;

/// Decides who may open a session, listen and publish.
///
/// The futures are first polled on a delivery thread: whatever takes time must await, never block. A question that is not
/// answered within 30 seconds, or whose answer panics, is answered with a refusal.
///
/// ```
/// use comet::{Channel, Client, Code, Denied, Handshake, Identity, Pattern, Policy, RawValue};
///
/// /// Lets in who knows the word; guests may listen, members may also publish.
/// struct Door;
///
/// impl Policy for Door {
///     async fn authenticate(&self, hello: &Handshake) -> Result<Identity, Denied> {
///         match hello.token().as_deref() {
///             None => Ok(Identity::default()),
///             Some("sesame") => Ok(Identity { subject: "member".into(), ..Identity::default() }),
///             Some(_) => Err(Denied::because("that is not the word").code(Code::TokenInvalid)),
///         }
///     }
///
///     async fn may_subscribe(&self, _: &Client, _: &Pattern) -> Result<(), Denied> {
///         Ok(())
///     }
///
///     async fn may_publish(&self, client: &Client, _: &Channel, _: &RawValue) -> Result<(), Denied> {
///         if client.identity().subject.is_empty() { Err(Denied::because("for members")) } else { Ok(()) }
///     }
/// }
///
/// let builder = comet::Comet::builder().policy(Door);
/// ```
pub trait Policy: Send + Sync + 'static {
    /// May this client open a session, and as whom? Refused with `handshake_denied` unless the refusal names another code.
    fn authenticate(&self, hello: &Handshake) -> impl Future<Output = Result<Identity, Denied>> + Send;

    /// May this client listen to a channel or pattern? A pattern covers every channel it matches. Refused with
    /// `subscribe_denied` unless the refusal names another code.
    fn may_subscribe(
        &self,
        client: &Client,
        pattern: &Pattern,
    ) -> impl Future<Output = Result<(), Denied>> + Send;

    /// May this client publish `data`, raw JSON, on a channel, or call a service with it? Refused with `publish_denied`
    /// unless the refusal names another code.
    fn may_publish(
        &self,
        client: &Client,
        channel: &Channel,
        data: &RawValue,
    ) -> impl Future<Output = Result<(), Denied>> + Send;
}

/// Lets everyone do everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl Policy for Open {
    async fn authenticate(&self, _: &Handshake) -> Result<Identity, Denied> {
        Ok(Identity::default())
    }

    async fn may_subscribe(&self, _: &Client, _: &Pattern) -> Result<(), Denied> {
        Ok(())
    }

    async fn may_publish(&self, _: &Client, _: &Channel, _: &RawValue) -> Result<(), Denied> {
        Ok(())
    }
}

/// A client's wish for a session.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The handshake message as it came: the application's own fields are in it.
    pub message: Box<RawValue>,
    /// The request that carried it.
    pub request: RequestInfo,
}

impl Handshake {
    /// The `ext.token` of the message, where our own client puts its credentials.
    pub fn token(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Message {
            ext: Option<Ext>,
        }
        #[derive(serde::Deserialize)]
        struct Ext {
            token: Option<String>,
        }
        serde_json::from_str::<Message>(self.message.get()).ok()?.ext?.token
    }
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct Denied {
    reason: String,
    code: Option<Code>,
    again: bool,
}

impl Denied {
    /// Refuses, with a few words for the client's developer.
    pub fn because(reason: impl Into<String>) -> Denied {
        Denied { reason: reason.into(), code: None, again: false }
    }

    /// Says so with another code than the question's own.
    #[must_use]
    pub fn code(mut self, code: Code) -> Denied {
        self.code = Some(code);
        self
    }

    /// Lets the client try a handshake again, for example with a fresh token.
    #[must_use]
    pub fn try_again(mut self) -> Denied {
        self.again = true;
        self
    }

    pub(crate) fn ruling(self, code: Code) -> Ruling {
        let code = self.code.unwrap_or(code);
        let advice = self.again.then_some(Advice {
            reconnect: Reconnect::Handshake,
            interval_ms: 1_000,
            timeout_ms: 0,
            max_interval_ms: None,
            multiple_clients: false,
        });
        Ruling::Deny(Denial { code, reason: self.reason, advice })
    }
}
