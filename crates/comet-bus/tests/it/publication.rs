//! Frozen publications: what subscribers get, whatever publishers send along.

use comet_bus::{Draft, Position, Publication};

use crate::stage::channel;

fn event(ext: Option<&str>) -> String {
    let draft = Draft { ext, ..Draft::new(channel("/a"), "[1]") };
    let publication = Publication::freeze(draft, Position { epoch: 0x2a, offset: 3 }, 0);
    String::from_utf8(publication.event.into_vec()).expect("text")
}

#[test]
fn a_frozen_publication_is_the_event_that_subscribers_get() {
    let position = r#""position":{"epoch":"2a","offset":3}"#;
    assert_eq!(event(None), format!(r#"{{"channel":"/a","data":[1],"ext":{{{position}}}}}"#));
    assert_eq!(event(Some("{ }")), event(None));
    assert_eq!(
        event(Some("{\"x\":1}")),
        format!(r#"{{"channel":"/a","data":[1],"ext":{{"x":1,{position}}}}}"#)
    );
}

#[test]
fn a_position_of_the_publishers_making_does_not_survive() {
    for forged in [
        r#"{"position":{"epoch":"1","offset":9}}"#,
        r#"{"position":1,"position":2}"#,
        r#"{"posit\u0069on":"}"}"#,
        r#"{"\u0070\u006f\u0073\u0069\u0074\u0069\u006F\u006E" : [{"a":"\\\"},{"}] }"#,
        r#" { "position" : "\\" , "position":null } "#,
    ] {
        assert_eq!(event(Some(forged)), event(None), "{forged}");
    }
}

#[test]
fn the_other_fields_stay_byte_for_byte() {
    let kept =
        r#""x" :1.50e1,"a\u0062":{"position":[1,2]} ,"Position":"\"position\":\\","":null,"x":[{},"}"]"#;
    let own = event(Some(&format!("{{ {kept} }}")));
    assert!(own.contains(r#""ext":{"x" :1.50e1,"a\u0062":{"position":[1,2]},"Position":"\"position\":\\","":null,"x":[{},"}"],"position":{"#), "{own}");
    let between = event(Some(&format!(r#"{{"position":0,{kept},"position":{{}}}}"#)));
    assert_eq!(between, own);
}

#[test]
fn a_publication_expires_at_its_time() {
    let draft = |expires_at_ms| Draft { expires_at_ms, ..Draft::new(channel("/a"), "1") };
    let position = Position { epoch: 1, offset: 1 };
    let mortal = Publication::freeze(draft(Some(50)), position, 7);
    assert_eq!((mortal.at_ms, mortal.is_expired(49), mortal.is_expired(50)), (7, false, true));
    assert!(!Publication::freeze(draft(None), position, 7).is_expired(u64::MAX));
}

#[test]
fn the_size_of_a_publication_counts_its_event() {
    let size = |data: &str| {
        Publication::freeze(Draft::new(channel("/a"), data), Position { epoch: 1, offset: 1 }, 0).size_bytes()
    };
    assert_eq!(size("1000000000") - size("1"), 9);
    assert!(size("1") >= std::mem::size_of::<Publication>() + 60);
}
