//! Which bytes of a connection belong to the request that hyper serves.
//!
//! Hyper reads ahead; what it has read cannot be taken back. So it is given one request at a time: the head
//! to its empty line, then as many bytes as the head has said. Whose the next request is, is decided in
//! `wire`.

/// What hyper may still read of the request in progress.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Portion {
    /// The rest of the head.
    Head(HeadEnd),
    /// So many bytes.
    Bytes(u64),
    /// Everything: nobody can tell from outside where this request ends.
    All,
}

/// Looks for the empty line behind a head, however its bytes are cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HeadEnd {
    begun: bool,
    /// The line so far is empty, or a single carriage return.
    empty: bool,
}

impl Portion {
    /// Another request begins.
    pub(super) fn head() -> Portion {
        Portion::Head(HeadEnd::default())
    }

    /// How many of these bytes are the request's; they count as given.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        match self {
            Portion::Head(end) => match end.find(bytes) {
                Some(length) => {
                    *self = Portion::Bytes(0);
                    length
                }
                None => bytes.len(),
            },
            Portion::Bytes(left) => {
                let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= taken as u64;
                taken
            }
            Portion::All => bytes.len(),
        }
    }
}

impl HeadEnd {
    /// The length up to the end of the head, if it is in these bytes. Line ends are read as leniently as hyper
    /// reads them.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'\r' => {}
                b'\n' if self.begun && self.empty => return Some(at + 1),
                b'\n' => self.empty = true,
                _ => (self.begun, self.empty) = (true, false),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";

    #[test]
    fn a_head_ends_at_its_empty_line_however_it_is_cut() {
        let text = format!("{HEAD}POST /next");
        for cut in 0..HEAD.len() {
            let mut portion = Portion::head();
            assert_eq!(portion.take(&text.as_bytes()[..cut]), cut);
            assert_eq!(portion.take(&text.as_bytes()[cut..]), HEAD.len() - cut, "cut at {cut}");
            assert_eq!(portion, Portion::Bytes(0));
        }
    }

    #[test]
    fn bare_line_feeds_end_a_head_too() {
        let text = b"GET / HTTP/1.1\nHost: x\n\nnext";
        assert_eq!(Portion::head().take(text), text.len() - 4);
    }

    #[test]
    fn a_body_is_as_long_as_was_said() {
        let mut portion = Portion::Bytes(5);
        assert_eq!((portion.take(b"abc"), portion.take(b"defg"), portion.take(b"h")), (3, 2, 0));
        assert_eq!(Portion::All.take(b"all"), 3);
    }
}
