//! Answers to the question a browser asks before a request to another origin.
//!
//! The answer is the same for every path of the mount: fixed methods, fixed fields, a day to remember it.
//! Which origins are allowed is decided by the caller, who names one or none.

use crate::http::response::{ResponseError, write_head};

/// The methods a page of another origin may use.
pub const METHODS: &str = "POST, GET";
/// The request fields a page of another origin may send.
pub const FIELDS: &str = "Accept, Authorization, Comet-Client, Content-Type, If-None-Match, Last-Event-ID, Pragma, X-Requested-With";
/// How long a browser may remember the answer.
pub const MAX_AGE_SECONDS: &str = "86400";

/// Appends the whole answer to an `OPTIONS` request: 200 without a body, with the permissions when `origin`
/// is an allowed one.
///
/// # Errors
/// [`ResponseError::Value`] when the origin holds a control character; nothing is written.
pub fn write_preflight(
    out: &mut Vec<u8>,
    origin: Option<&str>,
    keep_alive: bool,
) -> Result<(), ResponseError> {
    let vary = ("Vary", "Origin");
    match origin {
        None => write_head(out, 200, &[vary], Some(0), keep_alive),
        Some(origin) => {
            let fields = [
                vary,
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Allow-Credentials", "true"),
                ("Access-Control-Allow-Methods", METHODS),
                ("Access-Control-Allow-Headers", FIELDS),
                ("Access-Control-Max-Age", MAX_AGE_SECONDS),
            ];
            write_head(out, 200, &fields, Some(0), keep_alive)
        }
    }
}
