//! A subscriber made of the Rust client.
//!
//! The client reconnects and recovers by itself; here its events and gaps become what a scenario wants told, and one
//! that is to travel between wires is told to. Callback polling is not the client's: see the scripted subscriber.

use std::collections::HashSet;
use std::time::Duration;

use comet_client::{Client, Gap, Received, Subscription};
use futures_util::stream::SelectAll;
use futures_util::{Stream, StreamExt};
use tokio::task::JoinHandle;

use super::{Link, Subscriber, Told, Transport, note_of};
use crate::Random;

/// Events that may wait; more than a scenario publishes while the listener is not scheduled.
const QUEUE: usize = 1 << 16;
/// How much later than promised an answer may come. Longer than the delays that schedules make.
const NETWORK_DELAY: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(10);
/// How long who travels stays on a wire.
const STAY: std::ops::Range<Duration> = Duration::from_millis(300)..Duration::from_secs(4);

type Heard = std::pin::Pin<Box<dyn Stream<Item = Told> + Send>>;

/// The Rust client as a subscriber. Those with an even number listen channel by channel, the others to the
/// pattern.
pub struct ClientSubscriber {
    client: Client,
    heard: SelectAll<Heard>,
    /// Moves the client from one kind of wire to the other, if that is what it travels on.
    mover: Option<JoinHandle<()>>,
}

impl Subscriber for ClientSubscriber {
    async fn come(link: Link) -> Result<ClientSubscriber, String> {
        let transport = match link.transport {
            Transport::WebSocket | Transport::WebSocketAndLongPolling => comet_client::Transport::WebSocket,
            Transport::LongPolling => comet_client::Transport::LongPolling,
            other => return Err(format!("the Rust client knows no {other}")),
        };
        let builder = Client::builder(format!("http://{}", link.address))
            .transport(transport)
            .network_delay(NETWORK_DELAY)
            .patience(PATIENCE)
            .queue(QUEUE);
        let client = builder.connect().await.map_err(|error| error.to_string())?;
        let mut heard = SelectAll::new();
        if link.number.is_multiple_of(2) {
            for channel in &link.channels {
                let subscription =
                    client.subscribe(channel).await.map_err(|error| format!("{channel}: {error}"))?;
                heard.push(told(subscription, vec![channel.clone()]));
            }
        } else {
            let subscription = client.subscribe(Link::PATTERN).await.map_err(|error| error.to_string())?;
            heard.push(told(subscription, link.channels.clone()));
        }
        let moves = link.transport == Transport::WebSocketAndLongPolling;
        let random = link.seed.random(&format!("mover {}", link.number));
        let mover = moves.then(|| tokio::spawn(travel(client.clone(), random)));
        Ok(ClientSubscriber { client, heard, mover })
    }

    async fn next(&mut self) -> Option<Told> {
        self.heard.next().await
    }

    async fn leave(self) {
        if let Some(mover) = self.mover {
            mover.abort();
        }
        self.client.disconnect().await;
    }
}

/// Moves between the kinds of wires until it is ended. Trouble on the way is the client's to get over.
async fn travel(client: Client, mut random: Random) {
    for transport in [comet_client::Transport::LongPolling, comet_client::Transport::WebSocket].iter().cycle()
    {
        tokio::time::sleep(random.span(STAY)).await;
        // Where the other wire is not to be had, the client stays on the one it has.
        let _ = client.switch_to(*transport).await;
    }
}

/// A subscription in the words of a scenario. It hears these channels and no others.
fn told(subscription: Subscription, channels: Vec<String>) -> Heard {
    let mut known = HashSet::new();
    let told = subscription.map(move |received| match received {
        Received::Event(event) => {
            let channel = event.channel.as_str().to_owned();
            if !known.contains(&channel) {
                known.insert(channel.clone());
            }
            vec![Told::Saw { channel, note: note_of(event.data.get()) }]
        }
        Received::Gap(Gap::Forgotten { channel, .. }) => {
            known.insert(channel.as_str().to_owned());
            vec![Told::Gap { channel: Some(channel.as_str().to_owned()) }]
        }
        // Something is missing of channels it has heard nothing of.
        Received::Gap(Gap::Unnamed) => {
            let unknown = channels.iter().filter(|channel| !known.contains(*channel));
            unknown.map(|channel| Told::Gap { channel: Some(channel.clone()) }).collect()
        }
        Received::Gap(_) => {
            channels.iter().map(|channel| Told::Gap { channel: Some(channel.clone()) }).collect()
        }
    });
    Box::pin(told.flat_map(futures_util::stream::iter))
}
