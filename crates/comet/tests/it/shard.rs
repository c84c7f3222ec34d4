//! Several shards: sessions, channels and connections that live apart.

use comet_testkit::{Checker, LongPollClient, Note, Socket, TestServer, WebSocketClient};
use serde_json::{Value, json};

fn shards(count: usize) -> TestServer {
    TestServer::with(|config| config.shards = count)
}

/// A client that has not sent its cookie back yet, so that requests without it still speak for it.
fn handshaken(server: &TestServer) -> LongPollClient {
    let mut client = LongPollClient::new(server);
    client.handshake();
    client
}

#[test]
fn a_crowd_on_four_shards_hears_everything_in_one_order() {
    let server = shards(4);
    let mut checker = Checker::new();
    let channels: Vec<_> = (0..8).map(|n| format!("/room/{n}")).collect();
    let mut sockets: Vec<_> = (0..12).map(|_| WebSocketClient::connected(&server)).collect();
    let mut pollers: Vec<_> = (0..6).map(|_| LongPollClient::connected(&server)).collect();
    for client in &mut sockets {
        client.subscribe("/room/*");
    }
    for client in &mut pollers {
        client.subscribe("/room/**");
    }
    let names =
        (0..sockets.len()).map(|n| format!("s{n}")).chain((0..pollers.len()).map(|n| format!("p{n}")));
    for name in names {
        channels.iter().for_each(|channel| checker.listens_throughout(&name, channel));
    }
    let mut publisher = WebSocketClient::connected(&server);
    for n in 0..20 {
        for channel in &channels {
            let note = Note::new("p", n);
            publisher.publish(channel, note.data());
            checker.acknowledged(channel, &note);
        }
    }
    for (n, client) in sockets.iter_mut().enumerate() {
        client.events(160).iter().for_each(|event| checker.saw_event(&format!("s{n}"), event));
    }
    for (n, client) in pollers.iter_mut().enumerate() {
        client.events(160).iter().for_each(|event| checker.saw_event(&format!("p{n}"), event));
    }
    checker.assert_clean();
}

#[test]
fn every_event_says_where_it_stands_in_its_channel() {
    let server = shards(4);
    let mut listener = WebSocketClient::connected(&server);
    listener.subscribe("/room/*");
    let mut publisher = LongPollClient::connected(&server);
    for n in 0..8 {
        let ext = json!({ "n": n, "position": { "epoch": "forged", "offset": 99 } });
        let channel = format!("/room/{}", n % 2);
        let reply = publisher.request(&channel, json!({ "data": n, "ext": ext }));
        assert_eq!(reply["successful"], true, "{reply}");
    }
    let mut epochs = [Value::Null, Value::Null];
    for event in listener.events(8) {
        let n = event["data"].as_u64().expect("a number");
        let (ext, epoch) = (&event["ext"], &mut epochs[n as usize % 2]);
        assert_eq!((&ext["n"], &ext["position"]["offset"]), (&json!(n), &json!(n / 2 + 1)), "{event}");
        assert!(epoch.is_null() || *epoch == ext["position"]["epoch"], "{event}");
        *epoch = ext["position"]["epoch"].clone();
        assert!(epoch.as_str().is_some_and(|epoch| u64::from_str_radix(epoch, 16).is_ok()), "{event}");
    }
}

#[test]
fn one_connection_speaks_for_sessions_of_every_shard() {
    let server = shards(4);
    let sessions: Vec<_> = (0..12).map(|_| handshaken(&server)).collect();
    let mut socket = Socket::connect(server.address());
    for round in 0..5 {
        for session in &sessions {
            let reply = socket
                .post(&json!([{ "channel": "/nobody", "data": round, "clientId": session.id(), "id": 1 }]));
            assert_eq!(reply[0]["successful"], true, "{reply:?}");
        }
    }
    assert!(server.counts().connections_moved > 0, "the connection went to the sessions");
}

#[test]
fn requests_for_several_shards_can_be_pipelined() {
    let server = shards(4);
    let sessions: Vec<_> = (0..12).map(|_| handshaken(&server)).collect();
    let mut socket = Socket::connect(server.address());
    for (n, session) in sessions.iter().enumerate() {
        socket.send_batch(
            "/cometd",
            &json!([{ "channel": "/x", "data": n, "clientId": session.id(), "id": n }]),
        );
    }
    for n in 0..sessions.len() {
        let reply = socket.response().messages().remove(0);
        assert_eq!((&reply["id"], &reply["successful"]), (&json!(n), &json!(true)), "{reply}");
    }
}

