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

    /// Whether the pattern matches every channel that the other matches.
    pub fn covers(&self, other: &Pattern) -> bool {
        if self.kind() != other.kind() {
            return false;
        }
        match (self.reach(), other.reach()) {
            ((own, Reach::Deep), (name, Reach::Exact)) => name.len() > own.len() && name.starts_with(own),
            ((own, Reach::Deep), (parent, _)) => parent.starts_with(own),
            ((own, Reach::One), (name, Reach::Exact)) => {
                name.strip_prefix(own).is_some_and(|last| !last.is_empty() && !last.contains('/'))
            }
            (own, other) => own == other,
        }
    }

    /// Whether there is a channel that both match.
    pub fn overlaps(&self, other: &Pattern) -> bool {
        if self.kind() != other.kind() {
            return false;
        }
        match (self.reach(), other.reach()) {
            ((_, Reach::Exact), _) => other.covers(self),
            (_, (_, Reach::Exact)) => self.covers(other),
            ((own, Reach::Deep), (parent, Reach::Deep)) => own.starts_with(parent) || parent.starts_with(own),
            ((own, Reach::Deep), (parent, Reach::One)) => parent.starts_with(own),
            ((own, Reach::One), (parent, Reach::Deep)) => own.starts_with(parent),
            ((own, Reach::One), (parent, Reach::One)) => own == parent,
        }
    }

    /// What stands before the wildcard, its slash included, and how far the wildcard reaches.
    fn reach(&self) -> (&str, Reach) {
        match (self.0.strip_suffix("**"), self.0.strip_suffix('*')) {
            (Some(parent), _) => (parent, Reach::Deep),
            (None, Some(parent)) => (parent, Reach::One),
            (None, None) => (&self.0, Reach::Exact),
        }
    }
}

/// How much a pattern matches below its name.
#[derive(PartialEq, Eq)]
enum Reach {
    Exact,
    One,
    Deep,
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
