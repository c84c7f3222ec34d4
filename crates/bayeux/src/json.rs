//! From the text of a request to messages.
//!
//! A whole batch is judged and read here, once; the meaning of the messages is not looked at. The text comes from a
//! wire that has bounded its size, and leaves as messages whose `data` and `ext` are still the sender's JSON.

pub(crate) mod member;
mod object;
mod scan;
pub(crate) mod write;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::code::Code;
use crate::error::Error;
use crate::message::Message;

/// The bounds of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// The deepest nesting of arrays and objects, the array of the batch included.
    pub depth: usize,
    /// The most messages.
    pub messages: usize,
}

impl Default for BatchLimits {
    fn default() -> BatchLimits {
        BatchLimits { depth: 32, messages: 100 }
    }
}

/// Reads a batch: an array of messages, or one bare message. `data` and `ext` come out as they were sent, save that
/// line breaks between their tokens have become spaces: transports that separate messages by lines rely on it.
///
/// # Errors
///
/// `json_invalid`, `depth_exceeded`, `batch_too_long`, `batch_empty` for `[]`, and `message_invalid` when an element is
/// no object or gives a known field twice. A known field of the wrong type spoils only its own message: see
/// [`Message::invalid`].
pub fn decode_batch(text: &[u8], limits: &BatchLimits) -> Result<Vec<Message>, Error> {
    let text = admit(text, limits)?;
    if let Some(messages) = object::read_all(&text) {
        return Ok(messages);
    }
    let elements = if text.trim_ascii_start().starts_with('[') {
        serde_json::from_str::<Vec<&RawValue>>(&text)
    } else {
        serde_json::from_str::<&RawValue>(&text).map(|element| vec![element])
    };
    let elements = elements.map_err(|_| Code::JsonInvalid)?;
    if elements.is_empty() {
        return Err(Code::BatchEmpty.into());
    }
    elements.into_iter().map(object::read).collect()
}

/// Judges JSON before it is parsed, for whoever takes data in by another door than a batch: nothing may come in there
/// that could not come in here. Whether it is JSON at all is left to the parser.
///
/// # Errors
///
/// `json_invalid`, `depth_exceeded`, and `batch_too_long` when the text is an array.
pub fn admit<'a>(text: &'a [u8], limits: &BatchLimits) -> Result<Cow<'a, str>, Error> {
    let text = std::str::from_utf8(text).map_err(|_| Code::JsonInvalid)?;
    let scanned = scan::scan(text, limits)?;
    Ok(if scanned.line_breaks { Cow::from(text.replace(['\n', '\r'], " ")) } else { Cow::from(text) })
}
