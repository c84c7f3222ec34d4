//! The fifteen traps that other servers fell into, each by its number.

use bayeux::event::write_event;
use bayeux::{Answer, Channel, Code, NameError, Pattern, Reconnect, Settings, Step, Unidentified};
use serde_json::Value;

use crate::stage::{CALLBACK, HTTP, Stage, WEBSOCKET, error, message, value};

#[test]
fn trap_1_the_first_connect_is_answered_at_once_and_later_ones_are_held() {
    for carrier in [HTTP, CALLBACK, WEBSOCKET] {
        let mut stage = Stage::handshaken();
        assert_eq!(stage.connect(carrier).answer, Answer::Now, "{carrier:?}");
        assert!(matches!(stage.connect(carrier).answer, Answer::Hold { .. }), "{carrier:?}");
    }
}

#[test]
fn trap_2_a_session_moves_between_transports() {
    // The handshake came by POST; the socket takes the session up with its first message.
    let mut stage = Stage::handshaken();
    stage.session.attach();
    assert_eq!(stage.connect(WEBSOCKET).answer, Answer::Now);
    let on_socket = stage.hold(WEBSOCKET);
    // The socket dies, polling goes on with the same session, and a new socket follows.
    stage.session.abandon(on_socket, &stage.settings, stage.now);
    stage.session.detach(&stage.settings, stage.now);
    stage.push(1);
    assert_eq!(stage.connect(HTTP).answer, Answer::Now);
    assert_eq!(stage.take_all(), [1]);
    stage.session.attach();
    stage.connect(WEBSOCKET);
    stage.push(2);
    assert!(stage.session.may_push_now());
    assert_eq!(stage.take_all(), [2]);
}

#[test]
fn trap_3_a_connect_in_a_batch_is_never_held() {
    let mut stage = Stage::connected(HTTP);
    stage.lone = false;
    assert_eq!(stage.connect(HTTP).answer, Answer::Now);
    assert_eq!(stage.connect(CALLBACK).answer, Answer::Now);
    assert_eq!(stage.session.held_ticket(), None);
}

#[test]
fn trap_4_a_second_connect_cancels_the_first_without_a_bayeux_reply() {
    let (mut stage, old) = Stage::holding(HTTP);
    stage.wait(5_000);
    let connect = stage.connect(HTTP);
    assert_eq!(connect.superseded, Some(old));
    assert!(Code::Superseded.http_status() >= 400, "clients read no Bayeux reply from such a response");
    let new = stage.hold_connect(connect);
    // The old exchange ends late; the expiry of the new one must not start by it.
    stage.session.abandon(old, &stage.settings, stage.now);
    stage.session.on_connect_written(&stage.settings, stage.now);
    assert_eq!(stage.session.held_ticket(), Some(new));
    assert_eq!(stage.session.deadline(), 31_000);
}

#[test]
fn trap_5_every_message_has_exactly_one_answer_that_is_not_empty() {
    let mut stage = Stage::connected(HTTP);
    for text in ["{}", r#"{"channel":""}"#, r#"{"channel":"/meta/x","clientId":"alice"}"#, r#"{"id":{}}"#] {
        let reply = stage.reply_to(text);
        assert_eq!(reply["successful"], false, "{text}");
    }
    assert_eq!(Code::MessageDeleted.number(), 404, "a veto has a reply too");
}

