//! A message there and back by one transport.
//!
//! A session of its own listens, holds a connect and publishes to itself; that what was held arrives with the message, and
//! when, is what is found out.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::line::{Line, Socket, granted, handshake_message, number};
use super::stream::{self, Form};
use super::{Finding, Place, Verdict};
use crate::message::Incoming;
use crate::{Error, random};

/// The transports a probe knows, in the order they are tried.
pub(super) const TRANSPORTS: [&str; 9] = [
    "long-polling",
    "cross-origin-long-polling",
    "callback-polling",
    "polling",
    "http-streaming",
    "multipart",
    "eventsource",
    "iframe",
    "websocket",
];
/// A connect is given this time to be held before something is published.
pub(super) const HEAD_START: Duration = Duration::from_millis(200);
/// Between two polls that are not held.
const PAUSE: Duration = Duration::from_millis(50);

/// How a talk went.
#[derive(Debug)]
pub(super) struct Talk {
    /// From the beginning to a session that is connected.
    pub(super) opened: Duration,
    /// From a publication to its arrival with the held answer; nothing when the server refuses the probe its channel.
    pub(super) there_and_back: Option<Duration>,
    /// The refusal.
    pub(super) refused: Option<String>,
}

/// Talks by the transport of this name.
pub(super) async fn talk(place: &Place, name: &'static str) -> Result<Talk, Error> {
    match name {
        "websocket" => by_socket(place).await,
        "cross-origin-long-polling" => by_http(place, &Line::form(place), name).await,
        "callback-polling" => by_http(place, &Line::callback(place), name).await,
        "http-streaming" | "multipart" => stream::by_stream(place, Form::Posted, name).await,
        "eventsource" | "iframe" => stream::by_stream(place, Form::Ticket, name).await,
        _ => by_http(place, &Line::post(place), name).await,
    }
}

/// What a talk means.
pub(super) fn finding(name: &'static str, talk: Result<Talk, Error>) -> Finding {
    match talk {
        Ok(Talk { there_and_back: Some(took), opened, .. }) => {
            let words =
                format!("a message there and back; the session took {:.0} ms", opened.as_secs_f64() * 1e3);
            Finding::new(name, Verdict::Fine, words).took(took)
        }
        Ok(Talk { refused, opened, .. }) => {
            let words = format!(
                "connects; no message was tried, {} (--channel names another channel)",
                refused.unwrap_or_default()
            );
            Finding::new(name, Verdict::Doubtful, words).took(opened)
        }
        Err(Error::Refused { code, reason, .. }) if name == "websocket" => {
            let words = format!("announced, and the upgrade is refused with {code}: {reason}");
            Finding::new(name, Verdict::Broken, words)
        }
        Err(Error::TimedOut) if stream::is_stream(name) => {
            let words =
                "opened, and what comes on it does not come in time: something in between may be buffering";
            Finding::new(name, Verdict::Broken, words)
        }
        Err(Error::TimedOut) => {
            Finding::new(name, Verdict::Broken, "opened, and an answer did not come in time")
        }
        Err(error) => Finding::new(name, Verdict::Broken, format!("announced, and {error}")),
    }
}

/// The messages of one session.
pub(super) struct Script<'a> {
    pub(super) client_id: String,
    pub(super) connection_type: &'static str,
    channel: &'a str,
    data: String,
}

impl<'a> Script<'a> {
    pub(super) fn new(place: &'a Place, client_id: String, connection_type: &'static str) -> Script<'a> {
        let data = format!("{:016x}", u64::from_be_bytes(random::bytes()));
        Script { client_id, connection_type, channel: &place.channel, data }
    }

    /// A connect that is held no longer than this.
    pub(super) fn connect(&self, id: u64, hold: Option<Duration>) -> Value {
        let mut message = json!({
            "id": id.to_string(),
            "channel": "/meta/connect",
            "clientId": self.client_id,
            "connectionType": self.connection_type,
        });
        if let Some(hold) = hold {
            message["advice"] = json!({ "timeout": hold.as_millis() as u64 });
        }
        message
    }

    pub(super) fn subscribe(&self) -> Value {
        json!({
            "id": "3", "channel": "/meta/subscribe", "clientId": self.client_id, "subscription": self.channel,
        })
    }

    pub(super) fn publish(&self) -> Value {
        json!({ "id": "5", "channel": self.channel, "clientId": self.client_id, "data": self.data })
    }

    /// What no other message holds.
    pub(super) fn mark(&self) -> &[u8] {
        self.data.as_bytes()
    }

    fn is_own(&self, message: &Incoming) -> bool {
        let data = message.data.as_deref().map(serde_json::value::RawValue::get);
        message.channel == self.channel && data.is_some_and(|data| data.trim_matches('"') == self.data)
    }
}

