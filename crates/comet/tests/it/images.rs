//! Pictures of a channel, as image elements get them.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use comet::{Channel, Client, Config, Denied, Handshake, Identity, Pattern, Policy, RawValue};
use comet_testkit::{ImageReader, Socket, TestServer};
use serde_json::{Value, json};

/// What is no picture for anybody that looks closer than at its beginning, which is all a server may judge.
fn picture(number: u32, bytes: usize) -> Vec<u8> {
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend(number.to_be_bytes());
    picture.resize(bytes.max(picture.len()), 0xa5);
    picture
}

/// The number of a picture.
fn number(picture: &[u8]) -> u32 {
    u32::from_be_bytes(picture[8..12].try_into().expect("four bytes"))
}

fn data(media: &str, bytes: &[u8]) -> Value {
    json!({ "image": STANDARD.encode(bytes), "type": media, "alt": "a view of the yard" })
}

fn publish(server: &TestServer, channel: &str, number: u32) {
    server.publish(channel, &data("image/png", &picture(number, 0)));
}

fn open(server: &TestServer, target: &str) -> ImageReader {
    let reader = ImageReader::open(server.address(), target, "");
    reader.unwrap_or_else(|refusal| panic!("refused: {refusal:?}"))
}

fn shown(reader: &mut ImageReader) -> u32 {
    number(&reader.part().expect("the stream goes on").1)
}

fn refused(server: &TestServer, target: &str, fields: &str) -> (u16, String) {
    let Err(answer) = ImageReader::open(server.address(), target, fields) else {
        panic!("{target} opens a stream")
    };
    (answer.status, answer.code())
}

#[test]
fn an_image_element_is_shown_one_picture_for_each_publication() {
    let server = TestServer::start();
    let mut readers: Vec<_> = (0..2).map(|_| open(&server, "/images?channel=/cam/1")).collect();
    let head = readers[0].head();
    for (name, value) in [("cache-control", "no-store, no-transform"), ("x-content-type-options", "nosniff")]
    {
        assert_eq!(head.field(name), Some(value));
    }
    assert_eq!(head.field("set-cookie"), None);
    for n in 1..4 {
        publish(&server, "/cam/1", n);
        publish(&server, "/cam/2", 99);
        for reader in &mut readers {
            assert_eq!(reader.part(), Some(("image/png".into(), picture(n, 0))));
        }
    }
    assert_eq!(server.counts().images_skipped, 0);
}

#[test]
fn the_newest_picture_of_the_channel_is_there_at_once() {
    let server = TestServer::start();
    (1..4).for_each(|n| publish(&server, "/cam/1", n));
    let mut reader = open(&server, "/images?channel=/cam/1");
    assert_eq!(shown(&mut reader), 3);
    publish(&server, "/cam/1", 4);
    assert_eq!(shown(&mut reader), 4);
}

#[test]
fn every_picture_may_be_of_another_type() {
    let server = TestServer::start();
    let mut reader = open(&server, "/images?channel=/cam/1");
    let mut media = Vec::new();
    for (kind, bytes) in [
        ("image/gif", &b"GIF89a"[..]),
        ("image/webp", b"RIFF\x04\0\0\0WEBP"),
        ("image/jpeg", b"\xff\xd8\xff\xd9"),
        ("image/png", b"\x89PNG\r\n\x1a\n"),
    ] {
        server.publish("/cam/1", &data(kind, bytes));
        let (says, shown) = reader.part().expect("a picture");
        assert_eq!(shown, bytes);
        media.push(says);
    }
    // A part begins before anybody knows what comes in it: its field is that of the picture before.
    assert_eq!(media, ["image/gif", "image/gif", "image/webp", "image/jpeg"]);
}

