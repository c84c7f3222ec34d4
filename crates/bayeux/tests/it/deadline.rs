//! Time: what is due, and when a session ends.

use bayeux::{Due, Settings};

use crate::stage::{HTTP, Stage, WEBSOCKET};

#[test]
fn a_session_that_only_handshook_expires() {
    let mut stage = Stage::handshaken();
    assert_eq!(stage.session.deadline(), 11_000);
    assert_eq!(stage.wait(9_999), Due::NotYet);
    assert_eq!(stage.wait(1), Due::Expired);
}

#[test]
fn a_held_connect_is_due_at_its_time() {
    let (mut stage, ticket) = Stage::holding(HTTP);
    assert_eq!(stage.session.deadline(), 26_000);
    assert_eq!(stage.wait(24_999), Due::NotYet);
    assert_eq!(stage.wait(1), Due::AnswerConnect);
    assert_eq!(stage.release().unwrap().0, ticket);
    assert_eq!(stage.session.on_deadline(stage.now), Due::NotYet);
}

#[test]
fn silence_after_a_written_connect_ends_the_session() {
    let mut stage = Stage::connected(HTTP);
    assert_eq!(stage.wait(9_999), Due::NotYet);
    assert_eq!(stage.wait(1), Due::Expired);
}

#[test]
fn other_traffic_makes_the_deadline_later_but_never_earlier() {
    let mut stage = Stage::connected(HTTP);
    stage.wait(6_000);
    stage.say(r#"{"channel":"/a","clientId":"alice","data":1}"#);
    assert_eq!(stage.session.deadline(), 17_000);
    let asked = r#"{"channel":"/meta/connect","clientId":"alice","advice":{"timeout":0,"interval":30000}}"#;
    stage.connect_as(HTTP, asked);
    stage.session.on_connect_written(&stage.settings, stage.now);
    assert_eq!(stage.session.deadline(), 47_000);
    stage.session.on_contact(&stage.settings, stage.now);
    assert_eq!(stage.session.deadline(), 47_000);
}

#[test]
fn messages_that_prove_nothing_do_not_keep_a_session_alive() {
    let mut stage = Stage::connected(HTTP);
    stage.wait(6_000);
    stage.error_of(r#"{"channel":"/a","clientId":"mallory","data":1}"#);
    stage.error_of(r#"{"channel":"/a","data":1}"#);
    assert_eq!(stage.session.deadline(), 11_000);
}

#[test]
fn a_client_announces_a_pause_of_its_own_up_to_a_bound_and_for_one_connect() {
    let mut stage = Stage::connected(HTTP);
    let asked = r#"{"channel":"/meta/connect","clientId":"alice","advice":{"timeout":0,"interval":1e18}}"#;
    stage.connect_as(HTTP, asked);
    stage.session.on_connect_written(&stage.settings, stage.now);
    assert_eq!(stage.session.deadline(), 71_000);
    stage.connect_as(HTTP, r#"{"channel":"/meta/connect","clientId":"alice","advice":{"timeout":0}}"#);
    stage.session.on_connect_written(&stage.settings, stage.now);
    assert_eq!(stage.session.deadline(), 11_000);
}

#[test]
fn a_session_on_an_open_wire_still_has_to_connect_in_time() {
    let mut stage = Stage::connected(WEBSOCKET);
    stage.session.attach();
    assert_eq!(stage.wait(9_999), Due::NotYet);
    assert_eq!(stage.wait(1), Due::Expired, "an open wire alone shows nobody");
}

#[test]
fn the_clock_of_a_wire_that_goes_is_never_shorter_than_that_of_its_last_connect() {
    let mut stage = Stage::connected(WEBSOCKET);
    stage.session.attach();
    stage.wait(6_000);
    stage.session.detach(&stage.settings, stage.now);
    assert!(stage.session.is_attached(), "the older wire going away hurts nobody");
    stage.session.detach(&stage.settings, stage.now);
    assert_eq!(stage.session.deadline(), stage.now + 10_000);
}

#[test]
fn a_wire_that_goes_with_its_held_connect_leaves_the_session_alive() {
    for detach_first in [true, false] {
        let (mut stage, ticket) = Stage::holding(WEBSOCKET);
        stage.wait(20_000);
        if detach_first {
            stage.session.detach(&stage.settings, stage.now);
        }
        stage.session.abandon(ticket, &stage.settings, stage.now);
        if !detach_first {
            stage.session.detach(&stage.settings, stage.now);
        }
        assert_eq!(stage.session.deadline(), 31_000);
    }
}

#[test]
fn a_detach_without_attach_is_harmless() {
    let mut stage = Stage::connected(HTTP);
    stage.session.detach(&stage.settings, stage.now);
    assert!(!stage.session.is_attached());
    assert_eq!(stage.session.deadline(), 11_000);
}

#[test]
fn a_session_whose_answer_is_never_reported_as_written_ends_all_the_same() {
    let (mut stage, _) = Stage::holding(HTTP);
    stage.wait(25_000);
    stage.release();
    assert_eq!(stage.wait(34_999), Due::NotYet);
    assert_eq!(stage.wait(1), Due::Expired);
}

#[test]
fn extreme_settings_do_not_overflow() {
    let settings = Settings {
        timeout_ms: u64::MAX,
        interval_ms: u64::MAX,
        max_interval_ms: u64::MAX,
        ..Settings::default()
    };
    let mut stage = Stage::with(settings);
    stage.connect(HTTP);
    stage.hold(HTTP);
    assert_eq!(stage.session.deadline(), u64::MAX);
    stage.release();
    assert_eq!(stage.session.deadline(), u64::MAX);
}
