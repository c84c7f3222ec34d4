//! A connection that hyper serves and that can go back to its shard between two requests.
//!
//! Before a request reaches hyper its target is looked at; when it is for a transport, hyper is told that the
//! connection has ended and the stream, with what was read, is taken back. Hyper gets the bytes of one request
//! at a time, and whether that was read and answered to its end is followed here, so that a body is never
//! taken for a request.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use comet_engine::{Config, Permit};
use http::header::{CONNECTION, HeaderValue};
use http::{Request, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::portion::Portion;
use super::{Body, BoxError, InProgress, Response};

/// What one read takes.
const READ_BYTES: usize = 8 << 10;
/// A request line that is longer is hyper's to refuse.
const LINE_BYTES: usize = 8 << 10;

/// A connection shared between hyper and whoever takes it back.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Mutex<Inner>>);

struct Inner {
    stream: Option<TcpStream>,
    unread: Vec<u8>,
    config: Arc<Config>,
    phase: Phase,
    /// What hyper may read of the request in progress.
    portion: Portion,
    /// Hyper, when it wants to read more than that.
    waiting: Option<Waker>,
    /// The body of the request in progress was read to its end.
    body_read: bool,
    /// Runs while the peer takes nothing of what is written.
    stall: Option<Pin<Box<Sleep>>>,
    /// How long that may last.
    patience: Duration,
    /// Keeps the connection counted as long as it is open, also when a page has changed its protocol.
    permit: Option<Permit>,
}

#[derive(PartialEq, Eq)]
enum Phase {
    /// No request has begun.
    Between,
    /// Bytes belong to a request that hyper serves.
    Inside,
    /// The next request is for a transport.
    Leaving,
    /// The connection has changed its protocol and is the page's to its end.
    Upgraded,
}

impl Wire {
    pub(crate) fn new(
        stream: TcpStream,
        unread: Vec<u8>,
        config: Arc<Config>,
        patience: Duration,
        permit: Permit,
    ) -> Wire {
        let inner = Inner {
            stream: Some(stream),
            unread,
            config,
            phase: Phase::Between,
            portion: Portion::head(),
            waiting: None,
            body_read: true,
            stall: None,
            patience,
            permit: Some(permit),
        };
        Wire(Arc::new(Mutex::new(inner)))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has begun: its body is followed to its end.
    pub(crate) fn begin(&self, request: Request<Incoming>) -> Request<Body> {
        let ended = request.body().is_end_stream();
        let portion = if ended { Some(0) } else { request.body().size_hint().exact() };
        let mut inner = self.lock();
        inner.body_read = ended;
        inner.allow(portion.map_or(Portion::All, Portion::Bytes));
        drop(inner);
        let wire = self.clone();
        request.map(|body| if ended { Body::empty() } else { Body::wrap(Followed { body, wire }) })
    }

    /// Its answer is made: when that has left, the next request may be looked at.
    pub(crate) fn end(&self, mut response: Response, progress: InProgress) -> Response {
        let mut inner = self.lock();
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            inner.phase = Phase::Upgraded;
            inner.allow(Portion::All);
        } else if !inner.body_read || inner.portion == Portion::All {
            // Nobody can tell where such a body ends, or how much hyper has read behind it.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        drop(inner);
        let done = Done { wire: self.clone(), _progress: progress };
        response.map(|body| Body::wrap(Last { body, _done: done }))
    }

    /// The stream, its permit and what was read of the next request, when that is for a transport.
    pub(crate) fn take_back(&self) -> Option<(TcpStream, Vec<u8>, Permit)> {
        let mut inner = self.lock();
        if inner.phase != Phase::Leaving {
            return None;
        }
        let unread = std::mem::take(&mut inner.unread);
        Some((inner.stream.take()?, unread, inner.permit.take()?))
    }
}

impl Inner {
    /// Lets hyper read this, and tells it so.
    fn allow(&mut self, portion: Portion) {
        self.portion = portion;
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    /// Reads more of what comes before hyper may see it; false at the end of the stream.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(false)) };
        let mut bytes = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(stream).poll_read(context, &mut buffer))?;
        self.unread.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(!buffer.filled().is_empty()))
    }

    /// Whether the request at the start of `unread` is for a transport; `None` when too little of it is there.
    fn is_delivery(&self) -> Option<bool> {
        let Some(start) = self.unread.iter().position(|byte| !matches!(byte, b'\r' | b'\n')) else {
            return if self.unread.len() > LINE_BYTES { Some(false) } else { None };
        };
        let line = &self.unread[start..];
        let target = line.iter().position(|byte| *byte == b' ').map(|at| &line[at + 1..]);
        let target = match target {
            None if line.len() > 16 => return Some(false),
            None => return None,
            Some(target) => target,
        };
        let Some(end) = target.iter().position(|byte| matches!(byte, b' ' | b'?' | b'\r' | b'\n')) else {
            return if target.len() > LINE_BYTES { Some(false) } else { None };
        };
        let Ok(path) = std::str::from_utf8(&target[..end]) else { return Some(false) };
        Some(self.config.serves(path))
    }
}

impl Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        while inner.phase == Phase::Between {
            match inner.is_delivery() {
                Some(true) => inner.phase = Phase::Leaving,
                Some(false) => {
                    inner.phase = Phase::Inside;
                    inner.portion = Portion::head();
                }
                None => {
                    if !ready!(inner.poll_fill(context))? {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
        if inner.phase == Phase::Leaving {
            return Poll::Ready(Ok(()));
        }
        if inner.portion == Portion::Bytes(0) {
            // The next request is nobody's yet.
            inner.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        if inner.unread.is_empty() && !ready!(inner.poll_fill(context))? {
            return Poll::Ready(Ok(()));
        }
        let Inner { unread, portion, .. } = &mut *inner;
        let taken = portion.take(&unread[..unread.len().min(buffer.remaining())]);
        buffer.put_slice(&inner.unread[..taken]);
        inner.unread.drain(..taken);
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Inner { stream, stall, patience, .. } = &mut *self.lock();
        let Some(stream) = stream else { return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) };
        let written = Pin::new(stream).poll_write(context, bytes);
        if written.is_ready() {
            *stall = None;
            return written;
        }
        // A peer that reads nothing would hold the connection, and what it asked for, as long as it likes.
        let stall = stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(*patience)));
        stall.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.lock().stream {
            Some(stream) => Pin::new(stream).poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        if inner.phase == Phase::Leaving {
            // The connection goes on elsewhere.
            return Poll::Ready(Ok(()));
        }
        match &mut inner.stream {
            Some(stream) => Pin::new(stream).poll_shutdown(context),
            None => Poll::Ready(Ok(())),
        }
    }
}

/// A request body that notes when it was read to its end.
struct Followed {
    body: Incoming,
    wire: Wire,
}

impl http_body::Body for Followed {
    type Data = bytes::Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.wire.lock().body_read = true;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response body whose end is the end of its request.
struct Last {
    body: Body,
    _done: Done,
}

struct Done {
    wire: Wire,
    _progress: InProgress,
}

impl Drop for Done {
    fn drop(&mut self) {
        let mut inner = self.wire.lock();
        if inner.phase == Phase::Inside && inner.body_read {
            inner.phase = Phase::Between;
            inner.allow(Portion::head());
        }
    }
}

impl http_body::Body for Last {
    type Data = bytes::Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
