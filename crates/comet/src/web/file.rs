//! One file as the answer to a request.
//!
//! What kind of content a name stands for, and what caches may do with it, is decided here. Which file belongs
//! to a path is not: the client's own files and the program's pages both come here with what they found.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, StatusCode};

use super::{Body, Response, error, full};

/// The answer that carries the file `name`, or says that the caller has it already.
pub(crate) fn answer(request: &Request<Body>, name: &str, data: Cow<'static, [u8]>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response =
            error(StatusCode::METHOD_NOT_ALLOWED, "method_unsupported", "A file can only be read.");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let tag = tag_of(&data);
    let known = request.headers().get(IF_NONE_MATCH).is_some_and(|known| names(known, &tag));
    let mut response = full(match data {
        _ if known => Bytes::new(),
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // The files change with the program: ask each time, and be told that nothing changed.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// A tag that changes with the content and is the same in every process of one program.
fn tag_of(data: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(data);
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether an `If-None-Match` field names the tag. A proxy may have made it weak.
fn names(field: &HeaderValue, tag: &str) -> bool {
    let Ok(field) = field.to_str() else { return false };
    field.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "ico" => "image/x-icon",
        "jpg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "swf" => "application/x-shockwave-flash",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
