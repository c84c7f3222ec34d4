//! The one table of codes.
//!
//! Every ending, drop, gap and refusal has one row here, and the row makes the Bayeux error number, the metric label, the
//! HTTP status, the WebSocket close code, the advice and the page in the docs. Who raises a code is not known here.

use crate::advice::Reconnect;

/// What one code means on every wire.
struct Row {
    name: &'static str,
    number: u16,
    http_status: u16,
    close_code: u16,
    reconnect: Reconnect,
    description: &'static str,
}

macro_rules! table {
    ($($variant:ident, $name:literal, $number:literal, $http:literal, $close:literal, $reconnect:ident, $text:literal;)*) => {
        /// The reason of an ending, drop, gap or refusal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $text] $variant,)*
        }

        impl Code {
            /// Every code there is, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            const fn row(self) -> Row {
                match self {
                    $(Code::$variant => Row {
                        name: $name,
                        number: $number,
                        http_status: $http,
                        close_code: $close,
                        reconnect: Reconnect::$reconnect,
                        description: $text,
                    },)*
                }
            }
        }
    };
}

table! {
    // Batches and messages that cannot be read.
    JsonInvalid, "json_invalid", 400, 400, 1007, Retry, "The text is not JSON in UTF-8.";
    DepthExceeded, "depth_exceeded", 400, 400, 1008, Retry, "The JSON is nested too deeply.";
    BatchEmpty, "batch_empty", 400, 400, 1008, Retry, "The batch holds no message.";
    BatchTooLong, "batch_too_long", 413, 413, 1009, Retry, "The batch holds too many messages.";
    BodyTooLarge, "body_too_large", 413, 413, 1009, Retry, "The request body has too many bytes.";
    DataTooLarge, "data_too_large", 413, 413, 1009, Retry, "The data of one message has too many bytes.";
    MessageInvalid, "message_invalid", 400, 400, 1008, Retry, "A field of the message is of the wrong type or given twice.";
    ChannelMissing, "channel_missing", 400, 400, 1008, Retry, "The message names no channel.";
    DataMissing, "data_missing", 400, 400, 1008, Retry, "A publication or call carries no data.";
    ChannelInvalid, "channel_invalid", 405, 400, 1008, Retry, "The channel name breaks the grammar.";
    ChannelWildcard, "channel_wildcard", 405, 400, 1008, Retry, "A wildcard cannot be published to.";
    MetaUnknown, "meta_unknown", 403, 403, 1008, Retry, "The name belongs to the protocol, and there is no such channel.";
    SubscriptionMissing, "subscription_missing", 403, 400, 1008, Retry, "The message names nothing to subscribe to or unsubscribe from.";
    SubscriptionInvalid, "subscription_invalid", 403, 400, 1008, Retry, "The name of a subscription breaks the grammar.";
    CallbackInvalid, "callback_invalid", 400, 400, 1008, Retry, "The name of the callback is not allowed.";
    PartsInvalid, "parts_invalid", 400, 400, 1008, Retry, "The parts of a batch make no whole.";

    // Sessions.
    HandshakeMisplaced, "handshake_misplaced", 400, 400, 1008, Retry, "A handshake came in the middle of a session's batch.";
    HandshakeDenied, "handshake_denied", 403, 403, 4403, None, "The policy refuses the client.";
    HandshakeTimeout, "handshake_timeout", 408, 408, 4408, Handshake, "No handshake came in time.";
    ConnectionTypesUnsupported, "connection_types_unsupported", 301, 400, 4403, None, "Client and server have no kind of wire in common.";
    SessionUnknown, "session_unknown", 402, 200, 4402, Handshake, "There is no such session.";
    SessionExpired, "session_expired", 402, 200, 4402, Handshake, "The session was silent for too long.";
    TooManySessions, "too_many_sessions", 503, 503, 1013, Retry, "There are too many sessions.";
    SessionInactive, "session_inactive", 403, 403, 4403, None, "The client said nothing but connects for too long.";
    Superseded, "superseded", 409, 409, 4409, Retry, "A newer connect or wire of the same session took over.";
    Disconnected, "disconnected", 200, 200, 1000, None, "The client ended the session.";
    DisconnectedByServer, "disconnected_by_server", 403, 403, 4403, None, "The server ended the session.";
    TokenInvalid, "token_invalid", 401, 401, 4401, None, "The token is not valid.";
    TokenExpired, "token_expired", 401, 401, 4401, Handshake, "The token is no longer valid.";
    TokenRevoked, "token_revoked", 401, 401, 4401, None, "The token was withdrawn.";
    TicketInvalid, "ticket_invalid", 403, 403, 4403, Handshake, "The ticket of a stream is unknown, used or too old.";

    // What a session may not do.
    SubscribeDenied, "subscribe_denied", 403, 403, 4403, Retry, "The policy refuses the subscription.";
    SubscriptionsTooMany, "subscriptions_too_many", 429, 429, 1008, Retry, "The session has too many subscriptions.";
    PresenceFull, "presence_full", 503, 503, 1013, Retry, "There is no room for one more who is present.";
    PublishDenied, "publish_denied", 403, 403, 4403, Retry, "The policy refuses the publication.";
    MessageDeleted, "message_deleted", 404, 404, 1008, Retry, "An extension removed the message.";
    ServiceUnknown, "service_unknown", 404, 404, 1008, Retry, "There is no such service.";
    ServiceRefused, "service_refused", 403, 403, 1008, Retry, "The service refuses the call.";
    ServiceFailed, "service_failed", 500, 500, 1011, Retry, "The service failed.";
    ServiceTimeout, "service_timeout", 504, 504, 1011, Retry, "The service did not answer in time.";
    RateLimited, "rate_limited", 429, 429, 1013, Retry, "The client sends too fast.";
    ForbiddenOrigin, "forbidden_origin", 403, 403, 4403, None, "Pages of this origin may not use the server.";

    // Receivers that cannot keep up, and what they miss.
    SlowConsumer, "slow_consumer", 503, 503, 4410, Retry, "The client reads slower than its messages come; its session is kept.";
    WriteStalled, "write_stalled", 408, 408, 4410, Retry, "The client stopped reading.";
    ResumeFailed, "resume_failed", 402, 200, 4402, Handshake, "What the client has not received is no longer kept.";
    ReplayInvalid, "replay_invalid", 400, 400, 1008, Retry, "The id of a replay is unknown or no longer kept.";
    HistoryGap, "history_gap", 410, 410, 4410, Retry, "Messages between the asked position and now are no longer kept.";

    // The server as a whole.
    Draining, "draining", 503, 503, 1012, Retry, "The server is shutting down; another will take over.";
    Overloaded, "overloaded", 503, 503, 1013, Retry, "The server has no room for the request now.";
    TooManyConnections, "too_many_connections", 503, 503, 1013, Retry, "There are too many connections.";
    BrokerUnavailable, "broker_unavailable", 503, 503, 1013, Retry, "The broker cannot be reached.";
    JournalUnavailable, "journal_unavailable", 503, 503, 1013, Retry, "The journal of the channel takes nothing now.";
    Internal, "internal", 500, 500, 1011, Retry, "The server made a mistake.";

    // HTTP requests.
    RequestInvalid, "request_invalid", 400, 400, 1002, Retry, "The request is not HTTP as it should be.";
    PathUnknown, "path_unknown", 404, 404, 1008, None, "There is nothing at this path.";
    MethodUnsupported, "method_unsupported", 405, 405, 1002, None, "The method is not served here.";
    MediaUnsupported, "media_unsupported", 415, 415, 1003, None, "The content type or coding of the body is not served here.";
    HeadersTooLarge, "headers_too_large", 431, 431, 1009, Retry, "The request has too many header bytes or fields.";
    HeaderTimeout, "header_timeout", 408, 408, 4408, Retry, "The head of the request did not come in time.";
    SlowBody, "slow_body", 408, 408, 4408, Retry, "The body of the request did not come in time.";
    UpgradeRequired, "upgrade_required", 426, 426, 1002, Retry, "The version of the WebSocket protocol is not served here.";

    // Frames.
    FrameInvalid, "frame_invalid", 400, 400, 1002, Retry, "A frame breaks the rules of its transport.";
    TextInvalid, "text_invalid", 400, 400, 1007, Retry, "A text frame is not UTF-8.";
    FrameTooLarge, "frame_too_large", 413, 413, 1009, Retry, "A frame or message has too many bytes.";
    TooManyFragments, "too_many_fragments", 400, 400, 1008, Retry, "A message comes in too many fragments.";
    PingFlood, "ping_flood", 429, 429, 1008, Retry, "Too many pings came.";
    PingTimeout, "ping_timeout", 408, 408, 4408, Retry, "A ping was not answered in time.";
}

impl Code {
    /// The number in a Bayeux error, as the clients of other servers know it.
    pub const fn number(self) -> u16 {
        self.row().number
    }

    /// The text of a Bayeux error and the label of a metric: lower case words joined by underscores.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The status of an HTTP response when a whole request ends in this code. The error of one message inside a
    /// Bayeux batch always travels in a 200, because clients read no other.
    pub const fn http_status(self) -> u16 {
        self.row().http_status
    }

    /// The close code when a WebSocket ends in this code.
    pub const fn close_code(self) -> u16 {
        self.row().close_code
    }

    /// What the client does next.
    pub const fn reconnect(self) -> Reconnect {
        self.row().reconnect
    }

    /// One sentence for people.
    pub const fn description(self) -> &'static str {
        self.row().description
    }

    /// Finds a code by its name.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}
