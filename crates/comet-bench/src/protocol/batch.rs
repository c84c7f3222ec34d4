//! Reads a batch of Bayeux messages as a client needs it: verdicts of the meta channels, data of the rest.
//! What follows from a message is decided in `script`. Borrows from the text of the frame or body.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Fault;

/// One message from the server; fields that play no part in a benchmark are passed over.
#[derive(Debug, Deserialize)]
pub struct Incoming<'a> {
    /// The channel of the message.
    #[serde(borrow)]
    pub channel: Cow<'a, str>,
    /// The data of an event, as sent.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
    /// The identity a handshake gives.
    #[serde(borrow, default, rename = "clientId")]
    pub client_id: Option<Cow<'a, str>>,
    /// The verdict of a reply.
    #[serde(default)]
    pub successful: Option<bool>,
    /// What a reply says besides.
    #[serde(borrow, default)]
    pub ext: Option<Ext<'a>>,
    /// Why a reply is not successful.
    #[serde(borrow, default)]
    pub error: Option<Cow<'a, str>>,
}

/// The one field of a reply's ext that plays a part.
#[derive(Debug, Deserialize)]
pub struct Ext<'a> {
    /// What opens an event stream.
    #[serde(borrow, default)]
    pub ticket: Option<Cow<'a, str>>,
}

/// Reads a batch: a JSON array of messages.
///
/// # Errors
/// When the text is not UTF-8, not an array, or holds something without a channel.
pub fn parse(text: &[u8]) -> Result<Vec<Incoming<'_>>, Fault> {
    serde_json::from_slice(text).map_err(|error| {
        let start = String::from_utf8_lossy(&text[..text.len().min(200)]);
        Fault::new(format!("not a batch ({error}): {start}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_kept_as_it_was_sent() {
        let batch = parse(br#"[{"channel":"/bench/fan","data":{"a": 1.0 },"ext":{"x":[1]}}]"#).unwrap();
        assert_eq!(batch[0].data.map(RawValue::get), Some(r#"{"a": 1.0 }"#));
        assert_eq!(batch[0].successful, None);
    }

    #[test]
    fn a_refusal_keeps_its_reason() {
        let batch =
            parse(br#"[{"channel":"/meta/connect","successful":false,"error":"402:\u0078:gone"}]"#).unwrap();
        assert_eq!(batch[0].successful, Some(false));
        assert_eq!(batch[0].error.as_deref(), Some("402:x:gone"));
    }

    #[test]
    fn what_is_not_a_batch_is_refused_with_its_start() {
        assert!(parse(b"<html>").unwrap_err().0.contains("<html>"));
        assert!(parse(br#"[{"data":1}]"#).is_err());
        assert!(parse(b"[{\"channel\":\"\xff\"}]").is_err());
    }
}
