//! Callback names and the escaping of JSON in a script.
//!
//! A name that is accepted must be nothing but a name; a JSON text must mean the same after escaping and
//! hold no character that ends a script. The input comes from the fuzzer, as a name and as JSON.
#![no_main]

use comet_wire::callback::{Callback, escape_json, write_response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(callback) = Callback::parse(text) {
        assert!(
            text.len() <= 64
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.".contains(&byte))
        );
        assert!(!text.split('.').any(|part| part.is_empty() || part.as_bytes()[0].is_ascii_digit()));
        let mut out = Vec::new();
        write_response(&mut out, &callback, std::iter::once(&b"{}"[..]), true);
        assert!(out.ends_with(format!("\r\n\r\n/**/{text}([{{}}]);").as_bytes()));
    }
    let quoted = serde_json::to_string(text).expect("a string is JSON");
    for json in [quoted.as_str(), text] {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(json) else { continue };
        let mut escaped = Vec::new();
        escape_json(&mut escaped, json.as_bytes());
        let escaped = String::from_utf8(escaped).expect("escaping keeps UTF-8");
        assert!(!escaped.contains(['<', '>', '\u{2028}', '\u{2029}']));
        let parsed = escaped.strip_prefix("JSON.parse(").and_then(|rest| rest.strip_suffix(')'));
        let kept = match parsed {
            Some(literal) => serde_json::from_str::<String>(literal).expect("the script parses a text"),
            None => escaped,
        };
        let again: serde_json::Value = serde_json::from_str(&kept).expect("escaping keeps JSON");
        assert_eq!(again, value);
    }
});
