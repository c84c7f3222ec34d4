//! The JavaScript client, as its own source files.
//!
//! They are embedded in the program and served as written, so that a page needs no build step and a debugger
//! shows the code as it is. `/comet.js` is the entry; the modules behind it lie under `/comet/`.

use std::borrow::Cow;

use http::Request;
use rust_embed::RustEmbed;

use crate::web::{Body, Response, file};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../clients/javascript/src"]
struct Source;

const ENTRY: &str = "export * from \"/comet/index.js\";\n";

/// The answer for a path, if it is one of the client's files.
pub(crate) fn serve(request: &Request<Body>) -> Option<Response> {
    let path = request.uri().path();
    if path == "/comet.js" {
        return Some(file::answer(request, path, Cow::Borrowed(ENTRY.as_bytes())));
    }
    let name = path.strip_prefix("/comet/")?;
    let source = Source::get(name)?;
    Some(file::answer(request, name, source.data))
}
