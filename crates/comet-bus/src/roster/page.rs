//! Listing a roster piece by piece.
//!
//! A page is a walk along the order in which users came; what joins and leaves mean is not known here. The cursor
//! goes to whoever asks and comes back as a plain text, which may say anything.

use std::fmt;
use std::ops::Bound;

use super::seq::Seq;
use super::{Member, Present, Roster};

/// Texts of one page, before they are escaped; one member goes alone where it has more.
const PAGE_TEXT_BYTES: usize = 64 * 1024;

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
    /// nobody twice. A page also ends where its texts exceed 64 KiB. Costs one search in the ordered table and `limit`
    /// steps along it.
    pub fn page(&self, after: Option<Cursor>, limit: usize) -> Page {
        let Some((start, until)) = rest(self.next, after) else { return Page::default() };
        let range = (start, Bound::Excluded(Seq(until)));
        fill(self.members.range(range).map(|(seq, present)| (*seq, present.member.clone())), until, limit)
    }

    /// Lists the members as those know them who follow the changes: with everyone whose leaving is still to be told, as
    /// told of, and nobody whose coming is. Whoever folds the changes that are told from the first page on into the
    /// listing has the roster.
    pub fn page_told(&self, after: Option<Cursor>, limit: usize) -> Page {
        let Some((start, until)) = rest(self.untold.announced, after) else { return Page::default() };
        let range = (start, Bound::Excluded(Seq(until)));
        let told = |(seq, present): (&Seq, &'_ Present)| {
            (*seq, self.untold.renewed.get(seq).unwrap_or(&present.member).clone())
        };
        let mut there = self.members.range(range).map(told).peekable();
        let mut gone =
            self.untold.departed.range(range).map(|(seq, member)| (*seq, member.clone())).peekable();
        let merged = std::iter::from_fn(|| match (there.peek(), gone.peek()) {
            (Some((seq, _)), Some((left, _))) if left < seq => gone.next(),
            (None, _) => gone.next(),
            _ => there.next(),
        });
        fill(merged, until, limit)
    }
}

/// The stays that a cursor leaves to be listed, of those before `end`.
fn rest(end: u64, after: Option<Cursor>) -> Option<(Bound<Seq>, u64)> {
    let until = after.map_or(end, |cursor| cursor.until.min(end));
    match after {
        Some(cursor) if cursor.after >= until => None,
        Some(cursor) => Some((Bound::Excluded(Seq(cursor.after)), until)),
        None => Some((Bound::Unbounded, until)),
    }
}

/// Takes as many as fit.
fn fill(walk: impl Iterator<Item = (Seq, Member)>, until: u64, limit: usize) -> Page {
    let (mut members, mut last, mut text_bytes) = (Vec::new(), 0, 0);
    for (seq, member) in walk {
        text_bytes += member.text_bytes();
        let full = members.len() >= limit.max(1) || text_bytes > PAGE_TEXT_BYTES;
        if full && !members.is_empty() {
            return Page { members, next: Some(Cursor { after: last, until }) };
        }
        members.push(member);
        last = seq.0;
    }
    Page { members, next: None }
}
