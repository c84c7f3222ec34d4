//! The JavaScript client, as its own source files.
//!
//! They are embedded in the program and served as written, so that a page needs no build step and a debugger
//! shows the code as it is. `/comet.js` is the entry; the modules behind it lie under `/comet/`.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{Request, StatusCode};
use rust_embed::RustEmbed;

use crate::web::{Body, Response, full};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../clients/javascript/src"]
struct Source;

const ENTRY: &str = "export * from \"/comet/index.js\";\n";

/// The answer for a path, if it is one of the client's files.
pub(crate) fn serve(request: &Request<Body>) -> Option<Response> {
    let path = request.uri().path();
    if path == "/comet.js" {
        return Some(script(request, Bytes::from_static(ENTRY.as_bytes()), "\"entry\""));
    }
    let name = path.strip_prefix("/comet/")?;
    let file = Source::get(name)?;
    let hash = file.metadata.sha256_hash();
    let tag = format!(
        "\"{:016x}\"",
        u64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
    );
    Some(script(request, file.data.into_owned().into(), &tag))
}

fn script(request: &Request<Body>, text: Bytes, tag: &str) -> Response {
    let known = request.headers().get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = full(if known { Bytes::new() } else { text });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // The files change with the program: ask each time, and be told that nothing changed.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    response
}
