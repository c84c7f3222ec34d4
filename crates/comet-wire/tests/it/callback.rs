//! Callback polling: names that cannot be code, and JSON that cannot end a script.

use comet_wire::callback::{Callback, CallbackError, MOST_NAME_BYTES, escape_json, write_response};
use proptest::prelude::*;
use serde_json::Value;

fn answer(callback: &str, bodies: &[&[u8]]) -> (String, String) {
    let mut out = Vec::new();
    write_response(&mut out, &Callback::parse(callback).unwrap(), bodies.iter().copied(), true);
    let text = String::from_utf8(out).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())));
    (head.to_owned(), body.to_owned())
}

#[test]
fn a_dotted_name_is_a_callback() {
    let longest = "a".repeat(MOST_NAME_BYTES);
    for name in ["a", "_", "$", "jsonp1", "jQuery.cb_2", "a.b.$c", &longest] {
        assert_eq!(Callback::parse(name).unwrap().as_str(), name);
        assert_eq!(Callback::parse(name).unwrap().to_string(), name);
    }
}

#[test]
fn everything_else_is_refused() {
    let long = "a".repeat(MOST_NAME_BYTES + 1);
    let rosetta = format!("CWSMIKI0hCD0Up0IUDnnnnnnnnnnnnnnnnnnnUU5nnnnnn3Snn7YNqdyPCI{}", "x".repeat(200));
    for name in [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "1a",
        "a.1",
        "a-b",
        "a b",
        "alert(1)//",
        "a.b[c]",
        "a;b",
        "a\n",
        "a\r\nX: y",
        "a\0",
        "\u{e9}",
        "a\u{2028}",
        "</script>",
        "a=b",
        &long,
        &rosetta,
    ] {
        assert_eq!(Callback::parse(name), Err(CallbackError), "{name:?}");
    }
}

#[test]
fn the_answer_is_a_call_that_no_browser_takes_for_anything_else() {
    let (head, body) = answer("a.cb", &[b"{\"id\":1}", b"{}"]);
    assert_eq!(body, "/**/a.cb([{\"id\":1},{}]);");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
    for field in [
        "Content-Type: text/javascript; charset=utf-8",
        "Content-Disposition: attachment; filename=f.txt",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
    ] {
        assert!(head.contains(field), "{field}");
    }
    assert!(!head.contains("Set-Cookie") && !head.contains("Access-Control"));
}

#[test]
fn a_last_answer_says_so() {
    let mut out = Vec::new();
    write_response(&mut out, &Callback::parse("a").unwrap(), std::iter::empty(), false);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("\r\nConnection: close\r\n") && text.ends_with("\r\n\r\n/**/a([]);"));
}

#[test]
fn nothing_in_the_data_can_end_the_script() {
    let data = "</script><!-- ]]> \u{2028}\u{2029} \u{2027}\u{202a}\u{20ac} \\ \"";
    let json = serde_json::to_vec(&data).unwrap();
    let (_, body) = answer("a", &[&json]);
    for danger in ["<", ">", "\u{2028}", "\u{2029}"] {
        assert!(!body.contains(danger), "{danger:?}");
    }
    let inner = &body["/**/a(".len()..body.len() - 2];
    assert_eq!(serde_json::from_str::<Vec<String>>(inner).unwrap(), [data]);
}

/// What a script takes an escaped value for: JSON as it stands, or as the text that it parses.
fn meaning(script: &str) -> Value {
    match script.strip_prefix("JSON.parse(").and_then(|rest| rest.strip_suffix(')')) {
        Some(literal) => {
            let text: String = serde_json::from_str(literal).expect("a string of JSON is one of JavaScript");
            serde_json::from_str(&text).unwrap()
        }
        None => serde_json::from_str(script).unwrap(),
    }
}

fn escaped(json: &str) -> String {
    let mut out = Vec::new();
    escape_json(&mut out, json.as_bytes());
    String::from_utf8(out).unwrap()
}

#[test]
fn no_member_chooses_what_an_object_inherits_from() {
    let hidden = [
        r#"{"__proto__":{"admin":true},"__proto__":1}"#,
        r#"{"\u005f_proto__":[],"<":"\u005F"}"#,
        r#"["\\__proto__\"",{"__\u0070roto__":"a\\\nb\u2028"}]"#,
        "{\"__proto__\"\r\n:\t\"\u{2028}</script>\"\n}",
    ];
    for json in hidden {
        let script = escaped(json);
        assert!(script.starts_with("JSON.parse(\""), "{script}");
        assert!(!script.contains(['<', '>', '\u{2028}', '\r', '\n']), "{script}");
        assert_eq!(meaning(&script), serde_json::from_str::<Value>(json).unwrap(), "{script}");
    }
    for plain in [r#"["proto","\u001f","\u2028"]"#, "[]"] {
        assert_eq!(escaped(plain), plain);
    }
}

fn json() -> impl Strategy<Value = Value> {
    let text = "([<>\u{2028}\u{2029}\u{20ac}\"\\\\/]|__proto__|.){0,12}";
    let leaf = prop_oneof![any::<i64>().prop_map(Value::from), text.prop_map(Value::from), Just(Value::Null)];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((text, inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn escaped_json_means_the_same(value in json()) {
        let plain = serde_json::to_vec(&value).unwrap();
        let text = escaped(std::str::from_utf8(&plain).unwrap());
        let dangerous = text.contains(['<', '>', '\u{2028}', '\u{2029}']);
        prop_assert!(!dangerous);
        prop_assert_eq!(meaning(&text), value);
    }

    #[test]
    fn a_callback_is_a_name_and_nothing_else(name in "[a-c$_.0-1(\\[ ]{0,8}") {
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with(|c: char| c.is_ascii_digit())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
        };
        prop_assert_eq!(Callback::parse(&name).is_ok(), name.split('.').all(part));
    }
}
