//! Requests over HTTP: JSON out, a status and bytes back.
//!
//! Used by long polling and by the API; kept-alive connections are hyper's. Every answer is bounded in bytes
//! and time.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::Error;

/// How long connecting may take.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long a connection is kept that nothing is asked of; less than servers keep theirs.
const IDLE_TIME: Duration = Duration::from_secs(20);

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    authorization: Option<String>,
    most_bytes: usize,
}

impl Caller {
    pub(crate) fn new(authorization: Option<String>, most_bytes: usize) -> Caller {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIME));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .build(connector);
        Caller { client, authorization, most_bytes }
    }

    /// Posts JSON and waits for the whole answer.
    pub(crate) async fn post(
        &self,
        address: &str,
        json: String,
        most: Duration,
    ) -> Result<(StatusCode, Bytes), Error> {
        let mut request =
            Request::builder().method(Method::POST).uri(address).header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::from(json)).map_err(|error| Error::Address(error.to_string()))?;
        let asking = async {
            let response = self.client.request(request).await.map_err(|error| {
                let words = innermost(&error);
                if error.is_connect() { Error::Unreachable(words) } else { Error::Lost }
            })?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, self.most_bytes).collect().await.map_err(|error| {
                match error.is::<http_body_util::LengthLimitError>() {
                    true => Error::Protocol(format!("an answer is longer than {} bytes", self.most_bytes)),
                    false => Error::Lost,
                }
            })?;
            Ok((head.status, body.to_bytes()))
        };
        tokio::time::timeout(most, asking).await.unwrap_or(Err(Error::TimedOut))
    }
}

/// The words of the error that began it all.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
