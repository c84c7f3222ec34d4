//! Servers that say no, and names that are none.

use comet::{Channel, Client as ServerClient, Denied, Handshake, Identity, Pattern, Policy, RawValue};
use comet_client::{Client, Error, Transport};
use comet_testkit::TestServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::wait;

/// Lets in who has the token, and keeps everyone out of `/secret`.
struct Guard;

impl Policy for Guard {
    async fn authenticate(&self, hello: &Handshake) -> Result<Identity, Denied> {
        let key = hello.request.authorization.as_deref() == Some("Bearer open sesame");
        match hello.token().as_deref() {
            Some("open sesame") => Ok(Identity::default()),
            _ if key => Ok(Identity::default()),
            _ => Err(Denied::because("who are you?")),
        }
    }

    async fn may_subscribe(&self, _: &ServerClient, pattern: &Pattern) -> Result<(), Denied> {
        if pattern.as_str() == "/secret" { Err(Denied::because("not for you")) } else { Ok(()) }
    }

    async fn may_publish(&self, _: &ServerClient, channel: &Channel, _: &RawValue) -> Result<(), Denied> {
        if channel.as_str() == "/secret" { Err(Denied::because("not by you")) } else { Ok(()) }
    }
}

fn url(server: &TestServer) -> String {
    format!("http://{}", server.address())
}

fn denied(name: &str, reason: &str) -> Error {
    Error::Refused { code: 403, name: name.into(), reason: reason.into() }
}

#[test]
fn a_refused_handshake_is_told_and_ends_the_client() {
    let server = TestServer::run(TestServer::builder().policy(Guard));
    server.runtime().block_on(async {
        for wire in [Transport::Auto, Transport::WebSocket, Transport::LongPolling] {
            let refused = Client::builder(url(&server)).transport(wire).token("guess").connect().await.err();
            assert_eq!(refused, Some(denied("handshake_denied", "who are you?")), "{wire:?}");
            let builder = Client::builder(url(&server)).transport(wire);
            assert!(builder.clone().token("open sesame").connect().await.is_ok(), "{wire:?}");
            assert!(builder.key("open sesame").connect().await.is_ok(), "{wire:?}");
        }
    });
}

#[test]
fn a_refused_request_costs_nothing_else() {
    let server = TestServer::run(TestServer::builder().policy(Guard));
    server.runtime().block_on(async {
        let client = Client::builder(url(&server)).token("open sesame").connect().await.unwrap();
        let refused = client.subscribe("/secret").await.err();
        assert_eq!(refused, Some(denied("subscribe_denied", "not for you")));
        let refused = client.publish("/secret", &1).await;
        assert_eq!(refused, Err(denied("publish_denied", "not by you")));
        let mut open = client.subscribe("/open").await.unwrap();
        client.publish("/open", &1).await.unwrap();
        wait::event(&mut open).await;
    });
}

#[test]
fn a_message_that_is_too_large_is_refused_and_the_session_lives_on() {
    let server = TestServer::with(|config| config.limits.batch_bytes = 64 << 10);
    server.runtime().block_on(async {
        let builder = Client::builder(url(&server)).transport(Transport::LongPolling);
        let client = builder.connect().await.unwrap();
        let mut subscription = client.subscribe("/a").await.unwrap();
        let refused = client.publish("/a", &"x".repeat(80 << 10)).await;
        assert!(matches!(refused, Err(Error::Refused { code: 413, .. })), "{refused:?}");
        client.publish("/a", "small").await.unwrap();
        assert_eq!(wait::event(&mut subscription).await.data::<String>(), Ok("small".into()));
    });
}

#[test]
fn what_is_sent_beside_a_message_that_is_too_large_is_accepted() {
    let server = TestServer::with(|config| config.limits.batch_bytes = 64 << 10);
    server.runtime().block_on(async {
        let builder = Client::builder(url(&server)).transport(Transport::LongPolling);
        let client = builder.connect().await.unwrap();
        let large = "x".repeat(80 << 10);
        // The second waits for the answer to the first, and the others with it.
        let (first, small, subscribed, refused, last) = tokio::join!(
            client.publish("/a", &1),
            client.publish("/a", &2),
            client.subscribe("/b"),
            client.publish("/a", &large),
            client.publish("/a", &3),
        );
        assert!(first.is_ok() && small.is_ok() && last.is_ok(), "{first:?} {small:?} {last:?}");
        assert!(matches!(refused, Err(Error::Refused { code: 413, .. })), "{refused:?}");
        let mut subscription = subscribed.unwrap();
        client.publish("/b", &4).await.unwrap();
        assert_eq!(wait::event(&mut subscription).await.data::<u32>(), Ok(4));
    });
}

#[test]
fn names_that_are_none_never_leave_the_program() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let client = Client::builder(url(&server)).connect().await.unwrap();
        let before = server.counts().messages_received;
        for name in ["", "chat", "/a/*", "/service/a", "/meta/connect"] {
            assert!(matches!(client.publish(name, &1).await, Err(Error::Name { .. })), "{name:?}");
        }
        for name in ["", "chat", "/a/*/b", "/meta/*", "/meta/connect"] {
            assert!(matches!(client.subscribe(name).await.err(), Some(Error::Name { .. })), "{name:?}");
        }
        assert!(matches!(client.call("/a", &1).await, Err(Error::Name { .. })));
        // At most the beat of the connect loop was received meanwhile.
        assert!(server.counts().messages_received <= before + 2);
    });
}

#[test]
fn a_server_without_websockets_is_reached_by_long_polling() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        // A proxy of the old school: it answers every upgrade with an error.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = server.address();
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut head = vec![0; 4];
                    client.read_exact(&mut head).await.unwrap();
                    if head == b"GET " {
                        let answer =
                            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                        return client.write_all(answer).await.unwrap();
                    }
                    let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
                    server.write_all(&head).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        let client = Client::builder(format!("http://{address}")).connect().await.unwrap();
        let state = comet_client::State::Connected { connection_type: "long-polling" };
        assert_eq!(*client.state().borrow(), state);
        client.publish("/a", &1).await.unwrap();
        let only =
            Client::builder(format!("http://{address}")).transport(Transport::WebSocket).connect().await;
        assert!(matches!(only.err(), Some(Error::Refused { code: 400, .. })));
    });
}

#[test]
fn something_that_is_no_server_is_told_apart_from_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
                // The client may have gone before the answer is whole.
                let _ = client.write_all(answer).await;
                let _ = client.shutdown().await;
                let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
            }
        });
        let polling = Client::builder(&address).transport(Transport::LongPolling).connect().await.err();
        assert!(matches!(polling, Some(Error::Protocol(_))), "{polling:?}");
        let socket = Client::builder(&address).transport(Transport::WebSocket).connect().await.err();
        assert!(matches!(socket, Some(Error::Refused { code: 200, .. })), "{socket:?}");
        let nowhere = Client::builder("nowhere").connect().await.err();
        assert!(matches!(nowhere, Some(Error::Address(_))), "{nowhere:?}");
    });
}
