//! Subscriptions that want less than everything, and publications that give way to newer ones.

use std::time::Duration;

use comet::ApiAccess;
use comet_client::{
    Api, Client, Deliver, Gap, Listening, Manner, Publication, Received, Since, Slow, State, Subscription,
    Transport,
};
use comet_testkit::{TestServer, eventually};
use futures_util::future::join_all;

use crate::proxy::Proxy;
use crate::wait;

fn url(server: &TestServer) -> String {
    format!("http://{}", server.address())
}

/// Publishes numbers at the same moment, each under the key that `key` names.
async fn burst(client: &Client, numbers: impl IntoIterator<Item = u64>, key: impl Fn(u64) -> &'static str) {
    let publish = |number: u64| {
        let (client, publication) = (client.clone(), Publication::new().conflate(key(number)));
        async move { client.publish_with("/ticker/1", &number, publication).await }
    };
    let published = join_all(numbers.into_iter().map(publish)).await;
    assert!(published.iter().all(Result::is_ok), "{published:?}");
}

/// What comes up to the message `last`: the messages, and how many gave way.
async fn until(subscription: &mut Subscription, last: u64) -> (Vec<u64>, u64) {
    let (mut heard, mut thinned) = (Vec::new(), 0);
    while heard.last() != Some(&last) {
        match wait::received(subscription).await {
            Some(Received::Event(event)) => heard.push(event.data().unwrap()),
            Some(Received::Gap(Gap::Thinned { channel, events })) => {
                assert_eq!(channel.as_str(), "/ticker/1");
                thinned += events;
            }
            other => panic!("{other:?} after {heard:?}"),
        }
    }
    (heard, thinned)
}

#[test]
fn a_calm_subscription_hears_the_newest_of_each_key_and_is_told_of_the_rest() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        for wire in [Transport::WebSocket, Transport::LongPolling] {
            let client = Client::builder(url(&server)).transport(wire).connect().await.unwrap();
            let speaker = Client::builder(url(&server)).connect().await.unwrap();
            let calm = Deliver::new().every(Duration::from_secs(1));
            let mut subscription =
                client.subscribe_with("/ticker/*", Listening::new().deliver(calm)).await.unwrap();
            burst(&speaker, 1..=100, |number| if number == 50 { "other" } else { "same" }).await;
            let (heard, thinned) = until(&mut subscription, 100).await;
            assert!(heard.is_sorted(), "{wire:?} {heard:?}");
            assert!(heard.contains(&50), "no newer one has its key: {wire:?} {heard:?}");
            assert!(heard.len() < 100, "{wire:?} {heard:?}");
            assert_eq!(heard.len() as u64 + thinned, 100, "{wire:?}");
        }
    });
}

#[test]
fn the_server_says_what_is_in_force() {
    let server = TestServer::with(|config| {
        let mut slower = config.channels.default;
        slower.deliver.every_ms = 500;
        config.channels.rules.push(("/slower".parse().unwrap(), slower));
        let mut fixed = config.channels.default;
        fixed.deliver_choice = false;
        config.channels.rules.push(("/fixed".parse().unwrap(), fixed));
    });
    server.runtime().block_on(async {
        let client = Client::builder(url(&server)).connect().await.unwrap();
        let manner = |slow, every_ms| {
            Some(Manner { slow, every: Duration::from_millis(every_ms), batch: Duration::ZERO })
        };
        let plain = client.subscribe("/free").await.unwrap();
        assert_eq!(plain.manner(), None, "nobody has asked");
        let calm = || Listening::new().deliver(Deliver::new().every(Duration::from_millis(200)));
        for (channel, in_force) in [
            ("/free", manner(Slow::Conflate, 200)),
            ("/slower", manner(Slow::Conflate, 500)),
            ("/fixed", manner(Slow::Disconnect, 0)),
        ] {
            let subscription = client.subscribe_with(channel, calm()).await.unwrap();
            assert_eq!(subscription.manner(), in_force, "{channel}");
        }
        assert_eq!(plain.manner(), manner(Slow::Conflate, 200), "it shares the subscription");
        let joining = client.subscribe("/free").await.unwrap();
        assert_eq!(joining.manner(), plain.manner());
        let back = client.subscribe_with("/free", Listening::new().deliver(Deliver::new())).await.unwrap();
        assert_eq!((back.manner(), plain.manner()), (manner(Slow::Disconnect, 0), back.manner()));
    });
}

#[test]
fn a_manner_lives_through_a_lost_session() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 1_000);
    server.runtime().block_on(async {
        let proxy = Proxy::to(server.address()).await;
        let client = Client::builder(proxy.url()).connect().await.unwrap();
        let calm = Deliver::new().slow(Slow::Conflate).every(Duration::from_secs(1));
        let mut subscription =
            client.subscribe_with("/ticker/1", Listening::new().deliver(calm)).await.unwrap();
        server.publisher().publish("/ticker/1", &1).await.unwrap();
        assert_eq!(until(&mut subscription, 1).await, (vec![1], 0));
        proxy.shut(true);
        proxy.cut();
        wait::state(client.state(), |state| *state == State::Connecting).await;
        eventually("the session expires", || server.counts().sessions_open == 0);
        server.publisher().publish("/ticker/1", &2).await.unwrap();
        proxy.shut(false);
        // The past comes whole, and then the manner holds.
        assert_eq!(until(&mut subscription, 2).await, (vec![2], 0));
        let speaker = Client::builder(url(&server)).connect().await.unwrap();
        burst(&speaker, 3..=100, |_| "k").await;
        let (heard, thinned) = until(&mut subscription, 100).await;
        assert!(thinned > 0 && heard.len() as u64 + thinned == 98, "{heard:?} and {thinned}");
    });
}

#[test]
fn the_api_publishes_with_a_key_to_give_way_by() {
    let server = TestServer::run(TestServer::builder().api(ApiAccess::Open));
    server.runtime().block_on(async {
        let client = Client::builder(url(&server)).connect().await.unwrap();
        let calm =
            Listening::new().since(Since::Last(0)).deliver(Deliver::new().every(Duration::from_secs(1)));
        let mut subscription = client.subscribe_with("/ticker/1", calm).await.unwrap();
        let api = Api::new(&url(&server), None).unwrap();
        let publish = |number: u64| {
            let publication = Publication::new().conflate("k").expires(Duration::from_secs(60));
            let api = api.clone();
            async move { api.publish_with("/ticker/1", &number, publication).await }
        };
        publish(1).await.unwrap();
        join_all((2..=50).map(publish)).await;
        publish(51).await.unwrap();
        let (heard, thinned) = until(&mut subscription, 51).await;
        assert!(thinned > 0 && heard.len() < 51, "{heard:?}");
        let refused = api.publish_with("/ticker/1", &1, Publication::new().conflate("")).await;
        assert!(format!("{refused:?}").contains("message_invalid"), "{refused:?}");
    });
}

#[test]
fn a_pause_above_a_minute_is_refused_before_anything_is_sent() {
    let server = TestServer::start();
    server.runtime().block_on(async {
        let client = Client::builder(url(&server)).connect().await.unwrap();
        let long = Listening::new().deliver(Deliver::new().batch(Duration::from_secs(61)));
        let refused = client.subscribe_with("/a", long).await.err();
        assert!(refused.is_some_and(|error| error.to_string().contains("60000")));
    });
}
