//! Messages as a client writes and reads them.
//!
//! The JSON of both directions lives here and nothing of what it means. `data` stays raw.

use std::collections::HashMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::position::{Durability, Position, SinceRequest};
use crate::{Deliver, Manner};

/// A message to the server. What is `None` is left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outgoing<'a> {
    pub(crate) id: String,
    pub(crate) channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) supported_connection_types: Option<&'a [&'a str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connection_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<Wish>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ext: Option<Ext<'a>>,
}

/// What a client asks for one connect.
#[derive(Debug, Serialize)]
pub(crate) struct Wish {
    /// Hold it no longer than this, in milliseconds.
    pub(crate) timeout: u64,
}

/// Extension fields that are sent. What is `None` is left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Ext<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) received: Option<Received>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connect: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<&'a SinceRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deliver: Option<&'a Deliver>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) conflate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) echo: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_ms: Option<u64>,
}

/// What is said of what was received.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Received {
    /// In a handshake: that it will be counted.
    WillCount(bool),
    /// Afterwards: the count.
    Count(u64),
}

impl Outgoing<'_> {
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and raw JSON can be written as JSON")
    }
}

/// A message from the server.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Incoming {
    #[serde(default)]
    pub(crate) channel: String,
    #[serde(default)]
    id: Option<serde_json::Value>,
    pub(crate) successful: Option<bool>,
    pub(crate) client_id: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) advice: Option<AdviceFields>,
    /// `Some` even for `null`: that is how events are told from replies.
    #[serde(default, deserialize_with = "even_null")]
    pub(crate) data: Option<Box<RawValue>>,
    pub(crate) ext: Option<Box<RawValue>>,
}

/// Extension fields that are read. What is of another form is as good as missing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct IncomingExt {
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) received: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) time: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) recovered: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) gaps: Option<HashMap<String, Position>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) dropped: Option<HashMap<String, u64>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) conflated: Option<HashMap<String, u64>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) position: Option<Position>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) durability: Option<Durability>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) deliver: Option<Manner>,
}

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

impl Incoming {
    /// Whether it carries data to listeners or callers.
    pub(crate) fn is_event(&self) -> bool {
        self.data.is_some() && !self.channel.starts_with("/meta/")
    }

    /// Whether it counts among what a session has received: everything that answers nothing.
    pub(crate) fn counts(&self) -> bool {
        self.is_event() || self.successful.is_none()
    }

    /// The extension fields.
    pub(crate) fn ext(&self) -> IncomingExt {
        self.ext.as_deref().and_then(|ext| serde_json::from_str(ext.get()).ok()).unwrap_or_default()
    }

    /// The place of an event.
    pub(crate) fn position(&self) -> Option<Position> {
        #[derive(Deserialize)]
        struct Placed {
            position: Option<Position>,
        }
        serde_json::from_str::<Placed>(self.ext.as_deref()?.get()).ok()?.position
    }

    /// The number of the request this answers, if it is one of ours.
    pub(crate) fn request(&self) -> Option<u64> {
        match self.id.as_ref()? {
            serde_json::Value::String(id) => id.parse().ok(),
            id => id.as_u64(),
        }
    }
}

fn even_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

/// Reads a batch, or one bare message.
pub(crate) fn read_batch(text: &[u8]) -> Result<Vec<Incoming>, serde_json::Error> {
    match text.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice(text),
        _ => serde_json::from_slice(text).map(|message| vec![message]),
    }
}

/// Advice as it comes: any part may be missing, and keeps its old value then.
#[derive(Debug, Deserialize)]
pub(crate) struct AdviceFields {
    reconnect: Option<String>,
    interval: Option<u64>,
    timeout: Option<u64>,
}

/// What the server wants done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reconnect {
    Retry,
    Handshake,
    Never,
}

/// The advice that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) reconnect: Reconnect,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

/// The longest pause and the longest hold that are believed.
const MOST: Duration = Duration::from_secs(3_600);

impl Default for Advice {
    fn default() -> Advice {
        Advice { reconnect: Reconnect::Retry, interval: Duration::ZERO, timeout: Duration::from_secs(30) }
    }
}

impl Advice {
    /// Takes over what `fields` say.
    pub(crate) fn follow(&mut self, fields: &AdviceFields) {
        match fields.reconnect.as_deref() {
            Some("retry") => self.reconnect = Reconnect::Retry,
            Some("handshake") => self.reconnect = Reconnect::Handshake,
            Some("none") => self.reconnect = Reconnect::Never,
            _ => {}
        }
        let span = |ms: u64| Duration::from_millis(ms).min(MOST);
        self.interval = fields.interval.map_or(self.interval, span);
        self.timeout = fields.timeout.map_or(self.timeout, span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_that_is_null_is_data() {
        let batch =
            read_batch(br#"[{"channel":"/a","data":null},{"channel":"/a","successful":true,"id":"7"}]"#)
                .unwrap();
        assert_eq!(batch[0].data.as_ref().map(|data| data.get()), Some("null"));
        assert!(batch[1].data.is_none());
        assert_eq!((batch[0].request(), batch[1].request()), (None, Some(7)));
    }

    #[test]
    fn a_bare_message_is_a_batch_of_one() {
        assert_eq!(read_batch(br#" {"channel":"/a","id":3}"#).unwrap()[0].request(), Some(3));
        assert!(read_batch(b"").is_err());
        assert!(read_batch(b"[1]").is_err());
    }

    #[test]
    fn what_advice_leaves_out_stays() {
        let mut advice = Advice::default();
        let fields = r#"{"reconnect":"handshake","timeout":99999999999}"#;
        advice.follow(&serde_json::from_str(fields).unwrap());
        assert_eq!(
            advice,
            Advice { reconnect: Reconnect::Handshake, interval: Duration::ZERO, timeout: MOST }
        );
    }

    #[test]
    fn extension_fields_of_another_form_hurt_nobody() {
        let batch = read_batch(
            br#"[{"channel":"/a","ext":{"received":9,"time":"soon","gaps":{"/a":{"epoch":"e","offset":3}}},"successful":true}]"#,
        )
        .unwrap();
        let ext = batch[0].ext();
        assert_eq!((ext.received, ext.time), (None, None));
        assert_eq!(ext.gaps.unwrap()["/a"], Position { epoch: "e".into(), offset: 3 });
        assert_eq!(batch[0].position(), None);
    }

    #[test]
    fn everything_that_answers_nothing_counts() {
        let batch = read_batch(
            br#"[{"channel":"/a","data":1},{"channel":"/service/a","data":1,"successful":true},
                {"channel":"/meta/gap","ext":{}},{"channel":"/a","successful":true}]"#,
        )
        .unwrap();
        assert_eq!(batch.iter().map(Incoming::counts).collect::<Vec<_>>(), [true, true, true, false]);
    }

    #[test]
    fn what_is_none_is_not_written() {
        let message = Outgoing { id: "1".into(), channel: "/meta/connect", ..Outgoing::default() };
        assert_eq!(message.json(), r#"{"id":"1","channel":"/meta/connect"}"#);
    }
}
