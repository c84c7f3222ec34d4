//! Scripts played against hand-written servers: no socket, every byte in sight.

use super::*;

const SWITCH: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const HANDSHAKEN: &str = r#"[{"channel":"/meta/handshake","successful":true,"clientId":"c1"}]"#;
const CONNECTED: &str = r#"[{"channel":"/meta/connect","successful":true}]"#;
const SUBSCRIBED: &str = r#"[{"channel":"/meta/subscribe","successful":true,"subscription":"/bench/fan"}]"#;
const EVENT: &str = r#"[{"channel":"/bench/fan","data":7}]"#;

fn frame(text: &str) -> Vec<u8> {
    let mut out = vec![0x81, text.len() as u8];
    assert!(text.len() < 126);
    out.extend_from_slice(text.as_bytes());
    out
}

fn answer(text: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()).into_bytes()
}

/// A script, what it has said since it was last asked, and what was delivered to it.
struct Play {
    script: Script,
    goal: Stage,
    delivered: Vec<String>,
}

impl Play {
    fn new(wire: Wire, speech: Speech, goal: Stage) -> (Play, String) {
        let mut script = Script::new(wire, speech, None);
        let mut out = Vec::new();
        script.on_open(goal, &mut out);
        (Play { script, goal, delivered: Vec::new() }, String::from_utf8(out).unwrap())
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let (mut out, delivered) = (Vec::new(), &mut self.delivered);
        let mut sink = |data: &RawValue| {
            delivered.push(data.get().to_owned());
            Ok(())
        };
        assert_eq!(self.script.on_bytes(bytes, self.goal, &mut out, &mut sink), Ok(bytes.len()));
        out
    }

    fn fault(&mut self, bytes: &[u8]) -> String {
        let mut sink = |_: &RawValue| Ok(());
        self.script.on_bytes(bytes, self.goal, &mut Vec::new(), &mut sink).unwrap_err().0
    }
}

/// Takes the mask off the one short frame a script has said.
fn unmask(frame: &[u8]) -> String {
    let start = if frame[1] & 0x7f == 126 { 4 } else { 2 };
    let (mask, payload) = frame[start..].split_at(4);
    payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| char::from(byte ^ mask)).collect()
}

