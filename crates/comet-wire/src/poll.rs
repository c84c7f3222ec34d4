//! Timed polling by GET: what a poll says in its fields, and its answer.
//!
//! A poll names its session and how much of it the client has, as a condition: where there is nothing newer the answer is
//! a status without body, which browsers hand to the page that set the condition itself. Nobody may keep such an answer,
//! and the session stands in no address. Which answer is given is decided by the engine.

use crate::http::Head;
use crate::http::response::{ResponseError, write_head};
use crate::json_array::{json_array_length, write_json_array};

/// The field that names the session.
pub const CLIENT: &str = "Comet-Client";
/// The field that says up to when nothing is missing.
pub const TIME: &str = "Comet-Time";

/// More digits than a count has.
const MOST_DIGITS: usize = 20;
/// Those two keep a cache that does not care for `no-store` from giving one session the answer of another.
const VARY: &str = "Origin, Comet-Client";

/// What a poll says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll<'a> {
    /// The id of the session.
    pub client_id: &'a str,
    /// How many events its client has received; `None` when the condition is missing or is no count.
    pub received: Option<u64>,
}

impl<'a> Poll<'a> {
    /// Reads the fields of a request; `None` when it is no poll.
    pub fn of(head: &Head<'a>) -> Option<Poll<'a>> {
        let client_id = std::str::from_utf8(head.field(CLIENT)?).ok()?;
        Some(Poll { client_id, received: head.field("if-none-match").and_then(count_of) })
    }
}

/// The count in a validator: digits in quotes, weak or not, for whoever stands between may have weakened it.
pub fn count_of(validator: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(validator).ok()?;
    let digits = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"')?.strip_suffix('"')?;
    let good = (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| digits.parse().ok()).flatten()
}

/// Appends a whole answer with all bodies as one JSON array. `received` is the count of a client that has read it; a
/// refusal has none. `cors` is the origin that may read the answer, already checked against the allowed ones.
///
/// # Errors
/// [`ResponseError::Value`] when the origin holds a control character; nothing is written.
pub fn write_batch<'a>(
    out: &mut Vec<u8>,
    bodies: impl Iterator<Item = &'a [u8]> + Clone,
    received: Option<u64>,
    cors: Option<&str>,
    keep_alive: bool,
) -> Result<(), ResponseError> {
    let length = json_array_length(bodies.clone());
    write(out, (200, Some(length)), received, &[], cors, keep_alive)?;
    write_json_array(out, bodies);
    Ok(())
}

/// Appends a whole answer that says that there is nothing above this count, and up to when that is certain, in milliseconds
/// since 1970, as a reply says it in `ext.time`.
///
/// # Errors
/// [`ResponseError::Value`] when the origin holds a control character; nothing is written.
pub fn write_unchanged(
    out: &mut Vec<u8>,
    received: u64,
    time_ms: Option<u64>,
    cors: Option<&str>,
    keep_alive: bool,
) -> Result<(), ResponseError> {
    let time = time_ms.map(|time_ms| time_ms.to_string());
    let said: Vec<_> = time.iter().map(|time| (TIME, time.as_str())).collect();
    write(out, (304, None), Some(received), &said, cors, keep_alive)
}

fn write(
    out: &mut Vec<u8>,
    (status, length): (u16, Option<usize>),
    received: Option<u64>,
    said: &[(&str, &str)],
    cors: Option<&str>,
    keep_alive: bool,
) -> Result<(), ResponseError> {
    let mut fields = Vec::with_capacity(8);
    if length.is_some() {
        fields.extend([("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff")]);
    }
    fields.extend([("Cache-Control", "no-store"), ("Vary", VARY)]);
    let validator = received.map(|received| format!("\"{received}\""));
    if let Some(validator) = &validator {
        fields.push(("ETag", validator));
    }
    fields.extend_from_slice(said);
    if let Some(origin) = cors {
        fields.extend([
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Expose-Headers", "Comet-Time, ETag"),
        ]);
    }
    write_head(out, status, &fields, length, keep_alive)
}