#[test]
fn a_websocket_follows_its_session_to_another_shard() {
    let server = shards(4);
    for _ in 0..12 {
        let mut polling = LongPollClient::connected(&server);
        polling.subscribe("/a");
        let mut socket: WebSocketClient = polling.crossing(&server);
        socket.connect_at_once();
        server.publish("/a", "found");
        socket.expect_event("/a", "found");
        socket.disconnect();
    }
    assert!(server.counts().connections_moved > 0);
}

#[test]
fn a_websocket_that_moves_loses_nothing_that_was_sent_behind_its_first_message() {
    let server = shards(4);
    for _ in 0..12 {
        let polling = LongPollClient::connected(&server);
        let mut socket: WebSocketClient = polling.crossing(&server);
        let ids: Vec<_> = (0..30).map(|n| socket.send(json!({ "channel": "/x", "data": n }))).collect();
        for id in ids {
            assert_eq!(socket.reply(&id)["successful"], true);
        }
    }
}

#[test]
fn a_websocket_that_speaks_for_sessions_of_several_shards_gets_every_reply() {
    let server = shards(4);
    let mut socket = WebSocketClient::connected(&server);
    let sessions: Vec<_> = (0..12).map(|_| handshaken(&server)).collect();
    let mut ids = Vec::new();
    for (round, session) in sessions.iter().chain(&sessions).enumerate() {
        for n in 0..6 {
            let channel = format!("/n/{n}");
            ids.push(socket.send(json!({ "channel": channel, "data": n, "clientId": session.id() })));
        }
        ids.push(socket.send(json!({
            "channel": "/meta/subscribe", "subscription": format!("/r/{round}"), "clientId": session.id(),
            "ext": { "since": { "last": 1 } }
        })));
    }
    for id in ids {
        let reply = socket.reply(&id);
        assert_eq!(reply["successful"], true, "{reply}");
    }
    assert!(server.counts().connections_moved > 0);
}

#[test]
fn publications_to_other_shards_are_acknowledged_whatever_waits_for_them() {
    let server = TestServer::with(|config| {
        config.shards = 3;
        config.limits.exchanges_per_connection = 1;
    });
    let mut client = WebSocketClient::connected(&server);
    client.subscribe("/n/*");
    let ids: Vec<_> =
        (0..300).map(|n| client.send(json!({ "channel": format!("/n/{}", n % 10), "data": n }))).collect();
    for id in ids {
        assert_eq!(client.reply(&id)["successful"], true);
    }
    assert_eq!(client.events(300).len(), 300);
}

#[test]
fn a_batch_for_channels_of_several_shards_is_answered_in_its_order() {
    let server = shards(4);
    let mut socket = Socket::connect(server.address());
    let client = handshaken(&server);
    let batch: Vec<_> = (0..40)
        .map(|n| json!({ "channel": format!("/n/{n}"), "data": n, "clientId": client.id(), "id": n }))
        .collect();
    let replies = socket.post(&json!(batch));
    let ids: Vec<_> = replies.iter().map(|reply| reply["id"].as_u64().expect("a number")).collect();
    assert_eq!(ids, (0..40).collect::<Vec<_>>());
}

#[test]
fn the_last_listener_s_leaving_is_noticed_by_every_home() {
    let server = shards(3);
    for round in 0..10 {
        let mut client = WebSocketClient::connected(&server);
        client.subscribe("/p/*");
        client.subscribe("/q");
        for channel in ["/p/1", "/p/2", "/p/3", "/q"] {
            server.publish(channel, &round);
            client.expect_event(channel, round);
        }
        client.disconnect();
    }
    let before = server.counts().deliveries;
    for channel in ["/p/1", "/p/2", "/p/3", "/q"] {
        server.publish(channel, "nobody is there");
    }
    let mut last = WebSocketClient::connected(&server);
    last.subscribe("/end");
    server.publish("/end", 1.to_string().as_str());
    last.expect_event("/end", "1");
    assert_eq!(server.counts().deliveries, before + 1);
}
