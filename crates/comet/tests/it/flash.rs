//! XMLSockets: sessions like on a WebSocket, over plain TCP and in its frames, and the word on who may open one.

use comet::{Code, Config};
use comet_testkit::{
    Checker, FramedXmlSocketClient, LongPollClient, Note, Received, Socket, TestServer, WebSocket,
    WebSocketClient, Wire, Witness, XmlSocket, XmlSocketClient,
};
use serde_json::{Value, json};

/// A server with an address of its own for XMLSockets.
pub(crate) fn with_flash(change: impl FnOnce(&mut Config)) -> TestServer {
    TestServer::with(|config| {
        config.flash.listen = vec![([127, 0, 0, 1], 0).into()];
        config.flash.websocket = true;
        change(config);
    })
}

/// A client on plain TCP with a session.
pub(crate) fn connected(server: &TestServer) -> XmlSocketClient {
    let mut client = XmlSocketClient::at(server.flash_address());
    client.handshake();
    client.connect();
    client
}

fn shop(config: &mut Config) {
    config.flash.domains =
        ["www.shop.example", "*.cdn.shop.example"].map(|name| name.parse().expect("a domain")).into();
    config.flash.policy_listen = vec![([127, 0, 0, 1], 0).into()];
}

/// What a player reads of a server that lets in the two domains of the shop.
fn policy_of_the_shop(server: &TestServer) -> String {
    let port = server.flash_address().port();
    format!(
        "<?xml version=\"1.0\"?>\n\
         <!DOCTYPE cross-domain-policy SYSTEM \"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd\">\n\
         <cross-domain-policy>\n  \
         <site-control permitted-cross-domain-policies=\"master-only\"/>\n  \
         <allow-access-from domain=\"www.shop.example\" to-ports=\"{port}\"/>\n  \
         <allow-access-from domain=\"*.cdn.shop.example\" to-ports=\"{port}\"/>\n\
         </cross-domain-policy>\n"
    )
}

#[test]
fn a_session_on_an_xml_socket_is_pushed_to_and_answers_in_arrays_that_end_in_nul() {
    let server = with_flash(|_| {});
    let mut socket = XmlSocket::open(server.flash_address());
    socket
        .try_send(b"[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\",\"id\":\"1\",\"supportedConnectionTypes\":[\"flash\"]}]\0")
        .unwrap();
    let Some(Received::Text(reply)) = socket.try_receive(comet_testkit::PATIENCE) else { panic!("no reply") };
    let reply: Value = serde_json::from_str(&reply).unwrap();
    assert!(reply[0]["supportedConnectionTypes"].as_array().unwrap().contains(&json!("flash")), "{reply}");
    let mut client = connected(&server);
    client.subscribe("/a");
    server.publish("/a", "é\u{2028}😀\0");
    client.expect_event("/a", "é\u{2028}😀\0");
    client.publish("/a", json!({ "from": "flash" }));
    client.expect_event("/a", json!({ "from": "flash" }));
    assert_eq!(server.counts().xml_sockets_opened, 2);
    assert_eq!(client.disconnect()["successful"], true);
}

#[test]
fn the_same_session_comes_in_the_frames_of_a_websocket_however_the_stream_is_cut() {
    let server = with_flash(|_| {});
    let mut client = FramedXmlSocketClient::connected(&server);
    client.subscribe("/a");
    server.publish("/a", &1);
    client.expect_event("/a", 1);
    let id = client.id().to_owned();
    let publish = |data: &str| {
        json!([{ "channel": "/a", "id": data, "clientId": id, "data": data }]).to_string().into_bytes()
    };
    let stream = [publish("é"), publish("two")].join(&0);
    for byte in stream.iter().chain(&[0, 0, 0]) {
        client.wire.socket.try_send(&[*byte]).unwrap();
    }
    client.expect_event("/a", "é");
    client.expect_event("/a", "two");
}