#[test]
fn a_websocket_session_subscribes_and_parks_a_connect() {
    let (mut play, said) = Play::new(Wire::WebSocket, Speech::Bayeux, Stage::Listening);
    assert!(said.starts_with("GET /cometd HTTP/1.1\r\n"));
    assert!(unmask(&play.hear(SWITCH)).contains(r#""supportedConnectionTypes":["websocket"]"#));
    assert!(
        unmask(&play.hear(&frame(HANDSHAKEN))).contains(r#""clientId":"c1","connectionType":"websocket""#)
    );
    assert!(unmask(&play.hear(&frame(CONNECTED))).contains(r#""subscription":"/bench/fan""#));
    assert_eq!(play.script.stage(), Stage::Handshaken);
    assert!(unmask(&play.hear(&frame(SUBSCRIBED))).contains("/meta/connect"));
    assert_eq!(play.script.stage(), Stage::Listening);
    assert!(play.hear(&frame(EVENT)).is_empty());
    assert!(unmask(&play.hear(&frame(CONNECTED))).contains("/meta/connect"));
    assert_eq!(play.delivered, ["7"]);
}

#[test]
fn a_polling_session_polls_again_after_each_answer() {
    let (mut play, said) = Play::new(Wire::LongPolling, Speech::Bayeux, Stage::Listening);
    assert!(said.starts_with("POST /cometd HTTP/1.1\r\n") && said.contains("long-polling"));
    for text in [HANDSHAKEN, CONNECTED, SUBSCRIBED] {
        assert!(!play.hear(&answer(text)).is_empty());
    }
    let both = format!("{},{}", EVENT.trim_end_matches(']'), CONNECTED.trim_start_matches('['));
    assert!(String::from_utf8(play.hear(&answer(&both))).unwrap().contains("/meta/connect"));
    assert_eq!((play.delivered.len(), play.script.stage()), (1, Stage::Listening));
}

/// What a server says that begins an answer which goes on, with this as its first chunk.
fn stream(chunk: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    format!("{head}{:x}\r\n{chunk}\r\n", chunk.len()).into_bytes()
}

#[test]
fn a_stream_of_lines_is_asked_for_when_there_is_a_subscription() {
    let (mut play, _) = Play::new(Wire::HttpStreaming, Speech::Bayeux, Stage::Listening);
    for text in [HANDSHAKEN, CONNECTED] {
        assert!(!play.hear(&answer(text)).is_empty());
    }
    let said = String::from_utf8(play.hear(&answer(SUBSCRIBED))).unwrap();
    assert!(said.contains(r#""connectionType":"http-streaming""#), "{said}");
    assert_eq!(play.script.stage(), Stage::Handshaken);
    assert!(play.hear(&stream(&format!("{CONNECTED}\n"))).is_empty());
    assert_eq!(play.script.stage(), Stage::Listening);
    let line = format!("{EVENT}\n");
    assert!(play.hear(format!("1\r\n\n\r\n{:x}\r\n{line}\r\n", line.len()).as_bytes()).is_empty());
    assert_eq!(play.delivered, ["7"]);
    assert!(play.fault(b"0\r\n\r\n").contains("ended"));
}

#[test]
fn an_event_stream_is_opened_with_a_ticket() {
    let (mut play, _) = Play::new(Wire::EventSource, Speech::Bayeux, Stage::Listening);
    for text in [HANDSHAKEN, CONNECTED, SUBSCRIBED] {
        assert!(!play.hear(&answer(text)).is_empty());
    }
    let ticket = CONNECTED.replace("}]", r#","ext":{"ticket":"t1"}}]"#);
    let said = String::from_utf8(play.hear(&answer(&ticket))).unwrap();
    assert!(said.starts_with("GET /cometd?ticket=t1 HTTP/1.1"), "{said}");
    play.hear(&stream(&format!("data: {EVENT}\n\n")));
    assert_eq!((play.delivered.len(), play.script.stage()), (1, Stage::Listening));
}

#[test]
fn a_plain_event_stream_needs_no_session() {
    let (mut play, said) = Play::new(Wire::Feed, Speech::Bayeux, Stage::Listening);
    assert!(said.starts_with("GET /events?channel=/bench/fan HTTP/1.1"), "{said}");
    play.hear(&stream("retry: 1000\nid: 5\n\n"));
    let event = "id: 1.1/bench/fan\nevent: /bench/fan\ndata: 7\n\n";
    play.hear(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
    assert_eq!((play.delivered.len(), play.script.stage()), (1, Stage::Listening));
    let (mut play, _) = Play::new(Wire::Feed, Speech::Bayeux, Stage::Listening);
    assert!(play.fault(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").contains("404"));
}

#[test]
fn parts_bring_a_batch_each() {
    let (mut play, _) = Play::new(Wire::Multipart, Speech::Bayeux, Stage::Listening);
    for text in [HANDSHAKEN, CONNECTED] {
        play.hear(&answer(text));
    }
    let said = String::from_utf8(play.hear(&answer(SUBSCRIBED))).unwrap();
    assert!(said.contains(r#""connectionType":"multipart""#), "{said}");
    let part = |text: &str| {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}\r\n--b\r\n", text.len())
    };
    assert!(play.hear(&stream("--b\r\n")).is_empty());
    for text in [CONNECTED, "[]", EVENT] {
        let part = part(text);
        assert!(play.hear(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes()).is_empty());
    }
    assert_eq!((play.delivered.len(), play.script.stage()), (1, Stage::Listening));
}

#[test]
fn a_frame_is_opened_with_a_ticket_and_hands_over_by_scripts() {
    let (mut play, _) = Play::new(Wire::Frame, Speech::Bayeux, Stage::Listening);
    for text in [HANDSHAKEN, CONNECTED] {
        play.hear(&answer(text));
    }
    let said = String::from_utf8(play.hear(&answer(SUBSCRIBED))).unwrap();
    assert!(said.contains(r#""connectionType":"iframe""#), "{said}");
    let ticket = CONNECTED.replace("}]", r#","ext":{"ticket":"t1"}}]"#);
    let said = String::from_utf8(play.hear(&answer(&ticket))).unwrap();
    assert!(said.starts_with("GET /cometd?ticket=t1 HTTP/1.1"), "{said}");
    play.hear(&stream(r#"<!doctype html><script nonce="n">function p(b){}</script>"#));
    for text in ["[]", EVENT] {
        let script = format!(r#"<script nonce="n">p({text})</script>"#);
        assert!(play.hear(format!("{:x}\r\n{script}\r\n", script.len()).as_bytes()).is_empty());
    }
    assert_eq!((play.delivered.len(), play.script.stage()), (1, Stage::Listening));
    assert!(play.fault(b"10\r\n<script \">p([1,2\r\n").contains("cut"));
}

#[test]
fn text_over_tcp_ends_in_a_nul_both_ways() {
    let (mut play, said) = Play::new(Wire::Flash, Speech::Bayeux, Stage::Listening);
    assert!(said.starts_with(r#"[{"channel":"/meta/handshake""#) && said.ends_with('\0'), "{said}");
    for text in [HANDSHAKEN, CONNECTED, SUBSCRIBED] {
        assert!(play.hear(format!("{text}\0").as_bytes()).ends_with(b"\0"));
    }
    assert!(play.hear(format!("{EVENT}\0{EVENT}\0").as_bytes()).is_empty());
    assert_eq!((play.delivered.len(), play.script.stage()), (2, Stage::Listening));
}

#[test]
fn a_session_stops_at_the_goal_until_it_is_raised() {
    let (mut play, _) = Play::new(Wire::WebSocket, Speech::Bayeux, Stage::Handshaken);
    play.hear(SWITCH);
    assert!(play.hear(&frame(HANDSHAKEN)).is_empty());
    assert_eq!(play.script.stage(), Stage::Handshaken);
    let mut out = Vec::new();
    play.script.speak(Stage::Listening, &mut out);
    assert!(unmask(&out).contains("/meta/connect"));
}

#[test]
fn a_bare_subscriber_listens_as_soon_as_it_is_upgraded() {
    let (mut play, _) = Play::new(Wire::WebSocket, Speech::Bare, Stage::Listening);
    assert_eq!(play.script.stage(), Stage::Opening);
    assert!(play.hear(&[SWITCH, &frame(EVENT)[..], &frame(EVENT)[..]].concat()).is_empty());
    assert_eq!((play.delivered.len(), play.script.stage()), (2, Stage::Listening));
}

#[test]
fn a_bare_poll_is_parked_again_after_its_answer() {
    let (mut play, said) = Play::new(Wire::LongPolling, Speech::Bare, Stage::Listening);
    assert!(said.starts_with("GET /poll HTTP/1.1\r\n"));
    assert!(play.hear(&answer(EVENT)).starts_with(b"GET /poll HTTP/1.1\r\n"));
    assert_eq!(play.delivered, ["7"]);
}

#[test]
fn half_a_frame_is_left_where_it_is() {
    let (mut play, _) = Play::new(Wire::WebSocket, Speech::Bare, Stage::Listening);
    play.hear(SWITCH);
    let bytes = [frame(EVENT), frame(EVENT)[..5].to_vec()].concat();
    let used = play.script.on_bytes(&bytes, Stage::Listening, &mut Vec::new(), &mut |_| Ok(()));
    assert_eq!(used, Ok(bytes.len() - 5));
}

#[test]
fn a_ping_is_answered_with_its_own_payload() {
    let (mut play, _) = Play::new(Wire::WebSocket, Speech::Bare, Stage::Listening);
    play.hear(SWITCH);
    let pong = play.hear(&[0x89, 2, b'h', b'i']);
    assert_eq!((pong[0], unmask(&pong).as_str()), (0x8a, "hi"));
}

#[test]
fn refusals_closes_and_strange_answers_are_faults() {
    let (mut play, _) = Play::new(Wire::WebSocket, Speech::Bayeux, Stage::Listening);
    play.hear(SWITCH);
    let refused = r#"[{"channel":"/meta/handshake","successful":false,"error":"403::denied"}]"#;
    assert!(play.fault(&frame(refused)).contains("403::denied"));
    assert!(play.fault(&frame(SUBSCRIBED)).contains("HandshakeSent"));
    assert!(play.fault(&[0x88, 2, 0x03, 0xf0]).contains("1008"));
    let (mut play, _) = Play::new(Wire::LongPolling, Speech::Bayeux, Stage::Listening);
    assert!(play.fault(b"HTTP/1.1 503 x\r\nContent-Length: 4\r\n\r\nfull").contains("503: full"));
}