async fn by_http(place: &Place, line: &Line<'_>, name: &'static str) -> Result<Talk, Error> {
    let began = Instant::now();
    let hello = handshake_message(&[name], place.options.token.as_deref());
    let client_id = session_of(reply_in(line.ask(&hello, place.patience).await?, &hello)?)?;
    let script = Script::new(place, client_id, name);
    let talk = converse(place, line, &script, began).await;
    line.leave(&script.client_id).await;
    talk
}

async fn converse(
    place: &Place,
    line: &Line<'_>,
    script: &Script<'_>,
    began: Instant,
) -> Result<Talk, Error> {
    let connect = script.connect(2, Some(Duration::ZERO));
    reply_in(line.ask(&connect, place.patience).await?, &connect)?;
    let opened = began.elapsed();
    let refusal = |error: Error| Talk { opened, there_and_back: None, refused: Some(error.to_string()) };
    let subscribe = script.subscribe();
    if let Err(error) = reply_in(line.ask(&subscribe, place.patience).await?, &subscribe) {
        return Ok(refusal(error));
    }
    let holding = async {
        // What comes with the first answer is welcome, what comes with none is not waited for for ever.
        let end = Instant::now() + HEAD_START + place.patience;
        loop {
            let connect = script.connect(4, None);
            let batch = line.ask(&connect, end.saturating_duration_since(Instant::now())).await?;
            if batch.iter().any(|message| script.is_own(message)) {
                return Ok(Instant::now());
            }
            reply_in(batch, &connect)?;
            if script.connection_type == "polling" {
                sleep(PAUSE).await;
            }
        }
    };
    let publishing = async {
        sleep(HEAD_START).await;
        let (publish, sent) = (script.publish(), Instant::now());
        Ok::<_, Error>((sent, reply_in(line.ask(&publish, place.patience).await?, &publish)))
    };
    tokio::pin!(holding, publishing);
    let mut arrived = None;
    let (sent, published) = loop {
        tokio::select! {
            held = &mut holding, if arrived.is_none() => arrived = Some(held?),
            published = &mut publishing => break published?,
        }
    };
    if let Err(error) = published {
        return Ok(refusal(error));
    }
    let arrived = match arrived {
        Some(arrived) => arrived,
        None => holding.await?,
    };
    Ok(Talk { opened, there_and_back: Some(arrived.saturating_duration_since(sent)), refused: None })
}

async fn by_socket(place: &Place) -> Result<Talk, Error> {
    let began = Instant::now();
    let mut socket = Socket::open(place).await?;
    let hello = handshake_message(&["websocket"], place.options.token.as_deref());
    let client_id = session_of(socket.ask(&hello, place.patience).await?)?;
    let script = Script::new(place, client_id, "websocket");
    socket.ask(&script.connect(2, Some(Duration::ZERO)), place.patience).await?;
    let opened = began.elapsed();
    let refusal = |error: Error| Talk { opened, there_and_back: None, refused: Some(error.to_string()) };
    match socket.ask(&script.subscribe(), place.patience).await {
        Err(error @ Error::Refused { .. }) => return Ok(refusal(error)),
        other => other?,
    };
    socket.send(&script.connect(4, None))?;
    sleep(HEAD_START).await;
    let sent = Instant::now();
    match socket.ask(&script.publish(), place.patience).await {
        Err(error @ Error::Refused { .. }) => return Ok(refusal(error)),
        other => other?,
    };
    socket.hear(|message| script.is_own(message), place.patience).await?;
    let there_and_back = Some(sent.elapsed());
    // The session ends with its reply on the way; nobody waits for it.
    let _ = socket.send(&json!({ "id": "6", "channel": "/meta/disconnect", "clientId": script.client_id }));
    let _ = socket.hear(|message| message.channel == "/meta/disconnect", HEAD_START).await;
    Ok(Talk { opened, there_and_back, refused: None })
}

/// The good reply to a message in a batch.
pub(super) fn reply_in(batch: Vec<Incoming>, message: &Value) -> Result<Incoming, Error> {
    let id = number(message);
    let reply = batch.into_iter().find(|reply| reply.request() == id && !reply.is_event());
    granted(reply.ok_or_else(|| Error::Protocol(format!("nothing answers {}", message["channel"])))?)
}

/// The session that a handshake has brought.
pub(super) fn session_of(reply: Incoming) -> Result<String, Error> {
    reply.client_id.ok_or_else(|| Error::Protocol("a handshake brought no session".into()))
}
