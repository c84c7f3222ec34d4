//! Messages that are for others: subscribers or a service.
//!
//! What a publisher asks of the server is told apart here from what travels on; who may publish is asked by the caller,
//! and what a key means is known at the home of the channel. A message comes in and a step goes out.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::step::Step;
use crate::channel::Channel;
use crate::code::Code;
use crate::error::Error;
use crate::json::write::Object;
use crate::message::Message;
use crate::name::Kind;
use crate::reply::Reply;

/// The longest key of a publication, of either kind, in bytes.
const MAX_KEY_BYTES: usize = 64;

/// A message that is for others.
pub(super) fn on_publish(mut message: Message, channel: Channel) -> Step {
    let Some(data) = message.data.take() else {
        return Step::Reply(Reply::refuse(&message, Code::DataMissing));
    };
    let reply = Reply::accept(&message);
    let ext = message.ext.take();
    match channel.kind() {
        Kind::Broadcast => match Wish::read(ext) {
            Ok(Wish { key, conflate, echo, expires_ms, receipt, ext }) => {
                Step::Publish { channel, data, ext, key, conflate, echo, expires_ms, receipt, reply }
            }
            Err(error) => Step::Reply(reply.deny(error)),
        },
        Kind::Service => Step::Call { channel, data, ext, id: message.id, reply },
        // The meta channels were answered before; nothing under `/meta/` is ever published.
        Kind::Meta => Step::Reply(reply.deny(Code::MetaUnknown)),
    }
}

/// The `ext` of a publication: what the publisher asks of the server, and what travels on.
struct Wish {
    key: Option<Box<str>>,
    conflate: Option<Box<str>>,
    echo: bool,
    expires_ms: Option<u64>,
    receipt: bool,
    ext: Option<Box<RawValue>>,
}

impl Wish {
    fn read(ext: Option<Box<RawValue>>) -> Result<Wish, Error> {
        let nothing =
            |ext| Wish { key: None, conflate: None, echo: true, expires_ms: None, receipt: false, ext };
        let Some(raw) = &ext else { return Ok(nothing(ext)) };
        let fields: Fields<'_> =
            serde_json::from_str(raw.get()).map_err(|_| invalid("ext gives a field twice"))?;
        let key = fields.key.map_or(Ok(None), |key| read_key("key", key))?;
        let conflate = fields.conflate.map_or(Ok(None), |key| read_key("conflate", key))?;
        let echo = fields.echo.map_or(Ok(None), |echo| read_truth("echo", echo))?.unwrap_or(true);
        let receipt = fields.receipt.map_or(Ok(None), |wish| read_truth("receipt", wish))?.unwrap_or(false);
        let expires_ms = fields.expires_ms.map_or(Ok(None), read_age)?;
        let ext = if fields.own == 0 {
            ext
        } else if fields.travelling.is_empty() {
            None
        } else {
            Some(object_of(&fields.travelling))
        };
        Ok(Wish { key, conflate, echo, expires_ms, receipt, ext })
    }
}

fn read_key(field: &str, key: &RawValue) -> Result<Option<Box<str>>, Error> {
    let invalid = |fault: &str| invalid(&format!("ext.{field} {fault}"));
    let key: Option<Box<str>> = serde_json::from_str(key.get()).map_err(|_| invalid("is no text"))?;
    match &key {
        Some(text) if text.is_empty() => Err(invalid("is empty")),
        Some(text) if text.len() > MAX_KEY_BYTES => Err(invalid("is longer than 64 bytes")),
        _ => Ok(key),
    }
}

fn read_truth(field: &str, value: &RawValue) -> Result<Option<bool>, Error> {
    serde_json::from_str(value.get()).map_err(|_| invalid(&format!("ext.{field} is neither true nor false")))
}

fn read_age(age: &RawValue) -> Result<Option<u64>, Error> {
    match serde_json::from_str(age.get()) {
        Ok(None) => Ok(None),
        Ok(Some(age_ms)) if age_ms > 0 => Ok(Some(age_ms)),
        _ => Err(invalid("ext.expires_ms is no number of milliseconds above 0")),
    }
}

fn invalid(reason: &str) -> Error {
    Error::new(Code::MessageInvalid, reason)
}

fn object_of(fields: &[(String, &RawValue)]) -> Box<RawValue> {
    let mut out = Vec::new();
    let mut object = Object::open(&mut out);
    fields.iter().for_each(|(name, value)| object.raw(name, value.get()));
    object.close();
    let text = String::from_utf8(out).expect("fields of text make text");
    RawValue::from_string(text).expect("fields of JSON make an object")
}

/// The fields of an `ext`: those that mean something to the server, and all others in their order.
#[derive(Default)]
struct Fields<'a> {
    key: Option<&'a RawValue>,
    conflate: Option<&'a RawValue>,
    echo: Option<&'a RawValue>,
    expires_ms: Option<&'a RawValue>,
    receipt: Option<&'a RawValue>,
    /// How many of them do not travel.
    own: usize,
    travelling: Vec<(String, &'a RawValue)>,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'de>, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object that gives no control field twice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        let (mut position, mut publisher) = (false, false);
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            let twice = match name.as_str() {
                "key" => fields.key.replace(value).is_some(),
                "conflate" => fields.conflate.replace(value).is_some(),
                "echo" => fields.echo.replace(value).is_some(),
                "expires_ms" => fields.expires_ms.replace(value).is_some(),
                "receipt" => fields.receipt.replace(value).is_some(),
                // The server's own word: the home of the channel says where a publication stands.
                "position" => std::mem::replace(&mut position, true),
                // So is who published it.
                "publisher" => std::mem::replace(&mut publisher, true),
                _ => {
                    fields.travelling.push((name, value));
                    continue;
                }
            };
            if twice {
                return Err(serde::de::Error::custom("given twice"));
            }
            fields.own += 1;
        }
        Ok(fields)
    }
}
