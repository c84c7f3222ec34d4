//! The members of a JSON object, as they were written.
//!
//! A walk over text that is known to be one JSON object: it finds where each member begins and ends and reads nothing
//! but keys. What a member means is the caller's business; the text comes from a message and leaves in pieces of it.

/// The members of `object`, each as its key between the quotes and as its whole text. Of a text that is no object only
/// a part is found, never more than it holds.
pub(crate) fn members(object: &str) -> impl Iterator<Item = (&str, &str)> {
    let object = object.trim_ascii();
    let mut rest = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    std::iter::from_fn(move || {
        let start = rest.trim_ascii_start();
        let key = start.strip_prefix('"')?;
        let key = &key[..string_end(key.as_bytes())?];
        let length = member_end(start.as_bytes());
        let member = start[..length].trim_ascii_end();
        rest = start[length..].strip_prefix(',').unwrap_or_default();
        Some((key, member))
    })
}

/// The value of a member whose key, between its quotes, is `key`.
pub(crate) fn value<'a>(key: &str, member: &'a str) -> &'a str {
    let behind = member.get(key.len() + 2..).unwrap_or_default().trim_ascii_start();
    behind.strip_prefix(':').unwrap_or_default().trim_ascii()
}

/// Whether a key, as it stands between its quotes, spells `name`; escapes hide nothing.
pub(crate) fn spells(key: &str, name: &str) -> bool {
    if key.contains('\\') {
        serde_json::from_str::<String>(&format!("\"{key}\"")).is_ok_and(|key| key == name)
    } else {
        key == name
    }
}

/// Where a string ends whose opening quote stands before `text`.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The length of the first member of `text`: up to the comma behind it, or to the end.
fn member_end(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => match string_end(&text[at + 1..]) {
                Some(length) => at += length + 1,
                None => return text.len(),
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}
