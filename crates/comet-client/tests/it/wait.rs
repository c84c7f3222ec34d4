//! Waiting for what a subscription gives, with an end to all patience.

use comet_client::{Event, Gap, Received, State, Subscription};
use comet_testkit::{PATIENCE, TestServer};
use tokio::sync::watch;

/// The next thing.
pub(crate) async fn received(subscription: &mut Subscription) -> Option<Received> {
    tokio::time::timeout(PATIENCE, subscription.next()).await.expect("something comes in time")
}

/// The next message.
pub(crate) async fn event(subscription: &mut Subscription) -> Event {
    match received(subscription).await {
        Some(Received::Event(event)) => event,
        other => panic!("a message was to come, and not {other:?}"),
    }
}

/// The next message, whatever may be missing before it.
pub(crate) async fn event_after_gaps(subscription: &mut Subscription) -> Event {
    loop {
        match received(subscription).await {
            Some(Received::Gap(_)) => {}
            Some(Received::Event(event)) => return event,
            None => panic!("a message was to come"),
        }
    }
}

/// Waits until the server has held so many connects since its start; how many it has.
pub(crate) async fn held(server: &TestServer, connects: u64) -> u64 {
    let waiting = async {
        loop {
            let held = server.counts().connects_held;
            if held >= connects {
                return held;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the connect is held in time")
}

/// The next gap.
pub(crate) async fn gap(subscription: &mut Subscription) -> Gap {
    match received(subscription).await {
        Some(Received::Gap(gap)) => gap,
        other => panic!("a gap was to come, and not {other:?}"),
    }
}

/// Waits for a state.
pub(crate) async fn state(mut states: watch::Receiver<State>, wanted: impl Fn(&State) -> bool) -> State {
    let waiting = states.wait_for(|state| wanted(state));
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("the state comes in time")
        .expect("somebody tells")
        .clone()
}
