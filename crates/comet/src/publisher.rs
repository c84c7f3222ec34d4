//! Publishing from the server's own code.
//!
//! A [`Publisher`] writes data as JSON and hands it to the channel's home; it needs no session and asks no
//! policy.

use bayeux::{Binary, Channel, Code, NameError};
use comet_engine::{Accepted, Handle, KEY_BYTES, PublishOptions};
use serde::Serialize;
use serde_json::value::RawValue;

/// Publishes on channels, without a session and without asking who may. Cheap to clone. See
/// [`Comet::publisher`](crate::Comet::publisher).
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use comet::{Comet, Durability, PublishOptions};
///
/// let comet = Comet::builder().listen(([127, 0, 0, 1], 0)).build()?;
/// let publisher = comet.publisher();
/// let accepted = publisher.publish("/orders/981", "paid").await?;
/// assert_eq!((accepted.position.offset, accepted.durability), (1, Durability::Memory));
///
/// // Once, however often it is said.
/// let first = publisher.publish_once("/orders/981", "sent", "parcel-7").await?;
/// let again = publisher.publish_once("/orders/981", "sent", "parcel-7").await?;
/// assert_eq!(first.position, again.position);
///
/// let options = PublishOptions { conflate: Some("gold".into()), expires_ms: Some(5_000), ..PublishOptions::default() };
/// publisher.publish_with("/ticker/metals", &2391.4, options).await?;
/// comet.drain().await;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Publisher {
    handle: Handle,
}

/// Why something was not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The name is no channel one can publish on.
    #[error("{0:?} is not a channel: {1}")]
    Name(String, NameError),
    /// The data cannot be written as JSON.
    #[error("the data cannot be written as JSON: {0}")]
    Data(serde_json::Error),
    /// A key has 1 to 64 bytes; the number is how many this one has.
    #[error("a key has 1 to 64 bytes, and this one has {0}")]
    Key(usize),
    /// A message that expires at once reaches nobody.
    #[error("a message has to live for a millisecond at least")]
    Expired,
    /// The server could not take it.
    #[error("the server refuses: {}", .0.name())]
    Refused(Code),
}

impl Publisher {
    pub(crate) fn new(handle: Handle) -> Publisher {
        Publisher { handle }
    }

    /// Publishes `data` on `channel` and returns its place there and how safe it is. On a durable channel it returns when
    /// the message is as safe as the channel promises.
    ///
    /// # Errors
    /// [`PublishError`] says why nothing was published.
    pub async fn publish<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
    ) -> Result<Accepted, PublishError> {
        self.publish_with(channel, data, PublishOptions::default()).await
    }

    /// Publishes bytes on `channel`, in the form of CometD's binary extension.
    ///
    /// # Errors
    /// [`PublishError`] says why nothing was published.
    pub async fn publish_binary(&self, channel: &str, data: &Binary) -> Result<Accepted, PublishError> {
        let options = PublishOptions { binary: true, ..PublishOptions::default() };
        self.publish_raw(channel, data.encode(), options).await
    }

    /// Publishes `data` on `channel` once, however often it is called with the same `key`: further calls return
    /// what was returned for the first, as long as the server remembers the key. For saying a thing again after a failure
    /// that leaves open whether it was said.
    ///
    /// # Errors
    /// [`PublishError`] says why nothing was published; [`PublishError::Key`], that the key has not 1 to 64
    /// bytes.
    pub async fn publish_once<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        key: &str,
    ) -> Result<Accepted, PublishError> {
        let key = Some(key.into());
        self.publish_with(channel, data, PublishOptions { key, ..PublishOptions::default() }).await
    }

    /// Publishes `data` on `channel` as the newest of its `key`: subscribers to whom messages of a channel come
    /// conflated get no older one of the same key after it, and may never see this one when a newer one comes
    /// before they have read it. To all others it is a message like any other.
    ///
    /// # Errors
    /// [`PublishError`] says why nothing was published; [`PublishError::Key`], that the key has not 1 to 64
    /// bytes.
    pub async fn publish_conflated<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        key: &str,
    ) -> Result<Accepted, PublishError> {
        let conflate = Some(key.into());
        self.publish_with(channel, data, PublishOptions { conflate, ..PublishOptions::default() }).await
    }

    /// Publishes `data` on `channel` as the options say: once by a key, for a limited time, in somebody's name.
    ///
    /// # Errors
    /// [`PublishError`] says why nothing was published.
    pub async fn publish_with<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        options: PublishOptions,
    ) -> Result<Accepted, PublishError> {
        self.publish_raw(channel, raw(data)?, options).await
    }

    /// Publishes what is written as JSON already.
    pub(crate) async fn publish_raw(
        &self,
        channel: &str,
        data: Box<RawValue>,
        options: PublishOptions,
    ) -> Result<Accepted, PublishError> {
        let (options, channel) = (checked(options)?, named(channel)?);
        self.handle.publish_with(channel, data, options).await.map_err(PublishError::Refused)
    }
}

pub(crate) fn checked(options: PublishOptions) -> Result<PublishOptions, PublishError> {
    let mut keys = options.key.iter().chain(&options.conflate).map(String::len);
    match keys.find(|length| !KEY_BYTES.contains(length)) {
        Some(length) => Err(PublishError::Key(length)),
        None if options.expires_ms == Some(0) => Err(PublishError::Expired),
        None => Ok(options),
    }
}

pub(crate) fn named(channel: &str) -> Result<Channel, PublishError> {
    let parsed = Channel::parse(channel).map_err(|error| PublishError::Name(channel.into(), error))?;
    match parsed.kind() {
        bayeux::Kind::Broadcast => Ok(parsed),
        _ => Err(PublishError::Name(channel.into(), NameError::Reserved)),
    }
}

pub(crate) fn raw<T: Serialize + ?Sized>(data: &T) -> Result<Box<RawValue>, PublishError> {
    serde_json::value::to_raw_value(data).map_err(PublishError::Data)
}
