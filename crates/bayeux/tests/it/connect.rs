//! Connects: answered, held, replaced.

use bayeux::{Answer, ConnectionType, Reconnect, Settings, Step, Ticket};

use crate::stage::{CALLBACK, HTTP, Stage, WEBSOCKET, value};

const CONNECT_AS: &str = r#"{"channel":"/meta/connect","clientId":"alice","connectionType":"KIND"}"#;

#[test]
fn later_connects_are_held_for_the_timeout() {
    for carrier in [HTTP, CALLBACK, WEBSOCKET] {
        let mut stage = Stage::connected(carrier);
        assert_eq!(stage.connect(carrier).answer, Answer::Hold { until: stage.now + 25_000 }, "{carrier:?}");
    }
}

#[test]
fn a_client_shortens_the_hold_but_cannot_lengthen_it() {
    let mut stage = Stage::connected(HTTP);
    let mut ask = |timeout: &str| {
        let text = r#"{"channel":"/meta/connect","clientId":"alice","advice":{"timeout":T}}"#;
        stage.connect_as(HTTP, &text.replace('T', timeout)).answer
    };
    assert_eq!(ask("0"), Answer::Now);
    assert_eq!(ask("4000"), Answer::Hold { until: 5_000 });
    assert_eq!(ask("99999999"), Answer::Hold { until: 26_000 });
}

