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

use crate::Error;
use crate::mailbox::Mailbox;
use crate::session::Command;

/// A message that was published.
#[derive(Clone, Debug)]
pub struct Event {
    /// The channel it was published on.
    pub channel: Channel,
    /// Its data, raw JSON.
    pub data: Box<RawValue>,
    /// Extension fields, raw JSON.
    pub ext: Option<Box<RawValue>>,
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

/// Why messages may be missing at this place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Events that came and found no room, because they were not taken out fast enough.
    pub overflowed: u64,
    /// The connection was lost meanwhile, and an unknown number of messages with it, perhaps none.
    pub reconnected: bool,
}

impl Gap {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Gap::default()
    }
}

/// What a subscription gives.
#[derive(Clone, Debug)]
pub enum Received {
    /// A message.
    Event(Event),
    /// Messages may be missing here.
    Gap(Gap),
}

/// What comes in on a channel or pattern, in order. Also a `Stream`.
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
