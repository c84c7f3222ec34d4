//! Batches in parts: what one address cannot hold comes by several requests, each with a piece of the text.
//!
//! A part says whose batch it is of, which one, which of its pieces it is and of how many; the pieces of one batch are put
//! together here, in order, within bounds. Whether the client is known, and how long is waited, is decided elsewhere.

use std::borrow::Cow;

use crate::form;

/// Digits of the numbers in a part.
const MOST_DIGITS: usize = 9;

/// One part of a batch, as a query says it: `client=<id>&part=<batch>.<index>.<count>&message=<piece>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// The session that sends the batch.
    pub client: Cow<'a, str>,
    /// Which batch, of those that come in parts: each has a higher number than the one before.
    pub batch: u32,
    /// Which part, from 0 on.
    pub index: u32,
    /// How many there are: two at least.
    pub count: u32,
    /// Its text.
    pub piece: Cow<'a, str>,
}

/// Why a part is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It is none, does not go with the parts before it, or its batch has been put together already.
    #[error("the parts of the batch make no whole")]
    Invalid,
    /// The batch has more bytes than it may.
    #[error("the batch is too large")]
    TooLarge,
}

impl<'a> Part<'a> {
    /// Reads a part; nothing where the query names none.
    ///
    /// # Errors
    /// [`PartError::Invalid`] for whatever is not of the form above.
    pub fn parse(query: &'a str) -> Result<Option<Part<'a>>, PartError> {
        let value = |name| form::query_value(query, name).map_err(|_| PartError::Invalid);
        let Some(place) = value("part")? else { return Ok(None) };
        let numbers: Vec<u32> =
            place.split('.').map(number).collect::<Option<_>>().ok_or(PartError::Invalid)?;
        let (Some(client), Some(piece)) = (value("client")?, value("message")?) else {
            return Err(PartError::Invalid);
        };
        match numbers[..] {
            [batch, index, count] if index < count && count > 1 => {
                Ok(Some(Part { client, batch, index, count, piece }))
            }
            _ => Err(PartError::Invalid),
        }
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = text.len() <= MOST_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// What of a session's batches has come in parts.
#[derive(Debug, Default)]
pub struct Parts {
    /// The batch that comes, or came last.
    batch: u32,
    count: u32,
    /// How many of its parts are here; all of them when it is whole and gone.
    here: u32,
    text: Vec<u8>,
}

/// What a part has led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// So many parts are here now. A part that comes again changes nothing.
    Here(u32),
    /// The batch is whole; this is its text.
    Whole(Vec<u8>),
}

impl Parts {
    /// Puts a part to those before it. The first part of a newer batch forgets what is here of an older one.
    ///
    /// # Errors
    /// [`PartError`] says why not: more than `most_parts` or `most_bytes`, one before it is missing, or its batch is over.
    /// Then nothing is kept of the batch.
    pub fn put(&mut self, part: &Part<'_>, most_parts: u32, most_bytes: usize) -> Result<Put, PartError> {
        if part.count > most_parts {
            return Err(PartError::Invalid);
        }
        if part.batch > self.batch && part.index == 0 {
            *self = Parts { batch: part.batch, count: part.count, ..Parts::default() };
        }
        if part.batch != self.batch || part.count != self.count || part.index > self.here || self.is_over() {
            return Err(PartError::Invalid);
        }
        if part.index < self.here {
            return Ok(Put::Here(self.here));
        }
        if self.text.len() + part.piece.len() > most_bytes {
            self.forget();
            return Err(PartError::TooLarge);
        }
        self.text.extend_from_slice(part.piece.as_bytes());
        self.here += 1;
        Ok(if self.is_over() { Put::Whole(std::mem::take(&mut self.text)) } else { Put::Here(self.here) })
    }

    /// Which batch has come how far: another one with each part that is taken.
    pub fn progress(&self) -> (u32, u32) {
        (self.batch, self.here)
    }

    /// Keeps nothing of a batch that has not become whole; what still comes of it is refused.
    pub fn forget(&mut self) {
        self.here = self.count;
        self.text = Vec::new();
    }

    /// Bytes that are here.
    pub fn bytes(&self) -> usize {
        self.text.capacity()
    }

    fn is_over(&self) -> bool {
        self.here == self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(batch: u32, index: u32, count: u32, piece: &str) -> Part<'_> {
        Part { client: "c".into(), batch, index, count, piece: piece.into() }
    }

    fn put(parts: &mut Parts, part: &Part<'_>) -> Result<Put, PartError> {
        parts.put(part, 8, 16)
    }

    #[test]
    fn a_query_is_a_part_or_is_none_or_is_refused() {
        let whole = Part::parse("client=a1&part=7.0.2&message=%5B%7B&jsonp=f");
        assert_eq!(whole, Ok(Some(Part { client: "a1".into(), piece: "[{".into(), ..part(7, 0, 2, "") })));
        assert_eq!(Part::parse("client=a1&message=x"), Ok(None));
        for query in [
            "part=7.0.2&message=x",
            "client=a&part=7.0.2",
            "client=a&part=7.2.2&message=x",
            "client=a&part=7.0.1&message=x",
            "client=a&part=7.0&message=x",
            "client=a&part=7.0.2.3&message=x",
            "client=a&part=7.+0.2&message=x",
            "client=a&part=7.0.4294967296&message=x",
            "client=a&part=7.0.2&message=x&message=y",
            "client=a&part=7.0.2&message=%FF",
            "client=a&part=7.0.2&part=7.0.2&message=x",
        ] {
            assert_eq!(Part::parse(query), Err(PartError::Invalid), "{query}");
        }
    }

    #[test]
    fn parts_in_order_make_a_whole_once() {
        let mut parts = Parts::default();
        assert_eq!(put(&mut parts, &part(1, 0, 3, "a")), Ok(Put::Here(1)));
        assert_eq!(put(&mut parts, &part(1, 1, 3, "b")), Ok(Put::Here(2)));
        assert_eq!(put(&mut parts, &part(1, 1, 3, "b")), Ok(Put::Here(2)), "one that comes again");
        assert_eq!(put(&mut parts, &part(1, 2, 3, "c")), Ok(Put::Whole(b"abc".to_vec())));
        for index in 0..3 {
            assert_eq!(put(&mut parts, &part(1, index, 3, "a")), Err(PartError::Invalid), "it is over");
        }
        assert_eq!(parts.bytes(), 0);
    }

    #[test]
    fn a_part_that_does_not_follow_is_refused() {
        let mut parts = Parts::default();
        assert_eq!(put(&mut parts, &part(2, 1, 3, "b")), Err(PartError::Invalid));
        assert_eq!(put(&mut parts, &part(2, 0, 3, "a")), Ok(Put::Here(1)));
        assert_eq!(put(&mut parts, &part(2, 2, 3, "c")), Err(PartError::Invalid));
        assert_eq!(put(&mut parts, &part(2, 1, 4, "b")), Err(PartError::Invalid));
        assert_eq!(put(&mut parts, &part(1, 0, 3, "a")), Err(PartError::Invalid));
        assert_eq!(
            put(&mut parts, &part(2, 1, 3, "b")),
            Ok(Put::Here(2)),
            "what is here is not lost by that"
        );
        assert_eq!(put(&mut parts, &part(3, 0, 2, "x")), Ok(Put::Here(1)), "a newer batch");
        assert_eq!(put(&mut parts, &part(2, 2, 3, "c")), Err(PartError::Invalid));
        assert_eq!(put(&mut parts, &part(3, 1, 2, "y")), Ok(Put::Whole(b"xy".to_vec())));
    }

    #[test]
    fn the_bounds_hold() {
        let mut parts = Parts::default();
        assert_eq!(put(&mut parts, &part(1, 0, 9, "a")), Err(PartError::Invalid));
        assert_eq!(put(&mut parts, &part(1, 0, 3, "0123456789abcde")), Ok(Put::Here(1)));
        assert_eq!(put(&mut parts, &part(1, 1, 3, "fg")), Err(PartError::TooLarge));
        assert_eq!(put(&mut parts, &part(1, 1, 3, "f")), Err(PartError::Invalid), "nothing is kept of it");
        assert_eq!(put(&mut parts, &part(1, 0, 3, "a")), Err(PartError::Invalid));
        assert_eq!(put(&mut parts, &part(2, 0, 2, "a")), Ok(Put::Here(1)));
    }
}
