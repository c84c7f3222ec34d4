//! The engine: shards that hold connections and sessions and carry messages between them.
//!
//! This is the hall in which the rules (`bayeux`), the bytes (`comet-wire`) and the subscriptions
//! (`comet-bus`) meet, and the only place that knows all three. It opens sockets, reads the clock and waits;
//! what a message means, what it looks like and who listens is asked of the rooms below. Whoever embeds it
//! gives it a [`Host`] and talks to it through a [`Handle`].

mod accepted;
mod attendance;
mod browser;
mod call_permit;
mod client_id;
mod coalescing;
mod config;
mod connection;
mod counters;
mod delivery;
mod engine;
mod exchange;
mod feed;
mod flash;
mod frame;
mod handle;
mod homes;
mod host;
mod image;
mod inbox;
mod key;
mod lag;
mod limits;
mod local;
mod opening;
mod origin;
mod pace;
mod past;
mod permit;
mod proxy;
mod publish_options;
mod receipt;
mod recovery;
mod repeats;
mod seat;
mod send;
mod session_gate;
mod shard;
mod stop;
mod stream;
mod stream_ticket;
#[cfg(target_os = "linux")]
mod uring;
mod wheel;
mod xml_socket;

pub use accepted::Accepted;
pub use attendance::RosterPage;
pub use config::{CONNECTION_TYPES, Channels, Config};
pub use counters::Snapshot;
pub use engine::Engine;
pub use flash::{Flash, PolicyDomain};
pub use handle::{Handle, KEY_BYTES, Marks};
pub use host::{
    Ask, Call, Denial, HandedOver, Host, Identity, Later, RequestInfo, Responder, Resume, Ruling, Who,
};
pub use limits::Limits;
pub use local::{LocalEvent, LocalStream};
pub use origin::{Claim, Origin};
pub use past::HistoryPage;
pub use permit::Permit;
pub use proxy::{Network, NoNetwork};
pub use publish_options::PublishOptions;

pub use bayeux;
pub use comet_bus::journal;
pub use comet_bus::{
    ChannelOptions, Count, Cursor, Durability, Member, Page, Position, Publication, Retention, Since,
};
