//! Forms and queries.
//!
//! Whatever is read must be within its bounds, and a query must read like the form of the same bytes. The
//! input comes from the fuzzer.
#![no_main]

use comet_wire::form::{FormError, MOST_VALUES, messages_of_form, query_value, query_values};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let form = messages_of_form(bytes);
    if let Ok(values) = &form {
        assert!(values.len() <= MOST_VALUES);
        assert!(values.iter().map(|value| value.len()).sum::<usize>() <= bytes.len());
    }
    let Ok(query) = std::str::from_utf8(bytes) else { return };
    assert_eq!(query_values(query, "message"), form);
    match (query_value(query, "message"), form) {
        (Ok(value), Ok(values)) => assert!(values.len() <= 1 && value.as_ref() == values.first()),
        (Err(FormError::Repeated), Ok(values)) => assert!(values.len() > 1),
        (Err(error), Err(same)) => assert_eq!(error, same),
        other => panic!("{other:?}"),
    }
});
