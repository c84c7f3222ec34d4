//! A client for programs: bots, command lines, tests and load.
//!
//! Here live the session as seen from the client, the two wires it runs over (WebSocket and long polling),
//! a caller of the back ends' HTTP API, and a probe of what stands between. A session finds its own way back: when a wire is lost it tries
//! again with growing, random pauses, keeps its session where the server still has it, and goes on where each
//! subscription was where not. Messages come in order and once; what is lost for good is told as a gap.
//!
//! ```no_run
//! # async fn run() -> Result<(), comet_client::Error> {
//! use comet_client::{Client, Received};
//!
//! let client = Client::builder("http://127.0.0.1:8000").connect().await?;
//! let mut messages = client.subscribe("/chat/*").await?;
//! client.publish("/chat/lobby", "hello").await?;
//! while let Some(received) = messages.next().await {
//!     match received {
//!         Received::Event(event) => println!("{}: {}", event.channel, event.data),
//!         Received::Gap(gap) => println!("something is missing here: {gap:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod address;
mod api;
mod builder;
mod client;
mod error;
mod mailbox;
mod manner;
mod message;
mod position;
mod probe;
mod random;
mod session;
mod subscription;
mod wire;

pub use api::Api;
pub use bayeux::{Channel, Pattern, Slow};
pub use builder::{Builder, Transport};
pub use client::{Client, State};
pub use error::Error;
pub use manner::{Deliver, Listening, Manner};
pub use position::{Durability, Position, Publication, Published, Since};
pub use probe::{Finding, Probe, Verdict};
pub use serde_json::value::RawValue;
pub use subscription::{Event, Gap, Received, Subscription};
