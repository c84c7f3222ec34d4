//! From one JSON object to one message.
//!
//! The names and types of the fields a client may send are known here; unknown fields are passed over. The object
//! comes from `json` as text that is known to be valid JSON, and leaves as a [`Message`].

use std::fmt::{self, Formatter};

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::Millis;
use crate::code::Code;
use crate::error::Error;
use crate::message::{Message, RequestAdvice, Subscription};
use crate::meta;
use crate::timesync::TimeSync;

/// The longest id that is echoed, in bytes of JSON.
const MAX_ID_BYTES: usize = 256;

/// The known fields as raw JSON. Giving one twice is an error of the derived reader.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    client_id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    ext: Option<&'a RawValue>,
    #[serde(borrow)]
    subscription: Option<&'a RawValue>,
    #[serde(borrow)]
    connection_type: Option<&'a RawValue>,
    #[serde(borrow)]
    supported_connection_types: Option<&'a RawValue>,
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    #[serde(borrow)]
    advice: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct AdviceFields<'a> {
    #[serde(borrow)]
    timeout: Option<&'a RawValue>,
    #[serde(borrow)]
    interval: Option<&'a RawValue>,
}

/// One element of an array that is an object, for the derived reader takes arrays too.
struct Element<'a>(Fields<'a>);

impl<'de> Deserialize<'de> for Element<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Element<'de>, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Element<'de>;

            fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element<'de>, A::Error> {
                Fields::deserialize(MapAccessDeserializer::new(map)).map(Element)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Reads all elements of an array in one walk, as far as there is nothing to say about any of them. That is most of
/// what is ever sent; for the rest [`read`] has the reasons.
pub(super) fn read_all(text: &str) -> Option<Vec<Message>> {
    let elements: Vec<Element<'_>> = serde_json::from_str(text).ok()?;
    let messages: Vec<Message> = elements.into_iter().map(|Element(fields)| message(fields)).collect();
    let handshake = |message: &Message| message.channel.as_deref() == Some(meta::HANDSHAKE);
    // A handshake is kept as it was sent.
    (!messages.is_empty() && !messages.iter().any(handshake)).then_some(messages)
}

/// Reads one element of a batch.
pub(super) fn read(element: &RawValue) -> Result<Message, Error> {
    if !is_object(element) {
        return Err(Error::new(Code::MessageInvalid, "a message is an object"));
    }
    let fields = serde_json::from_str(element.get())
        .map_err(|_| Error::new(Code::MessageInvalid, "a field is given twice"))?;
    let mut message = message(fields);
    if message.channel.as_deref() == Some(meta::HANDSHAKE) {
        message.raw = Some(element.to_owned());
    }
    Ok(message)
}

/// Looks at the types of the fields.
fn message(fields: Fields<'_>) -> Message {
    let mut wrong = false;
    let mut message = Message {
        channel: typed(fields.channel, &mut wrong),
        id: checked(fields.id, is_id, &mut wrong),
        client_id: typed(fields.client_id, &mut wrong),
        data: fields.data.map(ToOwned::to_owned),
        ext: checked(fields.ext, is_object, &mut wrong),
        subscription: subscription(fields.subscription, &mut wrong),
        connection_type: typed(fields.connection_type, &mut wrong),
        supported_connection_types: typed(fields.supported_connection_types, &mut wrong),
        version: version(fields.version, &mut wrong),
        advice: advice(fields.advice, &mut wrong),
        raw: None,
        timesync: None,
        invalid: None,
    };
    if message.channel.as_deref().is_some_and(|channel| channel.starts_with("/meta/")) {
        message.timesync = TimeSync::read(message.ext.as_deref());
    }
    message.invalid = wrong.then_some(Code::MessageInvalid);
    message
}

/// Keeps `null` as a value: it is data, and it is an id.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn typed<T: DeserializeOwned>(raw: Option<&RawValue>, wrong: &mut bool) -> Option<T> {
    let value = serde_json::from_str(raw?.get()).ok();
    *wrong |= value.is_none();
    value
}

fn checked(
    raw: Option<&RawValue>,
    accept: impl Fn(&RawValue) -> bool,
    wrong: &mut bool,
) -> Option<Box<RawValue>> {
    let raw = raw?;
    let good = accept(raw);
    *wrong |= !good;
    good.then(|| raw.to_owned())
}

fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

fn is_id(raw: &RawValue) -> bool {
    raw.get().len() <= MAX_ID_BYTES && !raw.get().starts_with(['{', '['])
}

fn subscription(raw: Option<&RawValue>, wrong: &mut bool) -> Option<Subscription> {
    if raw?.get().starts_with('[') {
        typed(raw, wrong).map(Subscription::Many)
    } else {
        typed(raw, wrong).map(Subscription::One)
    }
}

/// Some clients send the version as a number.
fn version(raw: Option<&RawValue>, wrong: &mut bool) -> Option<Box<str>> {
    let text = raw?.get();
    if text.starts_with(|first: char| first.is_ascii_digit()) { Some(text.into()) } else { typed(raw, wrong) }
}

fn advice(raw: Option<&RawValue>, wrong: &mut bool) -> RequestAdvice {
    let Some(raw) = raw else {
        return RequestAdvice::default();
    };
    match serde_json::from_str::<AdviceFields<'_>>(raw.get()) {
        Ok(fields) if is_object(raw) => {
            RequestAdvice { timeout_ms: millis(fields.timeout), interval_ms: millis(fields.interval) }
        }
        _ => {
            *wrong = true;
            RequestAdvice::default()
        }
    }
}

/// A span of time; what is no number or negative asks for nothing.
fn millis(raw: Option<&RawValue>) -> Option<Millis> {
    let value: f64 = serde_json::from_str(raw?.get()).ok()?;
    // The cast saturates, and spans are capped where they are used.
    (value >= 0.0).then_some(value as Millis)
}
