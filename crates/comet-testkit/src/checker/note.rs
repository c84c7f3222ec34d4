//! A numbered message, and the message as data.

use std::fmt;

use serde_json::{Value, json};

/// A numbered message of one publisher. The numbers of a publisher on a channel begin anywhere and go up by
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Note {
    /// Who published it.
    pub publisher: String,
    /// The publisher's number for it.
    pub number: u64,
}

impl Note {
    /// A note.
    pub fn new(publisher: &str, number: u64) -> Note {
        Note { publisher: publisher.into(), number }
    }

    /// The note as the data of a publication.
    pub fn data(&self) -> Value {
        json!({ "from": self.publisher, "n": self.number })
    }

    /// Reads the data of an event; `None` when it is no note.
    pub fn read(data: &Value) -> Option<Note> {
        Some(Note { publisher: data["from"].as_str()?.to_owned(), number: data["n"].as_u64()? })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.publisher, self.number)
    }
}
