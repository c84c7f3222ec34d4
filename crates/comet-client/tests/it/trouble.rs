//! Connections that break, servers that go, readers that are slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use comet::{
    Call, Channel, Client as ServerClient, Code, Denied, Handshake, Identity, Pattern, Policy, RawValue,
    Reply,
};
use comet_client::{Client, Error, Gap, State, Transport};
use comet_testkit::{TestServer, eventually};

use crate::proxy::Proxy;
use crate::wait;

const WIRES: [Transport; 2] = [Transport::WebSocket, Transport::LongPolling];

fn connected(state: &State) -> bool {
    matches!(state, State::Connected { .. })
}

#[test]
fn a_cut_connection_comes_back_to_the_same_session() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let mut held = 0;
        for wire in WIRES {
            let proxy = Proxy::to(server.address()).await;
            let client = Client::builder(proxy.url()).transport(wire).connect().await.unwrap();
            let mut subscription = client.subscribe("/a").await.unwrap();
            let made = server.counts().sessions_made;
            held = wait::held(&server, held + 1).await;
            for round in 0..3 {
                proxy.cut();
                held = wait::held(&server, held + 1).await;
                client.publish("/a", &round).await.unwrap();
                assert_eq!(wait::event(&mut subscription).await.data::<u32>(), Ok(round), "{wire:?}");
                if wire == Transport::LongPolling {
                    // The message came with the answer of one connect; the next has to be under way.
                    held = wait::held(&server, held + 1).await;
                }
            }
            assert_eq!(server.counts().sessions_made, made, "{wire:?}");
            client.disconnect().await;
        }
    });
}

#[test]
fn a_session_that_the_server_forgot_is_replaced_and_keeps_its_subscriptions() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 1_000);
    for wire in WIRES {
        let made = server.counts().sessions_made;
        let (proxy, client, mut subscription) = server.runtime().block_on(async {
            let proxy = Proxy::to(server.address()).await;
            let client = Client::builder(proxy.url()).transport(wire).connect().await.unwrap();
            let subscription = client.subscribe("/a").await.unwrap();
            proxy.shut(true);
            proxy.cut();
            wait::state(client.state(), |state| *state == State::Connecting).await;
            (proxy, client, subscription)
        });
        eventually("the session expires", || server.counts().sessions_open == 0);
        proxy.shut(false);
        server.runtime().block_on(async {
            eventually("there is a new session", || server.counts().sessions_made == made + 2);
            client.publish("/a", "here again").await.unwrap();
            let event = wait::event(&mut subscription).await;
            assert_eq!(event.data::<String>(), Ok("here again".into()), "{wire:?}");
            client.disconnect().await;
        });
    }
}

/// Refuses the next so many subscriptions, says that it is busy, and counts those it grants.
#[derive(Clone, Default)]
struct Busy {
    left: Arc<AtomicU64>,
    granted: Arc<AtomicU64>,
}

impl Policy for Busy {
    async fn authenticate(&self, _: &Handshake) -> Result<Identity, Denied> {
        Ok(Identity::default())
    }

    async fn may_publish(&self, _: &ServerClient, _: &Channel, _: &RawValue) -> Result<(), Denied> {
        Ok(())
    }

    async fn may_subscribe(&self, _: &ServerClient, _: &Pattern) -> Result<(), Denied> {
        let less = |left: u64| left.checked_sub(1);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(_) => Err(Denied::because("not now").code(Code::Internal)),
            Err(_) => {
                self.granted.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

#[test]
fn a_server_that_is_busy_after_its_restart_gets_its_subscriptions_a_little_later() {
    let busy = Busy::default();
    let mut server = TestServer::run(TestServer::builder().policy(busy.clone()));
    let address = server.address();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for wire in WIRES {
        let (client, mut subscription) = runtime.block_on(async {
            let client =
                Client::builder(format!("http://{address}")).transport(wire).connect().await.unwrap();
            let subscription = client.subscribe("/a").await.unwrap();
            (client, subscription)
        });
        drop(server);
        busy.left.store(2, Ordering::Relaxed);
        let granted = busy.granted.load(Ordering::Relaxed);
        let mut config = TestServer::config();
        config.listen = vec![address];
        server = TestServer::run(comet::Comet::builder().config(config).policy(busy.clone()));
        eventually("the third try is granted", || busy.granted.load(Ordering::Relaxed) > granted);
        runtime.block_on(async {
            client.publish("/a", &1).await.unwrap();
            // The new server counts its channels anew: that nothing is missing cannot be known.
            assert_eq!(wait::event_after_gaps(&mut subscription).await.data::<u32>(), Ok(1), "{wire:?}");
            // Who has not listened yet is told at once.
            busy.left.store(1, Ordering::Relaxed);
            let refused = client.subscribe("/b").await.err();
            assert!(matches!(refused, Some(Error::Refused { code: 500, .. })), "{wire:?} {refused:?}");
            client.disconnect().await;
        });
    }
}

#[test]
fn a_call_whose_answer_is_lost_says_so() {
    let (called, mut calls) = tokio::sync::mpsc::unbounded_channel();
    let server = TestServer::run(TestServer::builder().service("/service/slow", move |_: Call| {
        called.send(()).unwrap();
        async {
            tokio::time::sleep(Duration::from_secs(600)).await;
            Ok(Reply::none())
        }
    }));
    server.runtime().block_on(async {
        for wire in WIRES {
            let proxy = Proxy::to(server.address()).await;
            let client = Client::builder(proxy.url()).transport(wire).connect().await.unwrap();
            let calling = client.clone();
            let mut call = tokio::spawn(async move { calling.call("/service/slow", &1).await });
            calls.recv().await.unwrap();
            // The call has arrived: what is cut is the way back of its answer. A long poll between two of its
            // requests has no such way to lose, so it is cut until it had one.
            let ended = loop {
                proxy.cut();
                if let Ok(ended) = tokio::time::timeout(Duration::from_millis(20), &mut call).await {
                    break ended;
                }
            };
            assert_eq!(ended.unwrap().err(), Some(Error::Lost), "{wire:?}");
        }
    });
}

#[test]
fn a_call_that_nobody_answers_ends_with_the_patience_of_its_caller() {
    let server =
        TestServer::run(TestServer::builder().service("/service/mute", async |_: Call| Ok(Reply::none())));
    server.runtime().block_on(async {
        let builder =
            Client::builder(format!("http://{}", server.address())).patience(Duration::from_millis(200));
        let client = builder.connect().await.unwrap();
        assert_eq!(client.call("/service/mute", &1).await.err(), Some(Error::TimedOut));
        // More of them than may be on their way at once: those given up make room.
        let many = (0..600).map(|_| client.call("/service/mute", &1));
        assert!(futures_util::future::join_all(many).await.iter().all(Result::is_err));
    });
}

#[test]
fn a_slow_reader_is_told_how_much_it_missed() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let builder = Client::builder(format!("http://{}", server.address())).queue(10);
        let client = builder.connect().await.unwrap();
        let mut slow = client.subscribe("/a").await.unwrap();
        for number in 0..25 {
            client.publish("/a", &number).await.unwrap();
        }
        // A call behind them: when it is answered, they have all come.
        let mut last = client.subscribe("/b").await.unwrap();
        client.publish("/b", &1).await.unwrap();
        wait::event(&mut last).await;
        for number in 0..10 {
            assert_eq!(wait::event(&mut slow).await.data::<u32>(), Ok(number));
        }
        assert_eq!(wait::gap(&mut slow).await, Gap::Overflowed { events: 15 });
        client.publish("/a", &25).await.unwrap();
        assert_eq!(wait::event(&mut slow).await.data::<u32>(), Ok(25));
    });
}

