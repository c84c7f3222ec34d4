//! The back ends' HTTP API: publishing without a session.
//!
//! One request a call, retried by nobody: whether to say a thing twice is the caller's decision.

use std::time::Duration;

use bayeux::{Channel, Kind};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::address::Address;
use crate::wire::{Caller, refused};
use crate::{Error, Position, Publication};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer.
const MOST_BYTES: usize = 4 << 20;

/// The HTTP API of one server: publishing without a session. Cheap to clone.
///
/// ```no_run
/// # async fn run() -> Result<(), comet_client::Error> {
/// use comet_client::Api;
///
/// let api = Api::new("http://127.0.0.1:8000", Some("the key of the API"))?;
/// let position = api.publish_once("/orders/981", "paid", "payment-4711").await?;
/// println!("published as number {}", position.offset);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Api {
    caller: Caller,
    address: Address,
}

impl Api {
    /// The API of the server at `http://host:port`, with a key if it wants one.
    ///
    /// # Errors
    /// [`Error::Address`] when that is no address.
    pub fn new(address: &str, key: Option<&str>) -> Result<Api, Error> {
        let authorization = key.map(|key| format!("Bearer {key}"));
        Ok(Api { caller: Caller::new(authorization, MOST_BYTES), address: Address::parse(address)? })
    }

    /// Publishes on a channel, and returns the place of the message there.
    ///
    /// # Errors
    /// [`Error::Name`] and [`Error::Data`] when there is nothing to publish, [`Error::Unreachable`] when nobody listens,
    /// [`Error::Refused`] when the server refuses. After [`Error::Lost`] and [`Error::TimedOut`] nobody knows.
    pub async fn publish<T: Serialize + ?Sized>(&self, channel: &str, data: &T) -> Result<Position, Error> {
        self.post(channel, data, Publication::new()).await
    }

    /// Publishes like [`Api::publish`], but once, however often it is called with the same `key` of 1 to 64
    /// bytes: as long as the server remembers the key, further calls return the place of the first.
    ///
    /// # Errors
    /// As [`Api::publish`]. After [`Error::Lost`] and [`Error::TimedOut`] the same call is safe to repeat.
    pub async fn publish_once<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        key: &str,
    ) -> Result<Position, Error> {
        self.post(channel, data, Publication::new().key(key)).await
    }

    /// Publishes like [`Api::publish`], with more to say about it. No session is the sender's, so that there is nothing an
    /// echo could be kept from.
    ///
    /// # Errors
    /// As [`Api::publish`]; after [`Error::Lost`] and [`Error::TimedOut`] the same call is safe to repeat if the publication has
    /// a key.
    pub async fn publish_with<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        publication: Publication,
    ) -> Result<Position, Error> {
        self.post(channel, data, publication).await
    }

    async fn post<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        publication: Publication,
    ) -> Result<Position, Error> {
        #[derive(Serialize)]
        struct Publish<'a> {
            channel: &'a str,
            data: &'a RawValue,
            #[serde(skip_serializing_if = "Option::is_none")]
            key: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            conflate: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            expires_ms: Option<u64>,
        }
        #[derive(Deserialize)]
        struct Answer {
            position: Position,
        }
        let wrong = |why: String| Error::Name { name: channel.into(), why };
        match Channel::parse(channel) {
            Ok(name) if name.kind() == Kind::Broadcast => {}
            Ok(_) => return Err(wrong("it is not a channel for everyone".into())),
            Err(error) => return Err(wrong(error.to_string())),
        }
        let unwritable = |error: serde_json::Error| Error::Data(error.to_string());
        let data = serde_json::value::to_raw_value(data).map_err(unwritable)?;
        let Publication { key, conflate, expires_ms, .. } = &publication;
        let publish = Publish {
            channel,
            data: &data,
            key: key.as_deref(),
            conflate: conflate.as_deref(),
            expires_ms: *expires_ms,
        };
        let body = serde_json::to_string(&publish).map_err(unwritable)?;
        let (status, answer) = self.caller.post(&self.address.at("/api/publish"), body, PATIENCE).await?;
        if status != StatusCode::OK {
            return Err(refused(status, &answer));
        }
        let answer: Answer =
            serde_json::from_slice(&answer).map_err(|error| Error::Protocol(error.to_string()))?;
        Ok(answer.position)
    }
}
