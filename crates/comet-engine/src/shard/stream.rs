//! One-way streams of sessions: answers to connects that go on.
//!
//! A stream is the wire of its session like a WebSocket, and its batches leave as those do; here it begins, shows by
//! heartbeats that it is there, and ends by its age, its bytes or a code, always behind its last message and with a word
//! that says why. What the bytes look like is `comet-wire`'s; when a session may push is its own rule.

use bayeux::{Advice, Code, Message, Reconnect, Reply, meta};
use comet_wire::event_stream::write_retry;
use comet_wire::http::response::LAST_CHUNK;
use comet_wire::persistent_frame::{Nonce, write_beginning};
use comet_wire::stream::write_stream_head;

use crate::client_id::random_bytes;
use crate::connection::{Answering, Protocol};
use crate::delivery::Chunk;
use crate::key::{ConnectionKey, SessionKey};
use crate::stream::{BOUNDARY, Form, Stream};

use super::Shard;
use super::answer::encode_all;

/// A stream lasts for this part of its age at least; how much longer is left to chance, so that not all end together.
const SURE_SHARE: u64 = 4;

/// Why a stream ends.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    /// It has carried enough: the next one may come at once.
    Recycled,
    /// Something is wrong with the wire, or another has taken its place; the session is kept.
    Wire(Code),
    /// The server stops: the client comes back after so many milliseconds.
    Drained(u64),
    /// The session has ended.
    Session(Code),
}

impl Ending {
    /// The code of it, for wires that know close codes.
    pub(super) fn code(self) -> Code {
        match self {
            Ending::Recycled => Code::Superseded,
            Ending::Drained(_) => Code::Draining,
            Ending::Wire(code) | Ending::Session(code) => code,
        }
    }
}

