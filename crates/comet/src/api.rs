//! The back ends' HTTP API: publishing and asking without a session.
//!
//! Requests are `POST` with JSON, answers are JSON with real status codes, errors are
//! `{"error":{"code":…,"message":…}}` with the codes of the one table. Who may is a key or nobody; what is
//! done with a message is the publisher's and the engine's business.

mod history;
mod presence;

use std::time::Duration;

use bayeux::{Code, NameError, json};
use bytes::Bytes;
use comet_engine::{Accepted, Claim, Handle, Origin, Position, PublishOptions};
use futures_util::future::join_all;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, ORIGIN, REFERER, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::publisher::{PublishError, Publisher};
use crate::web::{Body, Response, error, json};
use crate::{Histories, Rosters};

/// Bytes of a request body.
const BODY_BYTES: usize = 2 << 20;
/// Publications in one batch.
const BATCH: usize = 1_000;
/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Who may use the HTTP API.
#[derive(Clone, Debug, Default)]
pub enum ApiAccess {
    /// Nobody.
    #[default]
    Closed,
    /// Everyone who reaches the port, but no page of another site: for a server that only its own machine can reach.
    Open,
    /// Whoever sends `Authorization: Bearer` with one of these keys.
    Keys(Vec<String>),
}

/// The HTTP API of one server.
pub(crate) struct Api {
    access: ApiAccess,
    handle: Handle,
    publisher: Publisher,
    histories: Histories,
    rosters: Rosters,
}

/// One message to publish.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    channel: String,
    data: Box<RawValue>,
    /// Makes it one and the same when it comes again.
    #[serde(default)]
    key: Option<String>,
    /// Which older message of the channel it stands for, where those give way to newer ones.
    #[serde(default)]
    conflate: Option<String>,
    /// The age at which it expires, in milliseconds.
    #[serde(default)]
    expires_ms: Option<u64>,
}

/// Several messages to publish.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    messages: Vec<Publish>,
}

/// A refusal: the code of the table and words for the caller.
struct Refused(Code, String);

