//! The answer to one message.
//!
//! The fields of replies and their JSON form live here; what a reply says is decided in `session` and by the policy.
//! A reply never carries `data`: that is how clients tell replies from events.

mod ext;

use serde_json::value::RawValue;

use crate::Millis;
use crate::advice::Advice;
use crate::connection_type::ConnectionType;
use crate::date;
use crate::error::Error;
use crate::json::write::Object;
use crate::message::{Message, Subscription};
use crate::meta;
use crate::timesync::TimeSync;

pub use ext::ReplyExt;

/// The answer to one message.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The channel of the message; left out when the message had none.
    pub channel: Option<Box<str>>,
    /// The id of the message, exactly as it came.
    pub id: Option<Box<RawValue>>,
    /// Whether the message was accepted.
    pub outcome: Result<(), Error>,
    /// The id of a new session; only in successful handshake replies.
    pub client_id: Option<Box<str>>,
    /// What was subscribed to or unsubscribed from, in the shape it came in.
    pub subscription: Option<Subscription>,
    /// What the client does next.
    pub advice: Option<Advice>,
    /// In handshake replies the kinds of wire we speak; adds `version` and `minimumVersion`.
    pub supported: Option<Box<[ConnectionType]>>,
    /// Extension fields.
    pub ext: ReplyExt,
    /// What the client wants to know of the clocks: see [`Reply::on_leaving`].
    pub timesync: Option<Box<TimeSync>>,
    /// When the reply leaves, in unix milliseconds, for clients that want to be told.
    pub timestamp_ms: Option<u64>,
}

impl Reply {
    /// The message is accepted.
    pub fn accept(message: &Message) -> Reply {
        // Elsewhere a stray subscription is not echoed: clients tell replies apart by it.
        let names = matches!(message.channel.as_deref(), Some(meta::SUBSCRIBE | meta::UNSUBSCRIBE));
        Reply {
            channel: message.channel.clone(),
            id: message.id.clone(),
            outcome: Ok(()),
            client_id: None,
            subscription: if names { message.subscription.clone() } else { None },
            advice: None,
            supported: None,
            ext: ReplyExt::default(),
            timesync: message.timesync.clone(),
            timestamp_ms: None,
        }
    }

    /// The message is refused, without advice. Handshakes and connects need it: see [`crate::Settings::refuse`].
    pub fn refuse(message: &Message, error: impl Into<Error>) -> Reply {
        Reply { outcome: Err(error.into()), ..Reply::accept(message) }
    }

    /// Tells a client, unasked, that its session has ended.
    pub fn farewell(advice: Advice) -> Reply {
        let message = Message { channel: Some(meta::DISCONNECT.into()), ..Message::default() };
        Reply::accept(&message).with_advice(advice)
    }

    /// Turns an acceptance into a refusal. What the acceptance would have said in its extension fields goes.
    pub fn deny(mut self, error: impl Into<Error>) -> Reply {
        self.outcome = Err(error.into());
        self.client_id = None;
        self.ext = ReplyExt::default();
        self
    }

    /// Adds advice.
    pub fn with_advice(mut self, advice: Advice) -> Reply {
        self.advice = Some(advice);
        self
    }

    /// The reply leaves at the monotonic time `now`, which is `unix_ms` on the wall: what it says of clocks is said.
    /// `timestamps` says whether it carries the time as well.
    pub fn on_leaving(&mut self, now: Millis, unix_ms: u64, timestamps: bool) {
        if let Some(answer) = self.timesync.take().and_then(|timesync| timesync.answer(now, unix_ms)) {
            self.ext.raw("timesync", &answer);
        }
        self.timestamp_ms = timestamps.then_some(unix_ms);
    }

    /// Whether the message was accepted.
    pub fn is_successful(&self) -> bool {
        self.outcome.is_ok()
    }

    /// Writes the reply as one JSON object.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        if let Some(channel) = &self.channel {
            object.text("channel", channel);
        }
        if let Some(id) = &self.id {
            object.raw("id", id.get());
        }
        object.truth("successful", self.outcome.is_ok());
        if let Err(error) = &self.outcome {
            object.text("error", &error.to_string());
        }
        if let Some(client_id) = &self.client_id {
            object.text("clientId", client_id);
        }
        if let Some(supported) = &self.supported {
            object.text("version", "1.0");
            object.text("minimumVersion", "1.0");
            object.texts("supportedConnectionTypes", supported.iter().map(|kind| kind.name()));
        }
        match &self.subscription {
            Some(Subscription::One(name)) => object.text("subscription", name),
            Some(Subscription::Many(names)) => object.texts("subscription", names.iter().map(|name| &**name)),
            None => {}
        }
        if let Some(advice) = &self.advice {
            advice.write(object.key("advice"));
        }
        if !self.ext.is_empty() {
            self.ext.write(object.key("ext"));
        }
        if let Some(unix_ms) = self.timestamp_ms {
            object.text("timestamp", &date::rfc_1123(unix_ms));
        }
        object.close();
    }
}
