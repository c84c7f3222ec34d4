//! What whoever publishes without a session may ask for.
//!
//! Plain values with defaults; they become fields of the message on its way to its home. What clients ask for is
//! read in `bayeux`.

use bayeux::{BINARY_EXT, Channel, Code, event};
use serde_json::value::RawValue;

use crate::handle::KEY_BYTES;
use crate::host::Identity;
use crate::inbox::Publish;

/// How a message is published by the server's own code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishOptions {
    /// Makes it one and the same when it comes again on its channel: 1 to 64 bytes.
    pub key: Option<String>,
    /// Which older message of its channel it stands for, where those give way to newer ones: 1 to 64 bytes.
    pub conflate: Option<String>,
    /// The age at which it expires, in milliseconds, above 0; as its channel says where none is given.
    pub expires_ms: Option<u64>,
    /// Whom its receivers are told it is from; nobody where none is given.
    pub publisher: Option<Identity>,
    /// The data is what `bayeux::Binary` has written, and its receivers are told so.
    pub binary: bool,
    /// Whether the session that publishes hears how many have received it; nothing where there is no session.
    pub receipt: bool,
}

impl PublishOptions {
    /// The message.
    ///
    /// # Errors
    /// `message_invalid` when a key has not [`KEY_BYTES`], or the message is to expire at once.
    pub(crate) fn apply(self, channel: Channel, data: Box<RawValue>) -> Result<Publish, Code> {
        let PublishOptions { key, conflate, expires_ms, publisher, binary, .. } = self;
        let misses = |key: &String| !KEY_BYTES.contains(&key.len());
        if key.iter().chain(&conflate).any(misses) || expires_ms == Some(0) {
            return Err(Code::MessageInvalid);
        }
        // Keys of the server's own code are apart from those of clients.
        let key = key.map(|key| format!("server/{key}").into());
        let identity = publisher.map(|identity| event::publisher(&identity.subject, None));
        let conflate = conflate.map(Into::into);
        let ext = binary.then(|| RawValue::from_string(BINARY_EXT.into()).expect("it is written as JSON"));
        Ok(Publish { key, conflate, expires_ms, identity, ext, ..Publish::new(channel, data) })
    }
}
