//! A subscriber made of the Rust client.
//!
//! The client reconnects and recovers by itself; here its events and gaps become what a scenario
//! wants told. Callback polling and switching are not the client's: see the scripted subscriber.

use std::time::Duration;

use comet_client::{Client, Gap, Received, Subscription};
use futures_util::stream::SelectAll;
use futures_util::{Stream, StreamExt};

use super::{Link, Subscriber, Told, Transport, note_of};

/// Events that may wait; more than a scenario publishes while the listener is not scheduled.
const QUEUE: usize = 1 << 16;
/// How much later than promised an answer may come. Longer than the delays that schedules make.
const NETWORK_DELAY: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(10);

type Heard = std::pin::Pin<Box<dyn Stream<Item = Told> + Send>>;

/// The Rust client as a subscriber. Those with an even number listen channel by channel, the others to the
/// pattern.
pub struct ClientSubscriber {
    client: Client,
    heard: SelectAll<Heard>,
}

impl Subscriber for ClientSubscriber {
    async fn come(link: Link) -> Result<ClientSubscriber, String> {
        let transport = match link.transport {
            Transport::WebSocket => comet_client::Transport::WebSocket,
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
            for channel in link.channels {
                let subscription =
                    client.subscribe(&channel).await.map_err(|error| format!("{channel}: {error}"))?;
                heard.push(told(subscription, Some(channel)));
            }
        } else {
            let subscription = client.subscribe(Link::PATTERN).await.map_err(|error| error.to_string())?;
            heard.push(told(subscription, None));
        }
        Ok(ClientSubscriber { client, heard })
    }

    async fn next(&mut self) -> Option<Told> {
        self.heard.next().await
    }

    async fn leave(self) {
        self.client.disconnect().await;
    }
}

/// A subscription in the words of a scenario.
fn told(subscription: Subscription, channel: Option<String>) -> Heard {
    Box::pin(subscription.map(move |received| match received {
        Received::Event(event) => {
            Told::Saw { channel: event.channel.as_str().to_owned(), note: note_of(event.data.get()) }
        }
        Received::Gap(Gap::Forgotten { channel, .. }) => {
            Told::Gap { channel: Some(channel.as_str().to_owned()) }
        }
        Received::Gap(_) => Told::Gap { channel: channel.clone() },
    }))
}
