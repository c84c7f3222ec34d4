//! Paths: one spelling each, everything ambiguous refused.

use std::borrow::Cow;

use comet_wire::http::{PathError, canonical_path};
use proptest::prelude::*;

#[test]
fn a_plain_path_is_borrowed() {
    for path in ["/", "/cometd", "/cometd/", "/a.b/..c/d..", "/a-b_c~d"] {
        assert!(matches!(canonical_path(path), Ok(Cow::Borrowed(same)) if same == path), "{path:?}");
    }
}

#[test]
fn an_escaped_path_is_decoded_once() {
    assert_eq!(canonical_path("/%61pi/%70ublish").unwrap(), "/api/publish");
    assert_eq!(canonical_path("/caf%C3%A9").unwrap(), "/caf\u{e9}");
    assert_eq!(canonical_path("/50%25").unwrap(), "/50%");
}

#[test]
fn every_spelling_that_means_another_path_is_refused() {
    let cases = [
        ("/..%2f", PathError::Character),
        ("/api%2fpublish", PathError::Character),
        ("/api%2Fpublish", PathError::Character),
        ("/api%5cpublish", PathError::Character),
        ("/api\\publish", PathError::Character),
        ("/api;x/publish", PathError::Character),
        ("/api%3bx", PathError::Character),
        ("/api%00", PathError::Character),
        ("/api%0d%0aX", PathError::Character),
        ("/api%c2%85", PathError::Character),
        ("//api", PathError::Segment),
        ("/api//publish", PathError::Segment),
        ("/%", PathError::Escape),
        ("/.", PathError::Segment),
        ("/./api", PathError::Segment),
        ("/..", PathError::Segment),
        ("/x/../api", PathError::Segment),
        ("/%2e%2E/api", PathError::Segment),
        ("/.%2e", PathError::Segment),
        ("/x/%2e", PathError::Segment),
        ("/%252e%252e/api", PathError::Escape),
        ("/%25%32%66", PathError::Escape),
        ("/%zz", PathError::Escape),
        ("/%2", PathError::Escape),
        ("/%ff", PathError::Escape),
        ("/%c0%af", PathError::Escape),
        ("", PathError::Relative),
        ("api", PathError::Relative),
        ("*", PathError::Relative),
        ("%2fapi", PathError::Relative),
    ];
    for (path, error) in cases {
        assert_eq!(canonical_path(path), Err(error), "{path:?}");
    }
}

proptest! {
    #[test]
    fn a_canonical_path_stays_what_it_is(path in "/[a-z%./;0-9A-F]{0,20}") {
        if let Ok(once) = canonical_path(&path) {
            let by_the_book = percent_encoding::percent_decode_str(&path).decode_utf8().unwrap();
            prop_assert_eq!(&once, &by_the_book);
            if !once.contains('%') {
                prop_assert_eq!(canonical_path(&once).unwrap(), &*once);
            }
        }
    }
}