#[test]
fn trap_6_an_unknown_session_is_told_to_handshake_on_connect_and_success_never_says_so() {
    let mut stage = Stage::connected(HTTP);
    let refused = stage.reply_to(r#"{"channel":"/meta/connect","clientId":"gone"}"#);
    assert_eq!(refused["advice"]["reconnect"], "handshake");
    for code in Code::ALL {
        let (mut stage, _) = Stage::holding(HTTP);
        let (_, reply) = stage.session.end(*code, &stage.settings).unwrap();
        let handshake = reply.advice.unwrap().reconnect == Reconnect::Handshake;
        assert!(!(handshake && reply.is_successful()), "{}", code.name());
    }
}

#[test]
fn trap_7_data_tells_events_from_replies_and_false_values_are_data() {
    let mut stage = Stage::connected(HTTP);
    for data in ["null", "false", "0", "\"\"", "[]", "{}"] {
        let step = stage.say(&format!(r#"{{"channel":"/a","clientId":"alice","data":{data}}}"#));
        let Step::Publish { data: kept, reply, .. } = step else { panic!("{data}: {step:?}") };
        assert_eq!(kept.get(), data);
        assert!(value(&reply).get("data").is_none(), "an acknowledgement carries no data");
        let mut out = Vec::new();
        write_event("/a", kept.get(), None, &mut out);
        let event: Value = serde_json::from_slice(&out).unwrap();
        assert!(event.as_object().unwrap().contains_key("data") && event.get("successful").is_none());
    }
}

#[test]
fn trap_8_broadcasts_name_neither_the_session_nor_the_message_of_the_publisher() {
    let mut stage = Stage::connected(HTTP);
    let step = stage.say(r#"{"channel":"/a","clientId":"alice","id":"77","data":1,"ext":{"k":1}}"#);
    let Step::Publish { channel, data, ext, .. } = step else { panic!("{step:?}") };
    let mut out = Vec::new();
    write_event(channel.as_str(), data.get(), ext.as_ref().map(|ext| ext.get()), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), r#"{"channel":"/a","data":1,"ext":{"k":1}}"#);

    let step = stage.say(r#"{"channel":"/service/a","clientId":"alice","id":"78","data":1}"#);
    let Step::Call { id, .. } = step else { panic!("{step:?}") };
    assert_eq!(id.unwrap().get(), "\"78\"", "the answer of a call keeps its id");
}

#[test]
fn trap_9_advice_is_always_complete_and_the_interval_zero_unless_needed() {
    let mut stage = Stage::handshaken();
    let first = value(&stage.connect(HTTP).reply);
    let refused = stage.reply_to(r#"{"channel":"/meta/connect","clientId":"gone"}"#);
    let handshake = Unidentified
        .on_message(message(r#"{"channel":"/meta/handshake"}"#), &stage.settings)
        .unwrap()
        .deny(Code::HandshakeDenied, None);
    for reply in [&first, &refused, &value(&handshake)] {
        let advice = &reply["advice"];
        assert!(advice["reconnect"].is_string(), "{reply}");
        assert!(advice["interval"].is_u64() && advice["timeout"].is_u64(), "{reply}");
    }
    assert_eq!(first["advice"]["interval"], 0);
    assert_eq!(refused["advice"]["interval"], 0);
}

#[test]
fn trap_10_the_clock_of_expiry_starts_when_the_reply_is_written() {
    let (mut stage, _) = Stage::holding(HTTP);
    stage.push(1);
    stage.release();
    // A slow client takes twenty seconds to receive the response.
    stage.now += 20_000;
    assert_eq!(stage.session.on_deadline(stage.now), bayeux::Due::NotYet);
    stage.session.on_connect_written(&stage.settings, stage.now);
    assert_eq!(stage.session.deadline(), stage.now + 10_000);
    // Other traffic extends it.
    stage.now += 9_000;
    stage.say(r#"{"channel":"/a","clientId":"alice","data":1}"#);
    assert_eq!(stage.session.deadline(), stage.now + 10_000);
    // A closed socket does not end a session.
    let mut stage = Stage::connected(WEBSOCKET);
    stage.session.detach(&stage.settings, stage.now);
    assert_eq!(stage.wait(9_999), bayeux::Due::NotYet);
}

#[test]
fn trap_11_own_events_leave_once_with_the_response_or_with_the_poll() {
    let (mut stage, _) = Stage::holding(HTTP);
    stage.settings.early_delivery = true;
    let step = stage.say(r#"{"channel":"/a","clientId":"alice","data":1}"#);
    assert!(matches!(step, Step::Publish { .. }));
    stage.push(1);
    assert!(stage.session.may_ride_on(HTTP, &stage.settings));
    assert_eq!(stage.take_all(), [1]);
    assert!(!stage.session.wakes_connect(), "the poll stays held");

    let mut stage = Stage::connected(CALLBACK);
    let ticket = stage.hold(CALLBACK);
    stage.push(1);
    assert!(!stage.session.may_ride_on(CALLBACK, &stage.settings));
    assert!(stage.session.wakes_connect(), "only the poll can carry it");
    assert_eq!(stage.release().unwrap().0, ticket);
    assert_eq!(stage.take_all(), [1]);
}

#[test]
fn trap_12_a_disconnect_answers_the_held_connect_with_none() {
    for carrier in [HTTP, WEBSOCKET] {
        let (mut stage, ticket) = Stage::holding(carrier);
        let step = stage.say_on(carrier, r#"{"channel":"/meta/disconnect","clientId":"alice","id":"d"}"#);
        let Step::Disconnect { reply, held: Some((held, answer)) } = step else { panic!("{step:?}") };
        assert_eq!(held, ticket);
        let answer = value(&answer);
        assert_eq!(answer["channel"], "/meta/connect");
        assert_eq!(answer["id"], "c");
        assert_eq!(answer["successful"], true);
        assert_eq!(answer["advice"]["reconnect"], "none");
        assert_eq!(value(&reply)["id"], "d");
    }
}

#[test]
fn trap_13_meta_channels_are_matched_by_equality_only() {
    let mut stage = Stage::connected(HTTP);
    for name in [
        "/meta/subscribe/x",
        "/meta/subscribe/",
        "/meta//subscribe",
        "/meta/subscribe%00",
        "/META/subscribe",
        "/meta/Subscribe",
        "/meta/constructor",
        "/meta/__proto__",
        "/meta",
        "/meta/",
        "/meta/*",
        "/meta/**",
        " /meta/subscribe",
    ] {
        let text = format!(r#"{{"channel":"{name}","clientId":"alice","subscription":"/a","data":1}}"#);
        let refused = error(&stage.reply_to(&text));
        assert!(refused.starts_with("403:") || refused.starts_with("405:"), "{name}: {refused}");
    }
    let step =
        stage.say(r#"{"channel":"/meta/subscribe","clientId":"alice","subscription":["/ok","/meta/*"]}"#);
    assert!(matches!(step, Step::Reply(reply) if !reply.is_successful()), "every element is checked");
    assert_eq!(Channel::parse("/meta/subscribe/x"), Err(NameError::Reserved));
    assert!(!Pattern::parse("/**").unwrap().matches(&Channel::parse("/meta/subscribe").unwrap()));
}

#[test]
fn trap_14_tabs_of_one_browser_do_not_degrade_for_ever_and_sockets_are_never_limited() {
    let mut stage = Stage::connected(HTTP);
    stage.other_polls = true;
    assert_eq!(stage.connect(HTTP).answer, Answer::Now);
    assert_eq!(stage.session.held_ticket(), None, "a poll answered at once does not count as held");
    stage.other_polls = false;
    assert!(matches!(stage.connect(HTTP).answer, Answer::Hold { .. }));

    let mut stage = Stage::connected(WEBSOCKET);
    stage.other_polls = true;
    let connect = stage.connect(WEBSOCKET);
    assert!(matches!(connect.answer, Answer::Hold { .. }));
    assert!(connect.reply.advice.is_none());
}

#[test]
fn trap_15_events_are_the_same_bytes_for_all_and_none_sleeps_between_verdict_and_hold() {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    write_event("/a", "1", None, &mut first);
    write_event("/a", "1", None, &mut second);
    assert_eq!(first, second, "nothing in an event belongs to one session");

    let mut stage = Stage::connected(HTTP);
    let connect = stage.connect(HTTP);
    stage.push(1);
    stage.hold_connect(connect);
    assert_eq!(stage.session.deadline(), stage.now);
}

#[test]
fn beside_the_traps_the_bounds_are_on_by_default() {
    let settings = Settings::default();
    assert!(settings.mailbox_messages < usize::MAX && settings.mailbox_bytes < usize::MAX);
    assert!(settings.subscriptions < usize::MAX && settings.max_interval_ms < u64::MAX);
}
