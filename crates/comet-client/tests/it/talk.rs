//! Talking, on each wire.

use comet::{Call, Refusal, Reply};
use comet_client::{Client, Error, State, Transport};
use comet_testkit::{TestServer, eventually};
use futures_util::StreamExt;
use serde_json::json;

use crate::wait;

const WIRES: [Transport; 2] = [Transport::WebSocket, Transport::LongPolling];

fn url(server: &TestServer) -> String {
    format!("http://{}", server.address())
}

#[test]
fn what_is_published_comes_in_order_on_every_wire() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        for wire in WIRES {
            let listener = Client::builder(url(&server)).transport(wire).connect().await.unwrap();
            let speaker = Client::builder(url(&server)).transport(wire).connect().await.unwrap();
            let mut subscription = listener.subscribe("/chat/*").await.unwrap();
            for number in 0..200 {
                speaker.publish("/chat/lobby", &number).await.unwrap();
            }
            for number in 0..200 {
                let event = wait::event(&mut subscription).await;
                assert_eq!(
                    (event.channel.as_str(), event.data::<u32>()),
                    ("/chat/lobby", Ok(number)),
                    "{wire:?}"
                );
            }
        }
    });
}

#[test]
fn publications_of_one_client_stay_in_order_when_it_does_not_wait() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        for wire in WIRES {
            let client = Client::builder(url(&server)).transport(wire).connect().await.unwrap();
            let mut subscription = client.subscribe("/a").await.unwrap();
            for first in (0..500).step_by(50) {
                let some = (first..first + 50).map(|number| {
                    let client = client.clone();
                    async move { client.publish("/a", &number).await }
                });
                let published = futures_util::future::join_all(some).await;
                assert!(published.iter().all(Result::is_ok), "{wire:?}");
            }
            for number in 0..500 {
                assert_eq!(wait::event(&mut subscription).await.data::<u32>(), Ok(number), "{wire:?}");
            }
        }
    });
}

#[test]
fn several_subscriptions_each_get_what_they_match() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let client = Client::builder(url(&server)).connect().await.unwrap();
        let mut exact = client.subscribe("/a/b").await.unwrap();
        let mut wide = client.subscribe("/a/**").await.unwrap();
        let mut same = client.subscribe("/a/b").await.unwrap();
        client.publish("/a/b", "both").await.unwrap();
        client.publish("/a/c", "wide").await.unwrap();
        for subscription in [&mut exact, &mut wide, &mut same] {
            assert_eq!(wait::event(subscription).await.data::<String>(), Ok("both".into()));
        }
        assert_eq!(wait::event(&mut wide).await.data::<String>(), Ok("wide".into()));
        // Dropping one of two leaves the other its messages.
        drop(same);
        client.publish("/a/b", "again").await.unwrap();
        assert_eq!(exact.next().await.map(|received| format!("{received:?}").contains("again")), Some(true));
    });
}

#[test]
fn a_dropped_subscription_is_ended_at_the_server() {
    let server = TestServer::start();
    let client = server.runtime().block_on(async {
        let client = Client::builder(url(&server)).connect().await.unwrap();
        let subscription = client.subscribe("/a").await.unwrap();
        drop(subscription);
        // Commands keep their order, so the server knows by now.
        client.publish("/b", &1).await.unwrap();
        client
    });
    let before = server.counts().deliveries;
    server.publish("/a", &1);
    server.runtime().block_on(client.publish("/b", &2)).unwrap();
    assert_eq!(server.counts().deliveries, before);
}

#[test]
fn a_call_gets_the_answer_of_its_service() {
    let service = async |call: Call| match call.data::<u32>()? {
        0 => Err(Refusal::because("nothing is not enough")),
        number => Reply::json(&json!({ "twice": number * 2 })),
    };
    let server = TestServer::run(TestServer::builder().service("/service/twice", service));
    server.runtime().block_on(async {
        for wire in WIRES {
            let client = Client::builder(url(&server)).transport(wire).connect().await.unwrap();
            assert_eq!(client.call("/service/twice", &21).await.unwrap().get(), r#"{"twice":42}"#);
            let refused = client.call("/service/twice", &0).await.unwrap_err();
            assert!(
                matches!(&refused, Error::Refused { code: 403, reason, .. } if reason == "nothing is not enough"),
                "{refused:?}"
            );
            let unknown = client.call("/service/thrice", &1).await.unwrap_err();
            assert!(matches!(unknown, Error::Refused { code: 404, .. }), "{unknown:?}");
        }
    });
}

#[test]
fn what_the_server_sends_to_one_client_is_heard_below_service() {
    let service = async |call: Call| {
        let _ = call.client.send(&"/service/notes".parse().expect("a channel"), "for you");
        Ok(Reply::none())
    };
    let server = TestServer::run(TestServer::builder().service("/service/ask", service));
    server.runtime().block_on(async {
        let client = Client::builder(url(&server)).connect().await.unwrap();
        let mut notes = client.subscribe("/service/**").await.unwrap();
        let asking = client.clone();
        let call = tokio::spawn(async move { asking.call("/service/ask", &()).await });
        assert_eq!(wait::event(&mut notes).await.data::<String>(), Ok("for you".into()));
        call.abort();
    });
}

#[test]
fn a_subscription_is_a_stream() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let client = Client::builder(url(&server)).connect().await.unwrap();
        let subscription = client.subscribe("/a").await.unwrap();
        for number in 0..3 {
            client.publish("/a", &number).await.unwrap();
        }
        let taken: Vec<_> = subscription.take(3).collect().await;
        assert_eq!(taken.len(), 3);
    });
}

#[test]
fn a_client_that_disconnects_leaves_no_session_behind() {
    let server = TestServer::start();
    for wire in WIRES {
        server.runtime().block_on(async {
            let client = Client::builder(url(&server)).transport(wire).connect().await.unwrap();
            let mut subscription = client.subscribe("/a").await.unwrap();
            client.disconnect().await;
            assert!(wait::received(&mut subscription).await.is_none());
            assert_eq!(subscription.ended_by(), None);
            assert_eq!(*client.state().borrow(), State::Ended(None));
            assert_eq!(client.publish("/a", &1).await, Err(Error::Ended));
        });
        assert_eq!(server.counts().sessions_open, 0, "{wire:?}");
    }
}

#[test]
fn a_session_ends_when_nobody_holds_it_any_more() {
    let server = TestServer::start();
    let subscription = server.runtime().block_on(async {
        let client = Client::builder(url(&server)).connect().await.unwrap();
        let mut subscription = client.subscribe("/a").await.unwrap();
        client.publish("/a", &1).await.unwrap();
        wait::event(&mut subscription).await;
        subscription
    });
    assert_eq!(server.counts().sessions_open, 1, "the subscription still holds it");
    drop(subscription);
    eventually("the session ends", || server.counts().sessions_open == 0);
}
