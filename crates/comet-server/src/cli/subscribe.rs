//! `comet subscribe`: what comes in, one line of JSON a message.
//!
//! Connecting, coming back and matching are the client library's; here events become lines on standard output.
//! What may be missing, and what ends before the rest, is told on standard error.

use std::io::{self, ErrorKind, Write};
use std::num::NonZeroU64;
use std::time::Duration;

use clap::{Args, ValueEnum};
use comet_client::{
    Client, Deliver, Error, Event, Gap, Listening, Manner, Received, Since, Slow, Subscription, Transport,
};
use futures_util::StreamExt;
use futures_util::stream::{Stream, select_all, unfold};
use serde::Serialize;

use super::remote::{Remote, block_on, failure};
use crate::signals::Signals;
use crate::verdict::Failure;

/// Print what is published, one line of JSON a message
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Subscribe {
    /// Channels or patterns to listen to
    #[arg(value_name = "CHANNEL", required = true, num_args = 1..=64)]
    channels: Vec<String>,
    /// End after so many messages
    #[arg(long, value_name = "N")]
    count: Option<NonZeroU64>,
    /// Begin with what was published no longer ago than this, such as 10m
    #[arg(long, value_name = "AGE", value_parser = super::remote::span, conflicts_with = "last")]
    since: Option<Duration>,
    /// Begin with the newest so many messages of each channel; not for patterns
    #[arg(long, value_name = "N")]
    last: Option<u64>,
    /// What gives way when messages come faster than they are read [default: as the channel has it]
    #[arg(long, value_name = "WHAT")]
    slow: Option<GivesWay>,
    /// Of each channel at most one message of each key so often, the newest, such as 200ms
    #[arg(long, value_name = "PAUSE", value_parser = super::remote::span)]
    every: Option<Duration>,
    /// Gather what comes behind a first message for so long, such as 1s
    #[arg(long, value_name = "PAUSE", value_parser = super::remote::span)]
    batch: Option<Duration>,
    /// Kind of wire
    #[arg(long, value_name = "KIND", value_enum, default_value = "auto")]
    transport: Wire,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wire {
    /// A WebSocket, or long polling where none can be opened
    Auto,
    /// A WebSocket
    Websocket,
    /// Long polling
    LongPolling,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum GivesWay {
    /// Nothing: what is missed comes from the history
    Disconnect,
    /// The oldest message that waits
    DropOldest,
    /// Older messages with the same key
    Conflate,
}

impl GivesWay {
    fn word(self) -> Slow {
        match self {
            GivesWay::Disconnect => Slow::Disconnect,
            GivesWay::DropOldest => Slow::DropOldest,
            GivesWay::Conflate => Slow::Conflate,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  comet subscribe '/chat/*'
  comet subscribe /prices/oil /prices/gas --count 10
  comet subscribe '/chat/*' --since 10m
  comet subscribe /ticker/gold --last 1 --every 1s
  comet subscribe '/**' --transport long-polling --server http://127.0.0.1:9000 | jq .data

Standard output has one line {\"channel\":…,\"data\":…} a message; what may be missing is told on standard error.";

/// What one subscription says.
enum Said {
    /// Something came.
    Received(Received),
    /// Nothing will come any more on this channel or pattern.
    Ended(String, Option<Error>),
}

/// One line of the output.
#[derive(Serialize)]
struct Line<'a> {
    channel: &'a str,
    data: &'a comet_client::RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    ext: Option<&'a comet_client::RawValue>,
}

impl Subscribe {
    /// Prints until enough has come, a signal ends it, or the server does.
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let mut signals = Signals::listen().map_err(Failure::at_run_time)?;
            let client = tokio::select! {
                client = self.connect() => client?,
                _ = signals.next() => return Ok(()),
            };
            let printed = tokio::select! {
                printed = self.print(&client) => printed,
                _ = signals.next() => Ok(()),
            };
            client.disconnect().await;
            printed
        })
    }

    async fn connect(&self) -> Result<Client, Failure> {
        let transport = match self.transport {
            Wire::Auto => Transport::Auto,
            Wire::Websocket => Transport::WebSocket,
            Wire::LongPolling => Transport::LongPolling,
        };
        let mut builder = Client::builder(&self.remote.server).transport(transport);
        if let Some(key) = &self.remote.key {
            builder = builder.key(key);
        }
        builder.connect().await.map_err(|error| failure(&error))
    }

    /// Says so when messages come otherwise than was asked for: a channel may be slower, or forbid the choice.
    fn tell_manner(&self, subscription: &Subscription) {
        let Some(Manner { slow, every, batch }) = subscription.manner() else { return };
        let other = self.every.is_some_and(|pause| pause != every)
            || self.batch.is_some_and(|pause| pause != batch)
            || self.slow.is_some_and(|wish| self.every.is_none() && wish.word() != slow);
        if other {
            let channel = subscription.pattern();
            let slow = slow.name();
            eprintln!(
                "warning: {channel} has messages come otherwise: {slow}, every {every:?}, batches of {batch:?}"
            );
        }
    }

    /// Where to begin, and in which manner messages are to come.
    fn listening(&self) -> Listening {
        let mut listening = Listening::new();
        let since = self.since.map(Since::Ago).or(self.last.map(Since::Last));
        if let Some(since) = since {
            listening = listening.since(since);
        }
        let mut deliver = Deliver::new();
        if let Some(slow) = self.slow {
            deliver = deliver.slow(slow.word());
        }
        if let Some(pause) = self.every {
            deliver = deliver.every(pause);
        }
        if let Some(pause) = self.batch {
            deliver = deliver.batch(pause);
        }
        if deliver != Deliver::new() {
            listening = listening.deliver(deliver);
        }
        listening
    }

    async fn print(&self, client: &Client) -> Result<(), Failure> {
        let mut subscriptions = Vec::new();
        for channel in &self.channels {
            let listening = self.listening();
            let subscription =
                client.subscribe_with(channel, listening).await.map_err(|error| failure(&error))?;
            self.tell_manner(&subscription);
            subscriptions.push(Box::pin(said(subscription)));
        }
        eprintln!("listening to {}", self.channels.join(" "));
        let mut received = select_all(subscriptions);
        let mut left = self.count.map(NonZeroU64::get);
        while let Some(said) = received.next().await {
            let event = match said {
                Said::Received(Received::Event(event)) => event,
                Said::Received(Received::Gap(gap)) => {
                    tell_gap(gap);
                    continue;
                }
                Said::Ended(channel, error) => {
                    let error = error.unwrap_or(Error::Ended);
                    eprintln!("warning: nothing more comes on {channel}: {error}");
                    continue;
                }
            };
            match write_line(&event) {
                // Whoever reads has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                written => written.map_err(Failure::at_run_time)?,
            }
            if let Some(left) = &mut left {
                *left -= 1;
                if *left == 0 {
                    return Ok(());
                }
            }
        }
        Err(Failure::at_run_time("there is nothing left to listen to"))
    }
}

/// What a subscription gives, and as the last thing that it has ended.
fn said(subscription: Subscription) -> impl Stream<Item = Said> {
    unfold(Some(subscription), async |subscription| {
        let mut subscription = subscription?;
        match subscription.next().await {
            Some(received) => Some((Said::Received(received), Some(subscription))),
            None => {
                let channel = subscription.pattern().as_str().to_owned();
                Some((Said::Ended(channel, subscription.ended_by()), None))
            }
        }
    })
}

fn tell_gap(gap: Gap) {
    match gap {
        Gap::Overflowed { events } => {
            eprintln!(
                "warning: {events} messages came faster than they could be printed, and are missing here"
            );
        }
        Gap::Forgotten { channel, .. } => {
            eprintln!("warning: messages of {channel} are missing here; the server no longer has them");
        }
        Gap::Thinned { channel, events } => {
            eprintln!("warning: {events} messages of {channel} gave way to newer ones");
        }
        Gap::Unnamed => eprintln!("warning: messages of further channels may be missing here"),
        _ => eprintln!("warning: the connection was lost; messages may be missing here"),
    }
}

fn write_line(event: &Event) -> io::Result<()> {
    let line = Line { channel: event.channel.as_str(), data: &event.data, ext: event.ext.as_deref() };
    // A line break between the tokens of somebody's JSON would make two lines of one message.
    let line = serde_json::to_string(&line)?.replace(['\n', '\r'], " ");
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
