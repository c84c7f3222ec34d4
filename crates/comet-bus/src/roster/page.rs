//! Listing a roster piece by piece.
//!
//! A page is a walk along the order in which users came; what joins and leaves mean is not known here. The cursor
//! goes to whoever asks and comes back as a plain text, which may say anything.

use std::fmt;
use std::ops::Bound;

use super::seq::Seq;
use super::{Member, Roster};

/// Where a listing stands: behind which stay, and before which stay it ends, so that whoever joins after its
/// beginning is not part of it and nobody who comes back is listed a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    after: u64,
    until: u64,
}

impl Cursor {
    /// Reads what [`Display`](fmt::Display) wrote. Any two numbers are a cursor; one that no page gave is merely
    /// a listing of other members.
    pub fn parse(text: &str) -> Option<Cursor> {
        let (after, until) = text.split_once('-')?;
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()
        };
        Some(Cursor { after: number(after)?, until: number(until)? })
    }
}

impl fmt::Display for Cursor {
    /// Writes `after-until`, both in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.after, self.until)
    }
}

/// A piece of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Who is there, in the order they came.
    pub members: Vec<Member>,
    /// Where the next page begins; `None` when this was the last.
    pub next: Option<Cursor>,
}

impl Roster {
    /// Lists up to `limit` members (at least one), those who came first first; `after` is the `next` of the page
    /// before. The whole listing names everyone who was there from its first page to its last exactly once, and
    /// nobody twice. Costs one search in the ordered table and `limit` steps along it.
    pub fn page(&self, after: Option<Cursor>, limit: usize) -> Page {
        let until = after.map_or(self.next, |cursor| cursor.until.min(self.next));
        let start = match after {
            Some(cursor) if cursor.after >= until => return Page::default(),
            Some(cursor) => Bound::Excluded(Seq(cursor.after)),
            None => Bound::Unbounded,
        };
        let mut walk = self.members.range((start, Bound::Excluded(Seq(until))));
        let mut last = 0;
        let members = walk.by_ref().take(limit.max(1)).map(|(seq, present)| {
            last = seq.0;
            present.member.clone()
        });
        let members = members.collect();
        let next = walk.next().map(|_| Cursor { after: last, until });
        Page { members, next }
    }
}
