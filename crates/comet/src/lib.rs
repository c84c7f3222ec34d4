//! Comet as a library: many people in one page, at low latency, inside your own program.
//!
//! Here live the builder, the policy that says who may, services that answer calls, the publisher, the HTTP
//! API and the way to your own pages on the same port. Connections, sessions and delivery are the engine's;
//! the protocol is `bayeux`'s. A program builds a [`Comet`], gives it what is its own, and runs it.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use comet::{Call, Comet, Refusal, Reply};
//!
//! let comet = Comet::builder()
//!     .listen(([127, 0, 0, 1], 8000))
//!     .service("/service/echo", async |call: Call| Ok::<_, Refusal>(Reply::raw(call.data)))
//!     .build()?;
//! println!("listening on {}", comet.addresses()[0]);
//! comet.run_until(std::future::pending::<()>()).await;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod api;
mod authorizer;
mod builder;
mod client;
mod client_file;
mod event;
mod files;
mod history;
mod host;
mod instance;
mod local_session;
mod policy;
mod publisher;
mod rosters;
mod rule;
mod service;
mod web;

pub use api::ApiAccess;
pub use authorizer::{Operation, Vote, Wish};
pub use bayeux::{
    Binary, Channel, Code, ConnectionType, Deliver, Kind, MAX_PAUSE_MS, NameError, Pattern, Settings, Slow,
};
pub use builder::Builder;
pub use client::Client;
pub use comet_engine::{
    Accepted, ChannelOptions, Channels, Config, Count, Cursor, Durability, Flash, Identity, Limits, Member,
    Network, Page, PolicyDomain, Position, PublishOptions, RequestInfo, Retention, RosterPage, Snapshot,
    journal,
};
pub use event::{Event, Events, Gap, Message};
pub use files::Files;
pub use history::{Histories, HistoryError, HistoryPage, Remembered};
pub use instance::Comet;
pub use local_session::{LocalSession, Since};
pub use policy::{Denied, Handshake, Open, Policy};
pub use publisher::{PublishError, Publisher};
pub use rosters::{RosterError, Rosters};
pub use rule::{Rule, Whom};
pub use serde_json::value::RawValue;
pub use service::{Call, Refusal, Reply};
pub use web::{Body, BoxError, Response};
