//! Publishing from the server's own code.
//!
//! A [`Publisher`] writes data as JSON and hands it to the channel's home; it needs no session and asks no
//! policy.

use bayeux::{Channel, Code, NameError};
use comet_engine::{Handle, Position};
use serde::Serialize;
use serde_json::value::RawValue;

/// Publishes on channels. Cheap to clone.
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
    /// The server could not take it.
    #[error("the server refuses: {}", .0.name())]
    Refused(Code),
}

impl Publisher {
    pub(crate) fn new(handle: Handle) -> Publisher {
        Publisher { handle }
    }

    /// Publishes `data` on `channel` and returns its place there.
    ///
    /// # Errors
    /// [`PublishError`] says why nothing was published.
    pub async fn publish<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
    ) -> Result<Position, PublishError> {
        let data = serde_json::value::to_raw_value(data).map_err(PublishError::Data)?;
        self.publish_raw(channel, data).await
    }

    /// Publishes what is written as JSON already.
    pub(crate) async fn publish_raw(
        &self,
        channel: &str,
        data: Box<RawValue>,
    ) -> Result<Position, PublishError> {
        let name = |error| PublishError::Name(channel.into(), error);
        let channel = Channel::parse(channel).map_err(name)?;
        if channel.kind() != bayeux::Kind::Broadcast {
            return Err(PublishError::Name(channel.as_str().into(), NameError::Reserved));
        }
        self.handle.publish(channel, data).await.map_err(PublishError::Refused)
    }
}
