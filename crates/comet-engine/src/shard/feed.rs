//! Feeds: streams of plain server-sent events for pages without a client of ours.
//!
//! A request becomes a handshake and a subscribe of a session that nobody knows the id of, judged like those of any client,
//! and the session lives as long as its stream. What is asked and where the feed stands is in `feed`; from the first event on
//! the stream is one like all others, in `stream`.

use bayeux::{Code, Message, Subscription, json, meta};
use comet_wire::event_stream::MEDIA;
use comet_wire::feed::{write_event_again, write_retry};
use comet_wire::http::response::LAST_CHUNK;
use comet_wire::http::{Head, Method};
use comet_wire::stream::write_stream_head;
use serde_json::json;

use crate::connection::{Answering, Protocol, Special};
use crate::delivery::{Chunk, Shared};
use crate::exchange::Exchange;
use crate::feed::{Feed, Gap, write_gap};
use crate::key::{ConnectionKey, SessionKey};
use crate::stream::Form;

use super::Shard;
use super::answer::LETTER_MARGIN_MS;
use super::batch::Origin;
use super::http::{Request, Served};
use super::image::newest_image;
use super::route::request_info;

/// How long a browser waits before it opens a lost feed again.
const RETRY_MS: u64 = 1_000;

impl Shard {
    /// Serves a request for a feed.
    pub(super) fn serve_feed(
        &mut self,
        key: ConnectionKey,
        request: &Request<'_>,
        origin: Option<&str>,
        form: Form,
    ) -> Served {
        let head = request.head;
        if head.method != Method::Get {
            return self.answer_plainly(key, Code::MethodUnsupported, origin);
        }
        if !head.version11 {
            // Who knows no chunks could not tell the end of a stream.
            return self.answer_plainly(key, Code::RequestInvalid, origin);
        }
        let query = head.query().unwrap_or_default();
        let (last, now_ms) = (head.field("last-event-id"), self.unix_ms());
        let feed = match form {
            Form::Images => Feed::read_images(query),
            _ => Feed::read(query, last, now_ms, self.beginning_ms()),
        };
        let feed = match feed {
            Ok(feed) => feed,
            Err(code) => return self.answer_plainly(key, code, origin),
        };
        if self.drain.is_some() && form == Form::Feed && head.asks_for(MEDIA) {
            return self.put_off(key, origin);
        }
        let Some(messages) = self.messages_of(head, &feed) else {
            return self.answer_plainly(key, Code::RequestInvalid, origin);
        };
        let Some(connection) = self.connection(key) else { return Served::Gone };
        let info = Box::new(request_info(head, connection.address));
        let keep_alive = head.keep_alive() && !connection.half_closed;
        let special = origin.map(|origin| Special { origin: Some(origin.into()), ..Special::default() });
        connection.protocol = Protocol::Answering(Answering { keep_alive, special: special.map(Box::new) });
        let origin = Origin::Feed { info, feed: Box::new(feed) };
        self.start_batch(key, messages, head.target.len(), origin);
        match self.connection(key).map(|connection| &connection.protocol) {
            Some(Protocol::Answering(_) | Protocol::Streaming(_)) => Served::Waits,
            _ => Served::Gone,
        }
    }

    /// The server stops. Browsers give up for good at any status but 200, so theirs is an empty stream that says when to come
    /// back.
    fn put_off(&mut self, key: ConnectionKey, origin: Option<&str>) -> Served {
        let mut out = Vec::new();
        if write_stream_head(&mut out, MEDIA, origin, false).is_err() {
            return self.answer_plainly(key, Code::RequestInvalid, None);
        }
        write_retry(&mut out, RETRY_MS, None);
        out.extend_from_slice(LAST_CHUNK);
        self.counters.ending(Code::Draining);
        self.write(key, Chunk::Owned(out));
        self.close_after_output(key);
        Served::Gone
    }

