//! The grammar of names.
//!
//! One checker for channels and patterns lives here; the types that hold checked names are in `channel` and
//! `pattern`. Names come from peers as text and leave as a verdict. The grammar is ASCII only and has one spelling for
//! each name, so that no two names look alike and no guard can be walked around.

use crate::meta;

/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// The most segments a name may have.
pub const MAX_SEGMENTS: usize = 16;

/// What a channel or pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Protocol messages: one of the names in [`crate::meta`].
    Meta,
    /// A call to the server under `/service/`; never fanned out.
    Service,
    /// Everything else: fanned out to its subscribers.
    Broadcast,
}

/// Why a text is not a channel or pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("the name is empty")]
    Empty,
    /// The text does not begin with a slash.
    #[error("the name does not begin with a slash")]
    NotAbsolute,
    /// Two slashes follow each other, or the name ends in one.
    #[error("the name has an empty segment")]
    EmptySegment,
    /// The name has more than [`MAX_NAME_BYTES`] bytes.
    #[error("the name is longer than 255 bytes")]
    TooLong,
    /// The name has more than [`MAX_SEGMENTS`] segments.
    #[error("the name has more than 16 segments")]
    TooDeep,
    /// A character outside the grammar.
    #[error("the name holds a character that is not allowed")]
    BadCharacter,
    /// A star where none may stand: in a channel, inside a segment, or before the last segment of a pattern.
    #[error("a wildcard stands where none may stand")]
    MisplacedWildcard,
    /// A name that belongs to the protocol but is none of its channels, such as `/meta/what` or `/META/connect`.
    #[error("the name is reserved")]
    Reserved,
}

/// How a name ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In an ordinary segment: the name of one channel.
    Exact,
    /// In `*`: one segment of any name.
    One,
    /// In `**`: one or more segments of any names.
    Deep,
}

/// Checks a name, wildcards allowed as the whole last segment.
pub(crate) fn check(name: &str) -> Result<Ending, NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong);
    }
    let Some(path) = name.strip_prefix('/') else {
        return Err(NameError::NotAbsolute);
    };
    let mut ending = Ending::Exact;
    for (index, segment) in path.split('/').enumerate() {
        if ending != Ending::Exact {
            return Err(NameError::MisplacedWildcard);
        }
        if index == MAX_SEGMENTS {
            return Err(NameError::TooDeep);
        }
        ending = match segment {
            "" => return Err(NameError::EmptySegment),
            "*" => Ending::One,
            "**" => Ending::Deep,
            _ => check_segment(segment)?,
        };
    }
    check_reserved(name, path, ending)?;
    Ok(ending)
}

/// The kind of a name that passed [`check`].
pub(crate) fn kind(name: &str) -> Kind {
    if name.starts_with("/meta/") {
        Kind::Meta
    } else if name.starts_with("/service/") {
        Kind::Service
    } else {
        Kind::Broadcast
    }
}

fn check_segment(segment: &str) -> Result<Ending, NameError> {
    for byte in segment.bytes() {
        if byte == b'*' {
            return Err(NameError::MisplacedWildcard);
        }
        if !byte.is_ascii_alphanumeric() && !b"-_!~()$@.+{}?=&,:;%'".contains(&byte) {
            return Err(NameError::BadCharacter);
        }
    }
    Ok(Ending::Exact)
}

/// Keeps everything that looks like a protocol name but is none out of the ordinary channels.
fn check_reserved(name: &str, path: &str, ending: Ending) -> Result<(), NameError> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let known = match first {
        "meta" if ending == Ending::Exact => meta::ALL.contains(&name),
        "meta" => !rest.contains('/'),
        "service" => !rest.is_empty(),
        _ => !first.eq_ignore_ascii_case("meta") && !first.eq_ignore_ascii_case("service"),
    };
    if known { Ok(()) } else { Err(NameError::Reserved) }
}
