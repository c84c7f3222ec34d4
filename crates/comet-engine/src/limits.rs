//! Every bound of the engine, in count, bytes and time.
//!
//! One struct, one field a bound; nothing here is unlimited. The rules of the protocol have their own
//! bounds in `bayeux` (`Settings`, `BatchLimits`), frames and heads theirs in `comet-wire`; the values come
//! from the configuration, the shards read them.

/// The bounds of one node. Counts are per node unless a field says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all. One process holds at most about 19,900 where descriptors end at 20,000.
    pub connections: usize,
    /// Connections from one address.
    pub connections_per_address: usize,
    /// Sessions in all, connected or not.
    pub sessions: usize,
    /// Channels that are counted at one shard at the same time. Of more, those are forgotten that nobody listens to.
    pub channels_per_shard: usize,
    /// Bytes of the messages that are remembered at one shard, of all its channels together.
    pub history_bytes: usize,
    /// Idempotency keys of publications by clients that are remembered at one shard, and as many of the server's own. A
    /// client is refused for whose key those of others would have to go.
    pub keys: usize,
    /// Those of them that one user has given, or one session without a name; of more, its oldest are forgotten.
    pub keys_per_publisher: usize,
    /// How long an idempotency key is remembered.
    pub key_age_ms: u64,
    /// Sessions that may be present on one channel.
    pub presence_members_per_channel: usize,
    /// Sessions that may be present on all channels of one shard together, each on each of its channels, with those
    /// whose leaving is still to be told.
    pub presence_members_per_shard: usize,
    /// Channels of one shard on which somebody is present.
    pub presence_channels_per_shard: usize,
    /// Bytes of what is told of somebody who is present, and of the name of its user.
    pub presence_info_bytes: usize,
    /// Members in one page of the list of who is present.
    pub presence_page_members: usize,
    /// Bytes of a request head.
    pub head_bytes: usize,
    /// Fields of a request head.
    pub head_fields: usize,
    /// Bytes of a message batch: an HTTP body or a WebSocket message of a known session.
    pub batch_bytes: usize,
    /// Bytes that a connection which names no live session may have buffered.
    pub unidentified_bytes: usize,
    /// Bytes of request bodies above `unidentified_bytes` that one shard buffers for HTTP connections
    /// before it knows whose they are.
    pub unidentified_pool_bytes: usize,
    /// Messages in one batch.
    pub batch_messages: usize,
    /// Depth of nested JSON.
    pub json_depth: usize,
    /// Fragments of one WebSocket message, empty ones counted.
    pub fragments: u32,
    /// Batches of one connection that wait for a policy or for the home of a channel.
    pub exchanges_per_connection: usize,
    /// Batches of one shard that wait for a policy or for the home of a channel, those of dead connections
    /// included.
    pub exchanges_per_shard: usize,
    /// Bytes of these batches; one batch may exceed it when it is alone.
    pub exchange_bytes_per_shard: usize,
    /// Calls of services by one session that are not answered yet.
    pub calls_per_session: u32,
    /// Calls of services in all that are not answered yet.
    pub calls: usize,
    /// Bytes of data of these calls.
    pub call_bytes: usize,
    /// Publications with a receipt that are open at one shard, until everyone has confirmed or their time is up.
    pub receipts_per_shard: usize,
    /// Those of them that one session may have.
    pub receipts_per_session: usize,
    /// How long the receivers of a publication with a receipt have to confirm it.
    pub receipt_ms: u64,
    /// Bytes that wait in front of a shard's inbox before publications are refused.
    pub inbox_bytes: usize,
    /// Bytes of replies that wait for a connection whose reader is slow.
    pub output_bytes: usize,
    /// Pings a WebSocket client may send in one second.
    pub pings_per_second: u32,
    /// Requests that may lie in a connection's buffer behind the one being answered.
    pub pipelined_bytes: usize,
    /// From the first byte of a request head to its last.
    pub head_timeout_ms: u64,
    /// From the opening of a WebSocket to its first session.
    pub handshake_timeout_ms: u64,
    /// A kept-alive connection without a request.
    pub idle_timeout_ms: u64,
    /// A request body has to bring `body_rate_bytes` in every such interval.
    pub body_interval_ms: u64,
    /// See `body_interval_ms`.
    pub body_rate_bytes: u64,
    /// Names of one session whose past is asked for at the same time.
    pub recoveries_per_session: usize,
    /// Channels that are remembered for a session which has fallen behind; of more its session ends.
    pub lagging_channels: usize,
    /// A WebSocket or stream whose session has fallen behind and that takes nothing for so long is ended.
    pub lag_grace_ms: u64,
    /// Bytes of events after which a one-way stream ends and its client opens the next.
    pub stream_bytes: usize,
    /// A one-way stream ends after so long at most, and after three quarters of it at least.
    pub stream_age_ms: u64,
    /// Polls and streams over HTTP that a browser may hold at a time; the sessions beyond are advised to poll in turns. Browsers
    /// open six connections to a host by HTTP/1.1; behind a proxy that speaks HTTP/2 with them there is room for more.
    pub polls_per_browser: usize,
    /// A one-way stream that was silent for so long carries an empty line.
    pub stream_heartbeat_ms: u64,
    /// The same for the first empty line of a stream: what holds a stream back is noticed by its missing.
    pub stream_probe_ms: u64,
    /// Bytes of a comment with which a persistent frame begins, for whoever in between waits for so many.
    pub frame_padding: usize,
    /// How long the ticket is good with which a stream is opened.
    pub stream_ticket_ms: u64,
    /// Bytes of a publication with a picture, as JSON, that is shown to image elements; larger ones are not.
    pub image_bytes: usize,
    /// Parts of one batch of callback polling that comes in several.
    pub parts_per_batch: u32,
    /// How long the next part may take; then what is here is forgotten.
    pub parts_wait_ms: u64,
    /// Bytes of parts that wait for others, in front of more that are refused.
    pub parts_bytes_per_shard: usize,
    /// Output that has not moved for so long ends the connection.
    pub write_stall_ms: u64,
    /// How long a closed connection waits for the peer to take the last bytes.
    pub linger_ms: u64,
    /// How long a graceful stop waits for queues to empty.
    pub drain_ms: u64,
    /// Deliveries that leave in one go before other connections get their turn.
    pub sends_per_turn: usize,
    /// Queued messages that leave in one HTTP answer or one WebSocket write.
    pub messages_per_write: usize,
    /// Queued bytes that leave in one HTTP answer or one WebSocket write; one message may exceed it.
    pub bytes_per_write: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 19_000,
            connections_per_address: 2_000,
            sessions: 200_000,
            channels_per_shard: 1_000_000,
            history_bytes: 256 << 20,
            keys: 65_536,
            keys_per_publisher: 4_096,
            key_age_ms: 300_000,
            presence_members_per_channel: 100_000,
            presence_members_per_shard: 1_000_000,
            presence_channels_per_shard: 100_000,
            presence_info_bytes: 4 << 10,
            presence_page_members: 1_000,
            head_bytes: 16 << 10,
            head_fields: 100,
            batch_bytes: 2 << 20,
            unidentified_bytes: 64 << 10,
            unidentified_pool_bytes: 32 << 20,
            batch_messages: 100,
            json_depth: 32,
            fragments: 1_024,
            exchanges_per_connection: 64,
            exchanges_per_shard: 65_536,
            exchange_bytes_per_shard: 64 << 20,
            calls_per_session: 64,
            calls: 65_536,
            call_bytes: 256 << 20,
            receipts_per_shard: 10_000,
            receipts_per_session: 100,
            receipt_ms: 30_000,
            inbox_bytes: 64 << 20,
            output_bytes: 4 << 20,
            pings_per_second: 50,
            pipelined_bytes: 64 << 10,
            head_timeout_ms: 10_000,
            handshake_timeout_ms: 10_000,
            idle_timeout_ms: 75_000,
            body_interval_ms: 10_000,
            body_rate_bytes: 1_000,
            recoveries_per_session: 256,
            lagging_channels: 1_024,
            stream_bytes: 1 << 20,
            stream_age_ms: 240_000,
            polls_per_browser: 1,
            stream_heartbeat_ms: 15_000,
            stream_probe_ms: 1_000,
            frame_padding: 0,
            stream_ticket_ms: 30_000,
            image_bytes: 1 << 20,
            parts_per_batch: 4_096,
            parts_wait_ms: 30_000,
            parts_bytes_per_shard: 16 << 20,
            lag_grace_ms: 2_000,
            write_stall_ms: 10_000,
            linger_ms: 2_000,
            drain_ms: 10_000,
            sends_per_turn: 256,
            messages_per_write: 256,
            bytes_per_write: 256 << 10,
        }
    }
}
