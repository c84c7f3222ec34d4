//! Feeds: what a browser reads out of them, whatever names, marks and JSON hold.

use comet_wire::feed::{
    MOST_MARK_BYTES, MOST_PLACES, Mark, Place, write_event, write_event_again, write_retry, write_word,
};
use comet_wire::http::response::LAST_CHUNK;
use proptest::prelude::*;
use serde_json::Value;

use crate::http_streaming::unchunked;

/// An event as a browser tells it.
#[derive(Debug, Default, PartialEq)]
struct Told {
    name: String,
    data: String,
    id: String,
}

/// Reads as the standard says: every line end counts, the last of several names and ids, a NUL makes no id.
fn read(mut out: Vec<u8>) -> (Vec<Told>, String, Option<u64>) {
    out.extend_from_slice(LAST_CHUNK);
    let text = String::from_utf8(unchunked(&out)).unwrap().replace("\r\n", "\n");
    let (mut told, mut event, mut data, mut id, mut retry) =
        (Vec::new(), String::new(), None, String::new(), None);
    for line in text.split(['\n', '\r']) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            _ if line.is_empty() => {
                let name = std::mem::take(&mut event);
                if let Some(data) = data.take() {
                    told.push(Told { name, data, id: id.clone() });
                }
            }
            "event" => event = value.into(),
            "data" => data = Some(data.map_or(value.into(), |before: String| before + "\n" + value)),
            "id" if !value.contains('\0') => id = value.into(),
            "retry" => retry = value.parse().ok(),
            other => assert_eq!(other, "", "{text:?}"),
        }
    }
    (told, id, retry)
}

fn mark(text: &str) -> Mark<'_> {
    Mark::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text:?} is a mark"))
}

#[test]
fn an_event_has_its_mark_its_channel_and_its_data() {
    let mut out = Vec::new();
    write_retry(&mut out, 1_000, Some(b"17"));
    write_event(&mut out, b"1f.7/chat/a", "/chat/a", b"{\"a\":\n1}");
    write_word(&mut out, "end", b"{}");
    let (told, id, retry) = read(out);
    let event = Told { name: "/chat/a".into(), data: "{\"a\": 1}".into(), id: "1f.7/chat/a".into() };
    let end = Told { name: "end".into(), data: "{}".into(), id: event.id.clone() };
    assert_eq!(told, [event, end]);
    assert_eq!((id.as_str(), retry), ("1f.7/chat/a", Some(1_000)));
}

#[test]
fn an_event_again_is_the_same_but_for_its_mark() {
    let (mut once, mut again) = (Vec::new(), Vec::new());
    write_event(&mut once, b"1f.7/a", "/a", b"[1]");
    write_event_again(&mut again, b"5|1f.7/a|2.9/b", &once);
    let told = Told { name: "/a".into(), data: "[1]".into(), id: "5|1f.7/a|2.9/b".into() };
    assert_eq!(read(again).0, [told]);
}

#[test]
fn marks_tell_a_time_and_places() {
    assert_eq!(mark("12"), Mark { time_ms: Some(12), ..Mark::default() });
    let place = Place { epoch: "ab", offset: 3, channel: "/a.b/c" };
    assert_eq!(mark("ab.3/a.b/c"), Mark { places: vec![place], ..Mark::default() });
    let most = Place { epoch: "0", offset: u64::MAX, channel: "/d" };
    let text = format!("~9|ab.3/a.b/c|0.{}/d", u64::MAX);
    assert_eq!(mark(&text), Mark { time_ms: Some(9), unsure: true, places: vec![place, most] });
}

#[test]
fn marks_that_are_none_are_refused() {
    let long = format!("1.1/{}", "a".repeat(MOST_MARK_BYTES));
    let many = vec!["1.1/a"; MOST_PLACES + 1].join("|");
    for bad in [
        "",
        "|",
        "~",
        "~1.1/a",
        "a",
        "1.1",
        "1./a",
        ".1/a",
        "G.1/a",
        "A.1/a",
        "1.-1/a",
        "1.01/a",
        "01",
        "1.1/a|7",
        "1.1/a|",
        "1|",
        "1.1/\u{fc}",
        "1.1/a b",
        "1.18446744073709551616/a",
        "12345678901234567.1/a",
        &long,
        &many,
    ] {
        assert_eq!(Mark::parse(bad.as_bytes()), None, "{bad:?}");
    }
    assert_eq!(Mark::parse(b"1.1/\xff"), None);
}

fn places() -> impl Strategy<Value = Vec<(String, u64, String)>> {
    let place = ("[0-9a-f]{1,16}", any::<u64>(), "/[!-{}~]{0,20}");
    proptest::collection::vec(place, 0..20)
}

proptest! {
    #[test]
    fn no_text_of_anybody_makes_a_field_and_what_is_written_is_what_is_read(
        text in any::<String>(), name in "/[!-~]{0,40}", (time, places) in (any::<Option<u64>>(), places()),
    ) {
        prop_assume!(time.is_some() || !places.is_empty());
        let written: Vec<_> =
            places.iter().map(|(epoch, offset, channel)| Place { epoch, offset: *offset, channel }).collect();
        let mark = Mark { time_ms: time, unsure: time.is_some(), places: written };
        let mut id = Vec::new();
        mark.write(&mut id);
        let pretty = serde_json::to_string_pretty(&serde_json::json!({ "text": text, "list": [1, text] })).unwrap();
        let pretty = pretty.replace('\n', "\r\n");
        let (mut out, mut again) = (Vec::new(), Vec::new());
        write_event(&mut out, &id, &name, pretty.as_bytes());
        write_event_again(&mut again, b"1", &out);
        let (told, last, _) = read(out);
        prop_assert_eq!(told.len(), 1);
        prop_assert_eq!(&told[0].name, &name);
        let value: Value = serde_json::from_str(&told[0].data).unwrap();
        prop_assert_eq!(&value["text"], &Value::from(text));
        prop_assert_eq!(Mark::parse(last.as_bytes()), Some(mark));
        let (other, last, _) = read(again);
        prop_assert_eq!((&other[0].name, &other[0].data, last.as_str()), (&told[0].name, &told[0].data, "1"));
    }

    #[test]
    fn no_mark_of_a_stranger_panics(id in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(read) = Mark::parse(&id) {
            let mut out = Vec::new();
            read.write(&mut out);
            prop_assert_eq!(out, id);
        }
    }

    #[test]
    fn even_a_name_that_can_be_none_makes_no_field(name in any::<String>(), id in any::<Vec<u8>>()) {
        let mut out = Vec::new();
        let id = String::from_utf8_lossy(&id).into_owned();
        write_event(&mut out, id.as_bytes(), &name, b"1");
        let (told, _, retry) = read(out);
        prop_assert_eq!((told.len(), retry), (1, None));
        prop_assert_eq!(&told[0].data, "1");
    }
}
