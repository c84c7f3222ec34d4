//! What one can subscribe to: a channel, or all channels below a name.
//!
//! A [`Pattern`] is always valid; the grammar is in `name`. Subscriptions hold patterns, and so do the rules of who may
//! do what. Delivery does not match patterns one by one: it looks up the names of `Channel::matching_names`.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::channel::Channel;
use crate::name::{self, Kind, NameError};

/// An exact channel, or one whose last segment is `*` (one segment) or `**` (one or more segments).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// Checks a name.
    pub fn parse(name: &str) -> Result<Pattern, NameError> {
        name::check(name)?;
        Ok(Pattern(name.into()))
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the last segment is `*` or `**`.
    pub fn is_wildcard(&self) -> bool {
        self.0.ends_with('*')
    }

    /// What the pattern is for. `/*` and `/**` are broadcast patterns.
    pub fn kind(&self) -> Kind {
        name::kind(&self.0)
    }

    /// Whether the channel is of this pattern. Kinds never mix: `/**` matches no meta and no service channel.
    pub fn matches(&self, channel: &Channel) -> bool {
        if self.kind() != channel.kind() {
            return false;
        }
        let name = channel.as_str();
        if let Some(parent) = self.0.strip_suffix("**") {
            name.len() > parent.len() && name.starts_with(parent)
        } else if let Some(parent) = self.0.strip_suffix('*') {
            name.strip_prefix(parent).is_some_and(|last| !last.is_empty() && !last.contains('/'))
        } else {
            name == &*self.0
        }
    }
}

impl From<Channel> for Pattern {
    fn from(channel: Channel) -> Pattern {
        Pattern(channel.as_str().into())
    }
}

impl AsRef<str> for Pattern {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Pattern {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Pattern {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Pattern, NameError> {
        Pattern::parse(name)
    }
}
