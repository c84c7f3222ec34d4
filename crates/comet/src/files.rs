//! Files that are part of a program, as its pages.
//!
//! A [`Files`] maps paths to folders and folders to whatever finds their files; it is a tower service, made for
//! [`Builder::http`](crate::Builder::http). It reads no disk by itself and keeps no copy.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{HeaderName, HeaderValue, LOCATION};
use http::{Request, StatusCode};

use crate::web::{Body, Response, error, file, full};

type Find = Arc<dyn Fn(&str) -> Option<Cow<'static, [u8]>> + Send + Sync>;

/// Serves files by path. Cheap to clone.
///
/// ```
/// let files = comet::Files::new()
///     .folder("/shop/", |name| (name == "index.html").then(|| b"<!doctype html>".into()))
///     .header(http::header::REFERRER_POLICY, http::HeaderValue::from_static("no-referrer"));
/// let builder = comet::Comet::builder().http(files);
/// ```
#[derive(Clone, Default)]
pub struct Files {
    folders: Vec<(Box<str>, Find)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Files {
    /// No files yet.
    pub fn new() -> Files {
        Files::default()
    }

    /// Adds a folder. `path` begins and ends with a slash; `find` gets what follows it in a request's path, as it
    /// stands there, or `index.html` for the folder itself. A path without the last slash leads to the folder.
    /// Of several folders the one with the longest path is asked.
    ///
    /// `find` decides what exists: it has to look names up among those it knows, not open them.
    #[must_use]
    pub fn folder(
        mut self,
        path: &str,
        find: impl Fn(&str) -> Option<Cow<'static, [u8]>> + Send + Sync + 'static,
    ) -> Files {
        self.folders.push((path.into(), Arc::new(find)));
        self.folders.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        self
    }

    /// Adds a header field to every answer, such as a content security policy.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Files {
        self.headers.push((name, value));
        self
    }

    fn answer(&self, request: &Request<Body>) -> Response {
        let path = request.uri().path();
        let mut response = self.find(request, path).unwrap_or_else(|| self.missing(path));
        for (name, value) in &self.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }

    fn find(&self, request: &Request<Body>, path: &str) -> Option<Response> {
        let (rest, find) =
            self.folders.iter().find_map(|(folder, find)| Some((path.strip_prefix(&**folder)?, find)))?;
        let name = if rest.is_empty() { "index.html" } else { rest };
        Some(file::answer(request, name, find(name)?))
    }

    fn missing(&self, path: &str) -> Response {
        let folder = self.folders.iter().find(|(folder, _)| folder.strip_suffix('/') == Some(path));
        // A folder's own name is known to be a path that fits a field; what a peer wrote might not.
        if let Some(location) = folder.and_then(|(folder, _)| HeaderValue::from_str(folder).ok()) {
            let mut response = full("");
            *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
            response.headers_mut().insert(LOCATION, location);
            return response;
        }
        error(StatusCode::NOT_FOUND, "path_unknown", "There is nothing at this path.")
    }
}

impl tower_service::Service<Request<Body>> for Files {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ready(Ok(self.answer(&request)))
    }
}
