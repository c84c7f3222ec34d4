//! The program's own pages: any tower service behind one type.
//!
//! Its errors become an answer, so that a fault of the pages never costs the connection more than one request.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use tower::ServiceExt;

use super::{Body, BoxError, Response, error};

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A tower service of HTTP requests.
pub(crate) struct Pages(Arc<dyn Fn(Request<Body>) -> Answering + Send + Sync>);

impl Pages {
    pub(crate) fn new<S, B>(service: S) -> Pages
    where
        S: tower_service::Service<Request<Body>, Response = http::Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Pages(Arc::new(move |request| {
            let service = service.clone();
            Box::pin(async move {
                match service.oneshot(request).await {
                    Ok(response) => response.map(Body::wrap),
                    Err(fault) => {
                        let fault: BoxError = fault.into();
                        tracing::error!(%fault, "a page failed");
                        error(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The page failed.")
                    }
                }
            })
        }))
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Response {
        (self.0)(request).await
    }
}
