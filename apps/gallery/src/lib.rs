//! The gallery: all demo applications on one server, and the page that leads to them.
//!
//! Applications know only Comet; here they are put together, with what their pages share: the look, the line
//! that shows the connection, and the headers that say what a page may do. What an application does is its own
//! business, and so is how the server listens.
#![forbid(unsafe_code)]

use comet::{Builder, Files, Policy, Reply};
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/page"]
struct Page;

/// What a page of the gallery may do: use what its own server gives it, and nothing else. WebSockets of the own
/// host are named by their scheme, because not every browser takes `'self'` to mean them. Frames are a transport.
const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self' ws: wss:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds every application and its page to a server, and the gallery at `/`.
///
/// The pages take the builder's [`http`](Builder::http) for themselves. `/service/gallery/ping` answers at once;
/// pages measure the round trip with it.
pub fn install<P: Policy>(builder: Builder<P>) -> Builder<P> {
    let builder = comet_app_chat::install(builder, comet_app_chat::Limits::default());
    let lab = comet_app_lab::Lab::default();
    let builder = lab.install(builder);
    builder.service("/service/gallery/ping", async |_| Reply::json(&())).http(lab.live(pages(&lab)))
}

fn pages(lab: &comet_app_lab::Lab) -> Files {
    let files = Files::new()
        .folder("/", |name| Page::get(name).map(|file| file.data))
        .header(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY))
        .header(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .header(
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        );
    lab.pages(comet_app_chat::pages(files))
}
