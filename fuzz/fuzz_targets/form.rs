//! Forms and queries.
//!
//! Whatever is read must be within its bounds, and a query must read like the form of the same bytes. The
//! input comes from the fuzzer.
#![no_main]

use comet_wire::form::{FormError, MOST_VALUES, messages_of_form, query_value, query_values};
use comet_wire::part::{Part, Parts, Put};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let form = messages_of_form(bytes);
    if let Ok(values) = &form {
        assert!(values.len() <= MOST_VALUES);
        assert!(values.iter().map(|value| value.len()).sum::<usize>() <= bytes.len());
    }
    let Ok(query) = std::str::from_utf8(bytes) else { return };
    assert_eq!(query_values(query, "message"), form);
    if let Ok(Some(part)) = Part::parse(query) {
        assert!(part.index < part.count && part.count > 1);
        assert!(part.piece.len() + part.client.len() <= query.len());
    }
    // The text, cut in two anywhere, is whole again behind its last part, once.
    let cut = (0..=query.len() / 2).rev().find(|at| query.is_char_boundary(*at)).unwrap_or_default();
    let mut parts = Parts::default();
    for (index, piece) in [&query[..cut], &query[cut..]].into_iter().enumerate() {
        let part = Part { client: "c".into(), batch: 1, index: index as u32, count: 2, piece: piece.into() };
        let whole = Put::Whole(query.as_bytes().to_vec());
        let expected = if index == 0 { Put::Here(1) } else { whole };
        assert_eq!(parts.put(&part, 2, query.len()), Ok(expected));
        assert_eq!(parts.put(&part, 2, query.len()).is_ok(), index == 0);
    }
    match (query_value(query, "message"), form) {
        (Ok(value), Ok(values)) => assert!(values.len() <= 1 && value.as_ref() == values.first()),
        (Err(FormError::Repeated), Ok(values)) => assert!(values.len() > 1),
        (Err(error), Err(same)) => assert_eq!(error, same),
        other => panic!("{other:?}"),
    }
});
