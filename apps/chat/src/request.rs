//! What clients ask for, as it comes over the wire.
//!
//! Shapes only: whether a name or a text will do is for the rules. A field that nobody knows is an error, so that
//! a page and a server of different ages notice.

use serde::Deserialize;

use crate::refused::Refused;

/// `/service/chat/join`: to be in a room, or to see it afresh.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Join {
    pub(crate) room: String,
    pub(crate) name: String,
    /// A secret of the page. Whoever comes back with it, in a new session, gets the same place.
    pub(crate) seat: Key,
}

/// `/service/chat/say`: something for everyone in the room.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Say {
    pub(crate) room: String,
    pub(crate) text: String,
    /// Made by the page for this message: sent again, it is not said again.
    pub(crate) key: Key,
}

/// `/service/chat/typing`: somebody has begun to write, or has given up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Typing {
    pub(crate) room: String,
    pub(crate) typing: bool,
}

/// Random letters and digits, made by the page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(transparent)]
pub(crate) struct Key(pub(crate) String);

impl Key {
    pub(crate) fn check(&self) -> Result<(), Refused> {
        let fits =
            (16..=64).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(()) } else { Err(Refused::Key) }
    }
}
