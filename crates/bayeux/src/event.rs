//! What subscribers and callers receive: events.
//!
//! The JSON of events and of service answers is written here; who receives them is not known here. The channel, the raw
//! data and the raw ext of a publication come in, and bytes that all its subscribers share go out.

use serde_json::value::RawValue;

use crate::error::Error;
use crate::json::write::Object;

/// Writes `{"channel":..,"data":..[,"ext":..]}`: the one form all subscribers share. It carries neither the clientId
/// nor the id of the publisher: the one is a secret, the other would collide with the ids of the receivers.
pub fn write_event(channel: &str, data: &str, ext: Option<&str>, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    object.text("channel", channel);
    object.raw("data", data);
    if let Some(ext) = ext {
        object.raw("ext", ext);
    }
    object.close();
}

/// Writes the answer to a service call: an event on the channel of the call, with the id of the call and `successful`.
pub fn write_answer(
    channel: &str,
    id: Option<&RawValue>,
    successful: bool,
    data: &str,
    error: Option<&Error>,
    out: &mut Vec<u8>,
) {
    let mut object = Object::open(out);
    object.text("channel", channel);
    if let Some(id) = id {
        object.raw("id", id.get());
    }
    object.truth("successful", successful);
    if let Some(error) = error {
        object.text("error", &error.to_string());
    }
    object.raw("data", data);
    object.close();
}
