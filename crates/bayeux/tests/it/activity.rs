//! CometD's activity extension: sessions that do nothing but connect.

use bayeux::{Code, Settings, Step};

use crate::stage::{HTTP, Stage, WEBSOCKET, value};

const MAX_MS: u64 = 60_000;

fn watched(events_are_activity: bool) -> Stage {
    let settings = Settings { max_inactivity_ms: MAX_MS, events_are_activity, ..Settings::default() };
    let mut stage = Stage::with(settings);
    stage.session.attach();
    stage.connect(WEBSOCKET);
    stage
}

/// A connect later, with its end if that is what it brings.
fn connect_after(stage: &mut Stage, span: u64) -> Option<Step> {
    stage.now += span;
    match stage.say_on(WEBSOCKET, r#"{"channel":"/meta/connect","clientId":"alice"}"#) {
        Step::Connect(connect) => {
            stage.session.on_connect_written(&stage.settings, stage.now);
            drop(connect);
            None
        }
        end => Some(end),
    }
}

fn ends(stage: &mut Stage, span: u64) -> bool {
    let Some(step) = connect_after(stage, span) else { return false };
    let Step::End { code: Code::SessionInactive, reply, superseded: None } = step else {
        panic!("another end: {step:?}");
    };
    assert_eq!(value(&reply)["error"], "403::session_inactive");
    assert_eq!(value(&reply)["advice"]["reconnect"], "none", "it is not to come back by itself");
    assert!(stage.session.has_ended());
    true
}

#[test]
fn a_client_that_only_connects_is_sent_away() {
    let mut stage = watched(false);
    assert!(!ends(&mut stage, MAX_MS / 2));
    assert!(!ends(&mut stage, MAX_MS / 2));
    assert!(ends(&mut stage, 1));
}

#[test]
fn whatever_else_a_client_says_keeps_its_session() {
    for text in [
        r#"{"channel":"/a","data":1,"clientId":"alice"}"#,
        r#"{"channel":"/meta/subscribe","subscription":"/a","clientId":"alice"}"#,
        r#"{"channel":"/service/x","data":1,"clientId":"alice"}"#,
    ] {
        let mut stage = watched(false);
        stage.now += MAX_MS;
        stage.say_on(WEBSOCKET, text);
        assert!(!ends(&mut stage, MAX_MS), "{text}");
        assert!(ends(&mut stage, 1), "{text}");
    }
}

#[test]
fn events_count_only_where_the_server_says_so() {
    for counts in [true, false] {
        let mut stage = watched(counts);
        stage.now += MAX_MS;
        stage.push(1);
        stage.take_all();
        assert_eq!(ends(&mut stage, 1), !counts);
        if counts {
            assert!(!ends(&mut stage, MAX_MS));
            stage.take_all();
            assert!(ends(&mut stage, 1), "an empty queue is no activity");
        }
    }
}

#[test]
fn a_count_of_what_was_received_is_no_activity() {
    let settings = Settings { max_inactivity_ms: MAX_MS, ..Settings::default() };
    let mut stage = Stage::asking(r#"{"received":true}"#, settings);
    stage.session.attach();
    stage.connect_saying(WEBSOCKET, r#"{"received":0}"#);
    stage.now += MAX_MS;
    stage.say_on(WEBSOCKET, r#"{"channel":"/meta/received","clientId":"alice","ext":{"received":0}}"#);
    assert!(ends(&mut stage, 1));
}

#[test]
fn without_a_bound_nobody_is_sent_away() {
    let mut stage = Stage::connected(HTTP);
    assert!(!ends(&mut stage, 1_000 * MAX_MS));
}

#[test]
fn a_bound_that_is_set_later_counts_from_then() {
    let mut stage = Stage::handshaken();
    stage.now += 10 * MAX_MS;
    stage.settings.max_inactivity_ms = MAX_MS;
    assert!(!ends(&mut stage, 0));
    assert!(!ends(&mut stage, MAX_MS));
    assert!(ends(&mut stage, 1));
}

#[test]
fn a_connect_that_is_held_is_ended_with_the_session() {
    let mut stage = watched(false);
    let ticket = stage.hold(WEBSOCKET);
    let step = connect_after(&mut stage, MAX_MS + 1);
    let Some(Step::End { superseded, .. }) = step else { panic!("not ended: {step:?}") };
    assert_eq!(superseded, Some(ticket));
}
