//! The six meta channels.
//!
//! Here live their names and nothing else; what a message on them does is decided in `session`. They are compared by
//! equality only, because a prefix comparison once let clients of another server walk around its guards.

/// Asks for a session.
pub const HANDSHAKE: &str = "/meta/handshake";
/// The heartbeat and long poll of a session.
pub const CONNECT: &str = "/meta/connect";
/// Adds subscriptions to a session.
pub const SUBSCRIBE: &str = "/meta/subscribe";
/// Takes subscriptions from a session.
pub const UNSUBSCRIBE: &str = "/meta/unsubscribe";
/// Ends a session.
pub const DISCONNECT: &str = "/meta/disconnect";

/// Says between two connects what was received; for clients that count.
pub const RECEIVED: &str = "/meta/received";

/// Tells a client that counts where messages are missing; never sent by clients.
pub const GAP: &str = "/meta/gap";

/// All meta channels that clients send on.
pub const ALL: [&str; 6] = [HANDSHAKE, CONNECT, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, RECEIVED];
