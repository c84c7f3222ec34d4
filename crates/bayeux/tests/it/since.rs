//! What a subscribe asks of the past.

use std::fmt::Write;

use bayeux::since::Position;
use bayeux::{Pattern, Settings, Since, SinceRequest, Step};

use crate::stage::{HTTP, Stage, error, value};

fn subscribe(stage: &mut Stage, names: &str, ext: &str) -> Step {
    let text =
        format!(r#"{{"channel":"/meta/subscribe","clientId":"alice","subscription":{names},"ext":{ext}}}"#);
    stage.say(&text)
}

fn asked(step: Step) -> Option<SinceRequest> {
    match step {
        Step::Subscribe { since, .. } => since,
        other => panic!("refused: {other:?}"),
    }
}

fn since(form: &str) -> Option<SinceRequest> {
    let mut stage = Stage::connected(HTTP);
    asked(subscribe(&mut stage, r#""/a""#, &format!(r#"{{"since":{form}}}"#)))
}

fn refused(stage: &mut Stage, ext: &str) -> String {
    match subscribe(stage, r#""/a""#, ext) {
        Step::Reply(reply) => error(&value(&reply)),
        other => panic!("{ext} is not refused: {other:?}"),
    }
}

fn position(epoch: &str, offset: u64) -> Position {
    Position { epoch: epoch.into(), offset }
}

#[test]
fn a_subscriber_names_a_position_a_time_or_a_number() {
    let one = |since| Some(SinceRequest::One(since));
    assert_eq!(since(r#"{"epoch":"1f","offset":7}"#), one(Since::Position(position("1f", 7))));
    assert_eq!(since(r#"{"time":1700000000000}"#), one(Since::Time(1_700_000_000_000)));
    assert_eq!(since(r#"{"last":10,"unknown":[]}"#), one(Since::Last(10)));
    assert_eq!(since("null"), None);
    assert_eq!(asked(subscribe(&mut Stage::connected(HTTP), r#""/a""#, "{}")), None);
}

#[test]
fn a_subscriber_of_a_pattern_names_the_positions_it_has_and_a_time() {
    let form = r#"{"time":5,"positions":{"/a/1":{"epoch":"e","offset":1},"/a/2":{"epoch":"f","offset":0}}}"#;
    let Some(SinceRequest::Pattern { time_ms, positions }) = since(form) else { panic!("a pattern") };
    assert_eq!(time_ms, 5);
    let positions: Vec<_> = positions.iter().map(|(channel, at)| (channel.as_str(), at.clone())).collect();
    assert_eq!(positions, [("/a/1", position("e", 1)), ("/a/2", position("f", 0))]);
    assert!(matches!(
        since(r#"{"time":5,"positions":{}}"#),
        Some(SinceRequest::Pattern { positions, .. }) if positions.is_empty()
    ));
}

#[test]
fn what_is_none_of_the_forms_is_refused_with_a_reason() {
    let long = format!(r#"{{"epoch":"{}","offset":1}}"#, "e".repeat(65));
    for form in [
        "7",
        r#""10m""#,
        "[]",
        r#"["e",1,null,null,null]"#,
        "{}",
        r#"{"epoch":"e"}"#,
        r#"{"offset":1}"#,
        r#"{"epoch":7,"offset":1}"#,
        r#"{"epoch":"e","offset":-1}"#,
        r#"{"epoch":"","offset":1}"#,
        &long,
        r#"{"time":-5}"#,
        r#"{"time":"now"}"#,
        r#"{"time":1,"last":2}"#,
        r#"{"time":1,"time":2}"#,
        r#"{"epoch":"e","offset":1,"time":2}"#,
        r#"{"positions":{}}"#,
        r#"{"time":1,"positions":[]}"#,
        r#"{"time":1,"positions":{"/a":7}}"#,
        r#"{"time":1,"positions":{"/a":["e",1]}}"#,
        r#"{"time":1,"positions":{"a":{"epoch":"e","offset":1}}}"#,
        r#"{"time":1,"positions":{"/a/*":{"epoch":"e","offset":1}}}"#,
        r#"{"time":1,"positions":{"/a":{"epoch":"e","offset":1},"/a":{"epoch":"e","offset":2}}}"#,
    ] {
        let error = refused(&mut Stage::connected(HTTP), &format!(r#"{{"since":{form}}}"#));
        assert!(error.starts_with("400:") && error.ends_with(":message_invalid"), "{form}: {error}");
        assert!(error.len() > "400::message_invalid".len(), "{form} has a reason");
    }
    let twice = refused(&mut Stage::connected(HTTP), r#"{"since":{"last":1},"since":{"last":2}}"#);
    assert_eq!(twice, "400:ext gives a field twice:message_invalid");
}

#[test]
fn the_positions_of_one_request_are_bounded() {
    let form = |count: usize| {
        let mut positions = String::new();
        for number in 0..count {
            let comma = if number > 0 { "," } else { "" };
            write!(positions, r#"{comma}"/a/{number}":{{"epoch":"e","offset":1}}"#).unwrap();
        }
        format!(r#"{{"since":{{"time":1,"positions":{{{positions}}}}}}}"#)
    };
    let mut stage = Stage::connected(HTTP);
    let request = asked(subscribe(&mut stage, r#""/a/*""#, &form(bayeux::since::MAX_POSITIONS)));
    assert!(matches!(request, Some(SinceRequest::Pattern { positions, .. }) if positions.len() == 1_024));
    assert!(refused(&mut stage, &form(1_025)).contains("1024"));
}

#[test]
fn nothing_is_subscribed_when_the_past_cannot_be_read() {
    let mut stage = Stage::connected(HTTP);
    let Step::Reply(reply) = subscribe(&mut stage, r#"["/a","/b"]"#, r#"{"since":1}"#) else { panic!() };
    assert_eq!(value(&reply)["subscription"], serde_json::json!(["/a", "/b"]));
}

fn replaying() -> Stage {
    Stage::asking(r#"{"replay":true}"#, Settings::default())
}

fn each(entries: &[(&str, Since)]) -> Option<SinceRequest> {
    let entry = |(name, since): &(&str, Since)| (Pattern::parse(name).unwrap(), since.clone());
    Some(SinceRequest::Each(entries.iter().map(entry).collect()))
}

#[test]
fn clients_of_salesforce_ask_by_id_for_each_channel() {
    let mut stage = replaying();
    let mut ask =
        |names: &str, replay: &str| asked(subscribe(&mut stage, names, &format!(r#"{{"replay":{replay}}}"#)));
    assert_eq!(
        ask(r#""/event/Order__e""#, r#"{"/event/Order__e":42}"#),
        each(&[("/event/Order__e", Since::Replay(42))])
    );
    assert_eq!(ask(r#""/a""#, r#"{"/a":-2}"#), each(&[("/a", Since::Everything)]));
    assert_eq!(ask(r#""/a""#, r#"{"/a":-1}"#), None);
    assert_eq!(
        ask(r#"["/a","/b","/c"]"#, r#"{"/b":-2,"/a":0,"/other":"x"}"#),
        each(&[("/a", Since::Replay(0)), ("/b", Since::Everything)])
    );
    for nothing in ["-1", "[]", r#""x""#, "{}", r#"{"/b":7}"#, r#"{"/b":"x"}"#] {
        assert_eq!(ask(r#""/a""#, nothing), None, "{nothing}");
    }
}

#[test]
fn an_id_that_is_no_number_is_refused() {
    for id in ["\"7\"", "1.5", "null", "-3", "true", "{}", "9223372036854775808"] {
        let error = refused(&mut replaying(), &format!(r#"{{"replay":{{"/a":{id}}}}}"#));
        assert!(error.starts_with("400:") && error.ends_with(":message_invalid"), "{id}: {error}");
    }
}

#[test]
fn replay_is_asked_for_in_the_handshake_or_in_a_subscribe() {
    let plain = Stage::connected(HTTP).session.rendering();
    assert!(plain.is_plain());
    assert!(replaying().session.rendering().replay_ids);
    let settings = Settings { replay_ids: true, ..Settings::default() };
    assert!(Stage::with(settings).session.rendering().replay_ids, "as the server wants it for all");
    for (ids, wanted) in
        [(r#"{"/a":-1}"#, None), ("{}", None), (r#"{"/a":7}"#, each(&[("/a", Since::Replay(7))]))]
    {
        let mut stage = Stage::connected(HTTP);
        refused(&mut stage, r#"{"replay":{"/a":"x"}}"#);
        assert!(stage.session.rendering().is_plain(), "what is refused changes nothing");
        let request = asked(subscribe(&mut stage, r#""/a""#, &format!(r#"{{"replay":{ids}}}"#)));
        assert_eq!(request, wanted, "{ids}");
        assert!(stage.session.rendering().replay_ids, "{ids}");
    }
}

#[test]
fn a_position_comes_before_an_id() {
    let request = asked(subscribe(&mut replaying(), r#""/a""#, r#"{"replay":{"/a":7},"since":{"last":1}}"#));
    assert_eq!(request, Some(SinceRequest::One(Since::Last(1))), "our own word comes first");
}
