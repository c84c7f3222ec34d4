//! What the client wants to read: the `Accept` fields of a head.
//!
//! Media ranges and weights are read only as far as the choice of a transport needs them: wanted, or not.
//! The fields come from a parsed head; which form an answer takes is decided by the engine.

use super::field::{list_members, trim};
use super::head::Head;

impl Head<'_> {
    /// Whether the client takes answers of this media type: named, covered by a wildcard, or no `Accept`
    /// sent at all.
    pub fn accepts(&self, mime: &str) -> bool {
        let mut asked = false;
        let mut best = None;
        for range in self.fields("accept").flat_map(list_members) {
            asked = true;
            let (name, wanted) = media_range(range);
            let rank = match name {
                name if name.eq_ignore_ascii_case(mime.as_bytes()) => 2,
                b"*/*" => 0,
                name if covers(name, mime) => 1,
                _ => continue,
            };
            // The most exact range decides, so that `text/html;q=0, */*` excludes what it names.
            if best.is_none_or(|(most, _)| rank >= most) {
                best = Some((rank, wanted));
            }
        }
        best.map_or(!asked, |(_, wanted)| wanted)
    }

    /// Whether the client names this media type itself in `Accept`, as `EventSource` does. Wildcards do not
    /// count.
    pub fn asks_for(&self, mime: &str) -> bool {
        self.fields("accept")
            .flat_map(list_members)
            .map(media_range)
            .any(|(name, wanted)| wanted && name.eq_ignore_ascii_case(mime.as_bytes()))
    }
}

/// The name of a media range, and whether its weight is above zero.
fn media_range(range: &[u8]) -> (&[u8], bool) {
    let mut parts = range.split(|byte| *byte == b';').map(trim);
    let name = parts.next().unwrap_or_default();
    let refused = parts.any(|parameter| match parameter {
        [b'q' | b'Q', b'=', weight @ ..] => {
            !weight.is_empty() && weight.iter().all(|byte| matches!(byte, b'0' | b'.'))
        }
        _ => false,
    });
    (name, !refused)
}

fn covers(range: &[u8], mime: &str) -> bool {
    let Some(kind) = range.strip_suffix(b"/*") else { return false };
    mime.split_once('/').is_some_and(|(wanted, _)| wanted.as_bytes().eq_ignore_ascii_case(kind))
}
