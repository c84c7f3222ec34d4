//! The name of one channel.
//!
//! A [`Channel`] is always valid, canonical and free of wildcards; the grammar itself is in `name`. Channels are made
//! from what peers send and from what the application publishes to, and serve as keys wherever listeners are found.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::name::{self, Ending, Kind, NameError};

/// A valid channel name without wildcard, such as `/chat/42`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(Box<str>);

impl Channel {
    /// Checks a name. A name with a wildcard is refused as [`NameError::MisplacedWildcard`].
    pub fn parse(name: &str) -> Result<Channel, NameError> {
        match name::check(name)? {
            Ending::Exact => Ok(Channel(name.into())),
            Ending::One | Ending::Deep => Err(NameError::MisplacedWildcard),
        }
    }

    /// What the channel is for.
    pub fn kind(&self) -> Kind {
        name::kind(&self.0)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names of all subscriptions that receive what is published here, most specific first: for `/a/b/c` itself,
    /// `/a/b/*`, `/a/b/**`, `/a/**` and `/**`. Meta and service channels are never fanned out: only themselves.
    pub fn matching_names(&self, mut visit: impl FnMut(&str)) {
        visit(&self.0);
        if self.kind() != Kind::Broadcast {
            return;
        }
        let mut name = String::with_capacity(self.0.len() + 3);
        name.push_str(&self.0);
        let mut exact = true;
        while let Some(slash) = name.rfind('/') {
            name.truncate(slash + 1);
            if exact {
                name.push('*');
                visit(&name);
                name.push('*');
                exact = false;
            } else {
                name.push_str("**");
            }
            visit(&name);
            name.truncate(slash);
        }
    }
}

impl AsRef<str> for Channel {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Channel {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Channel {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Channel, NameError> {
        Channel::parse(name)
    }
}
