//! What was missed comes later, once and in order; what is gone for good is told once.

use std::time::{Duration, SystemTime};

use comet_client::{Client, Durability, Gap, Publication, Since, State, Subscription, Transport};
use comet_testkit::{Direction, Ending, FaultProxy, TestServer, eventually};

use crate::proxy::Proxy;
use crate::wait;

const WIRES: [Transport; 2] = [Transport::WebSocket, Transport::LongPolling];

/// The next numbers are these.
async fn numbers(subscription: &mut Subscription, wanted: std::ops::Range<u32>) {
    for number in wanted {
        assert_eq!(wait::event(subscription).await.data::<u32>(), Ok(number));
    }
}

async fn cut_off(proxy: &Proxy, client: &Client) {
    proxy.shut(true);
    proxy.cut();
    wait::state(client.state(), |state| *state == State::Connecting).await;
}

async fn publish(server: &TestServer, wanted: std::ops::Range<u32>) -> u64 {
    let mut last = 0;
    for number in wanted {
        last = server.publisher().publish("/a", &number).await.unwrap().position.offset;
    }
    last
}

#[test]
fn what_is_published_while_the_connection_is_away_comes_when_it_is_back() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        for wire in WIRES {
            let proxy = Proxy::to(server.address()).await;
            let client = Client::builder(proxy.url()).transport(wire).connect().await.unwrap();
            let mut exact = client.subscribe("/a").await.unwrap();
            let mut wide = client.subscribe("/*").await.unwrap();
            let made = server.counts().sessions_made;
            publish(&server, 0..3).await;
            numbers(&mut exact, 0..3).await;
            cut_off(&proxy, &client).await;
            publish(&server, 3..40).await;
            proxy.shut(false);
            publish(&server, 40..50).await;
            numbers(&mut exact, 3..50).await;
            numbers(&mut wide, 0..50).await;
            assert_eq!(server.counts().sessions_made, made, "{wire:?}");
            client.disconnect().await;
        }
    });
}

#[test]
fn a_new_session_gets_what_the_old_one_missed() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 1_000);
    for wire in WIRES {
        let (proxy, client, mut exact, mut wide) = server.runtime().block_on(async {
            let proxy = Proxy::to(server.address()).await;
            let client = Client::builder(proxy.url()).transport(wire).connect().await.unwrap();
            let mut exact = client.subscribe("/a").await.unwrap();
            let wide = client.subscribe("/**").await.unwrap();
            publish(&server, 0..2).await;
            numbers(&mut exact, 0..2).await;
            cut_off(&proxy, &client).await;
            (proxy, client, exact, wide)
        });
        eventually("the session expires", || server.counts().sessions_open == 0);
        server.runtime().block_on(publish(&server, 2..40));
        server.publish("/b", "another one");
        proxy.shut(false);
        server.runtime().block_on(async {
            numbers(&mut exact, 2..40).await;
            let mut seen = Vec::new();
            while seen.len() < 41 {
                seen.push(wait::event(&mut wide).await.data.get().to_owned());
            }
            seen.retain(|data| !data.contains("another one"));
            assert_eq!(seen, (0..40).map(|number| number.to_string()).collect::<Vec<_>>(), "{wire:?}");
            publish(&server, 40..45).await;
            numbers(&mut exact, 40..45).await;
            client.disconnect().await;
        });
    }
}

