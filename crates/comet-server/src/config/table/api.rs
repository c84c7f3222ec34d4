//! The row of `[api]`: who may use the HTTP API.
//!
//! Keys are secrets: they are read and compared, and never shown. The table takes the row in at the place where the section
//! is listed.

use super::super::key::Key;
use super::super::text;
use super::super::value::Kind;
use super::row::{list, other};

pub(super) const KEYS_OF_API: Key = Key {
    secret: true,
    read: |c| list(&c.api_keys),
    write: |c, value| text::keys(value).map(|keys| c.api_keys = keys),
    ..other("api", "keys", Kind::List, "Keys of the HTTP API; without one it is open to whoever reaches it.")
};
