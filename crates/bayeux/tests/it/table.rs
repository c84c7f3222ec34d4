//! The decision table: what suits all clients where the known servers differ. One test for each row that is decided
//! here; rows about methods, content types and forms belong to the wire.

use bayeux::json::{BatchLimits, decode_batch};
use bayeux::{Answer, Channel, Code, Settings, Step, Unidentified};

use crate::stage::{HTTP, Stage, message, value};

#[test]
fn a_handshake_without_version_and_types_is_accepted() {
    assert!(
        Unidentified.on_message(message(r#"{"channel":"/meta/handshake"}"#), &Settings::default()).is_ok()
    );
}

#[test]
fn a_handshake_without_common_transport_fails_for_good_and_lists_ours() {
    for types in [r#"["in-process"]"#, "[]"] {
        let text = format!(r#"{{"channel":"/meta/handshake","supportedConnectionTypes":{types}}}"#);
        let refused = Unidentified.on_message(message(&text), &Settings::default()).unwrap_err();
        let reply = value(&refused);
        assert_eq!(reply["error"], "301::connection_types_unsupported");
        assert_eq!(reply["advice"]["reconnect"], "none");
        assert_eq!(reply["supportedConnectionTypes"][0], "websocket");
    }
}

#[test]
fn what_follows_a_handshake_in_its_array_is_of_an_unknown_session() {
    let mut stage = Stage::handshaken();
    let error = stage.error_of(r#"{"channel":"/meta/subscribe","subscription":"/a"}"#);
    assert_eq!(error, "402::session_unknown");
}

#[test]
fn the_first_connect_alone_is_answered_at_once() {
    assert_eq!(Stage::handshaken().connect(HTTP).answer, Answer::Now);
}

#[test]
fn a_connect_without_connection_type_is_fine() {
    assert!(Stage::handshaken().connect(HTTP).reply.is_successful());
}

#[test]
fn connect_and_publish_in_one_array_are_answered_in_order_and_nothing_is_held() {
    let mut stage = Stage::connected(HTTP);
    stage.lone = false;
    assert_eq!(stage.connect(HTTP).answer, Answer::Now);
    assert!(matches!(stage.say(r#"{"channel":"/a","clientId":"alice","data":1}"#), Step::Publish { .. }));
    stage.push(1);
    assert!(stage.session.may_ride_on_connect(), "the own event leaves with the same response");
}

#[test]
fn subscribing_to_a_service_succeeds_and_does_nothing() {
    let mut stage = Stage::handshaken();
    for name in ["/service/x", "/service/*", "/service/**"] {
        let text =
            r#"{"channel":"/meta/subscribe","clientId":"alice","subscription":"N"}"#.replace('N', name);
        let reply = stage.reply_to(&text);
        assert_eq!((&reply["successful"], &reply["subscription"]), (&true.into(), &name.into()));
    }
}

#[test]
fn a_list_of_subscriptions_is_taken_whole_or_not_at_all() {
    let mut stage = Stage::handshaken();
    let reply =
        stage.reply_to(r#"{"channel":"/meta/subscribe","clientId":"alice","subscription":["/ok","bad"]}"#);
    assert_eq!(reply["error"], "403:bad:subscription_invalid");
    assert_eq!(reply["subscription"], serde_json::json!(["/ok", "bad"]));
}

#[test]
fn a_wildcard_in_the_middle_is_an_invalid_channel() {
    let mut stage = Stage::handshaken();
    let error = stage.error_of(r#"{"channel":"/meta/subscribe","clientId":"alice","subscription":"/a/*/b"}"#);
    assert_eq!(error, "405:/a/*/b:channel_invalid");
}

#[test]
fn a_publication_needs_a_known_client_id() {
    let mut stage = Stage::handshaken();
    assert_eq!(stage.error_of(r#"{"channel":"/a","data":1}"#), "402::session_unknown");
    assert_eq!(stage.error_of(r#"{"channel":"/a","clientId":"bob","data":1}"#), "402::session_unknown");
    assert_eq!(
        stage.error_of(r#"{"channel":"/service/a","clientId":"bob","data":1}"#),
        "402::session_unknown"
    );
}

#[test]
fn a_publication_needs_data() {
    let mut stage = Stage::handshaken();
    assert_eq!(stage.error_of(r#"{"channel":"/a","clientId":"alice"}"#), "400::data_missing");
    assert_eq!(stage.error_of(r#"{"channel":"/service/a","clientId":"alice"}"#), "400::data_missing");
}

#[test]
fn null_and_false_are_published() {
    let mut stage = Stage::handshaken();
    for data in ["null", "false"] {
        let text = format!(r#"{{"channel":"/a","clientId":"alice","data":{data}}}"#);
        assert!(matches!(stage.say(&text), Step::Publish { data: kept, .. } if kept.get() == data));
    }
}

#[test]
fn a_wildcard_cannot_be_published_to() {
    let mut stage = Stage::handshaken();
    for name in ["/foo/*", "/foo/**", "/*", "/a/*/b", "/service/*"] {
        let text = r#"{"channel":"N","clientId":"alice","data":1}"#.replace('N', name);
        assert_eq!(stage.error_of(&text), format!("405:{name}:channel_wildcard"));
    }
}

#[test]
fn an_unknown_meta_channel_is_forbidden() {
    let error = Stage::handshaken().error_of(r#"{"channel":"/meta/what","clientId":"alice","data":1}"#);
    assert_eq!(error, "403:/meta/what:meta_unknown");
}

#[test]
fn a_message_without_channel_is_missing_it() {
    let text = r#"{"clientId":"alice","data":1}"#;
    assert_eq!(Stage::handshaken().error_of(text), "400::channel_missing");
    let reply = Unidentified.on_message(message(text), &Settings::default()).unwrap_err();
    assert_eq!(value(&reply)["error"], "400::channel_missing");
}

#[test]
fn a_bad_channel_is_invalid() {
    let error = Stage::handshaken().error_of(r#"{"channel":"no slash","clientId":"alice","data":1}"#);
    assert_eq!(error, "405:no slash:channel_invalid");
}

#[test]
fn any_id_is_echoed() {
    let mut stage = Stage::handshaken();
    for id in ["7", "\"a-b\"", "-1.50", "\"\""] {
        let Step::Publish { reply, .. } =
            stage.say(&format!(r#"{{"channel":"/a","clientId":"alice","data":1,"id":{id}}}"#))
        else {
            panic!("{id}")
        };
        assert_eq!(reply.id.unwrap().get(), id);
    }
}

#[test]
fn an_empty_array_is_an_error_of_its_own_and_a_bare_object_is_fine() {
    let decode = |text: &str| decode_batch(text.as_bytes(), &BatchLimits::default());
    assert_eq!(decode("[]").unwrap_err().code, Code::BatchEmpty);
    assert_eq!(Code::BatchEmpty.http_status(), 400);
    assert_eq!(decode("{}").unwrap().len(), 1);
}

#[test]
fn an_own_event_rides_on_the_publish_response_and_the_poll_stays() {
    let (mut stage, ticket) = Stage::holding(HTTP);
    stage.settings.early_delivery = true;
    stage.say(r#"{"channel":"/a","clientId":"alice","data":1}"#);
    stage.push(1);
    assert!(stage.session.may_ride_on(HTTP, &stage.settings));
    assert_eq!(stage.take_all(), [1]);
    assert_eq!(stage.session.held_ticket(), Some(ticket));
}

#[test]
fn a_channel_names_each_matching_subscription_once() {
    let mut names = Vec::new();
    Channel::parse("/a/b/c").unwrap().matching_names(|name| names.push(name.to_owned()));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
