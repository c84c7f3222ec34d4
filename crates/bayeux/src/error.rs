//! An error as a reply carries it.
//!
//! A code of the table and the words that make it concrete live here; the codes themselves are in `code`. Arguments
//! often come from peers, so they are cleaned and cut before they can be sent on.

use std::fmt;

use crate::code::Code;

/// The most bytes of arguments an error carries.
const MAX_ARGS_BYTES: usize = 256;

/// A code and its arguments. Displayed as `402:args:session_unknown`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What went wrong.
    pub code: Code,
    args: Box<str>,
}

impl Error {
    /// Makes an error. Colons and control characters are removed from the arguments, and at most 256 bytes are kept.
    pub fn new(code: Code, args: &str) -> Error {
        let mut kept = String::new();
        for character in args.chars().filter(|c| *c != ':' && !c.is_control()) {
            if kept.len() + character.len_utf8() > MAX_ARGS_BYTES {
                break;
            }
            kept.push(character);
        }
        Error { code, args: kept.into() }
    }

    /// The cleaned arguments.
    pub fn args(&self) -> &str {
        &self.args
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Error {
        Error { code, args: "".into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.code.number(), self.args, self.code.name())
    }
}

impl std::error::Error for Error {}
