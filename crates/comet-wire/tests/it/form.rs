//! Forms and queries: values in order, bounded, without a second meaning.

use comet_wire::form::{FormError, MOST_PAIRS, MOST_VALUES, messages_of_form, query_value, query_values};
use proptest::prelude::*;

#[test]
fn every_message_of_a_form_is_found() {
    let form = b"a=1&message=%5B%7B%22x%22%3A+1%7D%5D&&message&me%73sage=%7b%7d&Message=no";
    assert_eq!(messages_of_form(form).unwrap(), ["[{\"x\": 1}]", "", "{}"]);
    assert!(messages_of_form(b"").unwrap().is_empty());
}

#[test]
fn a_malformed_escape_is_refused() {
    for form in ["message=%", "message=%4", "message=%zz", "message=%ff", "mess%age=1"] {
        assert_eq!(messages_of_form(form.as_bytes()), Err(FormError::Escape), "{form:?}");
    }
    assert_eq!(messages_of_form(b"message=\xff"), Err(FormError::Escape));
}

#[test]
fn values_and_pairs_are_counted() {
    let values = |count: usize| vec!["message=1"; count].join("&");
    assert_eq!(messages_of_form(values(MOST_VALUES).as_bytes()).unwrap().len(), MOST_VALUES);
    assert_eq!(messages_of_form(values(MOST_VALUES + 1).as_bytes()), Err(FormError::TooMany));
    assert!(messages_of_form("&".repeat(MOST_PAIRS - 1).as_bytes()).is_ok());
    assert_eq!(messages_of_form("&".repeat(MOST_PAIRS).as_bytes()), Err(FormError::TooMany));
}

#[test]
fn a_single_value_may_not_stand_twice() {
    assert_eq!(query_value("jsonp=a.b&message=%5B%5D", "jsonp").unwrap().as_deref(), Some("a.b"));
    assert_eq!(query_value("x=1", "jsonp"), Ok(None));
    assert_eq!(query_value("jsonp=a&jsonp=b", "jsonp"), Err(FormError::Repeated));
    assert_eq!(query_values("message=1&message=2", "message").unwrap(), ["1", "2"]);
}

proptest! {
    #[test]
    fn what_a_browser_encodes_comes_back(values in prop::collection::vec(".{0,20}", 0..5)) {
        let set = percent_encoding::NON_ALPHANUMERIC;
        let pairs: Vec<_> = values
            .iter()
            .map(|value| format!("message={}", percent_encoding::utf8_percent_encode(value, set).to_string().replace("%20", "+")))
            .collect();
        let form = pairs.join("&");
        prop_assert_eq!(messages_of_form(form.as_bytes()).unwrap(), values);
    }
}