#[test]
fn a_client_waits_for_a_server_that_is_away() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        for wire in WIRES {
            let proxy = Proxy::to(server.address()).await;
            let client = Client::builder(proxy.url()).transport(wire).connect().await.unwrap();
            proxy.shut(true);
            proxy.cut();
            wait::state(client.state(), |state| *state == State::Connecting).await;
            let publishing = client.clone();
            let publish = tokio::spawn(async move { publishing.publish("/a", "kept until then").await });
            proxy.shut(false);
            wait::state(client.state(), connected).await;
            assert!(publish.await.unwrap().is_ok(), "{wire:?}");
            client.disconnect().await;
        }
    });
}

#[test]
fn a_websocket_that_is_refused_once_for_a_restart_is_not_given_up() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let proxy = Proxy::to(server.address()).await;
        let client = Client::builder(proxy.url()).connect().await.unwrap();
        proxy.refuse(1);
        proxy.cut();
        wait::state(client.state(), |state| *state == State::Connecting).await;
        let state = wait::state(client.state(), connected).await;
        assert_eq!(state, State::Connected { connection_type: "websocket" });
        // Who is refused again and again does with less.
        proxy.refuse(2);
        proxy.cut();
        wait::state(client.state(), |state| *state == State::Connecting).await;
        let state = wait::state(client.state(), connected).await;
        assert_eq!(state, State::Connected { connection_type: "long-polling" });
        client.publish("/a", &1).await.unwrap();
        client.disconnect().await;
    });
}

#[test]
fn a_client_without_its_server_still_ends_when_asked() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let proxy = Proxy::to(server.address()).await;
        let client = Client::builder(proxy.url()).connect().await.unwrap();
        proxy.shut(true);
        proxy.cut();
        wait::state(client.state(), |state| *state == State::Connecting).await;
        tokio::time::timeout(comet_testkit::PATIENCE, client.disconnect()).await.expect("it ends");
        assert_eq!(*client.state().borrow(), State::Ended(None));
    });
}

#[test]
fn a_session_that_the_server_ends_is_over() {
    let server = TestServer::run(TestServer::builder().service("/service/out", async |call: Call| {
        call.client.disconnect();
        Ok(Reply::none())
    }));
    server.runtime().block_on(async {
        let mut held = 0;
        for wire in WIRES {
            let builder = Client::builder(format!("http://{}", server.address())).transport(wire);
            let client = builder.connect().await.unwrap();
            let mut subscription = client.subscribe("/a").await.unwrap();
            // A poll that is not held cannot be told why its session ends.
            held = wait::held(&server, held + 1).await;
            assert!(client.call("/service/out", &1).await.is_err());
            let state = wait::state(client.state(), |state| matches!(state, State::Ended(_))).await;
            assert!(matches!(state, State::Ended(Some(_))), "{wire:?} {state:?}");
            while wait::received(&mut subscription).await.is_some() {}
            assert!(subscription.ended_by().is_some(), "{wire:?}");
        }
    });
}

#[test]
fn a_server_that_stops_sends_its_clients_looking_for_another() {
    for wire in WIRES {
        let mut server = TestServer::start();
        let client = server.runtime().block_on(async {
            let builder = Client::builder(format!("http://{}", server.address())).transport(wire);
            builder.connect().await.unwrap()
        });
        let draining = server.begin_drain();
        let state = client.state();
        server.runtime().block_on(wait::state(state, |state| *state == State::Connecting));
        server.finish(draining);
    }
}