    /// What a client would have sent: a handshake, with the token of the request if it has one, and a subscribe.
    fn messages_of(&self, head: &Head<'_>, feed: &Feed) -> Option<Vec<Message>> {
        let credentials = head.field("authorization").map(std::str::from_utf8).transpose().ok()?;
        let token = credentials
            .and_then(|credentials| credentials.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let mut ext = json!({ "received": true });
        if let Some(token) = token {
            ext["token"] = token.into();
        }
        let handshake = json!({ "channel": meta::HANDSHAKE, "version": "1.0", "ext": ext }).to_string();
        let mut messages = json::decode_batch(handshake.as_bytes(), &self.batch_limits()).ok()?;
        let names = feed.names.iter().map(|name| name.as_str().into()).collect();
        messages.push(Message {
            channel: Some(meta::SUBSCRIBE.into()),
            subscription: Some(Subscription::Many(names)),
            ext: feed.ext.clone(),
            ..Message::default()
        });
        Some(messages)
    }

    /// The session of a feed is there and listens, or was refused.
    pub(super) fn answer_feed(&mut self, exchange: &Exchange, session: Option<SessionKey>, feed: Box<Feed>) {
        let connection = exchange.connection;
        let hears = self.hears(connection);
        let refused = exchange.replies.iter().find_map(|reply| reply.outcome.as_ref().err());
        let code = match (refused, session) {
            (None, Some(session)) if hears => return self.open_feed(connection, session, feed),
            (Some(error), _) => error.code,
            (None, _) => Code::Internal,
        };
        if let Some(session) = session {
            self.close_session(session, Code::Disconnected);
        }
        if hears {
            let origin = self.connection(connection).and_then(|connection| match &connection.protocol {
                Protocol::Answering(Answering { special: Some(special), .. }) => special.origin.clone(),
                _ => None,
            });
            // A session that is gone is nothing a page could know of.
            let code = if code == Code::SessionUnknown { Code::Overloaded } else { code };
            self.answer_plainly(connection, code, origin.as_deref());
        }
    }

    fn open_feed(&mut self, key: ConnectionKey, session: SessionKey, feed: Box<Feed>) {
        let config = self.config.clone();
        let unsure: Vec<_> =
            feed.names.iter().filter(|name| name.is_wildcard() && feed.trail.is_unsure()).collect();
        let mut told = Vec::new();
        if !unsure.is_empty() {
            bayeux::event::write_gaps(unsure.iter().map(|name| (name.as_str(), "0", 0)), &mut told);
        }
        let form = feed.form();
        self.feeds.insert(session, feed);
        if let Some(seat) = self.seat(session) {
            seat.session.resume_stream(Some(0), &config.session).expect("nothing was sent yet");
        }
        self.open_stream(key, session, form, None);
        if !self.is_stream(key) {
            return self.close_session(session, Code::Disconnected);
        }
        if !told.is_empty() {
            self.push_told(session, told);
        }
        self.arm_session(session);
        self.mark_dirty(session);
    }

    /// How a feed begins: with the mark from which it goes on should it be lost before its first event.
    pub(super) fn begin_feed(&mut self, session: SessionKey, out: &mut Vec<u8>) {
        let mark = self.feeds.get(&session).map(|feed| feed.mark());
        write_retry(out, RETRY_MS, mark.as_deref());
    }

    /// Events that have just left the queue of a feed, each with its mark. What has left has been received: nobody could ask
    /// for it again but with a mark.
    pub(super) fn fed(&mut self, key: SessionKey, queue: &mut Vec<Shared>) -> Option<Chunk> {
        let time_ms = self.unix_ms();
        let seat = self.sessions.get_mut(key.slot as usize)?;
        seat.session.confirm_taken();
        let is_current = seat.is_current();
        let feed = self.feeds.get_mut(&key)?;
        if let Some(shown) = &mut feed.shown {
            return newest_image(shown, queue, (&self.config.limits, &self.counters));
        }
        if feed.of_one_channel {
            let chunk = match queue.len() {
                1 => queue.pop().map(|only| Chunk::Frame(only.0, Form::Feed)),
                _ => Some(Chunk::Run(self.joiner.join(queue, Form::Feed))),
            };
            return chunk.filter(|chunk| !chunk.bytes().is_empty());
        }
        let mut out = Vec::new();
        for delivery in queue.iter() {
            if let Some(publication) = delivery.0.publication() {
                feed.on_publication(publication);
                write_event_again(&mut out, &feed.mark(), delivery.0.frame(Form::Feed));
            } else if let Some(gap) = Gap::read(delivery.0.event()) {
                gap.heads.iter().for_each(|(channel, head)| feed.trail.on_position(channel, *head, time_ms));
                write_gap(&mut out, &feed.mark(), &gap);
            }
        }
        if is_current {
            feed.trail.on_settled(time_ms.saturating_sub(LETTER_MARGIN_MS));
        }
        (!out.is_empty()).then_some(Chunk::Owned(out))
    }
}
