//! Long polling: every batch a POST, the connect on a request of its own.
//!
//! Commands go one request after the other, because two requests could overtake each other; those that wait
//! meanwhile go together in the next.

use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::http::Caller;
use super::{Arrival, Lane, Parcel};
use crate::Error;
use crate::address::Address;
use crate::builder::Options;
use crate::message::read_batch;

/// Messages in one request.
const BATCH: usize = 50;
/// Bytes of a request that holds more than one message.
const BATCH_BYTES: usize = 32 << 10;
/// How long a held answer is waited for at most; the session gives up earlier.
const HELD: Duration = Duration::from_secs(2 * 3_600);

/// Long polling of one session.
pub(super) struct LongPoll {
    caller: Caller,
    address: String,
    patience: Duration,
}

impl LongPoll {
    pub(super) fn new(address: &Address, options: &Options) -> LongPoll {
        let caller = Caller::new(options.authorization.clone(), options.message_bytes);
        LongPoll { caller, address: address.at(address.path()), patience: options.patience }
    }

    /// Runs until the wire is dropped.
    pub(super) fn run(
        self,
        mut parcels: mpsc::Receiver<Parcel>,
        arrivals: mpsc::Sender<Arrival>,
        tasks: &mut JoinSet<()>,
    ) {
        let (connects, connect_lane) = mpsc::channel(super::OUTBOX);
        let (commands, command_lane) = mpsc::channel(super::OUTBOX);
        tasks.spawn(self.lane(connect_lane, arrivals.clone(), HELD));
        tasks.spawn(self.lane(command_lane, arrivals, self.patience));
        tasks.spawn(async move {
            while let Some(parcel) = parcels.recv().await {
                let lane = if parcel.lane == Lane::Connect { &connects } else { &commands };
                if lane.send(parcel).await.is_err() {
                    return;
                }
            }
        });
    }

    /// Sends what comes on one lane, a request at a time.
    fn lane(
        &self,
        mut parcels: mpsc::Receiver<Parcel>,
        arrivals: mpsc::Sender<Arrival>,
        most: Duration,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (caller, address) = (self.caller.clone(), self.address.clone());
        async move {
            let mut left_over = None;
            loop {
                let first = match left_over.take() {
                    Some(parcel) => parcel,
                    None => match parcels.recv().await {
                        Some(parcel) => parcel,
                        None => return,
                    },
                };
                let (requests, json) = gather(first, &mut parcels, &mut left_over);
                let arrival = match caller.post(&address, json, most).await {
                    Ok((status, body)) => judge(status, &body, requests),
                    Err(error) => Arrival::Lost(error),
                };
                if arrivals.send(arrival).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The first parcel, and those that wait behind it, as one batch. One that would make it too large is left over
/// for the next: a request that is refused for its size fails as a whole.
fn gather(
    first: Parcel,
    parcels: &mut mpsc::Receiver<Parcel>,
    left_over: &mut Option<Parcel>,
) -> (Vec<u64>, String) {
    let (mut requests, mut json) = (vec![first.number], format!("[{}", first.json));
    while requests.len() < BATCH && json.len() < BATCH_BYTES {
        let Ok(parcel) = parcels.try_recv() else { break };
        if json.len() + parcel.json.len() + ",]".len() > BATCH_BYTES {
            *left_over = Some(parcel);
            break;
        }
        requests.push(parcel.number);
        json.push(',');
        json.push_str(&parcel.json);
    }
    json.push(']');
    (requests, json)
}

/// What an answer means for the wire. A refused request of the caller's own making costs nobody else.
fn judge(status: StatusCode, body: &[u8], requests: Vec<u64>) -> Arrival {
    match read_batch(body) {
        // Other servers answer a batch with other statuses than 200, too.
        Ok(batch) if batch.iter().all(|message| !message.channel.is_empty()) => Arrival::Batch(batch),
        _ if status.is_client_error() && status != StatusCode::NOT_FOUND => {
            Arrival::Unanswered { requests, error: refused(status, body) }
        }
        _ if status.is_success() => {
            Arrival::Lost(Error::Protocol("the answer is no batch of messages".into()))
        }
        _ => Arrival::Lost(refused(status, body)),
    }
}

/// A refusal in the words of the answer, or of its status.
pub(crate) fn refused(status: StatusCode, body: &[u8]) -> Error {
    #[derive(serde::Deserialize)]
    struct Answer {
        error: Words,
    }
    #[derive(serde::Deserialize)]
    struct Words {
        code: String,
        message: String,
    }
    let (name, reason) = match serde_json::from_slice::<Answer>(body) {
        Ok(Answer { error: Words { code, message } }) => (code, message),
        Err(_) => (String::new(), status.canonical_reason().unwrap_or("no reason given").to_owned()),
    };
    Error::Refused { code: status.as_u16(), name, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(number: u64, json: &str) -> Parcel {
        Parcel { lane: Lane::Command, number, json: json.into() }
    }

    #[test]
    fn what_waits_goes_together() {
        let (sender, mut waiting) = mpsc::channel(8);
        sender.try_send(parcel(2, "{\"b\":2}")).unwrap();
        let (requests, json) = gather(parcel(1, "{\"a\":1}"), &mut waiting, &mut None);
        assert_eq!((requests, json.as_str()), (vec![1, 2], "[{\"a\":1},{\"b\":2}]"));
    }

    #[test]
    fn a_large_message_takes_no_other_along() {
        let (sender, mut waiting) = mpsc::channel(8);
        let large = format!("{{\"data\":\"{}\"}}", "x".repeat(BATCH_BYTES));
        for (number, json) in [(2, "{}"), (3, &large), (4, "{}")] {
            sender.try_send(parcel(number, json)).unwrap();
        }
        let mut left_over = None;
        assert_eq!(gather(parcel(1, "{}"), &mut waiting, &mut left_over).0, [1, 2]);
        let large = left_over.take().unwrap();
        assert_eq!(gather(large, &mut waiting, &mut left_over).0, [3]);
        assert!(left_over.is_none() && waiting.try_recv().unwrap().number == 4);
    }

    #[test]
    fn an_error_of_the_request_keeps_the_wire() {
        let body = br#"{"error":{"code":"body_too_large","message":"Too long."}}"#;
        let arrival = judge(StatusCode::PAYLOAD_TOO_LARGE, body, vec![7]);
        let error = Error::Refused { code: 413, name: "body_too_large".into(), reason: "Too long.".into() };
        assert!(
            matches!(arrival, Arrival::Unanswered { requests, error: told } if requests == [7] && told == error)
        );
        assert!(matches!(judge(StatusCode::SERVICE_UNAVAILABLE, b"", vec![7]), Arrival::Lost(_)));
        assert!(matches!(
            judge(StatusCode::NOT_FOUND, b"", vec![7]),
            Arrival::Lost(Error::Refused { code: 404, .. })
        ));
        assert!(matches!(judge(StatusCode::OK, b"<html>", vec![7]), Arrival::Lost(Error::Protocol(_))));
    }

    #[test]
    fn a_batch_counts_whatever_the_status() {
        let body = br#"[{"channel":"/meta/connect","successful":false}]"#;
        assert!(matches!(judge(StatusCode::BAD_REQUEST, body, vec![7]), Arrival::Batch(_)));
    }
}
