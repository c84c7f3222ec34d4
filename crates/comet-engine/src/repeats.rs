//! Requests of a session that may arrive twice.
//!
//! A browser sends a request again by itself when its connection ends before the answer; what such a request asked to
//! be sent would then come twice. Here are the latest of a session, by a hash of their ids; what they ask for and what
//! to answer is decided where they are carried out.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many are known again: more than go together in one request.
const KNOWN: usize = 64;

/// The latest requests of a session.
#[derive(Default)]
pub(crate) struct Repeats {
    latest: VecDeque<u64>,
}

impl Repeats {
    /// Notes a request by the raw text of its id and by what it names; whether it was there before.
    pub(crate) fn note<'a>(&mut self, id: &str, names: impl Iterator<Item = &'a str>) -> bool {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        names.for_each(|name| name.hash(&mut hasher));
        let request = hasher.finish();
        if self.latest.contains(&request) {
            return true;
        }
        if self.latest.len() == KNOWN {
            self.latest.pop_front();
        }
        self.latest.push_back(request);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_id_with_the_same_names_is_known_again() {
        let mut repeats = Repeats::default();
        assert!(!repeats.note("\"1\"", ["/a"].into_iter()));
        assert!(repeats.note("\"1\"", ["/a"].into_iter()));
        assert!(!repeats.note("\"1\"", ["/b"].into_iter()));
        assert!(!repeats.note("\"2\"", ["/a"].into_iter()));
    }

    #[test]
    fn only_the_latest_are_known() {
        let mut repeats = Repeats::default();
        for id in 0..=KNOWN {
            assert!(!repeats.note(&id.to_string(), ["/a"].into_iter()));
        }
        assert_eq!(repeats.latest.len(), KNOWN);
        assert!(!repeats.note("0", ["/a"].into_iter()));
        assert!(repeats.note("2", ["/a"].into_iter()));
    }
}