#[test]
fn who_asks_with_an_empty_batch_before_its_session_is_shown_that_the_wire_is_there() {
    let server = with_flash(|_| {});
    let mut client = connected(&server);
    client.wire.socket.try_send(b"[]\0").unwrap();
    for mut socket in [XmlSocket::open(server.flash_address()), XmlSocket::open_framed(server.address())] {
        socket.try_send(b"[]\0").unwrap();
        assert_eq!(socket.try_receive(comet_testkit::PATIENCE), Some(Received::Text("[]".into())));
    }
    client.subscribe("/a");
    server.publish("/a", &1);
    client.expect_event("/a", 1);
}

#[test]
fn a_server_that_was_not_told_so_speaks_no_xml_socket() {
    let server = TestServer::start();
    let reply = LongPollClient::new(&server).handshake();
    assert!(!reply["supportedConnectionTypes"].to_string().contains("flash"), "{reply}");
    let mut socket = XmlSocket::open_framed(server.address());
    socket.try_send(b"[]\0").unwrap();
    assert!(matches!(socket.try_receive(comet_testkit::PATIENCE), Some(Received::Close(Some(1003), _))));
    let reply = LongPollClient::new(&with_flash(|_| {}))
        .try_handshake(json!({ "supportedConnectionTypes": ["flash"] }));
    assert_eq!(reply["successful"], true);
}

#[test]
fn both_questions_for_the_policy_are_answered_byte_for_byte_at_both_ports() {
    let server = with_flash(shop);
    let wanted = [policy_of_the_shop(&server).as_bytes(), &[0]].concat();
    for address in [server.flash_address(), server.flash_policy_address()] {
        for question in ["<policy-file-request/>\0", "<cross-domain-request/>\0"] {
            let mut socket = Socket::connect(address);
            socket.send(question);
            assert_eq!(String::from_utf8(socket.expect_end()), String::from_utf8(wanted.clone()));
            let mut dripped = Socket::connect(address);
            question.bytes().for_each(|byte| dripped.send([byte]));
            assert_eq!(dripped.expect_end(), wanted);
        }
    }
    assert_eq!(server.counts().policies_told, 8);
}

#[test]
fn the_policy_port_tells_nothing_else() {
    let server = with_flash(shop);
    let mut witness = Witness::beside(&server);
    for bytes in [
        &b"[{\"channel\":\"/meta/handshake\"}]\0"[..],
        b"<policy-file-request/><policy-file-request/>\0",
        b"GET /crossdomain.xml HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\0",
        &[b'<'; 100_000],
    ] {
        let mut socket = Socket::connect(server.flash_policy_address());
        let _ = socket.try_send(bytes);
        assert_eq!(socket.expect_end(), b"", "{:?}", String::from_utf8_lossy(&bytes[..20.min(bytes.len())]));
    }
    witness.still_hears(&server);
}

#[test]
fn the_policy_over_http_is_there_only_with_domains_to_name() {
    let server = with_flash(shop);
    let answer = Socket::connect(server.address()).get("/crossdomain.xml", "");
    assert_eq!((answer.status, answer.text()), (200, &*policy_of_the_shop(&server)));
    assert_eq!(answer.field("content-type"), Some("text/x-cross-domain-policy"));
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(Socket::connect(server.address()).get("/clientaccesspolicy.xml", "").status, 404);
    for server in [TestServer::start(), with_flash(|_| {})] {
        for path in ["/crossdomain.xml", "/clientaccesspolicy.xml"] {
            assert_eq!(Socket::connect(server.address()).get(path, "").status, 404, "{path}");
        }
    }
    // Somebody else's pages cannot say it either.
    let everyone = |name: &str| name.ends_with(".xml").then(|| b"<allow-access-from domain=\"*\"/>".into());
    let pages = TestServer::run(TestServer::builder().http(comet::Files::new().folder("/", everyone)));
    assert_eq!(Socket::connect(pages.address()).get("/crossdomain.xml", "").status, 404);
    assert_eq!(Socket::connect(pages.address()).get("/other.xml", "").status, 200);
}

