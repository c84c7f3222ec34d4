//! Requests over HTTP: JSON out, a status and bytes back.
//!
//! Used by long polling, by the API and by probes; kept-alive connections are hyper's. Every answer is bounded in bytes
//! and time, but for one that goes on: how long to wait for more of it is its reader's business.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, REFERER};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

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
        let request =
            Request::builder().method(Method::POST).uri(address).header(CONTENT_TYPE, "application/json");
        self.call(request, json, most).await
    }

    /// Posts a form and waits for the whole answer.
    pub(crate) async fn post_form(
        &self,
        address: &str,
        form: String,
        most: Duration,
    ) -> Result<(StatusCode, Bytes), Error> {
        let media = "application/x-www-form-urlencoded";
        let request = Request::builder().method(Method::POST).uri(address).header(CONTENT_TYPE, media);
        self.call(request, form, most).await
    }

    /// Gets an address as a script element on this page does, and waits for the whole answer.
    pub(crate) async fn get(
        &self,
        address: &str,
        page: &str,
        most: Duration,
    ) -> Result<(StatusCode, Bytes), Error> {
        let request = Request::builder().method(Method::GET).uri(address).header(REFERER, page);
        self.call(request, String::new(), most).await
    }

    /// Opens an answer that goes on, and waits for its head: of a POST with this JSON, or of a GET as a page's.
    pub(crate) async fn open(
        &self,
        address: &str,
        json: Option<String>,
        most: Duration,
    ) -> Result<(StatusCode, Growing), Error> {
        let method = if json.is_some() { Method::POST } else { Method::GET };
        let request = Request::builder().method(method).uri(address).header(CONTENT_TYPE, "application/json");
        let (status, body) = self.head(request, json.unwrap_or_default(), most).await?;
        Ok((status, Growing { body, left: self.most_bytes }))
    }

    async fn call(
        &self,
        request: http::request::Builder,
        body: String,
        most: Duration,
    ) -> Result<(StatusCode, Bytes), Error> {
        let asking = async {
            let (status, body) = self.head(request, body, most).await?;
            let body = Limited::new(body, self.most_bytes).collect().await.map_err(|error| {
                match error.is::<http_body_util::LengthLimitError>() {
                    true => too_long(self.most_bytes),
                    false => Error::Lost,
                }
            })?;
            Ok((status, body.to_bytes()))
        };
        timeout(most, asking).await.unwrap_or(Err(Error::TimedOut))
    }

    async fn head(
        &self,
        mut request: http::request::Builder,
        body: String,
        most: Duration,
    ) -> Result<(StatusCode, Incoming), Error> {
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::from(body)).map_err(|error| Error::Address(error.to_string()))?;
        let answer = timeout(most, self.client.request(request)).await.map_err(|_| Error::TimedOut)?;
        let (head, body) = answer
            .map_err(|error| {
                let words = innermost(&error);
                if error.is_connect() { Error::Unreachable(words) } else { Error::Lost }
            })?
            .into_parts();
        Ok((head.status, body))
    }
}

/// The body of an answer that goes on.
pub(crate) struct Growing {
    body: Incoming,
    left: usize,
}

impl Growing {
    /// The next bytes, whenever they come; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.body.frame().await {
            let Ok(bytes) = frame.map_err(|_| Error::Lost)?.into_data() else { continue };
            self.left = self.left.checked_sub(bytes.len()).ok_or_else(|| too_long(self.left))?;
            return Ok(Some(bytes));
        }
        Ok(None)
    }
}

fn too_long(most_bytes: usize) -> Error {
    Error::Protocol(format!("an answer is longer than {most_bytes} bytes"))
}

/// The words of the error that began it all.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