#[test]
fn what_is_no_picture_is_skipped_and_counted() {
    let server = TestServer::with(|config| config.limits.image_bytes = 2_000);
    let mut reader = open(&server, "/images?channel=/cam/1");
    let png = STANDARD.encode(picture(1, 0));
    let boundary = reader.boundary().to_owned();
    let page =
        [&picture(1, 0), format!("\r\n{boundary}\r\nContent-Type: text/html\r\n\r\n<p>").as_bytes()].concat();
    let bad = [
        json!(null),
        json!("a text"),
        json!(["image", png]),
        json!({ "image": png }),
        json!({ "type": "image/png" }),
        json!({ "image": 1, "type": "image/png" }),
        json!({ "image": "", "type": "image/png" }),
        json!({ "image": format!("data:image/png;base64,{png}"), "type": "image/png" }),
        data("image/svg+xml", b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"),
        data("text/html", b"<script>alert(1)</script>"),
        data("image/png", b"<script>alert(1)</script>"),
        data("image/gif", &picture(1, 0)),
        data("image/png", &picture(1, 1_600)),
        data("image/png", &page),
    ];
    for (skipped, bad) in bad.iter().enumerate() {
        server.publish("/cam/1", bad);
        server.until("it is skipped", |counts| counts.images_skipped == 1 + skipped as u64);
    }
    publish(&server, "/cam/1", 7);
    assert_eq!(shown(&mut reader), 7);
    server.publish("/cam/1", &data("image/png", &picture(8, 1_000)));
    assert_eq!(shown(&mut reader), 8);
}

#[test]
fn a_slow_reader_gets_the_newest_picture_and_no_backlog() {
    const PICTURES: u32 = 60;
    let server = TestServer::start();
    let socket = Socket::with_receive_buffer(server.address(), 4 << 10);
    let reader = ImageReader::open_on(socket, "/images?channel=/cam/1", "");
    let mut reader = reader.unwrap_or_else(|refusal| panic!("refused: {refusal:?}"));
    for n in 1..=PICTURES {
        server.publish("/cam/1", &data("image/png", &picture(n, 300_000)));
    }
    server.until("pictures have given way", |counts| counts.messages_conflated > 0);
    let mut seen = vec![shown(&mut reader)];
    while seen.last() != Some(&PICTURES) {
        seen.push(shown(&mut reader));
    }
    assert!(seen.is_sorted() && seen.len() < PICTURES as usize / 2, "{seen:?}");
    publish(&server, "/cam/1", PICTURES + 1);
    assert_eq!(shown(&mut reader), PICTURES + 1);
    assert_eq!(server.counts().sessions_behind, 0);
}

#[test]
fn a_stream_of_pictures_lasts_as_long_as_its_wire_for_no_image_element_comes_back() {
    const AGE_MS: u64 = 200;
    let server = TestServer::with(|config: &mut Config| {
        config.limits.stream_bytes = 1;
        config.limits.stream_age_ms = AGE_MS;
        config.limits.stream_heartbeat_ms = 50;
        config.session.max_interval_ms = AGE_MS;
    });
    let mut reader = open(&server, "/images?channel=/cam/1");
    let (started, mut n) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_millis(6 * AGE_MS) {
        n += 1;
        publish(&server, "/cam/1", n);
        assert_eq!(shown(&mut reader), n);
        std::thread::sleep(Duration::from_millis(AGE_MS / 4));
    }
    assert_eq!(server.counts().streams_opened, 1);
    drop(reader);
    server.until("its session ends with it", |counts| counts.sessions_open == 0);
}

#[test]
fn a_graceful_stop_ends_it_behind_its_last_picture() {
    let mut server = TestServer::start();
    let mut reader = open(&server, "/images?channel=/cam/1");
    publish(&server, "/cam/1", 1);
    let stop = server.begin_drain();
    assert_eq!(shown(&mut reader), 1);
    assert_eq!(reader.part(), None);
    assert!(reader.has_ended(), "the answer has its end");
    server.finish(stop);
}

#[test]
fn what_asks_for_nothing_good_is_refused_with_its_code() {
    let server = TestServer::start();
    let bad: [(&str, u16, &str); 7] = [
        ("/images", 400, "subscription_missing"),
        ("/images?channel=a", 400, "subscription_invalid"),
        ("/images?channel=/cam/*", 400, "channel_invalid"),
        ("/images?channel=/cam/1&channel=/cam/2", 400, "request_invalid"),
        ("/images?channel=/meta/connect", 403, "subscribe_denied"),
        ("/images?channel=/service/x", 403, "subscribe_denied"),
        ("/images?channel=%zz", 400, "request_invalid"),
    ];
    for (target, status, code) in bad {
        assert_eq!(refused(&server, target, ""), (status, code.to_owned()), "{target}");
    }
    let mut socket = Socket::connect(server.address());
    socket.send("POST /images?channel=/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(socket.response().code(), "method_unsupported");
    let mut socket = Socket::connect(server.address());
    socket.send("GET /images?channel=/a HTTP/1.0\r\nHost: x\r\n\r\n");
    assert_eq!(socket.response().code(), "request_invalid");
    server.until("no session is left behind", |counts| counts.sessions_open == 0);
}

#[test]
fn the_path_is_what_the_configuration_says() {
    let server = TestServer::with(|config| config.images_path = Some("/yard".into()));
    open(&server, "/yard?channel=/cam/1");
    assert_eq!(Socket::connect(server.address()).get("/images?channel=/cam/1", "").status, 404);
    let server = TestServer::with(|config| config.images_path = None);
    assert_eq!(Socket::connect(server.address()).get("/images?channel=/cam/1", "").status, 404);
}

/// Lets staff see what is for staff.
struct Door;

impl Policy for Door {
    async fn authenticate(&self, hello: &Handshake) -> Result<Identity, Denied> {
        let subject = hello.request.cookie.as_deref().and_then(|cookie| cookie.strip_prefix("who="));
        Ok(Identity { subject: subject.unwrap_or_default().into(), ..Identity::default() })
    }

    async fn may_subscribe(&self, client: &Client, _: &Pattern) -> Result<(), Denied> {
        if client.identity().subject == "staff" { Ok(()) } else { Err(Denied::because("staff only")) }
    }

    async fn may_publish(&self, _: &Client, _: &Channel, _: &RawValue) -> Result<(), Denied> {
        Ok(())
    }
}

#[test]
fn the_policy_and_the_origin_of_the_page_are_judged_as_for_any_client() {
    let builder = TestServer::builder().policy(Door);
    let mut config = TestServer::config();
    config.allowed_origins = vec!["https://partner.example".into()];
    let server = TestServer::run(builder.config(config));
    let target = "/images?channel=/cam/1";
    assert_eq!(refused(&server, target, ""), (403, "subscribe_denied".into()));
    let staff = "Cookie: who=staff\r\n";
    for foreign in [
        "Origin: https://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: cross-site\r\nReferer: https://evil.example/\r\n",
    ] {
        let refusal = refused(&server, target, &format!("{staff}{foreign}"));
        assert_eq!(refusal, (403, "forbidden_origin".into()), "{foreign}");
    }
    publish(&server, "/cam/1", 1);
    for own in ["", "Sec-Fetch-Site: same-origin\r\n", "Origin: https://partner.example\r\n"] {
        let reader = ImageReader::open(server.address(), target, &format!("{staff}{own}"));
        let mut reader = reader.unwrap_or_else(|refusal| panic!("{own}: {refusal:?}"));
        assert_eq!(shown(&mut reader), 1);
    }
}