#[test]
fn a_policy_may_name_the_ports_that_players_see() {
    let server = with_flash(|config| {
        shop(config);
        config.flash.ports = vec![9100];
    });
    let mut socket = Socket::connect(server.flash_address());
    socket.send("<policy-file-request/>\0");
    let policy = String::from_utf8(socket.expect_end()).unwrap();
    assert_eq!(policy.matches("to-ports=\"9100\"").count(), 2, "{policy}");
}

#[test]
fn a_page_that_makes_a_browser_write_to_the_port_is_not_heard() {
    let server = with_flash(|_| {});
    let mut witness = Witness::beside(&server);
    let made = server.counts().sessions_made;
    let hidden = "\0[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\"}]\0";
    for head in
        ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01"]
    {
        let mut socket = Socket::connect(server.flash_address());
        let _ = socket.try_send(format!("{head}{hidden}"));
        assert_eq!(socket.expect_end(), b"", "{head:?}");
    }
    assert_eq!((server.endings(Code::FrameInvalid), server.counts().sessions_made), (3, made));
    witness.still_hears(&server);
}

#[test]
fn pages_of_other_sites_open_no_stream_in_frames() {
    let server = with_flash(|config| config.allowed_origins = vec!["https://partner.example".into()]);
    let open = |origin: &str| {
        let socket = Socket::connect(server.address());
        WebSocket::open_on(socket, "/cometd/xmlsocket", &[("Origin", origin)]).map(drop)
    };
    assert!(open("https://partner.example").is_ok());
    for origin in ["https://evil.example", "null", "https://partner.example.evil"] {
        assert_eq!(open(origin).unwrap_err().status, 403, "{origin}");
    }
}

#[test]
fn an_xml_socket_moves_to_the_shard_of_the_session_it_names() {
    let server = with_flash(|config| config.shards = 4);
    let mut owner = LongPollClient::connected(&server);
    owner.subscribe("/a");
    let listeners: Vec<_> = (0..8).map(|_| connected(&server)).collect();
    for n in 0..8 {
        let mut plain: XmlSocketClient = owner.crossing_to(server.flash_address());
        plain.connect_at_once();
        server.publish("/a", &n);
        plain.expect_event("/a", n);
        let mut framed: FramedXmlSocketClient = owner.crossing(&server);
        framed.connect_at_once();
        server.publish("/a", &(n + 100));
        framed.expect_event("/a", n + 100);
    }
    assert!(server.counts().connections_moved > 0, "with four shards some wire has moved");
    drop(listeners);
}

#[test]
fn what_stands_behind_a_message_moves_with_it() {
    let server = with_flash(|config| config.shards = 4);
    let owner = LongPollClient::connected(&server);
    let batch = |id: u32| {
        json!([{ "channel": "/a", "id": id.to_string(), "clientId": owner.id(), "data": id }]).to_string()
    };
    for framed in [false, true] {
        for _ in 0..8 {
            let mut socket = match framed {
                true => XmlSocket::open_framed(server.address()),
                false => XmlSocket::open(server.flash_address()),
            };
            let stream = (0..5).map(|id| batch(id) + "\0").collect::<String>();
            let (front, rest) = stream.as_bytes().split_at(stream.len() - 30);
            socket.try_send(front).unwrap();
            socket.try_send(rest).unwrap();
            for id in 0..5 {
                let Some(Received::Text(reply)) = socket.try_receive(comet_testkit::PATIENCE) else {
                    panic!("no reply to {id}")
                };
                let reply: Value = serde_json::from_str(&reply).unwrap();
                assert_eq!(
                    (&reply[0]["id"], &reply[0]["successful"]),
                    (&json!(id.to_string()), &json!(true))
                );
            }
        }
    }
}

