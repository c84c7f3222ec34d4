//! The internal listener: health and metrics, for operations only.
//!
//! It runs on the control runtime, on an address of its own, and keeps answering while the server drains. It
//! knows nothing but whether the server drains and its counts; whoever reaches it may read both.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use comet::Code;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::metrics::{self, Metrics};

/// Connections at the same time; more wait to be accepted.
const CONNECTIONS: usize = 64;
/// From the first byte of a request head to its last.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// The longest life of a connection.
const CONNECTION_TIME: Duration = Duration::from_secs(300);
/// The rest after a connection could not be accepted.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Whether the server takes new clients.
#[derive(Clone, Default)]
pub(crate) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// It does not any more.
    pub(crate) fn drain(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_draining(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// An address that is bound and not served yet.
pub(crate) struct Bound(StdListener);

/// Binds the address, so that a failure comes before anything runs.
///
/// # Errors
/// When the address cannot be bound.
pub(crate) fn bind(address: SocketAddr) -> io::Result<Bound> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(Bound(listener))
}

impl Bound {
    /// The address, with the port the system chose.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers until the runtime ends.
    ///
    /// # Errors
    /// When the runtime cannot take the listener.
    pub(crate) fn serve(self, readiness: Readiness, metrics: Metrics) -> io::Result<()> {
        let listener = TcpListener::from_std(self.0)?;
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        tokio::spawn(async move {
            while let Ok(permit) = room.clone().acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let (readiness, metrics) = (readiness.clone(), metrics.clone());
                        tokio::spawn(async move {
                            let serving = serve_connection(stream, readiness, metrics);
                            let _ = tokio::time::timeout(CONNECTION_TIME, serving).await;
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the internal listener cannot accept");
                        tokio::time::sleep(ACCEPT_REST).await;
                    }
                }
            }
        });
        Ok(())
    }
}

async fn serve_connection(stream: TcpStream, readiness: Readiness, metrics: Metrics) {
    let service = service_fn(|request| {
        let answer = answer(&request, &readiness, &metrics);
        async { Ok::<_, Infallible>(answer) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(16 << 10)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of the internal listener failed");
    }
}

fn answer(request: &Request<Incoming>, readiness: &Readiness, metrics: &Metrics) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refusal(Code::MethodUnsupported);
    }
    match request.uri().path() {
        "/live" => json(StatusCode::OK, serde_json::json!({ "live": true })),
        "/health" | "/ready" if readiness.is_draining() => not_ready(Code::Draining),
        "/health" | "/ready" if metrics.has_journal_failed() => not_ready(Code::JournalUnavailable),
        "/health" | "/ready" => json(StatusCode::OK, serde_json::json!({ "ready": true })),
        "/metrics" => match metrics.page() {
            Ok(page) => typed(StatusCode::OK, metrics::CONTENT_TYPE, page),
            Err(_) => refusal(Code::Internal),
        },
        _ => refusal(Code::PathUnknown),
    }
}

fn not_ready(code: Code) -> Response<Full<Bytes>> {
    let reason = serde_json::json!({ "code": code.name(), "message": code.description() });
    json(StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({ "ready": false, "reason": reason }))
}

fn refusal(code: Code) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, serde_json::json!({ "error": { "code": code.name(), "message": code.description() } }))
}

fn json(status: StatusCode, body: serde_json::Value) -> Response<Full<Bytes>> {
    typed(status, "application/json", body.to_string())
}

fn typed(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
