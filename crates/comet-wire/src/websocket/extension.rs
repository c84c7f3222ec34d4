//! The extensions a client offers, read in one pass.
//!
//! The grammar is lists of names with parameters, some of them quoted; numbers of offers and parameters are
//! bounded. Nothing is negotiated here: an offer that is read well may still be declined.

use crate::http::head::Head;

/// Offers in one handshake.
pub const MOST_OFFERS: usize = 16;
/// Parameters of one offer.
pub const MOST_PARAMETERS: usize = 16;

/// One extension offered by a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The name, a token.
    pub name: &'a str,
    /// Parameters with their values, in the order sent. Quotes are taken off; a quoted value is a token too.
    pub parameters: Vec<(&'a str, Option<&'a str>)>,
}

/// Offers that do not follow the grammar, or too many of them; the status is 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the extension offers are malformed or too many")]
pub struct OfferError;

/// Reads every `Sec-WebSocket-Extensions` field of a handshake.
///
/// # Errors
/// [`OfferError`] for malformed or repeated parameters, or when a bound is passed.
pub fn offers<'a>(head: &Head<'a>) -> Result<Vec<Offer<'a>>, OfferError> {
    let mut offers = Vec::new();
    for value in head.fields("sec-websocket-extensions") {
        let mut reader = Reader { rest: std::str::from_utf8(value).map_err(|_| OfferError)? };
        while !reader.at_end() {
            if offers.len() == MOST_OFFERS {
                return Err(OfferError);
            }
            offers.push(reader.offer()?);
            if !reader.at_end() {
                reader.expect(b',')?;
            }
        }
    }
    Ok(offers)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn offer(&mut self) -> Result<Offer<'a>, OfferError> {
        let name = self.token()?;
        let mut parameters: Vec<(&str, Option<&str>)> = Vec::new();
        while self.take(b';') {
            let key = self.token()?;
            let value = if self.take(b'=') { Some(self.value()?) } else { None };
            let repeated = parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(key));
            if repeated || parameters.len() == MOST_PARAMETERS {
                return Err(OfferError);
            }
            parameters.push((key, value));
        }
        Ok(Offer { name, parameters })
    }

    fn value(&mut self) -> Result<&'a str, OfferError> {
        if !self.take(b'"') {
            return self.token();
        }
        let value = self.token()?;
        self.expect(b'"')?;
        Ok(value)
    }

    fn token(&mut self) -> Result<&'a str, OfferError> {
        self.skip_blanks();
        let end =
            self.rest.bytes().position(|byte| !crate::http::is_token_byte(byte)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        if token.is_empty() { Err(OfferError) } else { Ok(token) }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let found = self.rest.as_bytes().first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), OfferError> {
        if self.take(byte) { Ok(()) } else { Err(OfferError) }
    }

    fn at_end(&mut self) -> bool {
        self.skip_blanks();
        self.rest.is_empty()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }
}
