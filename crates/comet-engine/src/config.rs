//! What an engine is started with.
//!
//! Plain values with defaults; reading files, flags and the environment is the program's business. The
//! engine reads it once at its start and shares it with every shard.

use std::net::SocketAddr;

use bayeux::{ConnectionType, Pattern, Settings};
use comet_bus::ChannelOptions;

use crate::stream::Form;
use crate::{Flash, Limits, Network};

/// The kinds of wire the engine serves, best first.
pub const CONNECTION_TYPES: [ConnectionType; 10] = [
    ConnectionType::WebSocket,
    ConnectionType::HttpStreaming,
    ConnectionType::EventSource,
    ConnectionType::Multipart,
    ConnectionType::Iframe,
    ConnectionType::Flash,
    ConnectionType::LongPolling,
    ConnectionType::CallbackPolling,
    ConnectionType::CrossOriginLongPolling,
    ConnectionType::Polling,
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
    /// The path at which pages without a client of ours listen to channels as plain server-sent events.
    pub events_path: Option<String>,
    /// The path at which image elements show the pictures of a channel.
    pub images_path: Option<String>,
    /// Whether Faye's clients open event streams as they do, with the id of their session in the address: `<mount>/<id>`.
    pub faye_event_source: bool,
    /// Origins of other sites whose pages may use the transports, as browsers write them
    /// (`https://shop.example`). A page of the server's own host always may.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed. Limits count, and policies see, the address it names instead
    /// of the proxy's.
    pub trusted_proxies: Vec<Network>,
    /// A path whose WebSockets answer every message with itself; for judges of the framing and for probes.
    pub echo_path: Option<String>,
    /// What is there for Flash; without it no session is offered that kind of wire.
    pub flash: Flash,
    /// Domains that persistent frames may call theirs, as pages of their hosts do: each such page can reach into every other.
    pub frame_domains: Vec<String>,
    /// The rules of sessions: timers, queues, connection types.
    pub session: Settings,
    /// What each channel offers beside delivery.
    pub channels: Channels,
    /// Every other bound.
    pub limits: Limits,
    /// Whether sends go out through io_uring where the system lets it; plain `send` otherwise.
    pub io_uring: bool,
}

impl Config {
    /// Whether a request for this path is for one of the engine's transports.
    pub fn serves(&self, path: &str) -> bool {
        self.feed_at(path).is_some() || self.is_mounted(path)
    }

    /// The form of the feeds of a path, if it has any.
    pub(crate) fn feed_at(&self, path: &str) -> Option<Form> {
        if self.events_path.as_deref() == Some(path) {
            Some(Form::Feed)
        } else {
            (self.images_path.as_deref() == Some(path)).then_some(Form::Images)
        }
    }

    /// Whether a path lies under one of the mounts.
    pub fn is_mounted(&self, path: &str) -> bool {
        self.mounts.iter().any(|mount| {
            path.strip_prefix(mount.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8000))],
            shards: 0,
            mounts: vec!["/cometd".into()],
            events_path: Some("/events".into()),
            images_path: Some("/images".into()),
            faye_event_source: false,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            echo_path: None,
            flash: Flash::default(),
            frame_domains: Vec::new(),
            session: Settings { connection_types: CONNECTION_TYPES.to_vec(), ..Settings::default() },
            channels: Channels::default(),
            limits: Limits::default(),
            io_uring: true,
        }
    }
}
