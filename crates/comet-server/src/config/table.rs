//! The table of keys: every key of the configuration, once.
//!
//! A row says where a value lives, what it holds and between which bounds; the file, the environment, the
//! listings and the checks are all made from the rows. Zero is allowed only where it means what it says.

mod api;
mod flash;
mod log;
#[macro_use]
mod row;

use comet::Operation;

use row::{DAY_MS, MANY, TIB, list, or_none, other, put};

use super::key::Key;
use super::text;
use super::value::{Kind, Value};

/// The sections in the order they are listed.
pub(super) const SECTIONS: [&str; 11] = [
    "server",
    "internal",
    "http",
    "flash",
    "session",
    "channels",
    "authorize",
    "journal",
    "limits",
    "api",
    "log",
];

/// Every key, section by section.
pub(super) static KEYS: &[Key] = &[
    Key {
        read: |c| list(&c.comet.listen),
        write: |c, value| text::addresses(value).map(|addresses| c.comet.listen = addresses),
        ..other("server", "listen", Kind::List, "Addresses to listen on; port 0 takes any free one.")
    },
    count!(server, shards, 0, shards, "Delivery threads; 0 is one for every processor."),
    Key {
        read: |c| list(&c.comet.mounts),
        write: |c, value| text::mounts(value).map(|mounts| c.comet.mounts = mounts),
        ..other(
            "server",
            "mounts",
            Kind::List,
            "Paths under which the Bayeux transports answer, each with any suffix.",
        )
    },
    switch!(server, io_uring, io_uring, "Whether sends go out through io_uring where the system lets it."),
    path!(server, echo_path, "A path under a mount whose WebSockets echo every message, or \"none\"."),
    Key {
        read: |c| or_none(c.internal.as_ref()),
        write: |c, value| text::address_or_none(value).map(|address| c.internal = address),
        ..other(
            "internal",
            "listen",
            Kind::Text,
            "Address of /health, /live, /ready and /metrics, or \"none\".",
        )
    },
    Key {
        read: |c| list(&c.comet.allowed_origins),
        write: |c, value| text::origins(value).map(|origins| c.comet.allowed_origins = origins),
        ..other(
            "http",
            "allowed_origins",
            Kind::List,
            "Origins of other sites whose pages may use the transports.",
        )
    },
    Key {
        read: |c| list(&c.comet.frame_domains),
        write: |c, value| text::host_names(value).map(|domains| c.comet.frame_domains = domains),
        ..other("http", "frame_domains", Kind::List, "Domains that pages and frames may call theirs.")
    },
    switch!(
        http,
        faye_event_source,
        faye_event_source,
        "Whether Faye's EventSource may name its session in the address."
    ),
    path!(http, events_path, "Where pages without our client listen by EventSource, or \"none\"."),
    path!(http, images_path, "Where image elements show the pictures of a channel, or \"none\"."),
    Key {
        read: |c| list(&c.comet.trusted_proxies),
        write: |c, value| text::networks(value).map(|networks| c.comet.trusted_proxies = networks),
        ..other(
            "http",
            "trusted_proxies",
            Kind::List,
            "Addresses or networks of proxies whose X-Forwarded-For is believed.",
        )
    },
    flash::LISTEN,
    flash::POLICY_LISTEN,
    flash::DOMAINS,
    flash::PORTS,
    flash::WEBSOCKET,
    flash::FILES,
    duration!(session, timeout, 100, session.timeout_ms, "How long a connect is held."),
    duration!(session, interval, 0, session.interval_ms, "The pause clients make between two connects."),
    duration!(
        session,
        max_interval,
        100,
        session.max_interval_ms,
        "How long after the interval a silent session lives."
    ),
    duration!(
        session,
        multi_session_interval,
        100,
        session.multi_session_interval_ms,
        "The pause of sessions whose browser already holds a poll."
    ),
    duration!(session, poll_interval, 100, session.poll_interval_ms, "The pause of plain timed polling."),
    duration!(session, retry_interval, 100, session.retry_interval_ms, "The pause after a refusal."),
    duration!(
        session,
        client_interval_max,
        0,
        session.client_interval_max_ms,
        "The longest pause a client may announce for itself."
    ),
    switch!(
        session,
        advise_max_interval,
        session.advise_max_interval,
        "Whether advice tells clients the max_interval."
    ),
    switch!(
        session,
        early_delivery,
        session.early_delivery,
        "Whether events may leave with the answer to any request, as CometD lets them."
    ),
    switch!(
        session,
        replay_ids,
        session.replay_ids,
        "Whether every session gets data.event.replayId, as from Salesforce, and not only those that ask."
    ),
    switch!(
        session,
        timestamps,
        session.timestamps,
        "Whether every message carries a timestamp, and not only those to sessions that ask."
    ),
    duration!(
        session,
        max_inactivity,
        0,
        session.max_inactivity_ms,
        "How long a session may say nothing but connects; 0 for ever."
    ),
    switch!(
        session,
        events_are_activity,
        session.events_are_activity,
        "Whether a session is active as well while events are sent to it."
    ),
    Key {
        read: |c| list(&c.comet.session.connection_types),
        write: |c, value| text::connection_types(value).map(|kinds| c.comet.session.connection_types = kinds),
        ..other(
            "session",
            "connection_types",
            Kind::List,
            "The kinds of wire that are spoken, the most wanted first.",
        )
    },
    count!(session, mailbox_messages, 1, session.mailbox_messages, "The most events queued for one session."),
    size!(session, mailbox_bytes, 1, session.mailbox_bytes, "The most bytes queued for one session."),
    count!(session, retained_messages, 1, session.retained_messages, "The most events kept until confirmed."),
    size!(session, retained_bytes, 1, session.retained_bytes, "The most bytes kept until confirmed."),
    count!(session, recovery_messages, 1, session.recovery_messages, "The most old events queued besides."),
    size!(session, recovery_bytes, 1, session.recovery_bytes, "The most bytes of old events queued besides."),
    count!(session, subscriptions, 1, session.subscriptions, "The most subscriptions of one session."),
    count!(
        session,
        subscription_names_per_message,
        1,
        session.subscription_names_per_message,
        "The most names in one subscribe message."
    ),
    count!(limits, connections, 1, limits.connections, "Connections in all."),
    count!(
        limits,
        connections_per_address,
        1,
        limits.connections_per_address,
        "Connections from one address."
    ),
    count!(limits, sessions, 1, limits.sessions, "Sessions in all, connected or not."),
    count!(
        limits,
        channels_per_shard,
        1,
        limits.channels_per_shard,
        "Channels counted at one shard at the same time."
    ),
    count!(
        limits,
        presence_members_per_channel,
        1,
        limits.presence_members_per_channel,
        "Sessions present on one channel."
    ),
    count!(
        limits,
        presence_members_per_shard,
        1,
        limits.presence_members_per_shard,
        "Sessions present on all channels of one shard, each on each of its channels."
    ),
    count!(
        limits,
        presence_channels_per_shard,
        1,
        limits.presence_channels_per_shard,
        "Channels of one shard on which somebody is present."
    ),
    size!(
        limits,
        presence_info_bytes,
        1,
        limits.presence_info_bytes,
        "What is told of somebody who is present, and the name of its user."
    ),
    count!(
        limits,
        presence_page_members,
        1,
        limits.presence_page_members,
        "Members in one page of the list of who is present."
    ),
    size!(limits, head_bytes, 256, limits.head_bytes, "The longest head of a request."),
    count!(limits, head_fields, 1, limits.head_fields, "Fields of a request head."),
    size!(
        limits,
        batch_bytes,
        1_024,
        limits.batch_bytes,
        "The longest batch of messages of a known session."
    ),
    size!(
        limits,
        unidentified_bytes,
        1_024,
        limits.unidentified_bytes,
        "What a connection without a session may have buffered."
    ),
    size!(
        limits,
        unidentified_pool_bytes,
        1_024,
        limits.unidentified_pool_bytes,
        "Larger bodies of unknown senders that one shard buffers in all."
    ),
    count!(limits, batch_messages, 1, limits.batch_messages, "Messages in one batch."),
    number!(Count, limits, json_depth, 4, 128, limits.json_depth, "Depth of nested JSON."),
    count!(limits, fragments, 1, limits.fragments, "Fragments of one WebSocket message."),
    count!(
        channels,
        messages,
        0,
        channels.default.history.messages,
        "The newest messages that a channel remembers; 0 for none."
    ),
    size!(
        channels,
        bytes,
        0,
        channels.default.history.bytes,
        "The bytes of messages that a channel remembers; 0 for none."
    ),
    duration!(
        channels,
        age,
        0,
        channels.default.history.age_ms,
        "How long a channel remembers a message; 0 for not at all."
    ),
    Key {
        read: |c| Value::Text(c.comet.channels.default.deliver.slow.name().into()),
        write: |c, value| text::slow(value).map(|slow| c.comet.channels.default.deliver.slow = slow),
        ..other(
            "channels",
            "slow",
            Kind::Text,
            "What gives way to slow readers: \"disconnect\", \"drop_oldest\" or \"conflate\".",
        )
    },
    number!(
        Duration,
        channels,
        every,
        0,
        comet::MAX_PAUSE_MS,
        channels.default.deliver.every_ms,
        "The newest message comes at most this often; 0 for as often as there is one."
    ),
    number!(
        Duration,
        channels,
        batch,
        0,
        comet::MAX_PAUSE_MS,
        channels.default.deliver.batch_ms,
        "After a first message the others are gathered for so long; 0 for not at all."
    ),
    number!(
        Duration,
        channels,
        lazy,
        0,
        comet::MAX_PAUSE_MS,
        channels.default.lazy_ms,
        "How long a message waits for others before it wakes a reader by itself; 0 for not at all."
    ),
    switch!(
        channels,
        deliver_choice,
        channels.default.deliver_choice,
        "Whether subscribers may choose another manner, no faster than this one."
    ),
    switch!(
        channels,
        cache,
        channels.default.history.newest,
        "Whether the newest message is kept whatever its age, and given to whoever subscribes."
    ),
    switch!(channels, echo, channels.default.echo, "Whether a publisher that listens hears itself."),
    Key {
        read: |c| Value::Text(c.comet.channels.default.durability.name().into()),
        write: |c, value| text::durability(value).map(|how| c.comet.channels.default.durability = how),
        ..other(
            "channels",
            "durability",
            Kind::Text,
            "How safe a message is when its publisher is answered: \"memory\", \"stored\" or \"fsync\".",
        )
    },
    Key {
        read: |c| or_none(c.journal.as_ref().map(|path| path.display()).as_ref()),
        write: |c, value| text::file_or_none(value).map(|path| c.journal = path),
        ..other("journal", "path", Kind::Text, "The directory of durable channels, or \"none\".")
    },
    Key {
        least: 1_024,
        most: MANY,
        read: |c| Value::Number(c.journal_config.queue.queue_entries as u64),
        write: |c, value| put(&mut c.journal_config.queue.queue_entries, value),
        ..other(
            "journal",
            "queue_entries",
            Kind::Count,
            "Messages that may wait to be written; more are refused.",
        )
    },
    Key {
        least: 1 << 20,
        most: TIB,
        read: |c| Value::Number(c.journal_config.queue.queue_bytes as u64),
        write: |c, value| put(&mut c.journal_config.queue.queue_bytes, value),
        ..other("journal", "queue_bytes", Kind::Size, "Bytes of messages that may wait to be written.")
    },
    Key {
        least: 64 << 10,
        most: TIB,
        read: |c| Value::Number(c.journal_config.memory_bytes),
        write: |c, value| put(&mut c.journal_config.memory_bytes, value),
        ..other(
            "journal",
            "memory_bytes",
            Kind::Size,
            "Memory of records beside the log; settled when the journal is made.",
        )
    },
    switch!(channels, presence, channels.default.presence, "Whether it is known, and told, who is there."),
    duration!(
        channels,
        presence_debounce,
        0,
        channels.default.presence_debounce_ms,
        "How long joins and leaves are gathered before they are told."
    ),
    switch!(channels, identity, channels.default.identity, "Whether events say who has published them."),
    duration!(
        channels,
        expires,
        0,
        channels.default.expires_ms,
        "The age at which messages expire that say none themselves; 0 for never."
    ),
    grants!(
        publish,
        Publish,
        "Who may publish: everyone, authenticated, owner, subject:NAME, nobody, or unsaid."
    ),
    grants!(subscribe, Subscribe, "Who may listen."),
    grants!(create, Create, "Who may publish on or listen to a channel that is not there yet."),
    denies!(deny_publish, Publish, "Who may not publish, whatever else is granted."),
    denies!(deny_subscribe, Subscribe, "Who may not listen, whatever else is granted."),
    denies!(deny_create, Create, "Who may not create a channel, whatever else is granted."),
    size!(
        limits,
        history_bytes,
        1_024,
        limits.history_bytes,
        "Memory of what the channels of one shard remember."
    ),
    count!(limits, keys, 1, limits.keys, "Keys of publications that one shard remembers."),
    count!(limits, keys_per_publisher, 1, limits.keys_per_publisher, "Such keys of one user."),
    duration!(
        limits,
        key_age,
        1_000,
        limits.key_age_ms,
        "How long the key of a publication is remembered; clients count on five minutes."
    ),
    count!(
        limits,
        exchanges_per_connection,
        1,
        limits.exchanges_per_connection,
        "Batches of one connection that wait for a policy."
    ),
    count!(
        limits,
        exchanges_per_shard,
        1,
        limits.exchanges_per_shard,
        "Batches of one shard that wait for a policy, those of dead connections included."
    ),
    size!(
        limits,
        exchange_bytes_per_shard,
        1_024,
        limits.exchange_bytes_per_shard,
        "Bytes of the batches of one shard that wait."
    ),
    count!(
        limits,
        calls_per_session,
        1,
        limits.calls_per_session,
        "Calls of services by one session that are not answered yet."
    ),
    count!(limits, calls, 1, limits.calls, "Calls of services in all that are not answered yet."),
    size!(limits, call_bytes, 1_024, limits.call_bytes, "Bytes of data of these calls."),
    count!(
        limits,
        receipts_per_shard,
        1,
        limits.receipts_per_shard,
        "Publications with a receipt that are open at one shard."
    ),
    count!(limits, receipts_per_session, 1, limits.receipts_per_session, "Such publications of one session."),
    duration!(
        limits,
        receipt,
        1_000,
        limits.receipt_ms,
        "How long the receivers of a publication with a receipt have to confirm it."
    ),
    size!(
        limits,
        inbox_bytes,
        1_024,
        limits.inbox_bytes,
        "What waits for one shard before publications are refused."
    ),
    size!(limits, output_bytes, 1_024, limits.output_bytes, "Replies that wait for a slow reader."),
    count!(
        limits,
        pings_per_second,
        1,
        limits.pings_per_second,
        "Pings a WebSocket client may send in one second."
    ),
    size!(
        limits,
        pipelined_bytes,
        1_024,
        limits.pipelined_bytes,
        "Requests that lie behind the one being answered."
    ),
    duration!(
        limits,
        head_timeout,
        100,
        limits.head_timeout_ms,
        "From the first byte of a request head to its last."
    ),
    duration!(
        limits,
        handshake_timeout,
        100,
        limits.handshake_timeout_ms,
        "From the opening of a WebSocket to its first session."
    ),
    duration!(
        limits,
        idle_timeout,
        100,
        limits.idle_timeout_ms,
        "A kept-alive connection without a request."
    ),
    duration!(
        limits,
        body_interval,
        100,
        limits.body_interval_ms,
        "How often it is seen whether a request body still moves."
    ),
    size!(
        limits,
        body_rate_bytes,
        1,
        limits.body_rate_bytes,
        "What a request body brings in every body_interval."
    ),
    count!(
        limits,
        recoveries_per_session,
        1,
        limits.recoveries_per_session,
        "Names of one session whose past is asked for at the same time."
    ),
    count!(
        limits,
        lagging_channels,
        1,
        limits.lagging_channels,
        "Channels that are remembered for a session which has fallen behind."
    ),
    duration!(
        limits,
        lag_grace,
        100,
        limits.lag_grace_ms,
        "A WebSocket or stream of such a session that takes nothing for so long is ended."
    ),
    size!(limits, stream_bytes, 1024, limits.stream_bytes, "Bytes of events after which a stream ends."),
    duration!(limits, stream_age, 1_000, limits.stream_age_ms, "How long a stream lasts at most."),
    count!(limits, polls_per_browser, 1, limits.polls_per_browser, "Polls that one browser holds."),
    duration!(limits, stream_heartbeat, 1_000, limits.stream_heartbeat_ms, "How long a stream is silent."),
    duration!(limits, stream_probe, 100, limits.stream_probe_ms, "How long before its first beat."),
    duration!(limits, stream_ticket, 1_000, limits.stream_ticket_ms, "How long its ticket is good."),
    number!(Size, limits, frame_padding, 0, 1 << 20, limits.frame_padding, "Bytes before a frame."),
    size!(limits, image_bytes, 1024, limits.image_bytes, "Bytes of a message whose picture is shown."),
    count!(limits, parts_per_batch, 2, limits.parts_per_batch, "Parts of one batch of callback polling."),
    duration!(limits, parts_wait, 100, limits.parts_wait_ms, "How long the next of them may take."),
    size!(limits, parts_bytes_per_shard, 1, limits.parts_bytes_per_shard, "Bytes of all that wait."),
    duration!(limits, write_stall, 100, limits.write_stall_ms, "How long output stands still at most."),
    duration!(
        limits,
        linger,
        0,
        limits.linger_ms,
        "How long a closed connection waits for the peer to take the last bytes."
    ),
    duration!(limits, drain, 0, limits.drain_ms, "How long a graceful stop waits for queues to empty."),
    count!(
        limits,
        sends_per_turn,
        1,
        limits.sends_per_turn,
        "Deliveries that leave before others get their turn."
    ),
    count!(
        limits,
        messages_per_write,
        1,
        limits.messages_per_write,
        "Queued messages that leave in one write."
    ),
    size!(limits, bytes_per_write, 1, limits.bytes_per_write, "Queued bytes that leave in one write."),
    api::KEYS_OF_API,
    log::LEVEL,
    log::FORMAT,
];

/// The key of a section by its name.
pub(super) fn find(section: &str, name: &str) -> Option<usize> {
    KEYS.iter().position(|key| key.section == section && key.name == name)
}

#[cfg(test)]
mod tests;
