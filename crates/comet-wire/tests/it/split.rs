//! Cutting one input into pieces in every way a network might.
//!
//! A strategy gives the cut points; the tests compare what comes out with the uncut input. Nothing here
//! knows a format.

use proptest::prelude::*;

/// Cuts `input` at the places that `cuts` name, taken as parts of its length.
pub(crate) fn pieces<'a>(input: &'a [u8], cuts: &[u16]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> =
        cuts.iter().map(|cut| usize::from(*cut) * (input.len() + 1) / (usize::from(u16::MAX) + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut start = 0;
    for place in places {
        pieces.push(&input[start..place]);
        start = place;
    }
    pieces.push(&input[start..]);
    pieces
}

/// Up to a dozen cut points.
pub(crate) fn cuts() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 0..12)
}
