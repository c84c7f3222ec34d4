//! Request and response bodies of the web side.
//!
//! One type for both directions, so that any tower service fits: bytes that are there, or a stream of them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

/// Any error, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body of a request or a response.
pub struct Body(UnsyncBoxBody<Bytes, BoxError>);

impl Body {
    /// A body that is all there.
    pub fn full(bytes: impl Into<Bytes>) -> Body {
        Body(Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync())
    }

    /// A body without a byte.
    pub fn empty() -> Body {
        Body::full(Bytes::new())
    }

    /// Any other body.
    pub fn wrap<B>(body: B) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Body(body.map_err(Into::into).boxed_unsync())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
