//! Clients that count what they receive.

use bayeux::{Answer, Code, Reconnect, Settings, Step};

use crate::stage::{CALLBACK, HTTP, Note, Stage, WEBSOCKET, error, value};

/// No number at all.
const NOTHING: [u64; 0] = [];
const COUNTING: &str = r#"{"received":true}"#;

fn counting() -> Stage {
    Stage::asking(COUNTING, Settings::default())
}

/// A counting client on a WebSocket, its first connect answered.
fn on_websocket() -> Stage {
    let mut stage = counting();
    stage.session.attach();
    assert_eq!(stage.answer_to(WEBSOCKET, "0"), NOTHING);
    stage
}

impl Stage {
    /// What leaves with the answer to a connect with this count.
    fn answer_to(&mut self, carrier: bayeux::Carrier, count: &str) -> Vec<u64> {
        let connect = self.connect_saying(carrier, &format!(r#"{{"received":{count}}}"#));
        self.answer(connect).0
    }

    fn hold_saying(&mut self, carrier: bayeux::Carrier, ext: &str) {
        let connect = self.connect_saying(carrier, ext);
        assert!(matches!(connect.answer, Answer::Hold { .. }), "{connect:?}");
        self.hold_connect(connect);
    }

    fn say_received(&mut self, carrier: bayeux::Carrier, ext: &str) -> Step {
        let text = format!(r#"{{"channel":"/meta/received","clientId":"alice","id":"r","ext":{ext}}}"#);
        self.say_on(carrier, &text)
    }

    /// The error of a connect with this `ext`.
    fn connect_error(&mut self, carrier: bayeux::Carrier, ext: &str) -> String {
        let text = format!(r#"{{"channel":"/meta/connect","clientId":"alice","ext":{ext}}}"#);
        match self.say_on(carrier, &text) {
            Step::Reply(reply) => error(&value(&reply)),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// A new WebSocket in place of whatever there was.
    fn reopen(&mut self) {
        self.session.detach(&self.settings, self.now);
        self.session.attach();
    }

    fn push_all(&mut self, numbers: std::ops::Range<u64>) {
        numbers.for_each(|number| self.push(number));
    }
}

#[test]
fn a_client_that_asks_is_told_that_it_may_count() {
    let ask = |ext: &str| {
        let text = format!(r#"{{"channel":"/meta/handshake","ext":{ext}}}"#);
        let settings = Settings::default();
        let request = bayeux::Unidentified.on_message(crate::stage::message(&text), &settings).unwrap();
        let (session, reply) = request.accept::<Note>("alice".into(), &settings, 0);
        (session.counts(), session.acknowledges(), value(&reply)["ext"].to_string())
    };
    assert_eq!(ask(COUNTING), (true, false, r#"{"received":true}"#.into()));
    assert_eq!(ask(r#"{"received":true,"ack":true}"#), (true, false, r#"{"received":true}"#.into()));
    assert_eq!(ask(r#"{"ack":true,"replay":1}"#), (false, true, r#"{"ack":true,"replay":true}"#.into()));
    for ext in ["{}", r#"{"received":false}"#, r#"{"received":1}"#, r#"{"received":"true"}"#, r#"{"ack":0}"#]
    {
        assert_eq!(ask(ext), (false, false, "null".into()), "{ext}");
    }
}

#[test]
fn a_new_websocket_is_sent_nothing_before_the_count_is_said_on_it() {
    let mut stage = on_websocket();
    assert!(stage.session.may_push_now());
    stage.push_all(0..3);
    assert_eq!(stage.take_all(), [0, 1, 2]);
    stage.push(3);
    stage.reopen();
    assert!(!stage.session.may_push_now() && !stage.session.may_ride_on_connect());
    stage.hold_saying(WEBSOCKET, r#"{"received":1}"#);
    assert!(stage.session.may_push_now());
    assert_eq!(stage.take_all(), [1, 2, 3], "what was lost comes before what is new");
}

#[test]
fn nothing_leaves_on_the_first_websocket_before_the_first_connect() {
    let mut stage = counting();
    stage.session.attach();
    stage.push(0);
    assert!(!stage.session.may_push_now() && !stage.session.wakes_connect());
    assert_eq!(stage.connect_saying(WEBSOCKET, r#"{"received":0}"#).answer, Answer::Now);
    assert!(stage.session.may_push_now());
}

#[test]
fn a_connect_without_count_on_a_new_wire_carries_nothing() {
    for carrier in [HTTP, CALLBACK, WEBSOCKET] {
        let mut stage = on_websocket();
        stage.push_all(0..2);
        stage.take_all();
        stage.push(2);
        stage.reopen();
        stage.hold_saying(carrier, r#"{"connect":1}"#);
        assert!(!stage.session.may_push_now() && !stage.session.wakes_connect(), "{carrier:?}");
        assert_eq!((stage.session.pending(), stage.session.unconfirmed()), (1, 2), "{carrier:?}");
        let connect = stage.connect_saying(carrier, r#"{"connect":2,"received":1}"#);
        assert!(connect.superseded.is_some());
        let left = if carrier == WEBSOCKET { stage.take_all() } else { stage.answer(connect).0 };
        assert_eq!(left, [1, 2], "{carrier:?}");
    }
}

#[test]
fn a_heartbeat_on_the_same_websocket_confirms_and_resends_nothing() {
    let mut stage = on_websocket();
    stage.push_all(0..5);
    stage.take_all();
    stage.hold_saying(WEBSOCKET, r#"{"received":3}"#);
    assert_eq!((stage.session.pending(), stage.session.unconfirmed()), (0, 2));
    stage.hold_saying(WEBSOCKET, r#"{"received":2}"#);
    stage.hold_saying(WEBSOCKET, "{}");
    assert_eq!((stage.session.pending(), stage.session.unconfirmed()), (0, 2), "backwards means nothing");
    assert!(stage.session.may_push_now());
}

#[test]
fn every_connect_over_http_is_sent_again_what_it_does_not_count() {
    let mut stage = counting();
    assert_eq!(stage.answer_to(HTTP, "0"), NOTHING);
    stage.push_all(0..3);
    assert_eq!(stage.answer_to(HTTP, "0"), [0, 1, 2]);
    stage.push(3);
    assert_eq!(stage.answer_to(HTTP, "0"), [0, 1, 2, 3], "the answer was lost");
    assert_eq!(stage.answer_to(HTTP, "2"), [2, 3]);
    stage.hold_saying(HTTP, r#"{"received":4}"#);
    assert_eq!((stage.session.unconfirmed(), stage.session.unconfirmed_bytes()), (0, 0));
}

#[test]
fn a_held_poll_that_was_answered_into_the_void_is_made_good_by_the_next() {
    let mut stage = counting();
    stage.answer_to(HTTP, "0");
    stage.hold_saying(HTTP, r#"{"received":0}"#);
    stage.push(0);
    assert!(stage.session.wakes_connect());
    stage.release();
    assert_eq!(stage.take_all(), [0]);
    assert_eq!(stage.answer_to(HTTP, "0"), [0]);
}

#[test]
fn a_count_may_cover_what_is_queued_once_more() {
    let mut stage = counting();
    stage.answer_to(HTTP, "0");
    stage.push_all(0..4);
    assert_eq!(stage.answer_to(HTTP, "0"), [0, 1, 2, 3]);
    // The connect that said 0 was overtaken by the answer it thought lost.
    let unanswered = stage.connect_saying(HTTP, r#"{"received":0}"#);
    assert_eq!(stage.session.pending(), 4);
    assert_eq!(stage.answer_to(HTTP, "3"), [3]);
    assert_eq!(stage.answer(unanswered).0, NOTHING, "an older connect takes nothing along");
}

#[test]
fn an_older_connect_that_is_answered_late_carries_nothing() {
    let mut stage = counting();
    stage.answer_to(HTTP, "0");
    stage.lone = false;
    let late = stage.connect_saying(HTTP, r#"{"received":0}"#);
    stage.lone = true;
    stage.push(0);
    assert_eq!(stage.answer_to(HTTP, "0"), [0]);
    stage.push(1);
    assert_eq!(stage.answer(late).0, NOTHING);
    assert_eq!(stage.answer_to(HTTP, "1"), [1]);
}

#[test]
fn a_client_changes_wires_and_gets_everything_once() {
    let mut stage = on_websocket();
    stage.push_all(0..3);
    stage.take_all();
    assert_eq!(stage.answer_to(HTTP, "1"), [1, 2], "the socket was left");
    stage.push(3);
    stage.reopen();
    assert!(!stage.session.may_push_now(), "what a poll said does not hold for a socket");
    stage.hold_saying(WEBSOCKET, r#"{"received":2}"#);
    assert_eq!(stage.take_all(), [2, 3]);
}

#[test]
fn a_socket_that_was_not_left_is_resumed_too_after_a_poll() {
    let mut stage = on_websocket();
    stage.push(0);
    assert_eq!(stage.answer_to(HTTP, "0"), [0]);
    stage.hold_saying(WEBSOCKET, r#"{"received":0}"#);
    assert_eq!(stage.take_all(), [0]);
}

#[test]
fn events_of_clients_that_count_never_ride_on_other_answers() {
    let mut stage = counting();
    stage.settings.early_delivery = true;
    stage.answer_to(HTTP, "0");
    stage.push(0);
    assert!(!stage.session.may_ride_on(HTTP, &stage.settings));
}

#[test]
fn a_count_between_connects_frees_memory_and_has_no_reply() {
    let mut stage = on_websocket();
    stage.push_all(0..600);
    stage.take_all();
    assert!(matches!(stage.say_received(WEBSOCKET, r#"{"received":256}"#), Step::Received));
    assert_eq!((stage.session.unconfirmed(), stage.session.unconfirmed_bytes()), (344, 3_440));
    assert!(matches!(stage.say_received(WEBSOCKET, r#"{"received":10}"#), Step::Received), "backwards");
    assert_eq!(stage.session.unconfirmed(), 344);
    let Step::Reply(reply) = stage.say_received(HTTP, r#"{"received":600}"#) else { panic!("HTTP answers") };
    assert!(reply.is_successful());
    assert_eq!(stage.session.unconfirmed(), 0);
}

#[test]
fn a_count_that_cannot_be_is_refused_and_changes_nothing() {
    let mut stage = on_websocket();
    stage.push_all(0..2);
    stage.take_all();
    for count in ["3", "-1", "1.5", "\"1\"", "18446744073709551616", "[]"] {
        let ext = format!(r#"{{"received":{count}}}"#);
        let Step::Reply(reply) = stage.say_received(WEBSOCKET, &ext) else { panic!("{count} is refused") };
        assert!(error(&value(&reply)).ends_with(":message_invalid"), "{count}");
        assert!(stage.connect_error(WEBSOCKET, &ext).ends_with(":message_invalid"), "{count}");
        assert!(stage.connect_error(HTTP, &ext).starts_with("400:ext.received "), "{count}");
    }
    let Step::Reply(reply) = stage.say_received(WEBSOCKET, "{}") else { panic!("a count is missing") };
    assert_eq!(error(&value(&reply)), "400:ext.received is missing:message_invalid");
    assert_eq!((stage.session.pending(), stage.session.unconfirmed()), (0, 2));
    assert!(stage.session.may_push_now() && !stage.session.has_ended());
}

#[test]
fn who_does_not_count_cannot_say_what_it_received() {
    for ext in ["{}", r#"{"ack":true}"#] {
        let mut stage = Stage::asking(ext, Settings::default());
        let Step::Reply(reply) = stage.say_received(WEBSOCKET, r#"{"received":0}"#) else { panic!("{ext}") };
        assert_eq!(error(&value(&reply)), "403:/meta/received:meta_unknown");
    }
    let mut stage = Stage::connected(HTTP);
    stage.push(0);
    stage.take_all();
    assert_eq!(stage.session.unconfirmed(), 0, "nothing is kept for it either");
    stage.connect_saying(HTTP, r#"{"received":7}"#);
}

#[test]
fn a_client_that_lost_more_than_is_kept_is_told_and_starts_anew() {
    let settings = Settings { retained_messages: 3, ..Settings::default() };
    let mut stage = Stage::asking(COUNTING, settings);
    stage.session.attach();
    stage.answer_to(WEBSOCKET, "0");
    stage.hold_saying(WEBSOCKET, r#"{"received":0}"#);
    let held = stage.session.held_ticket();
    stage.push_all(0..5);
    stage.take_all();
    stage.reopen();
    let text = r#"{"channel":"/meta/connect","clientId":"alice","id":"7","ext":{"received":1}}"#;
    let Step::End { code: Code::ResumeFailed, reply, superseded } = stage.say_on(WEBSOCKET, text) else {
        panic!("not told")
    };
    assert_eq!(superseded, held);
    let advice = reply.advice.unwrap();
    assert_eq!((advice.reconnect, advice.interval_ms), (Reconnect::Handshake, 0));
    let reply = value(&reply);
    assert_eq!((&reply["error"], &reply["id"]), (&"402::resume_failed".into(), &"7".into()));
    assert!(stage.session.has_ended() && stage.session.held_ticket().is_none());
    assert_eq!(stage.error_of(r#"{"channel":"/a","clientId":"alice","data":1}"#), "402::session_unknown");
}

#[test]
fn what_is_just_kept_is_enough() {
    let settings = Settings { retained_messages: 3, ..Settings::default() };
    for carrier in [HTTP, WEBSOCKET] {
        let mut stage = Stage::asking(COUNTING, settings.clone());
        stage.session.attach();
        stage.answer_to(WEBSOCKET, "0");
        stage.push_all(0..5);
        stage.take_all();
        stage.reopen();
        stage.connect_saying(carrier, r#"{"received":2}"#);
        assert_eq!(stage.take_all(), [2, 3, 4]);
    }
}

#[test]
fn a_stale_connect_is_superseded_before_its_count_is_read() {
    let mut stage = counting();
    stage.connect_saying(HTTP, r#"{"connect":2,"received":0}"#);
    let refused = stage.connect_error(HTTP, r#"{"connect":1,"received":99}"#);
    assert_eq!(refused, "409::superseded");
}

#[test]
fn a_number_is_kept_when_its_delivery_is_too_large_to_be() {
    let settings = Settings { retained_bytes: 100, ..Settings::default() };
    let mut stage = Stage::asking(COUNTING, settings);
    stage.answer_to(HTTP, "0");
    assert_eq!(stage.session.push(Note(0, 101), &stage.settings), bayeux::Pushed::Queued);
    stage.push(1);
    assert_eq!(stage.answer_to(HTTP, "0"), [0, 1]);
    assert_eq!((stage.session.unconfirmed(), stage.session.unconfirmed_bytes()), (1, 10));
    assert_eq!(stage.answer_to(HTTP, "1"), [1]);
}

#[test]
fn what_is_discarded_is_neither_sent_nor_counted() {
    let mut stage = on_websocket();
    stage.push_all(0..6);
    assert_eq!(stage.take_all(), [0, 1, 2, 3, 4, 5]);
    stage.push_all(6..9);
    stage.reopen();
    // It has received two; four come again, of which one has become worthless, like one that never left.
    stage.hold_saying(WEBSOCKET, r#"{"received":2}"#);
    assert_eq!(stage.session.pending(), 7);
    assert_eq!(stage.session.discard(|Note(number, _)| [4, 7].contains(number)), 2);
    assert_eq!(stage.take_all(), [2, 3, 5, 6, 8]);
    assert!(matches!(stage.say_received(WEBSOCKET, r#"{"received":7}"#), Step::Received));
    assert_eq!(stage.session.unconfirmed(), 0);
    assert!(matches!(stage.say_received(WEBSOCKET, r#"{"received":8}"#), Step::Reply(_)), "it was sent 7");
    assert_eq!((stage.session.pending(), stage.session.pending_bytes()), (0, 0));
}