#[test]
fn the_shortened_hold_lasts_one_connect() {
    let mut stage = Stage::connected(HTTP);
    stage.connect_as(HTTP, r#"{"channel":"/meta/connect","clientId":"alice","advice":{"timeout":0}}"#);
    assert_eq!(stage.connect(HTTP).answer, Answer::Hold { until: 26_000 });
}

#[test]
fn a_server_without_timeout_never_holds() {
    let mut stage = Stage::connected(HTTP);
    stage.settings = Settings { timeout_ms: 0, ..Settings::default() };
    assert_eq!(stage.connect(HTTP).answer, Answer::Now);
}

#[test]
fn advice_comes_with_the_first_connect_on_request_and_after_a_change_of_wire() {
    let mut stage = Stage::handshaken();
    let asked = r#"{"channel":"/meta/connect","clientId":"alice","advice":{"interval":0}}"#;
    assert!(stage.connect(HTTP).reply.advice.is_some(), "first");
    assert!(stage.connect(HTTP).reply.advice.is_none(), "second");
    assert!(stage.connect_as(HTTP, asked).reply.advice.is_some(), "asked");
    assert!(stage.connect(HTTP).reply.advice.is_none(), "asked before");
    assert!(stage.connect(WEBSOCKET).reply.advice.is_some(), "changed");
    assert!(stage.connect(WEBSOCKET).reply.advice.is_none(), "the same");
}

#[test]
fn a_released_connect_carries_the_id_and_the_advice_it_was_asked_for() {
    let mut stage = Stage::connected(HTTP);
    let asked = r#"{"channel":"/meta/connect","clientId":"alice","id":"77","advice":{"timeout":9000},"ext":{"ack":3}}"#;
    let connect = stage.connect_as(HTTP, asked);
    assert_eq!(connect.ext.as_ref().unwrap().get(), r#"{"ack":3}"#);
    let ticket = stage.hold_connect(connect);
    let (released, reply) = stage.release().unwrap();
    assert_eq!(released, ticket);
    let reply = value(&reply);
    assert_eq!((&reply["channel"], &reply["id"]), (&"/meta/connect".into(), &"77".into()));
    assert_eq!(reply["advice"]["timeout"], 25_000);
    assert!(stage.release().is_none(), "once");
}

#[test]
fn tabs_of_one_browser_take_turns_and_recover() {
    let mut stage = Stage::connected(HTTP);
    stage.other_polls = true;
    let connect = stage.connect(HTTP);
    assert_eq!(connect.answer, Answer::Now);
    let advice = connect.reply.advice.unwrap();
    assert!(advice.multiple_clients);
    assert_eq!((advice.interval_ms, advice.reconnect), (2_000, Reconnect::Retry));
    stage.session.on_connect_written(&stage.settings, stage.now);
    assert_eq!(stage.session.deadline(), stage.now + 12_000, "the session outlives the advised pause");

    stage.other_polls = false;
    let connect = stage.connect(HTTP);
    assert!(matches!(connect.answer, Answer::Hold { .. }));
    let advice = connect.reply.advice.expect("the tab has to hear that it need not pause any more");
    assert_eq!((advice.interval_ms, advice.multiple_clients), (0, false));
}

#[test]
fn streams_that_are_opened_by_a_get_answer_connects_at_once_and_ask_for_a_slow_pulse() {
    for name in ["eventsource", "iframe"] {
        let mut stage = Stage::connected(HTTP);
        let text = CONNECT_AS.replace("KIND", name);
        for round in 0..2 {
            let connect = stage.connect_as(HTTP, &text);
            assert_eq!(connect.answer, Answer::Now, "{name}");
            if round == 0 {
                let advice = connect.reply.advice.unwrap();
                assert_eq!((advice.interval_ms, advice.timeout_ms), (25_000, 0), "{name}");
            }
        }
        stage.session.on_connect_written(&stage.settings, stage.now);
        assert_eq!(stage.session.deadline(), stage.now + 35_000, "{name}");
    }
}

#[test]
fn plain_polling_is_answered_at_once_with_its_own_pause() {
    let mut stage = Stage::connected(HTTP);
    let connect = stage
        .connect_as(HTTP, r#"{"channel":"/meta/connect","clientId":"alice","connectionType":"polling"}"#);
    assert_eq!(connect.answer, Answer::Now);
    assert_eq!(connect.reply.advice.unwrap().interval_ms, 3_000);
    assert_eq!(stage.session.connection_type(), Some(ConnectionType::Polling));
}

#[test]
fn a_kind_of_wire_that_is_not_served_sends_the_client_back_to_the_handshake() {
    let mut stage = Stage::connected(HTTP);
    stage.settings.connection_types = vec![ConnectionType::LongPolling];
    for name in ["websocket", "carrier-pigeon"] {
        let text = CONNECT_AS.replace("KIND", name);
        let reply = stage.reply_to(&text);
        assert_eq!(reply["error"], format!("301:{name}:connection_types_unsupported"));
        assert_eq!(reply["advice"]["reconnect"], "handshake");
    }
    assert_eq!(stage.session.connection_type(), Some(ConnectionType::LongPolling));
}

#[test]
fn a_refused_connect_leaves_the_held_one_alone() {
    let (mut stage, ticket) = Stage::holding(HTTP);
    stage.error_of(r#"{"channel":"/meta/connect","clientId":"mallory"}"#);
    stage.error_of(r#"{"channel":"/meta/connect","clientId":"alice","id":[]}"#);
    assert_eq!(stage.session.held_ticket(), Some(ticket));
}

#[test]
fn the_server_ends_a_session_in_the_words_of_the_code() {
    let ended = |code| {
        let (mut stage, ticket) = Stage::holding(HTTP);
        let (held, reply) = stage.session.end(code, &stage.settings).unwrap();
        assert_eq!(held, ticket);
        assert!(stage.session.has_ended());
        assert!(stage.error_of(r#"{"channel":"/a","clientId":"alice","data":1}"#).starts_with("402:"));
        value(&reply)
    };
    let kicked = ended(bayeux::Code::DisconnectedByServer);
    assert_eq!((&kicked["successful"], &kicked["advice"]["reconnect"]), (&true.into(), &"none".into()));
    let stale = ended(bayeux::Code::TokenExpired);
    assert_eq!(
        (&stale["error"], &stale["advice"]["reconnect"]),
        (&"401::token_expired".into(), &"handshake".into())
    );
}

#[test]
fn abandoning_a_ticket_of_the_past_means_nothing() {
    let (mut stage, ticket) = Stage::holding(HTTP);
    let deadline = stage.session.deadline();
    stage.session.abandon(Ticket(ticket.0 + 1), &stage.settings, stage.now);
    assert_eq!(stage.session.held_ticket(), Some(ticket));
    assert_eq!(stage.session.deadline(), deadline);
    stage.session.abandon(ticket, &stage.settings, stage.now);
    assert_eq!(stage.session.held_ticket(), None);
    assert_eq!(stage.session.deadline(), stage.now + 10_000);
}

#[test]
fn a_connect_in_a_websocket_batch_is_still_a_heartbeat() {
    let mut stage = Stage::connected(WEBSOCKET);
    stage.lone = false;
    assert!(matches!(stage.connect(WEBSOCKET).answer, Answer::Hold { .. }));
}

#[test]
fn nothing_is_heard_after_a_disconnect() {
    let mut stage = Stage::connected(HTTP);
    let step = stage.say(r#"{"channel":"/meta/disconnect","clientId":"alice","id":"9"}"#);
    let Step::Disconnect { reply, held: None } = step else { panic!("{step:?}") };
    assert!(reply.is_successful() && stage.session.has_ended());
    let reply = stage.reply_to(r#"{"channel":"/meta/connect","clientId":"alice"}"#);
    assert_eq!(reply["error"], "402::session_unknown");
    assert_eq!(reply["advice"]["reconnect"], "handshake");
}

#[test]
fn a_counted_connect_that_was_overtaken_wins_nothing_back() {
    let mut stage = Stage::connected(HTTP);
    let counted = |number: &str| {
        r#"{"channel":"/meta/connect","clientId":"alice","connectionType":"websocket","ext":{"connect":N}}"#
            .replace('N', number)
    };
    stage.connect_as(WEBSOCKET, &counted("7"));
    assert_eq!(stage.session.connection_type(), Some(ConnectionType::WebSocket));
    for late in ["6", "7"] {
        let text = counted(late).replace("websocket", "long-polling");
        let Step::Reply(reply) = stage.say_on(HTTP, &text) else { panic!("{late} is answered at once") };
        assert_eq!(reply.outcome.unwrap_err().code.name(), "superseded");
        assert_eq!(reply.advice.unwrap().reconnect, Reconnect::Retry);
        assert_eq!(stage.session.connection_type(), Some(ConnectionType::WebSocket), "the newer wire stays");
    }
    stage.connect_as(WEBSOCKET, &counted("8"));
    for uncounted in [r#"{"connect":"x"}"#, r#"{"ack":1}"#] {
        let text = counted("0").replace(r#"{"connect":0}"#, uncounted);
        stage.connect_as(WEBSOCKET, &text);
    }
}
