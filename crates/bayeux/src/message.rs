//! A message as a client sends it.
//!
//! The fields of one request live here, each already of its type; how they are read from JSON is in `json`, what they
//! mean is in `session`. `data`, `ext` and `id` stay the raw JSON of the sender, so that nothing is lost on the way.

use serde_json::value::RawValue;

use crate::Millis;
use crate::code::Code;
use crate::timesync::TimeSync;

/// One message of a batch. A field that is absent, or `null` where `null` means nothing, is `None`.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Where the message goes, unchecked.
    pub channel: Option<Box<str>>,
    /// The sender's own number for the message: a JSON scalar, echoed exactly.
    pub id: Option<Box<RawValue>>,
    /// The session the sender claims to be.
    pub client_id: Option<Box<str>>,
    /// The payload; `Some` even for `null`.
    pub data: Option<Box<RawValue>>,
    /// Extension fields: a JSON object.
    pub ext: Option<Box<RawValue>>,
    /// What to subscribe to or unsubscribe from, unchecked.
    pub subscription: Option<Subscription>,
    /// The kind of wire of a connect.
    pub connection_type: Option<Box<str>>,
    /// The kinds of wire the sender of a handshake knows.
    pub supported_connection_types: Option<Vec<Box<str>>>,
    /// The protocol version of a handshake.
    pub version: Option<Box<str>>,
    /// What the client asks of the server for one connect.
    pub advice: RequestAdvice,
    /// The whole object; kept only for handshakes, where policies read the application's own fields.
    pub raw: Option<Box<RawValue>>,
    /// What the sender of a meta message says of its clock. Whoever takes the message says when it came: see
    /// [`TimeSync::on_arrival`].
    pub timesync: Option<Box<TimeSync>>,
    /// Why the message cannot be taken: a known field is of the wrong type. The other fields are then as far as known.
    pub invalid: Option<Code>,
}

/// One or several names, remembered in the shape they came in, because they are echoed in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscription {
    /// A single name.
    One(Box<str>),
    /// A list of names.
    Many(Vec<Box<str>>),
}

impl Subscription {
    /// All names.
    pub fn names(&self) -> &[Box<str>] {
        match self {
            Subscription::One(name) => std::slice::from_ref(name),
            Subscription::Many(names) => names,
        }
    }
}

/// What a client asks for one connect only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestAdvice {
    /// Hold the connect no longer than this, in milliseconds; 0 asks for an answer at once.
    pub timeout_ms: Option<Millis>,
    /// The client will stay away this long after the connect, in milliseconds.
    pub interval_ms: Option<Millis>,
}

impl RequestAdvice {
    /// Whether the client asked for nothing.
    pub fn is_empty(&self) -> bool {
        self.timeout_ms.is_none() && self.interval_ms.is_none()
    }
}
