//! A subscription: what comes in on a channel or pattern.
//!
//! It takes events out of its mailbox and knows nothing of wires. Dropping it unsubscribes.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bayeux::{Channel, Pattern};
use futures_util::Stream;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::mailbox::Mailbox;
use crate::session::Command;
use crate::{Error, Manner, Position};

/// A message that was published.
#[derive(Clone, Debug)]
pub struct Event {
    /// The channel it was published on.
    pub channel: Channel,
    /// Its data, raw JSON.
    pub data: Box<RawValue>,
    /// Extension fields, raw JSON.
    pub ext: Option<Box<RawValue>>,
    /// Its place in the channel, where the server numbers messages.
    pub position: Option<Position>,
}

impl Event {
    /// Reads the data as a `T`.
    ///
    /// # Errors
    /// [`Error::Data`] says what does not fit.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(self.data.get()).map_err(|error| Error::Data(error.to_string()))
    }
}

/// Messages are missing at this place: which, as far as anybody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// So many came and found no room in this subscription, because they were not taken out fast enough.
    Overflowed {
        /// How many.
        events: u64,
    },
    /// Those of one channel that the server no longer remembers: the client was away, or behind, for too long.
    Forgotten {
        /// The channel.
        channel: Channel,
        /// What comes next is what follows this place.
        head: Position,
        /// How many are missing, where the server knows.
        dropped: Option<u64>,
    },
    /// So many of one channel gave way to newer ones, as the server was asked to do for this channel.
    Thinned {
        /// The channel.
        channel: Channel,
        /// How many.
        events: u64,
    },
    /// Those of channels that nobody can name any more, perhaps none: a pattern was away for so long, or hears so many
    /// channels, that the server or the client has forgotten which there were. Channels that this subscription has
    /// heard of lately are not among them; they have gaps of their own.
    Unnamed,
    /// Nobody knows which, or whether any: the connection to a server that does not recover was lost.
    Unknown,
}

/// What a subscription gives. A gap stands where the messages are missing.
#[derive(Clone, Debug)]
pub enum Received {
    /// A message.
    Event(Event),
    /// Messages are missing here.
    Gap(Gap),
}

/// What comes in on a channel or pattern, in order. Also a `Stream`. Dropping it unsubscribes.
///
/// ```no_run
/// # async fn run(client: comet_client::Client) -> Result<(), comet_client::Error> {
/// use comet_client::{Gap, Received};
///
/// let mut prices = client.subscribe("/prices/*").await?;
/// while let Some(received) = prices.next().await {
///     match received {
///         Received::Event(event) => println!("{} is {}", event.channel, event.data::<f64>()?),
///         Received::Gap(Gap::Forgotten { channel, .. }) => println!("ask somebody else for {channel}"),
///         Received::Gap(gap) => println!("something is missing here: {gap:?}"),
///     }
/// }
/// println!("nothing more comes: {:?}", prices.ended_by());
/// # Ok(())
/// # }
/// ```
pub struct Subscription {
    pub(crate) number: u64,
    pub(crate) pattern: Pattern,
    pub(crate) mailbox: Mailbox,
    pub(crate) commands: mpsc::Sender<Command>,
}

impl Subscription {
    /// The next message or gap; `None` when the session has ended or the server no longer lets it listen.
    pub async fn next(&mut self) -> Option<Received> {
        poll_fn(|context| self.mailbox.poll_take(context)).await
    }

    /// What it listens to.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// In which manner its messages come, as the server has said last; `None` where nobody has asked for one, or the
    /// server says nothing of it. A channel may be slower than what was asked for, or forbid any choice.
    pub fn manner(&self) -> Option<Manner> {
        self.mailbox.manner()
    }

    /// Why nothing comes any more, if something is wrong.
    pub fn ended_by(&self) -> Option<Error> {
        self.mailbox.ended_by()
    }
}

impl Stream for Subscription {
    type Item = Received;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Received>> {
        self.mailbox.poll_take(context)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.mailbox.close(None);
        // When there is no room for the command, the session sees the closed mailbox with the next event.
        let _ = self.commands.try_send(Command::Unsubscribe { number: self.number });
    }
}
