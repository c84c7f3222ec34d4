//! Everything over HTTP that is no delivery: the client's files, the API, the program's own pages.
//!
//! The engine hands such connections over whole; hyper serves them here on the control runtime. When a later
//! request on the same connection is for a transport, the connection goes back to its shard (`wire`).

mod body;
pub(crate) mod file;
mod flash;
mod pages;
mod portion;
mod wire;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use comet_engine::{Config, HandedOver, Handle};
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;

use crate::api::Api;
use crate::client_file;

pub use body::{Body, BoxError};
pub(crate) use flash::FlashFiles;
pub(crate) use pages::Pages;
use wire::Wire;

/// What the web side answers.
pub type Response = http::Response<Body>;

/// How long requests in progress get at a graceful stop.
const GRACE: Duration = Duration::from_secs(5);
/// From the first byte of a request head to its last.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Serves the connections that the engine hands over.
pub(crate) struct Web {
    config: Arc<Config>,
    api: Api,
    pages: Option<Pages>,
    flash: FlashFiles,
    draining: AtomicBool,
    in_progress: AtomicUsize,
}

impl Web {
    pub(crate) fn new(config: Config, api: Api, pages: Option<Pages>, flash: FlashFiles) -> Web {
        Web {
            config: Arc::new(config),
            api,
            pages,
            flash,
            draining: AtomicBool::new(false),
            in_progress: AtomicUsize::new(0),
        }
    }

    /// Serves a connection until it ends or has to go back to its shard.
    pub(crate) async fn serve(self: Arc<Self>, connection: HandedOver, handle: Handle) {
        let HandedOver { stream, unread, address, shard, permit } = connection;
        let Ok(stream) = TcpStream::from_std(stream) else { return };
        let write_stall = Duration::from_millis(self.config.limits.write_stall_ms);
        let wire = Wire::new(stream, unread, self.config.clone(), write_stall, permit);
        let service = {
            let (web, wire) = (self.clone(), wire.clone());
            service_fn(move |request| web.clone().answer(request, wire.clone()))
        };
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(32 << 10)
            .half_close(true)
            .serve_connection(wire.clone(), service)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a handed over connection failed");
        }
        if let Some((stream, unread, permit)) = wire.take_back()
            && let Ok(stream) = stream.into_std()
        {
            handle.adopt(HandedOver { stream, unread, address, shard, permit });
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, wire: Wire) -> Result<Response, Infallible> {
        self.in_progress.fetch_add(1, Ordering::AcqRel);
        let progress = InProgress(self.clone());
        let request = wire.begin(request);
        let mut response = self.route(request).await;
        if !self.config.frame_domains.is_empty() {
            // Pages that take another domain have to say so from the first one of their host on.
            response.headers_mut().insert("origin-agent-cluster", HeaderValue::from_static("?0"));
        }
        if self.draining.load(Ordering::Acquire) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(wire.end(response, progress))
    }

    async fn route(&self, request: Request<Body>) -> Response {
        if let Some(response) = client_file::serve(&request) {
            return response;
        }
        let request = match self.flash.serve(request).await {
            Ok(response) => return response,
            Err(request) => request,
        };
        if request.uri().path().starts_with("/api/") {
            return self.api.answer(request).await;
        }
        match &self.pages {
            Some(pages) => pages.answer(request).await,
            None => error(StatusCode::NOT_FOUND, "path_unknown", "There is nothing at this path."),
        }
    }

    /// From here on connections end with their next answer.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Waits, a bounded time, for requests in progress.
    pub(crate) async fn drained(&self) {
        let waiting = async {
            while self.in_progress.load(Ordering::Acquire) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(GRACE, waiting).await;
    }
}

/// Counts a request until its answer has left.
pub(crate) struct InProgress(Arc<Web>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer with a whole body.
pub(crate) fn full(body: impl Into<Bytes>) -> Response {
    http::Response::new(Body::full(body.into()))
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = full(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error in the form of the API.
pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = serde_json::json!({ "error": { "code": code, "message": message } });
    json(status, body.to_string())
}
