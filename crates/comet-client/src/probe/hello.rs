//! The first handshake of a probe: what the server says of itself.
//!
//! It goes by POST, which every server takes, and tells the transports, how long a connect is held, and the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::line::{Line, handshake_message};
use super::{Finding, Place, Verdict};
use crate::Error;
use crate::wire::refused;

/// What the server has said.
pub(super) struct Hello {
    /// The transports it announces.
    pub(super) types: Vec<String>,
    /// How long it holds a connect.
    pub(super) hold: Duration,
    /// From the request to its answer.
    pub(super) took: Duration,
    /// Our clock at the request, in unix milliseconds.
    pub(super) sent_ms: f64,
    /// `ext.timesync` of the reply.
    pub(super) timesync: Value,
}

impl Hello {
    pub(super) async fn say(place: &Place) -> Result<Hello, Error> {
        let sent_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3;
        let sent_ms = sent_ms.round();
        let mut message = handshake_message(&super::talk::TRANSPORTS, place.options.token.as_deref());
        message["ext"]["timesync"] = json!({ "tc": sent_ms });
        let began = Instant::now();
        let url = place.address.at(place.address.path());
        let (status, body) = place.caller.post(&url, json!([message]).to_string(), place.patience).await?;
        let took = began.elapsed();
        let replies: Vec<Value> = match serde_json::from_slice(&body) {
            Ok(replies) => replies,
            Err(_) if !status.is_success() => return Err(refused(status, &body)),
            Err(_) => return Err(Error::Protocol("the answer is no batch of messages".into())),
        };
        let reply = replies.into_iter().find(|reply| reply["channel"] == "/meta/handshake");
        let reply = reply.ok_or_else(|| Error::Protocol("nothing answers the handshake".into()))?;
        if reply["successful"] != true {
            return Err(Error::refused(reply["error"].as_str()));
        }
        let types = reply["supportedConnectionTypes"].as_array().into_iter().flatten();
        let hello = Hello {
            types: types.filter_map(Value::as_str).map(str::to_owned).collect(),
            hold: Duration::from_millis(reply["advice"]["timeout"].as_u64().unwrap_or(30_000)),
            took,
            sent_ms,
            timesync: reply["ext"]["timesync"].clone(),
        };
        if let Some(client_id) = reply["clientId"].as_str() {
            Line::post(place).leave(client_id).await;
        }
        Ok(hello)
    }

    pub(super) fn finding(&self) -> Finding {
        let words = format!("announces {}; holds a connect for {:?}", self.types.join(", "), self.hold);
        Finding::new("handshake", Verdict::Fine, words).took(self.took)
    }
}