/// Plays ten times: some messages while polling, some between the two, the rest on an XMLSocket.
fn messages_survive<W: Wire>() {
    let server = with_flash(|_| {});
    let mut checker = Checker::new();
    let mut home = LongPollClient::connected(&server);
    home.subscribe("/n");
    let connections = server.counts().connections_open;
    checker.listens_throughout("wanderer", "/n");
    let mut number = 0;
    let mut publish = |checker: &mut Checker, count: u64| {
        for _ in 0..count {
            let note = Note::new("p", number);
            server.publish("/n", &note.data());
            checker.acknowledged("/n", &note);
            number += 1;
        }
    };
    for _ in 0..10 {
        let mut polling: comet_testkit::Client<W> = home.crossing(&server);
        publish(&mut checker, 7);
        polling.events(7).iter().for_each(|event| checker.saw_event("wanderer", event));
        publish(&mut checker, 5);
        let mut socket: XmlSocketClient = home.crossing_to(server.flash_address());
        socket.events(5).iter().for_each(|event| checker.saw_event("wanderer", event));
        drop((polling, socket));
        // What is sent to a wire whose end the server has not seen yet is lost without acknowledgements.
        server.until("the wires are seen to be gone", |counts| counts.connections_open <= connections);
    }
    checker.assert_clean();
}

#[test]
fn nothing_is_lost_or_doubled_between_long_polling_and_an_xml_socket() {
    messages_survive::<comet_testkit::LongPollWire>();
}

#[test]
fn nothing_is_lost_or_doubled_between_callback_polling_and_an_xml_socket() {
    messages_survive::<comet_testkit::CallbackWire>();
}

#[test]
fn a_crowd_on_every_kind_of_socket_shares_one_order() {
    let server = with_flash(|config| config.shards = 2);
    let mut checker = Checker::new();
    let mut plain: Vec<_> = (0..6).map(|_| connected(&server)).collect();
    let mut framed: Vec<_> = (0..6).map(|_| FramedXmlSocketClient::connected(&server)).collect();
    plain.iter_mut().for_each(|client| client.subscribe("/room/*"));
    framed.iter_mut().for_each(|client| client.subscribe("/room/*"));
    for n in 0..6 {
        checker.listens_throughout(&format!("p{n}"), "/room/1");
        checker.listens_throughout(&format!("f{n}"), "/room/1");
    }
    let mut publisher = WebSocketClient::connected(&server);
    for n in 0..100 {
        let note = Note::new("p", n);
        publisher.publish("/room/1", note.data());
        checker.acknowledged("/room/1", &note);
    }
    for n in 0..6 {
        plain[n].events(100).iter().for_each(|event| checker.saw_event(&format!("p{n}"), event));
        framed[n].events(100).iter().for_each(|event| checker.saw_event(&format!("f{n}"), event));
    }
    checker.assert_clean();
}

#[test]
fn movie_and_player_are_served_to_everyone_and_nothing_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("out");
    std::fs::create_dir_all(inside.join("ruffle")).unwrap();
    std::fs::write(folder.path().join("secret.js"), "secret").unwrap();
    std::fs::write(inside.join("bridge.swf"), "FWS").unwrap();
    std::fs::write(inside.join("ruffle/ruffle.js"), "let ruffle;").unwrap();
    let server = TestServer::run(TestServer::builder().flash_files("/no/such/folder").flash_files(&inside));
    let get = |path: &str| Socket::connect(server.address()).get(path, "");
    let movie = get("/comet/flash/bridge.swf");
    assert_eq!((movie.status, movie.text()), (200, "FWS"));
    assert_eq!(movie.field("content-type"), Some("application/x-shockwave-flash"));
    assert_eq!(movie.field("access-control-allow-origin"), Some("*"));
    assert_eq!(get("/comet/flash/ruffle/ruffle.js").text(), "let ruffle;");
    for path in ["", "../secret.js", "..%2fsecret.js", "ruffle/../../secret.js", "ruffle", "other.swf"] {
        assert_ne!(get(&format!("/comet/flash/{path}")).status, 200, "{path}");
    }
    assert_eq!(Socket::connect(TestServer::start().address()).get("/comet/flash/bridge.swf", "").status, 404);
}