#[test]
fn what_the_server_no_longer_remembers_is_told_once_and_where_it_goes_on() {
    let server = TestServer::with(|config| {
        config.session.max_interval_ms = 1_000;
        config.channels.default.history.messages = 5;
    });
    for wire in WIRES {
        let (proxy, client, mut exact, mut wide) = server.runtime().block_on(async {
            let proxy = Proxy::to(server.address()).await;
            let client = Client::builder(proxy.url()).transport(wire).connect().await.unwrap();
            let mut exact = client.subscribe("/a").await.unwrap();
            let mut wide = client.subscribe("/*").await.unwrap();
            publish(&server, 0..2).await;
            numbers(&mut exact, 0..2).await;
            numbers(&mut wide, 0..2).await;
            cut_off(&proxy, &client).await;
            (proxy, client, exact, wide)
        });
        eventually("the session expires", || server.counts().sessions_open == 0);
        let last = server.runtime().block_on(publish(&server, 2..40));
        proxy.shut(false);
        server.runtime().block_on(async {
            for subscription in [&mut exact, &mut wide] {
                match wait::gap(subscription).await {
                    Gap::Forgotten { channel, head, .. } => {
                        assert_eq!((channel.as_str(), head.offset), ("/a", last), "{wire:?}");
                    }
                    other => panic!("{wire:?}: {other:?}"),
                }
            }
            publish(&server, 40..45).await;
            numbers(&mut exact, 40..45).await;
            numbers(&mut wide, 40..45).await;
            client.disconnect().await;
        });
    }
}

#[test]
fn a_server_that_begins_anew_leaves_one_gap_and_goes_on() {
    for wire in WIRES {
        let server = TestServer::start();
        let address = server.address();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (client, mut subscription) = runtime.block_on(async {
            let builder = Client::builder(format!("http://{address}")).transport(wire);
            let client = builder.connect().await.unwrap();
            let mut subscription = client.subscribe("/a").await.unwrap();
            publish(&server, 0..3).await;
            numbers(&mut subscription, 0..3).await;
            (client, subscription)
        });
        drop(server);
        let mut config = TestServer::config();
        config.listen = vec![address];
        let server = TestServer::run(comet::Comet::builder().config(config));
        let counts = || server.counts().sessions_made;
        eventually("the client is back", || counts() == 1);
        runtime.block_on(async {
            let gap = wait::gap(&mut subscription).await;
            assert!(matches!(gap, Gap::Forgotten { .. }), "{wire:?} {gap:?}");
            publish(&server, 10..20).await;
            numbers(&mut subscription, 10..20).await;
            client.disconnect().await;
        });
    }
}

#[test]
fn publications_are_made_once_however_often_their_connection_is_cut() {
    let server = TestServer::start();
    for wire in WIRES {
        let channel = format!("/cut/{wire:?}");
        // Reset on the way there and on the way back: the server has some of what was lost.
        for direction in [Direction::ToServer, Direction::ToClient] {
            let proxy = FaultProxy::before(server.address());
            let published = server.runtime().block_on(async {
                let address = format!("http://{}", server.address());
                let listener = Client::builder(address).connect().await.unwrap();
                let mut all = listener.subscribe(&channel).await.unwrap();
                let address = format!("http://{}", proxy.address());
                let client = Client::builder(address).transport(wire).connect().await.unwrap();
                proxy.end_after_bytes(direction, 0..3_000, Ending::Reset);
                let mut offsets = Vec::new();
                for number in 0..60_u32 {
                    if number == 50 {
                        proxy.heal();
                    }
                    let published = client.publish(&channel, &number).await.unwrap();
                    offsets.push(published.position.unwrap().offset);
                    assert_eq!(published.durability, Some(Durability::Memory));
                }
                numbers(&mut all, 0..60).await;
                client.disconnect().await;
                offsets
            });
            let first = published[0];
            assert_eq!(published, (first..first + 60).collect::<Vec<_>>(), "{wire:?} {direction:?}");
            assert!(proxy.counts().cut > 0, "{wire:?} {direction:?}");
        }
    }
}

#[test]
fn a_publication_under_a_key_is_made_once_and_one_without_echo_does_not_come_back() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        for wire in WIRES {
            let client = Client::builder(format!("http://{}", server.address()))
                .transport(wire)
                .connect()
                .await
                .unwrap();
            let channel = format!("/once/{wire:?}");
            let mut subscription = client.subscribe(&channel).await.unwrap();
            let first = client.publish_once(&channel, &1, "the first").await.unwrap();
            assert_eq!(client.publish_once(&channel, &1, "the first").await, Ok(first.clone()), "{wire:?}");
            let silent = Publication::new().without_echo();
            let second = client.publish_with(&channel, &2, silent).await.unwrap();
            client.publish(&channel, &3).await.unwrap();
            let event = wait::event(&mut subscription).await;
            assert_eq!((event.data::<u32>(), event.position), (Ok(1), first.position), "{wire:?}");
            let event = wait::event(&mut subscription).await;
            let next = second.position.unwrap().offset + 1;
            assert_eq!((event.data::<u32>(), event.position.unwrap().offset), (Ok(3), next), "{wire:?}");
        }
    });
}