impl Shard {
    /// An answer that goes on begins, with the reply to a connect where it answers one, and becomes the session's wire.
    pub(super) fn open_stream(
        &mut self,
        key: ConnectionKey,
        session: SessionKey,
        form: Form,
        reply: Option<Reply>,
    ) {
        let (now, config) = (self.now, self.config.clone());
        let age = config.limits.stream_age_ms;
        let sure = age - age / SURE_SHARE;
        let until = now + sure + u64::from_be_bytes(random_bytes()) % (age - sure + 1);
        let (draining, beat_ms) = (self.drain.is_some(), self.beat_ms(config.limits.stream_probe_ms));
        let Some(connection) = self.connection(key) else { return };
        let half_closed = connection.half_closed;
        let Protocol::Answering(answering) = &mut connection.protocol else { return };
        let Answering { keep_alive, special } = std::mem::take(answering);
        let keep_alive = keep_alive && !draining;
        let origin = special.as_ref().and_then(|special| special.origin.as_deref());
        let frame = special.as_ref().and_then(|special| special.frame.as_ref());
        let nonce = Nonce::new(if frame.is_some() { random_bytes() } else { Default::default() });
        let mut out = Vec::new();
        let begun = match frame {
            Some(frame) => {
                let (around, padding) = (frame.origin.as_deref(), config.limits.frame_padding);
                write_beginning(&mut out, nonce, frame.manner(), around, padding, keep_alive).is_ok()
            }
            None => write_stream_head(&mut out, form.media(), origin, keep_alive).is_ok(),
        };
        if half_closed || !begun {
            return self.end_connection(key, Code::RequestInvalid);
        }
        let bytes_left = config.limits.stream_bytes;
        let stream = Stream { form, keep_alive, bytes_left, until, written: now, beat_ms, nonce };
        connection.protocol = Protocol::Streaming(stream);
        connection.session = Some(session);
        // Into the void the system sends for a quarter of an hour unless it is told how long.
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&connection.stream).set_tcp_user_timeout(Some(
            std::time::Duration::from_millis(config.session.max_interval_ms + config.limits.write_stall_ms),
        ));
        match form {
            Form::Events => self.begin_events(session, &mut out),
            Form::Feed => self.begin_feed(session, &mut out),
            Form::Images => self.begin_images(key, &mut out),
            Form::Parts => BOUNDARY.write_beginning(&mut out),
            Form::Faye => write_retry(&mut out, super::event_source::RETRY_MS, None),
            _ => {}
        }
        if let Some(reply) = reply {
            let reply = encode_all(&[reply]);
            form.write(&mut out, reply.iter().map(Vec::as_slice));
        }
        // Writing may show that the peer is gone, and then the session has to be rid of this wire again.
        if let Some(seat) = self.seat(session) {
            seat.session.attach_stream(&config.session, until);
            seat.attached = Some(key);
        }
        self.counters.streams_opened.add(1);
        self.write(key, Chunk::Owned(out));
        self.set_connection_deadline(key, stream.look());
    }

    /// Whether a connection is a stream now.
    pub(super) fn is_stream(&self, key: ConnectionKey) -> bool {
        self.connections.get(key.slot as usize).is_some_and(|connection| {
            connection.generation == key.generation && matches!(connection.protocol, Protocol::Streaming(_))
        })
    }

    /// How long a stream is silent: never longer than a connect is held, which its client is told.
    fn beat_ms(&self, at_most: u64) -> u32 {
        let heartbeat_ms = self.config.limits.stream_heartbeat_ms.min(self.config.session.timeout_ms);
        u32::try_from(heartbeat_ms.min(at_most)).unwrap_or(u32::MAX)
    }

    /// So many bytes of events were written to a wire; a stream that has carried enough ends behind them.
    pub(super) fn on_pushed(&mut self, key: ConnectionKey, bytes: usize) {
        let now = self.now;
        let Some(connection) = self.connection(key) else { return };
        let Protocol::Streaming(stream) = &mut connection.protocol else { return };
        stream.written = now;
        stream.bytes_left = stream.bytes_left.saturating_sub(bytes);
        if stream.bytes_left == 0 && stream.form.is_recycled() {
            self.end_stream(key, Ending::Recycled);
        }
    }

    /// A stream was silent, or its time is up.
    pub(super) fn on_stream_timer(&mut self, key: ConnectionKey) {
        let (now, beat_ms, age) = (self.now, self.beat_ms(u64::MAX), self.config.limits.stream_age_ms);
        let Some(connection) = self.connection(key) else { return };
        let stalled = connection.is_stalled();
        let Protocol::Streaming(stream) = &mut connection.protocol else { return };
        if stream.until <= now && !stream.form.is_recycled() {
            stream.until = now + age;
            return self.prolong_images(key);
        }
        if stream.until <= now {
            return self.end_stream(key, Ending::Recycled);
        }
        let beats = stream.written + u64::from(stream.beat_ms) <= now;
        if beats {
            (stream.written, stream.beat_ms) = (now, beat_ms);
        }
        let (look, heartbeat) = (stream.look(), if beats { stream.heartbeat() } else { Vec::new() });
        if !stalled && !heartbeat.is_empty() {
            self.write(key, Chunk::Owned(heartbeat));
        }
        self.set_connection_deadline(key, look);
    }

    /// Ends a stream behind what was written to it, with a last word, and leaves its session without wire. The connection
    /// takes the next request where nothing is wrong with it.
    pub(super) fn end_stream(&mut self, key: ConnectionKey, ending: Ending) {
        let idle = self.now + self.config.limits.idle_timeout_ms;
        let Some(connection) = self.connection(key) else { return };
        let Protocol::Streaming(stream) = connection.protocol else { return };
        if matches!(ending, Ending::Wire(Code::WriteStalled)) {
            return self.drop_connection(key);
        }
        let session = connection.session;
        let recycled = matches!(ending, Ending::Recycled | Ending::Wire(Code::Superseded));
        let keep_alive = stream.keep_alive && recycled && !connection.half_closed && !connection.is_stalled();
        if !recycled {
            connection.keep_what_has_begun();
        }
        // From here on it is no stream: should its bound of output be reached, it does not end once more.
        connection.protocol = if keep_alive { Protocol::Http } else { Protocol::Closing };
        let resumes = keep_alive && (connection.has_input() || connection.read_paused);
        let mut out = Vec::new();
        if let (Form::Events | Form::Faye | Form::Feed, Ending::Drained(interval_ms)) = (stream.form, ending)
        {
            write_retry(&mut out, interval_ms, None);
        }
        match (stream.form, ending) {
            (Form::Feed, Ending::Session(code)) => crate::feed::write_end(&mut out, code),
            (form, _) if !form.has_last_word() => {}
            _ => self.write_last_word(&mut out, stream, session, ending),
        }
        out.extend_from_slice(LAST_CHUNK);
        self.write(key, Chunk::Owned(out));
        if !keep_alive {
            return self.close_after_output(key);
        }
        if let Some(session) = session {
            self.detach_session(session, key);
        }
        if let Some(connection) = self.connection(key) {
            // The clock of the session starts when the last of it has left.
            connection.carries_connect = true;
            connection.permit.release_address();
        }
        self.set_connection_deadline(key, idle);
        if resumes {
            self.resumable.push(key);
        }
    }

    fn write_last_word(
        &mut self,
        out: &mut Vec<u8>,
        stream: Stream,
        session: Option<SessionKey>,
        ending: Ending,
    ) {
        let mut last = [self.last_word(ending)];
        if let (Ending::Recycled, Some(session)) = (ending, session) {
            self.tell_time_in(&mut last[0], session);
        }
        self.tell_times(session, &mut last);
        stream.write_last(out, encode_all(&last).iter().map(Vec::as_slice));
    }

    /// What the last message of a stream says: a second reply to the connect that it answers, without its id.
    pub(super) fn last_word(&self, ending: Ending) -> Reply {
        let settings = &self.config.session;
        let connect = Message { channel: Some(meta::CONNECT.into()), ..Message::default() };
        match ending {
            Ending::Recycled => Reply::accept(&connect)
                .with_advice(Advice { interval_ms: 0, ..settings.advice(Reconnect::Retry) }),
            Ending::Wire(code) => settings.refuse(&connect, code),
            Ending::Drained(interval_ms) => {
                let advice = Advice { interval_ms, ..settings.advice(Reconnect::Retry) };
                settings.refuse(&connect, Code::Draining).with_advice(advice)
            }
            // As with a held connect: the advice to handshake is accepted only from a failure.
            Ending::Session(code) if code.reconnect() == Reconnect::Handshake => {
                settings.refuse(&connect, code)
            }
            Ending::Session(code) => Reply::accept(&connect).with_advice(settings.advice(code.reconnect())),
        }
    }
}
