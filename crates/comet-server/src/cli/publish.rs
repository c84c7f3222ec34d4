//! `comet publish`: one message from a terminal.
//!
//! The data is checked to be JSON before anything is sent; sending is the client library's. The position of
//! the message goes to standard output.

use std::io::{self, Read};
use std::time::Duration;

use clap::Args;
use comet_client::{Api, Publication, RawValue};

use super::remote::{Remote, block_on, failure};
use crate::verdict::Failure;

/// Bytes that are read from standard input: what servers take at most.
const MOST_BYTES: u64 = 2 << 20;

/// Publish one message
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Publish {
    /// Channel to publish on
    #[arg(value_name = "CHANNEL")]
    channel: String,
    /// The data, JSON; - reads it from standard input
    #[arg(value_name = "JSON", allow_hyphen_values = true)]
    data: String,
    /// Publish once, however often it is said with this key of 1 to 64 bytes
    #[arg(long, value_name = "KEY")]
    once: Option<String>,
    /// Stand for older messages of the channel with the same key of 1 to 64 bytes, where those give way
    #[arg(long, value_name = "KEY")]
    conflate: Option<String>,
    /// Age at which the message has lost its meaning and is brought to nobody any more, such as 5s
    #[arg(long, value_name = "AGE", value_parser = super::remote::span)]
    expires: Option<Duration>,
    #[command(flatten)]
    remote: Remote,
}

const EXAMPLES: &str = "\
Examples:
  comet publish /chat/lobby '{\"text\":\"hi\"}'
  comet publish /prices/oil 81.4
  comet publish /news '\"text is JSON only in quotes\"'
  comet publish /orders/981 - --server http://shop.internal:8000 --key \"$COMET_KEY\" < order.json
  comet publish /orders/981 '\"paid\"' --once payment-4711
  comet publish /ticker/metals 2391.4 --conflate gold --expires 5s

Prints the position of the message in its channel.";

impl Publish {
    /// Publishes, and prints where the message stands.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let text = if self.data == "-" { standard_input()? } else { self.data };
        let data: Box<RawValue> = serde_json::from_str(&text).map_err(|error| {
            Failure::of_usage(format!("the data is not JSON: {error}; text has to stand in quotes: '\"hi\"'"))
        })?;
        let api =
            Api::new(&self.remote.server, self.remote.key.as_deref()).map_err(|error| failure(&error))?;
        let mut publication = Publication::new();
        if let Some(key) = self.once {
            publication = publication.key(key);
        }
        if let Some(key) = self.conflate {
            publication = publication.conflate(key);
        }
        if let Some(age) = self.expires {
            publication = publication.expires(age);
        }
        let publishing = async {
            let published = api.publish_with(&self.channel, &*data, publication).await;
            published.map_err(|error| failure(&error))
        };
        let position = block_on(publishing)?;
        println!("{}", serde_json::to_string(&position).map_err(Failure::at_run_time)?);
        Ok(())
    }
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().take(MOST_BYTES + 1).read_to_string(&mut text).map_err(Failure::at_run_time)?;
    if read as u64 > MOST_BYTES {
        return Err(Failure::of_usage("the data is longer than 2 MiB"));
    }
    Ok(text)
}