impl Api {
    pub(crate) fn new(access: ApiAccess, handle: Handle) -> Api {
        let (publisher, rosters) = (Publisher::new(handle.clone()), Rosters::new(handle.clone()));
        let histories = Histories::new(handle.clone());
        Api { access, publisher, histories, rosters, handle }
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Response {
        match self.call(request).await {
            Ok(body) => json(StatusCode::OK, body),
            Err(Refused(code, message)) => {
                let status =
                    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = error(status, code.name(), &message);
                if status == StatusCode::SERVICE_UNAVAILABLE {
                    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                }
                response
            }
        }
    }

    async fn call(&self, request: Request<Body>) -> Result<String, Refused> {
        self.admit(&request)?;
        let path = request.uri().path().to_owned();
        if !matches!(
            path.as_str(),
            "/api/publish" | "/api/batch" | "/api/history" | "/api/presence" | "/api/info"
        ) {
            return Err(refused(Code::PathUnknown));
        }
        if request.method() != Method::POST {
            return Err(refused(Code::MethodUnsupported));
        }
        let body = read(request.into_body()).await?;
        match path.as_str() {
            "/api/publish" => {
                let accepted = self.publish(parse(&body)?).await?;
                Ok(published_json(accepted))
            }
            "/api/history" => self.history(parse(&body)?).await,
            "/api/presence" => self.presence(parse(&body)?).await,
            "/api/batch" => self.publish_all(parse(&body)?).await,
            _ => Ok(self.info()),
        }
    }

    /// Whether the caller may use the API at all.
    fn admit(&self, request: &Request<Body>) -> Result<(), Refused> {
        let keys = match &self.access {
            // A browser on this machine reaches what is open to it, and so would the pages of every site.
            ApiAccess::Open if is_foreign_page(request) => return Err(refused(Code::ForbiddenOrigin)),
            ApiAccess::Open => return Ok(()),
            ApiAccess::Closed => {
                return Err(Refused(
                    Code::TokenInvalid,
                    "The HTTP API is closed: no key is configured.".into(),
                ));
            }
            ApiAccess::Keys(keys) => keys,
        };
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        // Every key is looked at to its end, so that the time taken tells nothing of them.
        let known = keys.iter().fold(false, |known, key| known | same(key, given));
        if known { Ok(()) } else { Err(Refused(Code::TokenInvalid, "The key is missing or wrong.".into())) }
    }

    async fn publish(&self, publish: Publish) -> Result<Accepted, Refused> {
        let Publish { channel, data, key, conflate, expires_ms } = publish;
        let options = PublishOptions { key, conflate, expires_ms, ..PublishOptions::default() };
        self.publisher.publish_raw(&channel, data, options).await.map_err(|error| match error {
            PublishError::Refused(code) => refused(code),
            PublishError::Name(_, NameError::Reserved) => Refused(Code::PublishDenied, error.to_string()),
            PublishError::Name(..) => Refused(Code::ChannelInvalid, error.to_string()),
            PublishError::Data(_) => Refused(Code::JsonInvalid, error.to_string()),
            PublishError::Key(_) | PublishError::Expired => Refused(Code::MessageInvalid, error.to_string()),
        })
    }

    /// Publishes in order; every message has its own outcome.
    async fn publish_all(&self, batch: Batch) -> Result<String, Refused> {
        if batch.messages.len() > BATCH {
            return Err(refused(Code::BatchTooLong));
        }
        // All of them are on their way before the first is waited for: a journal keeps them together. No pause may come in
        // between, which the runtime would make after some of them: those behind it go on in another order.
        let published = join_all(batch.messages.into_iter().map(|publish| self.publish(publish)));
        let published = tokio::task::unconstrained(published).await;
        let outcomes: Vec<String> = published
            .into_iter()
            .map(|published| match published {
                Ok(accepted) => published_json(accepted),
                Err(Refused(code, message)) => {
                    serde_json::json!({ "error": { "code": code.name(), "message": message } }).to_string()
                }
            })
            .collect();
        Ok(format!("{{\"results\":[{}]}}", outcomes.join(",")))
    }

    fn info(&self) -> String {
        let counts = self.handle.snapshot();
        serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "shards": self.handle.shards(),
            "connections": self.handle.connections(),
            "sessions": counts.sessions_open,
            "channels": counts.channels,
        })
        .to_string()
    }
}

fn refused(code: Code) -> Refused {
    Refused(code, code.description().into())
}

/// The place of a message, and what it outlives.
fn published_json(accepted: Accepted) -> String {
    let Accepted { position: Position { epoch, offset }, durability } = accepted;
    let durability = durability.name();
    format!(
        "{{\"position\":{{\"epoch\":\"{epoch:x}\",\"offset\":{offset}}},\"durability\":\"{durability}\"}}"
    )
}

/// Whether a browser sends the request for a page of another site.
fn is_foreign_page(request: &Request<Body>) -> bool {
    let field = |name: &HeaderName| request.headers().get(name).map(HeaderValue::as_bytes);
    let claim = Claim {
        host: field(&HOST),
        origin: field(&ORIGIN),
        site: field(&HeaderName::from_static("sec-fetch-site")),
        referer: field(&REFERER),
    };
    claim.judge(&[]) == Origin::Forbidden
}

async fn read(body: Body) -> Result<Bytes, Refused> {
    let reading = tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_BYTES).collect());
    match reading.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(fault)) if fault.is::<http_body_util::LengthLimitError>() => Err(refused(Code::BodyTooLarge)),
        Ok(Err(_)) => Err(refused(Code::RequestInvalid)),
        Err(_) => Err(refused(Code::SlowBody)),
    }
}

fn parse<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, Refused> {
    let text = json::admit(body, &json::BatchLimits::default()).map_err(|fault| refused(fault.code))?;
    serde_json::from_str(&text).map_err(|fault| Refused(Code::JsonInvalid, fault.to_string()))
}

fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
