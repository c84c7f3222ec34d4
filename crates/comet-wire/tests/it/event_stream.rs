//! Server-sent events: what a browser reads out of them, whatever the JSON holds.

use comet_wire::event_stream::{EventId, HEARTBEAT, write_event, write_retry};
use comet_wire::http::response::LAST_CHUNK;
use proptest::prelude::*;
use serde_json::Value;

use crate::http_streaming::unchunked;

/// An event as a browser tells it: its data and the last id.
#[derive(Debug, Default, PartialEq)]
struct Told {
    data: String,
    id: String,
}

/// Reads as the standard says; the events, the last id and the last `retry`.
fn read(body: &[u8]) -> (Vec<Told>, String, Option<u64>) {
    let text = std::str::from_utf8(body).unwrap();
    let (mut told, mut data, mut id, mut retry) = (Vec::new(), String::new(), String::new(), None);
    for line in text.split(['\n', '\r']) {
        match line.split_once(": ") {
            _ if line.is_empty() => {
                if !data.is_empty() {
                    told.push(Told { data: std::mem::take(&mut data), id: id.clone() });
                }
            }
            Some(("data", value)) => {
                assert!(data.is_empty(), "one line of data: {text:?}");
                data = value.into();
            }
            Some(("id", value)) => id = value.into(),
            Some(("retry", value)) => retry = value.parse().ok(),
            _ => assert!(line.starts_with(':'), "{line:?}"),
        }
    }
    (told, id, retry)
}

fn finished(mut out: Vec<u8>) -> Vec<u8> {
    out.extend_from_slice(LAST_CHUNK);
    unchunked(&out)
}

#[test]
fn an_id_and_an_event_of_their_own_chunks_are_one_event() {
    let mut out = Vec::new();
    write_retry(&mut out, 1_000, Some(EventId { ticket: "abc", received: 0 }));
    EventId { ticket: "abc", received: 7 }.write(&mut out);
    write_event(&mut out, std::iter::once(&b"{\"a\":1}"[..]));
    out.extend_from_slice(HEARTBEAT);
    let (told, id, retry) = read(&finished(out));
    let beat = Told { data: "[]".into(), id: "abc.7".into() };
    assert_eq!(told, [Told { data: "[{\"a\":1}]".into(), id: "abc.7".into() }, beat]);
    assert_eq!((id.as_str(), retry), ("abc.7", Some(1_000)));
}

#[test]
fn an_id_alone_is_noted_and_told_to_nobody() {
    let mut out = Vec::new();
    write_retry(&mut out, 5, Some(EventId { ticket: "t", received: 3 }));
    assert_eq!(read(&finished(out)), (Vec::new(), "t.3".into(), Some(5)));
}

#[test]
fn ids_that_are_none_are_refused() {
    assert_eq!(EventId::parse(b"ab12.9"), Some(EventId { ticket: "ab12", received: 9 }));
    let most = format!("t.{}", u64::MAX);
    assert_eq!(EventId::parse(most.as_bytes()), Some(EventId { ticket: "t", received: u64::MAX }));
    let long = format!("{}.1", "a".repeat(129));
    for bad in [
        "",
        ".",
        "a",
        "a.",
        ".1",
        "a.b",
        "a.-1",
        "a.+1",
        "a b.1",
        "a.1.2",
        "a.18446744073709551616",
        "\u{fc}.1",
        &long,
    ] {
        assert_eq!(EventId::parse(bad.as_bytes()), None, "{bad:?}");
    }
    assert_eq!(EventId::parse(b"\xff.1"), None);
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(text in any::<String>(), received in any::<u64>()) {
        let pretty = serde_json::to_string_pretty(&serde_json::json!({ "text": text, "list": [1, 2] })).unwrap();
        let mut out = Vec::new();
        EventId { ticket: "x1", received }.write(&mut out);
        write_event(&mut out, [pretty.as_bytes(), b"2"].into_iter());
        let (told, id, _) = read(&finished(out));
        prop_assert_eq!(told.len(), 1);
        let value: Value = serde_json::from_str(&told[0].data).unwrap();
        prop_assert_eq!(&value[0]["text"], &Value::from(text));
        prop_assert_eq!(EventId::parse(id.as_bytes()), Some(EventId { ticket: "x1", received }));
    }

    #[test]
    fn no_id_of_a_stranger_panics(id in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(read) = EventId::parse(&id) {
            let mut out = Vec::new();
            read.write(&mut out);
            prop_assert!(!finished(out).contains(&b'\r'));
        }
    }
}
