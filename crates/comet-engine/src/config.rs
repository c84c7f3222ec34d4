//! What an engine is started with.
//!
//! Plain values with defaults; reading files, flags and the environment is the program's business. The
//! engine reads it once at its start and shares it with every shard.

use std::net::SocketAddr;

use bayeux::{ConnectionType, Pattern, Settings};
use comet_bus::ChannelOptions;

use crate::Limits;

/// The kinds of wire the engine serves, best first.
pub const CONNECTION_TYPES: [ConnectionType; 4] = [
    ConnectionType::WebSocket,
    ConnectionType::LongPolling,
    ConnectionType::CallbackPolling,
    ConnectionType::CrossOriginLongPolling,
];

/// What each channel offers beside delivery.
#[derive(Clone, Debug, Default)]
pub struct Channels {
    /// What channels offer that no rule names.
    pub default: ChannelOptions,
    /// What the channels of a pattern offer; the most specific pattern wins.
    pub rules: Vec<(Pattern, ChannelOptions)>,
}

/// What an engine is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses to listen on; port 0 takes any free one.
    pub listen: Vec<SocketAddr>,
    /// Shards, one thread each; 0 is one for every processor.
    pub shards: usize,
    /// Paths under which the Bayeux transports answer, each with any suffix.
    pub mounts: Vec<String>,
    /// Origins of other sites whose pages may use the transports, as browsers write them
    /// (`https://shop.example`). A page of the server's own host always may.
    pub allowed_origins: Vec<String>,
    /// A path whose WebSockets answer every message with itself; for judges of the framing and for probes.
    pub echo_path: Option<String>,
    /// The rules of sessions: timers, queues, connection types.
    pub session: Settings,
    /// What each channel offers beside delivery.
    pub channels: Channels,
    /// Every other bound.
    pub limits: Limits,
    /// Whether sends go out through io_uring where the system lets it; plain `send` otherwise.
    pub io_uring: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8000))],
            shards: 0,
            mounts: vec!["/cometd".into()],
            allowed_origins: Vec::new(),
            echo_path: None,
            session: Settings { connection_types: CONNECTION_TYPES.to_vec(), ..Settings::default() },
            channels: Channels::default(),
            limits: Limits::default(),
            io_uring: true,
        }
    }
}
