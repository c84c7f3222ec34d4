//! Events as some sessions want them: with the id that clients of Salesforce replay from, or with a timestamp.
//!
//! The form that all share is written in `event`; here it is written once more for one session, when its events leave.
//! Whether a session wants that comes from its handshake, its subscriptions or the settings.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::date;
use crate::json::member;
use crate::json::write::Object;
use crate::session::Settings;
use crate::since;

/// What the events of a session carry beside what all carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rendering {
    /// `data.event.replayId` and `data.event.createdDate`, as Salesforce writes them.
    pub replay_ids: bool,
    /// `timestamp`, in events as in replies.
    pub timestamps: bool,
}

#[derive(Deserialize)]
struct Ext<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
}

impl Rendering {
    /// What a session gets whose handshake had this `ext`.
    pub(crate) fn of(ext: Option<&RawValue>, settings: &Settings) -> Rendering {
        let fields = ext.and_then(|ext| serde_json::from_str::<Ext<'_>>(ext.get()).ok());
        let asks = fields.and_then(|fields| fields.timestamp).is_some_and(|value| value.get() == "true");
        Rendering {
            replay_ids: settings.replay_ids || since::asks_replay(ext),
            timestamps: settings.timestamps || asks,
        }
    }

    /// Whether the form that all share will do.
    pub fn is_plain(self) -> bool {
        self == Rendering::default()
    }

    /// Writes an event once more. `offset` is its number in its channel, if it stands in one, and `unix_ms` the time it was
    /// published.
    pub fn write(self, event: &[u8], offset: Option<u64>, unix_ms: u64, out: &mut Vec<u8>) {
        let Ok(event) = std::str::from_utf8(event) else { return out.extend_from_slice(event) };
        let mut object = Object::open(out);
        for (key, member) in member::members(event) {
            let value = member::value(key, member);
            match offset {
                Some(offset) if self.replay_ids && key == "data" => {
                    write_replayed(value, offset, unix_ms, object.key(key));
                }
                // Nobody but the server says when it speaks.
                _ if self.timestamps && key == "timestamp" => {}
                _ => object.raw(key, value),
            }
        }
        if self.timestamps {
            object.text("timestamp", &date::rfc_1123(unix_ms));
        }
        object.close();
    }
}

/// Writes data with its id. Data that is no object, or whose `event` is in the way, becomes the payload of one.
fn write_replayed(data: &str, offset: u64, unix_ms: u64, out: &mut Vec<u8>) {
    let is_event = |(key, _): &(&str, &str)| member::spells(key, "event");
    let mut events = member::members(data).filter(is_event);
    let event = events.next().map(|(key, member)| member::value(key, member));
    let in_the_way = event.is_some_and(|event| !event.starts_with('{')) || events.next().is_some();
    let mut object = Object::open(out);
    write_mark(event.filter(|_| !in_the_way), offset, unix_ms, object.key("event"));
    if in_the_way || !data.trim_ascii_start().starts_with('{') {
        object.raw("payload", data);
    } else {
        let rest = member::members(data).filter(|member| !is_event(member));
        rest.for_each(|(_, member)| object.member(member));
    }
    object.close();
}

/// Writes the `event` of replayed data: the publisher's own, with the server's id and with a date of creation.
fn write_mark(own: Option<&str>, offset: u64, unix_ms: u64, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    let mut dated = false;
    for (key, member) in member::members(own.unwrap_or_default()) {
        let date = member::spells(key, "createdDate");
        let is_text = member::value(key, member).starts_with('"');
        if !member::spells(key, "replayId") && (!date || (is_text && !dated)) {
            dated |= date;
            object.member(member);
        }
    }
    if !dated {
        object.text("createdDate", &date::iso_8601(unix_ms));
    }
    object.number("replayId", offset);
    object.close();
}
