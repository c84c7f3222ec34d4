//! Forms and queries: the values of one name in `application/x-www-form-urlencoded` text.
//!
//! Numbers of pairs and values are bounded and escapes are read strictly. Bodies and queries come from
//! requests; the JSON inside a `message` value is decoded elsewhere.

use std::borrow::Cow;

use crate::percent;

/// Values of one name in one form or query.
pub const MOST_VALUES: usize = 100;
/// Pairs of any name in one form or query.
pub const MOST_PAIRS: usize = 256;

/// Why a form or query is refused; the status is 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// More than [`MOST_VALUES`] values of the name, or more than [`MOST_PAIRS`] pairs.
    #[error("the form has too many values")]
    TooMany,
    /// A percent escape is malformed or does not decode to UTF-8.
    #[error("the form holds a malformed escape")]
    Escape,
    /// A value that may stand only once stands twice.
    #[error("a value is repeated that may stand only once")]
    Repeated,
}

/// The `message` values of a form body, decoded, in order; each is a JSON message or an array of them.
///
/// # Errors
/// [`FormError`] names what is wrong.
pub fn messages_of_form(body: &[u8]) -> Result<Vec<Cow<'_, str>>, FormError> {
    values(body, "message")
}

/// The values of `name` in a query, decoded, in order.
///
/// # Errors
/// [`FormError`] names what is wrong.
pub fn query_values<'a>(query: &'a str, name: &str) -> Result<Vec<Cow<'a, str>>, FormError> {
    values(query.as_bytes(), name)
}

/// The one value of `name` in a query, decoded.
///
/// # Errors
/// [`FormError::Repeated`] when the name stands twice, because then two readers may choose differently.
pub fn query_value<'a>(query: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, FormError> {
    let mut values = query_values(query, name)?;
    let value = values.pop();
    if values.is_empty() { Ok(value) } else { Err(FormError::Repeated) }
}

fn values<'a>(form: &'a [u8], name: &str) -> Result<Vec<Cow<'a, str>>, FormError> {
    let mut values = Vec::new();
    for (count, pair) in form.split(|byte| *byte == b'&').enumerate() {
        if count == MOST_PAIRS {
            return Err(FormError::TooMany);
        }
        let equals = memchr::memchr(b'=', pair);
        let (key, value) = equals.map_or((pair, &pair[pair.len()..]), |at| (&pair[..at], &pair[at + 1..]));
        if decode(key)? != name {
            continue;
        }
        if values.len() == MOST_VALUES {
            return Err(FormError::TooMany);
        }
        values.push(decode(value)?);
    }
    Ok(values)
}

fn decode(text: &[u8]) -> Result<Cow<'_, str>, FormError> {
    match percent::decode(text, true).map_err(|_| FormError::Escape)? {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| FormError::Escape),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| FormError::Escape),
    }
}
