//! Services: server-side handlers of `/service/**` channels.
//!
//! A message on a service channel goes to its handler and to nobody else. The handler runs on the control
//! runtime, beside the delivery path, and its answer goes back to the caller alone.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bayeux::{BINARY_EXT, Binary, Channel, Code, Error, Pattern};
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::Client;

/// How long a service may take before its caller is told that it failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message on a service channel.
#[derive(Debug)]
pub struct Call {
    /// Who sent it.
    pub client: Client,
    /// The service channel it was sent on.
    pub channel: Channel,
    /// The data, raw JSON.
    pub data: Box<RawValue>,
    /// Extension fields of the message: a JSON object.
    pub ext: Option<Box<RawValue>>,
}

impl Call {
    /// Reads the data as a `T`.
    ///
    /// # Errors
    /// A refusal with the code `message_invalid` that says what does not fit.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_str(self.data.get())
            .map_err(|error| Refusal::new(Code::MessageInvalid, error.to_string()))
    }

    /// Whether the sender says that the data is binary: see [`Call::binary`].
    pub fn is_binary(&self) -> bool {
        Binary::is_said_by(self.ext.as_deref())
    }

    /// Reads the data as bytes, as CometD's binary extension sends them.
    ///
    /// # Errors
    /// A refusal with the code `message_invalid` when the data has not that form.
    pub fn binary(&self) -> Result<Binary, Refusal> {
        Binary::decode(&self.data).map_err(|error| Refusal::new(error.code, error.args()))
    }
}

/// What a service answers: data, or nothing but the acknowledgement.
#[derive(Clone, Debug)]
pub struct Reply {
    data: Option<Box<RawValue>>,
    ext: Option<&'static str>,
}

impl Reply {
    /// Answers with data.
    ///
    /// # Errors
    /// A refusal with the code `service_failed` when the data cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(data: &T) -> Result<Reply, Refusal> {
        let data = serde_json::value::to_raw_value(data)
            .map_err(|error| Refusal::new(Code::ServiceFailed, error.to_string()))?;
        Ok(Reply::raw(data))
    }

    /// Answers with JSON that is written already.
    pub fn raw(data: Box<RawValue>) -> Reply {
        Reply { data: Some(data), ext: None }
    }

    /// Answers with bytes, for clients with CometD's binary extension.
    pub fn binary(data: &Binary) -> Reply {
        Reply { data: Some(data.encode()), ext: Some(BINARY_EXT) }
    }

    /// Answers nothing: the sender gets only the acknowledgement of its message.
    pub fn none() -> Reply {
        Reply { data: None, ext: None }
    }
}

/// A service's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code of the table.
    pub code: Code,
    /// Words for the caller.
    pub reason: String,
}

impl Refusal {
    /// Refuses with a code and a reason.
    pub fn new(code: Code, reason: impl Into<String>) -> Refusal {
        Refusal { code, reason: reason.into() }
    }

    /// Refuses because the application's own rules say so.
    pub fn because(reason: impl Into<String>) -> Refusal {
        Refusal::new(Code::ServiceRefused, reason)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.reason)
    }
}

impl std::error::Error for Refusal {}

/// What a service has answered, with the ext of the answer.
type Answer = (Result<Box<RawValue>, Error>, Option<&'static str>);
type Answering = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send>>;
type Handler = Arc<dyn Fn(Call) -> Answering + Send + Sync>;

/// The services of one server, each under its channel or pattern.
#[derive(Clone, Default)]
pub(crate) struct Services {
    handlers: Vec<(Pattern, Handler)>,
}

impl Services {
    pub(crate) fn add<H, F>(&mut self, pattern: Pattern, handler: H)
    where
        H: Fn(Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Refusal>> + Send + 'static,
    {
        self.handlers.push((pattern, Arc::new(move |call| Box::pin(handler(call)))));
    }

    pub(crate) fn serves(&self, channel: &Channel) -> bool {
        self.handlers.iter().any(|(pattern, _)| pattern.matches(channel))
    }

    /// Runs the handler of the call's channel; the answer and its ext, or `None` for none.
    pub(crate) async fn run(&self, call: Call) -> Option<Answer> {
        let (_, handler) = self.handlers.iter().find(|(pattern, _)| pattern.matches(&call.channel))?;
        // The handler is called inside, so that a panic before its future is there counts like one after.
        let answering = AssertUnwindSafe(async { handler(call).await }).catch_unwind();
        let error = match tokio::time::timeout(PATIENCE, answering).await {
            Ok(Ok(Ok(Reply { data, ext }))) => return data.map(|data| (Ok(data), ext)),
            Ok(Ok(Err(refusal))) => Error::new(refusal.code, &refusal.reason),
            Ok(Err(_)) => {
                tracing::error!("a service panicked");
                Error::new(Code::ServiceFailed, "")
            }
            Err(_) => Error::new(Code::ServiceTimeout, ""),
        };
        Some((Err(error), None))
    }
}
