//! Timed polls that may fail: what the session connects with becomes a GET with a condition, once a POST has begun.
//!
//! The pause between two polls is the one that the server has advised, and is kept here, for the session knows only
//! connects and their replies. Refusals and lost answers end the wire, and the next one begins with a POST.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::polled::batch;
use crate::wire::Post;
use crate::{Phrase, Response, Socket};

/// A connection on which somebody polls by the clock.
pub(super) struct TimedWire {
    socket: Socket,
    pause: Duration,
    /// The answer that is awaited.
    awaited: Option<Awaited>,
}

enum Awaited {
    /// To a batch.
    Batch,
    /// To the poll that stands for the connect of this id.
    Poll { id: Value },
}

impl TimedWire {
    pub(super) fn open(address: SocketAddr) -> Option<TimedWire> {
        Some(TimedWire { socket: Socket::try_connect(address)?, pause: Duration::ZERO, awaited: None })
    }

    /// Sends a batch, a connect when its time has come; `None` when the wire is lost.
    pub(super) fn send(&mut self, batch: &[Value], cookie: Option<&str>) -> Option<()> {
        let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let host = self.socket.host().to_owned();
        let request = match batch {
            // A connect that asks to be answered at once is a beginning.
            [connect] if connect["channel"] == "/meta/connect" && connect.get("advice").is_none() => {
                std::thread::sleep(self.pause);
                let (client_id, received) =
                    (connect["clientId"].as_str()?, connect["ext"]["received"].as_u64()?);
                self.awaited = Some(Awaited::Poll { id: connect["id"].clone() });
                format!(
                    "GET /cometd HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\nComet-Client: {client_id}\r\nIf-None-Match: \"{received}\"\r\n{cookie}\r\n"
                )
            }
            _ => {
                self.awaited = Some(Awaited::Batch);
                Post::request(&host, &cookie, batch)
            }
        };
        self.socket.try_send(request).ok()
    }

    /// The answer that is awaited and the cookie that came with it; `None` when the wire is lost, or the poll refused.
    pub(super) fn receive(&mut self, end: Instant) -> Option<(Vec<Value>, Option<String>)> {
        let awaited = self.awaited.take()?;
        let response = self.socket.try_response(end.saturating_duration_since(Instant::now()))?;
        let cookie = response.field("set-cookie").and_then(|cookie| cookie.split(';').next());
        let cookie = cookie.map(str::to_owned);
        let batch = match awaited {
            Awaited::Batch => batch(&response, false)?,
            Awaited::Poll { id } => answer(&response, &id)?,
        };
        let told = batch.iter().find_map(|message| message["advice"]["interval"].as_u64());
        self.pause = told.map_or(self.pause, Duration::from_millis);
        Some((batch, cookie))
    }
}

/// The answer to a poll as that to the connect of this id.
fn answer(response: &Response, id: &Value) -> Option<Vec<Value>> {
    if response.status == 304 {
        assert!(response.body.is_empty(), "there is nothing new, and still a body: {response:?}");
        let time = response.field("comet-time").and_then(|time| time.parse::<u64>().ok());
        let ext = time.map_or(json!({}), |time| json!({ "time": time }));
        return Some(vec![json!({ "channel": "/meta/connect", "id": id, "successful": true, "ext": ext })]);
    }
    let mut batch = batch(response, false)?;
    for reply in batch.iter_mut().filter(|message| message["channel"] == "/meta/connect") {
        reply["id"] = id.clone();
    }
    Some(batch)
}
