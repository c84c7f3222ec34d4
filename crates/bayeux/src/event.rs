//! What subscribers and callers receive: events.
//!
//! The JSON of events and of service answers is written here; who receives them is not known here. The channel, the raw
//! data and the raw ext of a publication come in, and bytes that all its subscribers share go out.

mod rendering;

use serde_json::value::RawValue;

use crate::error::Error;
use crate::json::member;
use crate::json::write::Object;
use crate::meta;

pub use rendering::Rendering;

/// The field of an event's ext that says where the event stands in its channel.
const POSITION: &str = "position";
/// The field of an event's ext that says who published it.
const PUBLISHER: &str = "publisher";

/// The channel of receipts. No client needs a subscription to it, and all clients can listen to it.
pub const RECEIPT: &str = "/service/receipt";

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

/// Writes an event that stands in a channel: `{"channel":..,"data":..,"ext":{..,["publisher":..,]"position":..}}`.
/// `write_position` writes the value of the position; `publisher` is raw JSON on who published it, where the server says
/// so. The other fields of the ext are the publisher's, byte for byte; a position or publisher of its own making is taken
/// out, however it is spelled and however often it is given.
pub fn write_numbered_event(
    channel: &str,
    data: &str,
    ext: Option<&str>,
    publisher: Option<&str>,
    write_position: impl FnOnce(&mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    let mut object = Object::open(out);
    object.text("channel", channel);
    object.raw("data", data);
    let out = object.key("ext");
    let mut separator = b'{';
    let own = |key: &str| member::spells(key, POSITION) || member::spells(key, PUBLISHER);
    for (_, member) in member::members(ext.unwrap_or_default()).filter(|(key, _)| !own(key)) {
        out.push(separator);
        out.extend_from_slice(member.as_bytes());
        separator = b',';
    }
    if let Some(publisher) = publisher {
        out.push(separator);
        out.extend_from_slice(b"\"publisher\":");
        out.extend_from_slice(publisher.as_bytes());
        separator = b',';
    }
    out.push(separator);
    out.extend_from_slice(b"\"position\":");
    write_position(out);
    out.push(b'}');
    object.close();
}

/// The raw data of an event that was written here.
pub fn data_of(event: &str) -> &str {
    let data = member::members(event).find(|(key, _)| *key == "data");
    data.map_or("null", |(key, member)| member::value(key, member))
}

/// What events say of who has published them: `{"subject":..,"session":..}`, without the subject when nobody knows it.
/// `session` is an id that is no secret.
pub fn publisher(subject: &str, session: Option<&str>) -> Box<str> {
    let mut out = Vec::new();
    let mut object = Object::open(&mut out);
    if !subject.is_empty() {
        object.text("subject", subject);
    }
    if let Some(session) = session {
        object.text("session", session);
    }
    object.close();
    String::from_utf8(out).expect("fields of text make text").into()
}

/// Writes `{"channel":"/meta/gap","ext":{"gaps":{..}}}`: of these channels messages are missing here, and those behind the
/// given head follow. Channels come with epoch and offset of their heads.
pub fn write_gaps<'a>(heads: impl IntoIterator<Item = (&'a str, &'a str, u64)>, out: &mut Vec<u8>) {
    write_missed(heads, [], [], out);
}

/// Writes `{"channel":"/meta/gap","ext":{"gaps":{..},"dropped":{..},"conflated":{..}}}`, without what is empty: the heads
/// behind which channels go on of which messages are missing here, and by channel how many were dropped, and how many
/// gave way to newer ones.
pub fn write_missed<'a>(
    heads: impl IntoIterator<Item = (&'a str, &'a str, u64)>,
    dropped: impl IntoIterator<Item = (&'a str, u64)>,
    conflated: impl IntoIterator<Item = (&'a str, u64)>,
    out: &mut Vec<u8>,
) {
    let mut object = Object::open(out);
    object.text("channel", meta::GAP);
    let mut ext = Object::open(object.key("ext"));
    let mut heads = heads.into_iter().peekable();
    if heads.peek().is_some() {
        let mut gaps = Object::open(ext.key("gaps"));
        for (channel, epoch, offset) in heads {
            let mut position = Object::open(gaps.key(channel));
            position.text("epoch", epoch);
            position.number("offset", offset);
            position.close();
        }
        gaps.close();
    }
    write_counts("dropped", dropped, &mut ext);
    write_counts("conflated", conflated, &mut ext);
    ext.close();
    object.close();
}

fn write_counts<'a>(name: &str, counts: impl IntoIterator<Item = (&'a str, u64)>, ext: &mut Object<'_>) {
    let mut counts = counts.into_iter().peekable();
    if counts.peek().is_some() {
        let mut object = Object::open(ext.key(name));
        counts.for_each(|(channel, count)| object.number(channel, count));
        object.close();
    }
}

/// How many have received a publication, for the session that has published it.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The epoch of its place there, as written.
    pub epoch: &'a str,
    /// The offset of its place there.
    pub offset: u64,
    /// The publisher's own key.
    pub key: Option<&'a str>,
    /// Sessions it was sent to.
    pub sent: u32,
    /// Sessions of these that confirm what they receive.
    pub confirming: u32,
    /// Sessions of these that have.
    pub received: u32,
    /// Nothing more will be said of it.
    pub last: bool,
}

/// Writes a receipt: an event on [`RECEIPT`], with what it is about and the counts as its data.
pub fn write_receipt(receipt: &Receipt<'_>, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    object.text("channel", RECEIPT);
    let mut data = Object::open(object.key("data"));
    data.text("channel", receipt.channel);
    let mut position = Object::open(data.key("position"));
    position.text("epoch", receipt.epoch);
    position.number("offset", receipt.offset);
    position.close();
    if let Some(key) = receipt.key {
        data.text("key", key);
    }
    data.number("sent", receipt.sent.into());
    data.number("confirming", receipt.confirming.into());
    data.number("received", receipt.received.into());
    data.truth("last", receipt.last);
    data.close();
    object.close();
}

/// Writes the answer to a service call: an event on the channel of the call, with the id of the call, `successful` and,
/// where the data needs it, an `ext`.
pub fn write_answer(
    channel: &str,
    id: Option<&RawValue>,
    successful: bool,
    data: &str,
    error: Option<&Error>,
    ext: Option<&str>,
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
    if let Some(ext) = ext {
        object.raw("ext", ext);
    }
    object.close();
}
