//! Bytes as data: CometD's binary extension.
//!
//! Data whose `ext` has a `binary` is an object that holds bytes as text, in Z85; it is read and written here, for those
//! who publish or answer on the server. Between clients such messages travel like any other, unread.

mod z85;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::code::Code;
use crate::error::Error;
use crate::json::write::Object;

/// The `ext` of a message whose data is binary.
pub const BINARY_EXT: &str = r#"{"binary":{}}"#;

/// Bytes as the data of a message, perhaps one part of many.
#[derive(Debug, Clone)]
pub struct Binary {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether nothing of the same whole follows.
    pub last: bool,
    /// What the sender says about the bytes, as JSON.
    pub meta: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Ext<'a> {
    #[serde(borrow)]
    binary: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Fields {
    data: String,
    #[serde(default)]
    last: bool,
    meta: Option<Box<RawValue>>,
}

impl Binary {
    /// Bytes that are a whole of their own.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Binary {
        Binary { bytes: bytes.into(), last: true, meta: None }
    }

    /// Whether an `ext` says that the data of its message is binary.
    pub fn is_said_by(ext: Option<&RawValue>) -> bool {
        let fields = ext.and_then(|ext| serde_json::from_str::<Ext<'_>>(ext.get()).ok());
        fields.and_then(|fields| fields.binary).is_some_and(|binary| binary.get() != "false")
    }

    /// Reads data that is binary.
    ///
    /// # Errors
    ///
    /// `message_invalid` when it has not the form, or its text is not Z85.
    pub fn decode(data: &RawValue) -> Result<Binary, Error> {
        let invalid = |reason| Error::new(Code::MessageInvalid, reason);
        let fields = data.get().starts_with('{').then(|| serde_json::from_str::<Fields>(data.get()).ok());
        let Fields { data, last, meta } =
            fields.flatten().ok_or_else(|| invalid("the data is not binary"))?;
        let bytes = z85::decode(&data).ok_or_else(|| invalid("the binary data is not Z85"))?;
        Ok(Binary { bytes, last, meta })
    }

    /// Writes the data of a message whose `ext` is [`BINARY_EXT`].
    pub fn encode(&self) -> Box<RawValue> {
        let mut out = Vec::with_capacity(self.bytes.len() / 4 * 5 + 64);
        let mut object = Object::open(&mut out);
        object.text("data", &z85::encode(&self.bytes));
        object.truth("last", self.last);
        if let Some(meta) = &self.meta {
            object.raw("meta", meta.get());
        }
        object.close();
        let text = String::from_utf8(out).expect("fields of text make text");
        RawValue::from_string(text).expect("fields of JSON make an object")
    }
}