#[test]
fn a_subscription_begins_in_the_past_where_it_is_asked_to() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        // Of what was before its start the server knows nothing.
        server.publisher().publish("/b", "it has started").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let before = SystemTime::now();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let fifth = publish(&server, 0..5).await;
        publish(&server, 5..10).await;
        for (round, wire) in WIRES.into_iter().enumerate() {
            let seen = 10 + round as u32;
            let address = format!("http://{}", server.address());
            let client = Client::builder(address).transport(wire).connect().await.unwrap();
            let mut last = client.subscribe_since("/a", Since::Last(3)).await.unwrap();
            numbers(&mut last, seen - 3..seen).await;
            let mut all = client.subscribe_since("/a", Since::Time(before)).await.unwrap();
            let mut ago = client
                .subscribe_since("/*", Since::Ago(before.elapsed().unwrap() + Duration::from_millis(5)))
                .await
                .unwrap();
            numbers(&mut all, 0..seen).await;
            numbers(&mut ago, 0..seen).await;
            let of = comet_client::Position {
                epoch: client.publish("/a", &seen).await.unwrap().position.unwrap().epoch,
                offset: fifth,
            };
            let mut behind = client.subscribe_since("/a", Since::Position(of)).await.unwrap();
            numbers(&mut behind, 5..seen + 1).await;
            for subscription in [&mut last, &mut all, &mut ago] {
                numbers(subscription, seen..seen + 1).await;
            }
            assert!(client.subscribe_since("/*", Since::Last(1)).await.is_err(), "{wire:?}");
            client.disconnect().await;
        }
    });
}

#[test]
fn a_session_moves_between_wires_in_the_middle_of_a_stream() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let address = format!("http://{}", server.address());
        let client = Client::builder(&address).connect().await.unwrap();
        let speaker = Client::builder(&address).connect().await.unwrap();
        let mut subscription = client.subscribe("/a").await.unwrap();
        let made = server.counts().sessions_made;
        let speaking = tokio::spawn(async move {
            for number in 0..600_u32 {
                speaker.publish("/a", &number).await.unwrap();
            }
        });
        let moving = client.clone();
        let moves = tokio::spawn(async move {
            for transport in [Transport::LongPolling, Transport::WebSocket, Transport::LongPolling] {
                moving.switch_to(transport).await.unwrap();
                let name = match transport {
                    Transport::LongPolling => "long-polling",
                    _ => "websocket",
                };
                assert_eq!(*moving.state().borrow(), State::Connected { connection_type: name });
                moving.publish("/b", "still there").await.unwrap();
            }
        });
        numbers(&mut subscription, 0..600).await;
        speaking.await.unwrap();
        moves.await.unwrap();
        assert_eq!(server.counts().sessions_made, made);
        client.disconnect().await;
        assert!(wait::received(&mut subscription).await.is_none());
    });
}

#[test]
fn a_wire_that_is_not_to_be_had_leaves_the_session_as_it_was() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let proxy = Proxy::to(server.address()).await;
        let builder = Client::builder(proxy.url()).transport(Transport::LongPolling);
        let client = builder.connect().await.unwrap();
        let mut subscription = client.subscribe("/a").await.unwrap();
        proxy.refuse_websockets();
        assert!(client.switch_to(Transport::WebSocket).await.is_err());
        let state = wait::state(client.state(), |state| matches!(state, State::Connected { .. })).await;
        assert_eq!(state, State::Connected { connection_type: "long-polling" });
        publish(&server, 0..3).await;
        numbers(&mut subscription, 0..3).await;
        client.disconnect().await;
    });
}
