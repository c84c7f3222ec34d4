//! A probe's way to the server: one transport, one request at a time, nothing repeated.
//!
//! Clients hide trouble by trying again; a probe wants to see it. Requests are `wire`'s, what they carry comes from
//! `talk` and `silence`.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use super::Place;
use crate::Error;
use crate::message::{Incoming, read_batch};
use crate::wire::{Arrival, Caller, Lane, Wire, refused};

/// The function that callback polling calls.
const CALLBACK: &str = "doctor";
/// How long saying goodbye may take; nobody waits for it longer.
const GOODBYE: Duration = Duration::from_secs(2);

/// A line over HTTP. Requests on it do not wait for each other.
pub(super) struct Line<'a> {
    caller: &'a Caller,
    url: String,
    form: Form,
}

/// How a batch becomes a request.
enum Form {
    /// The body of a POST, as JSON.
    Json,
    /// A field of a form that is posted.
    Posted,
    /// A script that a page at this address asks for.
    Script { page: String },
}

impl Line<'_> {
    /// Long polling.
    pub(super) fn post(place: &Place) -> Line<'_> {
        Line { caller: &place.caller, url: place.address.at(place.address.path()), form: Form::Json }
    }

    /// Long polling to other origins.
    pub(super) fn form(place: &Place) -> Line<'_> {
        Line { form: Form::Posted, ..Line::post(place) }
    }

    /// Callback polling.
    pub(super) fn callback(place: &Place) -> Line<'_> {
        Line { form: Form::Script { page: place.address.at("/") }, ..Line::post(place) }
    }

    /// Sends one message and waits for the batch that answers.
    pub(super) async fn ask(&self, message: &Value, within: Duration) -> Result<Vec<Incoming>, Error> {
        let batch = format!("[{message}]");
        let (status, body) = match &self.form {
            Form::Json => self.caller.post(&self.url, batch, within).await?,
            Form::Posted => {
                let form = format!("message={}", escaped(&batch));
                self.caller.post_form(&self.url, form, within).await?
            }
            Form::Script { page } => {
                let url = format!("{}?jsonp={CALLBACK}&message={}", self.url, escaped(&batch));
                self.caller.get(&url, page, within).await?
            }
        };
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        let json = match &self.form {
            Form::Json | Form::Posted => Some(&body[..]),
            Form::Script { .. } => body
                .strip_prefix(format!("/**/{CALLBACK}(").as_bytes())
                .and_then(|rest| rest.strip_suffix(b");")),
        };
        json.and_then(|json| read_batch(json).ok())
            .ok_or_else(|| Error::Protocol("the answer is no batch of messages".into()))
    }

    /// Ends a session, if the server still hears it.
    pub(super) async fn leave(&self, client_id: &str) {
        let message = json!({ "id": "0", "channel": "/meta/disconnect", "clientId": client_id });
        // A session that nobody connects for ends by itself.
        let _ = self.ask(&message, GOODBYE).await;
    }
}

/// A WebSocket. Everything that comes is kept until it is looked for.
pub(super) struct Socket {
    wire: Wire,
    heard: Vec<Incoming>,
}

impl Socket {
    pub(super) async fn open(place: &Place) -> Result<Socket, Error> {
        let opening = Wire::websocket(&place.address, &place.options);
        let wire = timeout(place.patience, opening).await.unwrap_or(Err(Error::TimedOut))?;
        Ok(Socket { wire, heard: Vec::new() })
    }

    /// Sends one message and waits for nothing.
    pub(super) fn send(&self, message: &Value) -> Result<(), Error> {
        self.wire.send(Lane::Command, 0, message.to_string())
    }

    /// Waits for a message of this kind.
    pub(super) async fn hear(
        &mut self,
        wanted: impl Fn(&Incoming) -> bool,
        within: Duration,
    ) -> Result<Incoming, Error> {
        let end = Instant::now() + within;
        loop {
            if let Some(at) = self.heard.iter().position(&wanted) {
                return Ok(self.heard.swap_remove(at));
            }
            match timeout_at(end, self.wire.next()).await {
                Ok(Arrival::Batch(batch)) => self.heard.extend(batch),
                Ok(Arrival::Lost(error) | Arrival::Unanswered { error, .. }) => return Err(error),
                Err(_) => return Err(Error::TimedOut),
            }
        }
    }

    /// Sends one message and waits for its reply, which has to be a good one.
    pub(super) async fn ask(&mut self, message: &Value, within: Duration) -> Result<Incoming, Error> {
        self.send(message)?;
        let id = number(message);
        granted(self.hear(|reply| reply.request() == id && id.is_some(), within).await?)
    }
}

/// The number of a message of ours.
pub(super) fn number(message: &Value) -> Option<u64> {
    message["id"].as_str()?.parse().ok()
}

/// A reply that is no refusal.
pub(super) fn granted(reply: Incoming) -> Result<Incoming, Error> {
    if reply.successful == Some(true) { Ok(reply) } else { Err(Error::refused(reply.error.as_deref())) }
}

/// A handshake that offers these transports.
pub(super) fn handshake_message(types: &[&str], token: Option<&str>) -> Value {
    let mut message = json!({
        "id": "1",
        "channel": "/meta/handshake",
        "version": "1.0",
        "supportedConnectionTypes": types,
        "ext": {},
    });
    if let Some(token) = token {
        message["ext"]["token"] = json!(token);
    }
    message
}

/// Everything but letters and digits as an escape.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
